//! The priority queue: a min-max heap of whole packets. A push that fills it drops the lowest score.

use std::cmp::Ordering;

use min_max_heap::MinMaxHeap;
use ordered_float::OrderedFloat;

use crate::packet::Packet;

pub const CAPACITY: usize = 16_384;

pub struct Scored {
    pub score: OrderedFloat<f64>,
    pub signature_key: u64,
    pub packet: Packet,
    /// Held as the sidecar holds it, never read here.
    #[allow(dead_code)]
    pub ip: u32,
}

impl PartialEq for Scored {
    fn eq(&self, other: &Self) -> bool {
        self.score == other.score
    }
}
impl Eq for Scored {}
impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scored {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.cmp(&other.score)
    }
}

pub struct Queue(MinMaxHeap<Scored>);

impl Queue {
    pub fn new() -> Self {
        Self(MinMaxHeap::with_capacity(CAPACITY))
    }

    /// Whether one left.
    pub fn push(&mut self, scored: Scored) -> bool {
        self.0.push(scored);
        self.0.len() == CAPACITY && self.0.pop_min().is_some()
    }

    pub fn pop_best(&mut self) -> Option<Scored> {
        self.0.pop_max()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}
