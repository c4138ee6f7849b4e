//! The commands and what they measure. An answer: `operations`, `nanos` of the thread's CPU time for all of them, `checksum` as 16 hex digits.
//!
//!   pipeline ROUNDS [EMPTY_EVERY]   ring filled untimed, then taken; the queue is emptied (timed) every so many packets
//!   push ROUNDS | pop ROUNDS        channel of 1264-byte elements; pop reads every payload word
//!   hash LENGTH COUNT               xxhash-rust with the secret
//!   parse COUNT | fee COUNT         agave-transaction-view 2.1, sanity rules included; the fee rule on parsed packets
//!   lru hit|miss|evict COUNT        on a full store
//!   recent miss COUNT
//!   queue-offer COUNT [EMPTY_EVERY] random scores; queue-drain: 16,383 in order; transmit: the same into a channel
//!   model ENTRIES score COUNT | model ENTRIES update COUNT | model ENTRIES prune COUNT (80 + 80 senders enter, as many leave)
//!   rss                             resident bytes of the process, as operations

use std::hint::black_box;

use view2::transaction_view::TransactionView;
use xxhash_rust::xxh3::xxh3_64_with_secret;

use crate::clock::thread_nanos;
use crate::lru::{Lru, Put, CAPACITY};
use crate::mix::{first_score, salt, SplitMix64};
use crate::model::Model;
use crate::packet::{Packet, PAYLOAD_MAX};
use crate::pipeline::{reference_fee, PartialMeta, Pipeline, TABLE_CAPACITY};
use crate::queue::{self, Scored};
use crate::ring::{Ring, ROUND};

const METAS_SEED: u64 = 1;
const RECENT_SEED: u64 = 2;
const SCORES_SEED: u64 = 3;
const ABSENT_SEED: u64 = 4;
/// Completed transactions in one model update.
const BATCH: usize = 401;
/// New senders in a batch of the prune.
const NEWCOMERS: u64 = 80;

pub struct Measured {
    operations: u64,
    nanos: u128,
    checksum: u64,
    more: String,
}

impl Measured {
    pub fn to_json(&self, part: &str) -> String {
        format!(
            "{{\"part\":\"{part}\",\"operations\":{},\"nanos\":{},\"checksum\":\"{:016x}\"{}}}",
            self.operations, self.nanos, self.checksum, self.more
        )
    }
}

fn measure(operations: u64, work: impl FnOnce() -> u64) -> Measured {
    let start = thread_nanos();
    let checksum = black_box(work());
    Measured { operations, nanos: thread_nanos() - start, checksum, more: String::new() }
}

/// Senders of the packets first, then made-up ones, until a table holds `entries`.
fn fill_tables<const N: usize>(model: &mut Model<N>, packets: &[Packet], entries: usize) -> (Vec<u32>, Vec<[u8; 32]>) {
    let (mut ips, mut signers) = (Vec::new(), Vec::new());
    let mut seen_ips = std::collections::HashSet::new();
    let mut seen_signers = std::collections::HashSet::new();
    for packet in packets {
        let octets = packet.octets();
        if ips.len() < entries && seen_ips.insert(octets) {
            ips.push(octets);
        }
        let size = packet.size().min(PAYLOAD_MAX);
        if let Ok(view) = TransactionView::try_new_unsanitized(&packet.0[..size]) {
            let signer = view.static_account_keys()[0].to_bytes();
            if signers.len() < entries && seen_signers.insert(signer) {
                signers.push(signer);
            }
        }
    }
    for i in 0.. {
        if ips.len() >= entries && signers.len() >= entries {
            break;
        }
        let [_, a, b, c] = (i as u32).to_be_bytes();
        if ips.len() < entries && seen_ips.insert([11, a, b, c]) {
            ips.push([11, a, b, c]);
        }
        let mut mix = SplitMix64(0x5EED_0000_0000_0000 + i);
        let mut signer = [0; 32];
        signer.chunks_exact_mut(8).for_each(|part| part.copy_from_slice(&mix.next().to_le_bytes()));
        if signers.len() < entries {
            signers.push(signer);
        }
    }
    for octets in &ips {
        model.ips.insert(u64::from(u32::from_le_bytes(*octets)), first_score(octets));
    }
    for signer in &signers {
        model.signers.insert(*signer, first_score(signer));
    }
    (ips.iter().map(|octets| u32::from_le_bytes(*octets)).collect(), signers)
}

