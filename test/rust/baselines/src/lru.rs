//! A least-recently-used store: nodes in an array, linked in order of use, found through a hash map with identity hash.

use std::collections::HashMap;

use nohash_hasher::BuildNoHashHasher;

pub const CAPACITY: usize = 1_048_576;
const NONE: usize = usize::MAX;

struct Node<V> {
    key: u64,
    value: V,
    newer: usize,
    older: usize,
}

pub struct Lru<V> {
    nodes: Vec<Node<V>>,
    map: HashMap<u64, usize, BuildNoHashHasher<u64>>,
    free: Vec<usize>,
    newest: usize,
    oldest: usize,
}

pub enum Put {
    Fresh,
    Evicted,
    Duplicate,
}

impl<V> Lru<V> {
    pub fn new() -> Self {
        Self {
            nodes: Vec::with_capacity(CAPACITY),
            map: HashMap::with_capacity_and_hasher(CAPACITY, BuildNoHashHasher::default()),
            free: Vec::with_capacity(CAPACITY),
            newest: NONE,
            oldest: NONE,
        }
    }

    pub fn contains(&self, key: u64) -> bool {
        self.map.contains_key(&key)
    }

    pub fn get(&mut self, key: u64) -> Option<&V> {
        let &index = self.map.get(&key)?;
        self.refresh(index);
        Some(&self.nodes[index].value)
    }

    pub fn put(&mut self, key: u64, value: V) -> Put {
        if let Some(&index) = self.map.get(&key) {
            self.nodes[index].value = value;
            self.refresh(index);
            return Put::Duplicate;
        }
        let full = self.map.len() == CAPACITY;
        let node = Node { key, value, newer: NONE, older: self.newest };
        let index = if full {
            let index = self.oldest;
            self.map.remove(&self.nodes[index].key);
            self.unlink(index);
            // A one-entry store is never made: there is an older node to link to, unless it was just unlinked.
            self.nodes[index] = Node { older: self.newest, ..node };
            index
        } else if let Some(index) = self.free.pop() {
            self.nodes[index] = node;
            index
        } else {
            self.nodes.push(node);
            self.nodes.len() - 1
        };
        self.link_newest(index);
        self.map.insert(key, index);
        if full {
            Put::Evicted
        } else {
            Put::Fresh
        }
    }

    pub fn remove(&mut self, key: u64) -> bool {
        let Some(index) = self.map.remove(&key) else { return false };
        self.unlink(index);
        self.free.push(index);
        true
    }

    fn refresh(&mut self, index: usize) {
        if index != self.newest {
            self.unlink(index);
            self.nodes[index].older = self.newest;
            self.link_newest(index);
        }
    }

    fn unlink(&mut self, index: usize) {
        let (newer, older) = (self.nodes[index].newer, self.nodes[index].older);
        match newer {
            NONE => self.newest = older,
            _ => self.nodes[newer].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            _ => self.nodes[older].newer = newer,
        }
    }

    fn link_newest(&mut self, index: usize) {
        self.nodes[index].newer = NONE;
        match self.newest {
            NONE => self.oldest = index,
            newest => self.nodes[newest].newer = index,
        }
        self.newest = index;
    }
}
