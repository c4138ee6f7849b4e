//! The whole way of a packet: pop, parse, filter, fee, score, duplicate check, queue; and the transmission of the best.

use view2::transaction_view::{SanitizedTransactionView, TransactionView};
use xxhash_rust::const_xxh3::const_custom_default_secret;
use xxhash_rust::xxh3::xxh3_64_with_secret;

use crate::lru::{Lru, Put};
use crate::model::Model;
use crate::packet::{Packet, PAYLOAD_MAX};
use crate::queue::{Queue, Scored};
use crate::ring::Ring;
use crate::ticks;

pub const SEED: u64 = 420;
pub const TABLE_CAPACITY: usize = 16_384;

/// ComputeBudget111111111111111111111111111111
pub const COMPUTE_BUDGET: [u8; 32] = [
    3, 6, 70, 111, 229, 33, 23, 50, 255, 236, 173, 186, 114, 195, 155, 231, 188, 140, 229, 187, 197, 247, 18, 107, 44,
    67, 155, 58, 64, 0, 0, 0,
];

/// Held as the sidecar holds it, and never read here: its size is what costs.
#[derive(Clone)]
#[allow(dead_code)]
pub struct PartialMeta {
    pub ip: u32,
    pub signer: [u8; 32],
    pub total_fee: u64,
    pub cus: u32,
}

#[derive(Default)]
pub struct Counts {
    pub total: u64,
    pub not_ipv4: u64,
    pub invalid: u64,
    pub failed_view: u64,
    pub failed_sanitize: u64,
    pub recently_processed: u64,
    pub duplicates: u64,
    pub zero_score: u64,
    pub leaked: u64,
    pub sent: u64,
    pub hash_fold: u64,
    pub score_fold: u64,
}

pub struct Pipeline {
    pub secret: [u8; 192],
    pub model: Model<TABLE_CAPACITY>,
    pub metas: Lru<PartialMeta>,
    pub recent: Lru<()>,
    pub queue: Queue,
    pub counts: Counts,
    last_send: u64,
}

/// Byte j is the XOR of signature bytes 8j to 8j + 7.
pub fn signature_key(signature: &[u8]) -> u64 {
    let mut key = [0; 8];
    for (byte, part) in key.iter_mut().zip(signature.chunks_exact(8)) {
        *byte = part.iter().fold(0, |x, b| x ^ b);
    }
    u64::from_le_bytes(key)
}

/// Hash of the payload, its size and the sender's octets, gathered into one buffer first.
pub fn packet_hash(secret: &[u8; 192], packet: &Packet) -> u64 {
    let mut image = [0u8; PAYLOAD_MAX + 12];
    let size = packet.size().min(PAYLOAD_MAX);
    image[..size].copy_from_slice(&packet.0[..size]);
    image[size..size + 8].copy_from_slice(&(size as u64).to_le_bytes());
    image[size + 8..size + 12].copy_from_slice(&packet.octets());
    xxh3_64_with_secret(&image[..size + 12], secret)
}

/// The reference's fee rule: total fee and requested compute units.
pub fn reference_fee(view: &SanitizedTransactionView<&[u8]>) -> (u64, u32) {
    let keys = view.static_account_keys();
    let (mut limit, mut price) = (None, None);
    for instruction in view.instructions_iter().take(8) {
        let program = keys.get(usize::from(instruction.program_id_index));
        if program.is_none_or(|key| key.as_ref() != COMPUTE_BUDGET) {
            continue;
        }
        match (instruction.data.len(), instruction.data.first()) {
            (5, Some(2)) if limit.is_none() => {
                limit = Some(u32::from_le_bytes(instruction.data[1..5].try_into().unwrap()));
            }
            (9, Some(3)) if price.is_none() => {
                price = Some(u64::from_le_bytes(instruction.data[1..9].try_into().unwrap()));
            }
            _ => {}
        }
    }
    let limit = limit.unwrap_or(200_000);
    let priority = u128::from(limit) * u128::from(price.unwrap_or(0)) / 1_000_000;
    let base = 5000 * view.signatures().len() as u64;
    (base.wrapping_add(priority.min(u128::from(u64::MAX)) as u64), limit)
}

impl Pipeline {
    pub fn new() -> Self {
        Self {
            secret: const_custom_default_secret(SEED),
            model: Model::new(),
            metas: Lru::new(),
            recent: Lru::new(),
            queue: Queue::new(),
            counts: Counts::default(),
            last_send: ticks::now(),
        }
    }

    /// One packet, taken by value as the copying pop gives it.
    #[inline]
    pub fn take(&mut self, packet: Packet) {
        self.counts.total += 1;
        if !packet.is_ipv4() {
            self.counts.not_ipv4 += 1;
            return;
        }
        let size = packet.size();
        if size > PAYLOAD_MAX || packet.is_discarded() {
            self.counts.invalid += 1;
            return;
        }
        let ip = u32::from_le_bytes(packet.octets());
        let Ok(view) = TransactionView::try_new_unsanitized(&packet.0[..size]) else {
            self.model.ips.feedback(&u64::from(ip));
            self.counts.failed_view += 1;
            return;
        };
        let Ok(view) = view.sanitize() else {
            self.counts.failed_sanitize += 1;
            return;
        };
        let key = signature_key(view.signatures()[0].as_ref());
        if self.recent.contains(key) {
            self.counts.recently_processed += 1;
            return;
        }
        let signer: [u8; 32] = view.static_account_keys()[0].to_bytes();
        let (total_fee, cus) = reference_fee(&view);
        let score = self.model.score(ip, &signer) * (total_fee as f64 / f64::from(cus.max(1)));
        let hash = packet_hash(&self.secret, &packet);
        self.counts.hash_fold ^= hash;
        if let Put::Duplicate = self.metas.put(hash, PartialMeta { ip, signer, total_fee, cus }) {
            self.counts.duplicates += 1;
            return;
        }
        self.counts.score_fold = self.counts.score_fold.wrapping_add(score.to_bits());
        if score == 0.0 {
            self.counts.zero_score += 1;
        }
        let left = self.queue.push(Scored { score: score.into(), signature_key: key, packet, ip });
        self.counts.leaked += u64::from(left);
    }

    /// Takes what lies in the ring, at most 1000 at a time, as the loop does, and looks at the clock after each packet.
    pub fn drain(&mut self, ring: &mut Ring) {
        loop {
            let mut taken = 0;
            while taken < 1000 {
                let Some(packet) = ring.consumer.pop() else { break };
                self.take(packet);
                self.is_time_to_send();
                taken += 1;
            }
            ring.consumer.beat();
            ring.producer.beat();
            if taken < 1000 {
                return;
            }
        }
    }

    fn is_time_to_send(&mut self) -> bool {
        let now = ticks::now();
        // Never true in a measured round; the optimizer cannot know.
        now.wrapping_sub(self.last_send) > u64::MAX / 2
    }

    /// Sends all of the queue, best first, but for what was confirmed meanwhile.
    pub fn transmit(&mut self, output: &mut Ring) -> u64 {
        let mut sent = 0;
        while let Some(scored) = self.queue.pop_best() {
            if self.recent.contains(scored.signature_key) {
                continue;
            }
            output.producer.push(&scored.packet);
            sent += 1;
        }
        output.producer.sync();
        self.last_send = ticks::now();
        self.counts.sent += sent;
        sent
    }
}