pub struct Parts {
    packets: Vec<Packet>,
    pipeline: Pipeline,
    ring: Ring,
    output: Ring,
    next_packet: u64,
    scores: SplitMix64,
    absent: SplitMix64,
}

impl Parts {
    pub fn new(packets: Vec<Packet>, table_entries: usize, store_entries: usize) -> Self {
        let mut pipeline = Pipeline::new();
        fill_tables(&mut pipeline.model, &packets, table_entries.min(TABLE_CAPACITY - 1));
        let meta = PartialMeta { ip: 0, signer: [0; 32], total_fee: 5000, cus: 200_000 };
        let mut mix = SplitMix64(METAS_SEED);
        for _ in 0..store_entries.min(CAPACITY) {
            pipeline.metas.put(mix.next(), meta.clone());
        }
        let mut mix = SplitMix64(RECENT_SEED);
        for _ in 0..store_entries.min(CAPACITY) {
            pipeline.recent.put(mix.next(), ());
        }
        let (ring, output) = (Ring::new(), Ring::new());
        let (scores, absent) = (SplitMix64(SCORES_SEED), SplitMix64(ABSENT_SEED));
        Self { packets, pipeline, ring, output, next_packet: 0, scores, absent }
    }

    pub fn run(&mut self, words: &[&str]) -> Result<Measured, String> {
        let number = |at: usize| -> Result<u64, String> {
            let word: &&str = words.get(at).ok_or(format!("argument {at} is missing"))?;
            word.parse().map_err(|e| format!("{word:?}: {e}"))
        };
        match words {
            ["pipeline", ..] => self.pipeline(number(1)?, if words.len() > 2 { number(2)? } else { 0 }),
            ["push", _] => Ok(self.push(number(1)?)),
            ["pop", _] => Ok(self.pop(number(1)?)),
            ["hash", _, _] => Ok(self.hash(number(1)? as usize, number(2)?)),
            ["parse", _] => Ok(self.parse(number(1)?)),
            ["fee", _] => Ok(self.fee(number(1)?)),
            ["lru", kind, _] => self.lru(kind, number(2)?),
            ["recent", "miss", _] => Ok(self.recent_miss(number(2)?)),
            ["queue-offer", ..] => Ok(self.queue_offer(number(1)?, if words.len() > 2 { number(2)? } else { 0 })),
            ["queue-drain"] => Ok(self.queue_drain()),
            ["transmit"] => Ok(self.transmit()),
            ["model", "100000", kind, _] => model::<131_072>(&self.packets, 100_000, kind, number(3)?),
            ["model", _, kind, _] => model::<TABLE_CAPACITY>(&self.packets, number(1)? as usize, kind, number(3)?),
            ["rss"] => rss(),
            _ => Err(format!("unknown command {words:?}")),
        }
    }

    fn pipeline(&mut self, rounds: u64, empty_every: u64) -> Result<Measured, String> {
        self.fill_queue();
        self.pipeline.counts = Default::default();
        let mut nanos = 0;
        let mut since_empty = 0;
        for _ in 0..rounds {
            self.ring.fill(&self.packets, self.next_packet);
            self.next_packet += ROUND as u64;
            let start = thread_nanos();
            self.pipeline.drain(&mut self.ring);
            since_empty += ROUND as u64;
            if empty_every != 0 && since_empty >= empty_every {
                since_empty = 0;
                self.pipeline.transmit(&mut self.output);
            }
            nanos += thread_nanos() - start;
        }
        let c = &self.pipeline.counts;
        let more = format!(
            ",\"total\":{},\"failedView\":{},\"failedSanitize\":{},\"recentlyProcessed\":{},\"duplicates\":{},\"leaked\":{},\"sent\":{},\"scoreFold\":\"{:016x}\"",
            c.total, c.failed_view + c.not_ipv4 + c.invalid, c.failed_sanitize, c.recently_processed, c.duplicates, c.leaked, c.sent, c.score_fold
        );
        Ok(Measured { operations: c.total, nanos, checksum: c.hash_fold, more })
    }

