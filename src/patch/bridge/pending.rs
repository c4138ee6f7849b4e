//! Transactions that passed the signature check and were not committed yet: the packet hash of each, by its first signature.
//! Bounded: where too many wait, the oldest is forgotten, and no outcome is told of it.

use {
    super::packet::Signature,
    std::{
        collections::{HashMap, HashSet, VecDeque},
        time::{Duration, Instant},
    },
};

/// 20 seconds of 13,000 a second.
pub const PENDING_MAX: usize = 262_144;
const RECENT_MAX: usize = 262_144;

struct Entry {
    packet_hash: u64,
    at: Instant,
    /// Whether this validator could have included it, as far as is known by now.
    could_include: bool,
}

pub struct Pending {
    entries: HashMap<Signature, Entry>,
    /// In the order of their arrival. Those that were committed stay until their time is over.
    order: VecDeque<(Instant, Signature)>,
    /// What was committed of late, in a short form: what comes after it can never be included.
    recent: HashSet<u64>,
    recent_order: VecDeque<u64>,
    /// When the validator last dropped transactions for want of room.
    dropped_at: Option<Instant>,
    not_included_after: Duration,
    pending_max: usize,
}

impl Pending {
    pub fn new(not_included_after: Duration, pending_max: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            recent: HashSet::new(),
            recent_order: VecDeque::new(),
            dropped_at: None,
            not_included_after,
            pending_max,
        }
    }

    /// A transaction passed the signature check. Where one of this signature waits already, the first stays.
    pub fn passed(&mut self, signature: Signature, packet_hash: u64, now: Instant, can_include: bool) {
        if self.recent.contains(&short(&signature)) || self.entries.contains_key(&signature) {
            return;
        }
        while self.order.len() >= self.pending_max {
            if let Some((at, oldest)) = self.order.pop_front() {
                self.take(&oldest, at);
            }
        }
        let entry = Entry { packet_hash, at: now, could_include: can_include };
        self.entries.insert(signature, entry);
        self.order.push_back((now, signature));
    }

    /// A transaction was committed. Returns the packet hash, where its packet passed here.
    pub fn committed(&mut self, signature: &Signature) -> Option<u64> {
        let key = short(signature);
        if self.recent.insert(key) {
            self.recent_order.push_back(key);
            if self.recent_order.len() > RECENT_MAX {
                if let Some(oldest) = self.recent_order.pop_front() {
                    self.recent.remove(&oldest);
                }
            }
        }
        self.entries.remove(signature).map(|entry| entry.packet_hash)
    }

    /// The validator's leader window has closed: what came in within `margin` before had too little time.
    pub fn window_closed(&mut self, now: Instant, margin: Duration) {
        for (at, signature) in self.order.iter().rev() {
            if now.saturating_duration_since(*at) > margin {
                break;
            }
            if let Some(entry) = self.entries.get_mut(signature) {
                entry.could_include = false;
            }
        }
    }

    /// The validator dropped transactions for want of room. Which ones is not known, so all that wait may be among them.
    pub fn dropped(&mut self, at: Instant) {
        self.dropped_at = Some(at);
    }

    /// The next packet hash whose transaction was not included in time, though it could have been.
    pub fn next_not_included(&mut self, now: Instant) -> Option<u64> {
        while let Some((at, _)) = self.order.front() {
            if now.saturating_duration_since(*at) < self.not_included_after {
                return None;
            }
            let (at, signature) = self.order.pop_front()?;
            let Some(entry) = self.take(&signature, at) else { continue };
            if entry.could_include && self.dropped_at.map_or(true, |dropped| dropped < entry.at) {
                return Some(entry.packet_hash);
            }
        }
        None
    }

    /// Removes an entry, but not a later one of the same signature.
    fn take(&mut self, signature: &Signature, at: Instant) -> Option<Entry> {
        if self.entries.get(signature)?.at != at {
            return None;
        }
        self.entries.remove(signature)
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

fn short(signature: &Signature) -> u64 {
    signature.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
