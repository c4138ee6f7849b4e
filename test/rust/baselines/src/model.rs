//! The model of senders: for IPs and for fee payers a red-black tree of scores and its inverse, ordered by score, whose root
//! passes for the median.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bytemuck::{Pod, Zeroable};
use ordered_float::OrderedFloat;
use sokoban::{FromSlice, NodeAllocatorMap, RedBlackTree};

type Score = OrderedFloat<f64>;

pub trait Key: Copy + Ord + Default + Debug + Pod {}
impl Key for u64 {}
impl Key for [u8; 32] {}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(C)]
struct ByScore<K> {
    score: Score,
    key: K,
}

// SAFETY: a float and a key, both multiples of 8 bytes, without padding.
unsafe impl<K: Key> Zeroable for ByScore<K> {}
unsafe impl<K: Key> Pod for ByScore<K> {}

/// A tree lives in zeroed memory of its own: it is too large for the stack.
struct InMemory<T>(*mut T);

impl<T: FromSlice> InMemory<T> {
    fn new() -> Self {
        let words = vec![0u64; std::mem::size_of::<T>().div_ceil(8)].leak();
        Self(T::new_from_slice(bytemuck::cast_slice_mut(words)))
    }
}

impl<T> std::ops::Deref for InMemory<T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: leaked, so it lives for ever, and nobody else knows the address.
        unsafe { &*self.0 }
    }
}

impl<T> std::ops::DerefMut for InMemory<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { &mut *self.0 }
    }
}

pub struct Table<K: Key, const N: usize> {
    scores: InMemory<RedBlackTree<K, Score, N>>,
    inverse: InMemory<RedBlackTree<ByScore<K>, (), N>>,
}

impl<K: Key, const N: usize> Table<K, N> {
    pub fn new() -> Self {
        Self { scores: InMemory::new(), inverse: InMemory::new() }
    }

    pub fn insert(&mut self, key: K, score: f64) {
        let score = OrderedFloat(score);
        self.scores.insert(key, score);
        self.inverse.insert(ByScore { score, key }, ());
    }

    pub fn len(&self) -> usize {
        self.scores.len()
    }

    pub fn score(&self, key: &K) -> f64 {
        match self.scores.get(key) {
            Some(score) => score.0,
            None => self.median(),
        }
    }

    fn median(&self) -> f64 {
        if self.inverse.is_empty() {
            1.0
        } else {
            self.inverse.get_node(self.inverse.root).key.score.0
        }
    }

    pub fn feedback(&mut self, key: &K) {
        if let Some(score) = self.scores.get_mut(key) {
            let old = *score;
            score.0 *= 0.01;
            let fresh = *score;
            self.inverse.remove(&ByScore { score: old, key: *key });
            self.inverse.insert(ByScore { score: fresh, key: *key }, ());
        }
    }

    /// Learns from a batch of (key, value), then prunes to `limit` from the middle.
    pub fn update(&mut self, batch: impl Iterator<Item = (K, f64)>, limit: usize) {
        let mut sums = BTreeMap::<K, (f64, u32)>::new();
        for (key, value) in batch {
            let entry = sums.entry(key).or_default();
            entry.0 += value;
            entry.1 += 1;
        }
        let median = self.median();
        for (&key, score) in self.scores.iter_mut() {
            let fresh = match sums.remove(&key) {
                Some((sum, count)) if count >= 5 => sum / f64::from(count),
                _ => median,
            };
            let next = OrderedFloat(score.0 * 0.95 + fresh * 0.05);
            self.inverse.remove(&ByScore { score: *score, key });
            self.inverse.insert(ByScore { score: next, key }, ());
            *score = next;
        }
        for (key, (sum, count)) in sums {
            if count >= 5 {
                self.insert(key, sum / f64::from(count));
            }
        }
        for _ in limit..self.inverse.len() {
            if let Some(root) = self.inverse.remove_root() {
                self.scores.remove(&root.key.key);
            }
        }
    }

    /// Order-free fingerprint of all scores.
    pub fn fingerprint(&self) -> u64 {
        self.scores.iter().fold(0u64, |sum, (_, score)| sum.wrapping_add(score.0.to_bits()))
    }
}

pub struct Model<const N: usize> {
    /// Keyed by the octets as a little-endian u32, widened: the tree wants keys of 8 bytes.
    pub ips: Table<u64, N>,
    pub signers: Table<[u8; 32], N>,
}

impl<const N: usize> Model<N> {
    pub fn new() -> Self {
        Self { ips: Table::new(), signers: Table::new() }
    }

    pub fn score(&self, ip: u32, signer: &[u8; 32]) -> f64 {
        self.ips.score(&u64::from(ip)) * self.signers.score(signer)
    }
}