    /// Fills up the queue with middling scores, untimed.
    fn fill_queue(&mut self) {
        while self.pipeline.queue.len() < queue::CAPACITY - 1 {
            let scored = self.made_up();
            self.pipeline.queue.push(scored);
        }
    }

    fn made_up(&mut self) -> Scored {
        let word = self.scores.next();
        let packet = self.packets[(word % self.packets.len() as u64) as usize];
        Scored { score: ((word >> 11) as f64 / 9_007_199_254_740_992.0).into(), signature_key: word, packet, ip: 0 }
    }

    fn push(&mut self, rounds: u64) -> Measured {
        let packets = &self.packets;
        let producer = &mut self.ring.producer;
        let count = rounds * ROUND as u64;
        measure(count, || {
            for n in 0..count {
                producer.push(&packets[(n % packets.len() as u64) as usize]);
                if n % 64 == 63 {
                    producer.sync();
                }
            }
            producer.sync();
            count
        })
    }

    fn pop(&mut self, rounds: u64) -> Measured {
        while self.ring.consumer.pop().is_some() {}
        let (mut nanos, mut operations, mut fold) = (0, 0, 0u64);
        for _ in 0..rounds {
            self.ring.fill(&self.packets, self.next_packet);
            self.next_packet += ROUND as u64;
            let start = thread_nanos();
            while let Some(packet) = self.ring.consumer.pop() {
                operations += 1;
                let words: &[u64] = bytemuck::cast_slice(&packet.0[..PAYLOAD_MAX]);
                fold ^= words.iter().fold(0, |x, w| x ^ w);
            }
            nanos += thread_nanos() - start;
        }
        Measured { operations, nanos, checksum: fold, more: String::new() }
    }

    fn hash(&mut self, length: usize, count: u64) -> Measured {
        let bytes: Vec<u8> = (0..length + 64).map(|i| (131 * i + 7) as u8).collect();
        let secret = &self.pipeline.secret;
        measure(count, || {
            (0..count as usize).fold(0, |x, i| x ^ xxh3_64_with_secret(black_box(&bytes[i % 64..i % 64 + length]), secret))
        })
    }

    fn parse(&mut self, count: u64) -> Measured {
        let packets = &self.packets;
        measure(count, || {
            (0..count as usize).fold(0, |sum, i| {
                let packet = black_box(&packets[i % packets.len()]);
                let view = TransactionView::try_new_sanitized(&packet.0[..packet.size().min(PAYLOAD_MAX)]);
                sum + view.map_or(0, |v| u64::from(v.num_instructions()) + 1)
            })
        })
    }

    fn fee(&mut self, count: u64) -> Measured {
        let views: Vec<_> = self.packets.iter().flat_map(|p| TransactionView::try_new_sanitized(&p.0[..p.size().min(PAYLOAD_MAX)])).collect();
        measure(count, || {
            (0..count as usize).fold(0u64, |sum, i| sum.wrapping_add(reference_fee(black_box(&views[i % views.len()])).0))
        })
    }

    fn lru(&mut self, kind: &str, count: u64) -> Result<Measured, String> {
        // A store of its own, so that its keys are known.
        let mut store = Lru::<PartialMeta>::new();
        let meta = PartialMeta { ip: 0, signer: [0; 32], total_fee: 5000, cus: 200_000 };
        let mut mix = SplitMix64(METAS_SEED);
        let keys: Vec<u64> = (0..CAPACITY).map(|_| mix.next()).collect();
        for key in &keys {
            store.put(*key, meta.clone());
        }
        let mut order = SplitMix64(SCORES_SEED);
        let absent = &mut self.absent;
        match kind {
            "hit" => Ok(measure(count, || {
                (0..count).fold(0, |hits, _| hits + u64::from(store.get(keys[order.next() as usize % CAPACITY]).is_some()))
            })),
            "miss" => Ok(measure(count, || (0..count).fold(0, |hits, _| hits + u64::from(store.contains(absent.next()))))),
            "evict" => Ok(measure(count, || {
                (0..count).fold(0, |left, _| left + u64::from(matches!(store.put(absent.next(), meta.clone()), Put::Evicted)))
            })),
            "remove" => Ok(measure(count, || {
                (0..count as usize).fold(0, |left, i| left + u64::from(store.remove(keys[i % CAPACITY])))
            })),
            other => Err(format!("lru {other:?}")),
        }
    }

    fn recent_miss(&mut self, count: u64) -> Measured {
        let (recent, absent) = (&self.pipeline.recent, &mut self.absent);
        measure(count, || (0..count).fold(0, |hits, _| hits + u64::from(recent.contains(absent.next()))))
    }

    fn queue_offer(&mut self, count: u64, empty_every: u64) -> Measured {
        self.fill_queue();
        let (mut left, mut nanos, mut n) = (0, 0, 0);
        while n < count {
            let offers: Vec<Scored> = (0..4096.min(count - n)).map(|_| self.made_up()).collect();
            n += offers.len() as u64;
            let start = thread_nanos();
            for offer in offers {
                left += u64::from(self.pipeline.queue.push(offer));
            }
            nanos += thread_nanos() - start;
            if empty_every != 0 && n % empty_every < 4096 {
                while self.pipeline.queue.pop_best().is_some() {}
            }
        }
        Measured { operations: count, nanos, checksum: left, more: String::new() }
    }

    fn queue_drain(&mut self) -> Measured {
        self.fill_queue();
        let queue = &mut self.pipeline.queue;
        measure(queue.len() as u64, || {
            let mut fold = 0u64;
            while let Some(scored) = queue.pop_best() {
                fold = fold.rotate_left(5) ^ scored.score.0.to_bits();
            }
            fold
        })
    }

    fn transmit(&mut self) -> Measured {
        self.fill_queue();
        let (pipeline, output) = (&mut self.pipeline, &mut self.output);
        measure(pipeline.queue.len() as u64, || pipeline.transmit(output))
    }
}

fn model<const N: usize>(packets: &[Packet], entries: usize, kind: &str, count: u64) -> Result<Measured, String> {
    if entries >= N {
        return Err(format!("{entries} entries do not fit {N}"));
    }
    let mut model = Model::<N>::new();
    let (ips, signers) = fill_tables(&mut model, packets, entries);
    let mut order = SplitMix64(SCORES_SEED);
    match kind {
        "score" => Ok(measure(count, || {
            (0..count).fold(0u64, |sum, _| {
                let word = order.next();
                let ip = ips[(word >> 32) as usize % ips.len()];
                let signer = &signers[word as u32 as usize % signers.len()];
                sum.wrapping_add(model.score(ip, signer).to_bits())
            })
        })),
        "update" | "prune" => {
            let senders = 40.min(entries as u64);
            let mut nanos = 0;
            for round in 0..count {
                let mut batch = Vec::with_capacity(BATCH);
                for i in 0..BATCH as u64 {
                    let value = 0.05 + (i % 7) as f64 * 0.01;
                    if kind == "prune" {
                        batch.push(newcomer(round, i % NEWCOMERS, value));
                    } else {
                        let at = ((salt(round) ^ i) % senders) as usize;
                        batch.push((ips[at], signers[at], value));
                    }
                }
                let start = thread_nanos();
                model.ips.update(batch.iter().map(|(ip, _, value)| (u64::from(*ip), *value)), entries);
                model.signers.update(batch.iter().map(|(_, signer, value)| (*signer, *value)), entries);
                nanos += thread_nanos() - start;
            }
            let checksum = model.ips.fingerprint() ^ model.signers.len() as u64;
            Ok(Measured { operations: count, nanos, checksum, more: String::new() })
        }
        other => Err(format!("model {other:?}")),
    }
}

/// A sender that no table holds, other ones in each round.
fn newcomer(round: u64, i: u64, value: f64) -> (u32, [u8; 32], f64) {
    let word = salt(round * NEWCOMERS + i);
    let mut signer = [0; 32];
    signer[..8].copy_from_slice(&word.to_le_bytes());
    (word as u32 | 0x8000_0000, signer, value)
}

fn rss() -> Result<Measured, String> {
    let status = std::fs::read_to_string("/proc/self/statm").map_err(|e| e.to_string())?;
    let pages: u64 = status.split_whitespace().nth(1).and_then(|w| w.parse().ok()).ok_or("statm")?;
    Ok(Measured { operations: pages * 4096, nanos: 0, checksum: 0, more: String::new() })
}
