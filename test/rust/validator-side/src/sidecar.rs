//! What a validator does to work with a qos sidecar: this file is the whole of it, and docs/integration.md shows it.
//!
//! `Intake` stands where packets arrive (TPU, TPU forward): it hands them to the sidecar, or back to the caller while the
//! sidecar is silent. `Outlet` stands before sigverify. `Feedback` stands behind sigverify, the scheduler and the bank.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytemuck::{AnyBitPattern, Zeroable};
use que::error::QueError;
use que::headless_spmc::{consumer::Consumer, producer::Producer};
use que::page_size::PageSize;
use xxhash_rust::const_xxh3::const_custom_default_secret;
use xxhash_rust::xxh3::xxh3_64_with_secret;

pub const PACKET_BYTES: usize = 1264;
pub const PAYLOAD_MAX: usize = 1232;
const PACKETS: usize = 32_768;
const CONFIRMED: usize = 1_048_576;

/// A sidecar beats in every turn, thousands of times a second. One that was silent for so long is taken for dead.
const SILENCE: Duration = Duration::from_millis(100);
/// Packets between two publications of the tail, where traffic is dense. `que` itself publishes every 8,192.
const PUBLISH_EVERY: usize = 32;

/// A packet as it lies in a channel: `solana_packet::Packet` of Agave 2.x and 3.x, byte for byte.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Packet(pub [u8; PACKET_BYTES]);

// SAFETY: an array of bytes, a multiple of 8 long: no padding, and every bit pattern is valid.
unsafe impl Zeroable for Packet {}
unsafe impl AnyBitPattern for Packet {}

impl Packet {
    /// Puts a packet together; in a validator it is there already, and its bytes are taken as they are.
    pub fn new(payload: &[u8], ip: [u8; 4], port: u16) -> Self {
        let mut bytes = [0; PACKET_BYTES];
        bytes[..payload.len()].copy_from_slice(payload);
        bytes[1232..1240].copy_from_slice(&(payload.len() as u64).to_le_bytes());
        bytes[1241..1245].copy_from_slice(&ip);
        bytes[1258..1260].copy_from_slice(&port.to_le_bytes());
        Self(bytes)
    }

    pub fn payload(&self) -> &[u8] {
        let size = u64::from_le_bytes(self.0[1232..1240].try_into().unwrap());
        &self.0[..(size as usize).min(PAYLOAD_MAX)]
    }

    fn ip(&self) -> &[u8] {
        &self.0[1241..1245]
    }
}

/// What became of a packet: its hash, and how long it ran (0 where it was not included).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct RemainingMeta {
    pub packet_hash: u64,
    pub execution_nanos: u64,
}

// SAFETY: two u64.
unsafe impl Zeroable for RemainingMeta {}
unsafe impl AnyBitPattern for RemainingMeta {}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Signature([u8; 64]);

// SAFETY: an array of bytes.
unsafe impl Zeroable for Signature {}
unsafe impl AnyBitPattern for Signature {}

fn join<T: AnyBitPattern, const N: usize>(prefix: &str, name: &str) -> Result<Producer<T, N>, QueError> {
    // SAFETY: the contract gives these names to channels of these types.
    unsafe { Producer::join_or_create_shmem(&format!("{prefix}{name}"), PageSize::Standard) }
}

/// The place where packets arrive. One for each of `tpu_to_qos` and `fwd_to_qos`, each on the thread that receives.
pub struct Intake {
    channel: Producer<Packet, PACKETS>,
    unpublished: usize,
    asked: Option<Instant>,
    last_beat: Option<Instant>,
}

impl Intake {
    /// Creates the channel, or joins it where it is there.
    pub fn new(prefix: &str, name: &str) -> Result<Self, QueError> {
        Ok(Self { channel: join(prefix, name)?, unpublished: 0, asked: None, last_beat: None })
    }

    /// Whether a sidecar takes what is offered. Costs one atomic load. Ask in every turn, also in a lull: a beat is noticed when
    /// it is asked for. One that is found after a long pause may be as old as the pause, so the next one counts.
    pub fn is_alive(&mut self, now: Instant) -> bool {
        let asked = self.asked.replace(now);
        if self.channel.consumer_heartbeat() && asked.is_some_and(|at| now.duration_since(at) < SILENCE) {
            self.last_beat = Some(now);
        }
        self.last_beat.is_some_and(|at| now.duration_since(at) < SILENCE)
    }

    /// Hands a packet to the sidecar.
    ///
    /// Err gives it back: no sidecar beats, so pass it to sigverify yourself, as you did before there was one. As soon as a
    /// sidecar beats again, packets go to it again. A sidecar that dies takes with it what it was given within `SILENCE`
    /// and what waited in its queue.
    pub fn offer<'a>(&mut self, packet: &'a Packet, now: Instant) -> Result<(), &'a Packet> {
        if !self.is_alive(now) {
            return Err(packet);
        }
        self.channel.push(packet);
        self.unpublished += 1;
        if self.unpublished >= PUBLISH_EVERY {
            self.publish(now);
        }
        Ok(())
    }

    /// Call it after each batch that the network gave, and whenever nothing comes: what is not published is not seen.
    pub fn publish(&mut self, now: Instant) {
        if self.unpublished > 0 {
            self.channel.sync();
            self.unpublished = 0;
        }
        self.channel.beat();
        self.is_alive(now);
    }
}

/// The place before sigverify: the sidecar's packets, best first in each batch.
pub struct Outlet {
    name: String,
    channel: Option<Consumer<Packet, PACKETS>>,
    next_try: Instant,
}

impl Outlet {
    pub fn new(prefix: &str) -> Self {
        Self { name: format!("{prefix}qos_to_sig"), channel: None, next_try: Instant::now() }
    }

    /// The next packet to verify, if there is one.
    pub fn take(&mut self, now: Instant) -> Option<Packet> {
        if self.channel.is_none() && now >= self.next_try {
            self.next_try = now + Duration::from_millis(100);
            self.try_join();
        }
        self.channel.as_mut()?.pop()
    }

    /// Tells the sidecar that somebody reads.
    pub fn beat(&self) {
        if let Some(channel) = &self.channel {
            channel.beat();
        }
    }

    /// The sidecar creates this channel. `que`'s join creates a file that is not there, empty and ours: so look first.
    fn try_join(&mut self) {
        if std::path::Path::new("/dev/shm").join(&self.name).exists() {
            // SAFETY: as for the producers.
            self.channel = unsafe { Consumer::join_shmem(&self.name, PageSize::Standard) }.ok();
        }
    }
}

/// What the validator tells the sidecar: failed signatures, outcomes, confirmed signatures.
pub struct Feedback {
    failed: Producer<Packet, PACKETS>,
    outcomes: Producer<RemainingMeta, PACKETS>,
    confirmed: Producer<Signature, CONFIRMED>,
    seed: u64,
    secret: [u8; 192],
}

impl Feedback {
    pub fn new(prefix: &str) -> Result<Self, QueError> {
        Ok(Self {
            failed: join(prefix, "sig_to_qos")?,
            outcomes: join(prefix, "sch_to_qos")?,
            confirmed: join(prefix, "tx_status_cache")?,
            seed: 0,
            secret: const_custom_default_secret(0),
        })
    }

    /// Sigverify: this packet's signature is wrong. Its sender falls.
    pub fn signature_failed(&mut self, packet: &Packet) {
        self.failed.push(packet);
    }

    /// Scheduler: what became of a packet. The hash is over the packet as it came from the sidecar.
    pub fn executed(&mut self, packet: &Packet, execution_nanos: u64) {
        let packet_hash = self.packet_hash(packet);
        self.outcomes.push(&RemainingMeta { packet_hash, execution_nanos });
    }

    /// Bank: this signature is confirmed; copies of its transaction need not come any more.
    pub fn confirmed(&mut self, signature: [u8; 64]) {
        self.confirmed.push(&Signature(signature));
    }

    /// Publishes what was said since the last time. Call it once a batch.
    pub fn publish(&mut self) {
        self.failed.sync();
        self.outcomes.sync();
        self.confirmed.sync();
        self.failed.beat();
        self.outcomes.beat();
        self.confirmed.beat();
    }

    /// The hash's seed stands in the first 8 bytes of `sch_to_qos`'s user metadata. The sidecar writes it when it starts, and
    /// a later one may bring another.
    fn packet_hash(&mut self, packet: &Packet) -> u64 {
        let metadata: NonNull<AtomicU64> = self.outcomes.get_padding_ptr().cast();
        // SAFETY: aligned to 128 bytes, and mapped as long as the producer lives.
        let seed = unsafe { metadata.as_ref() }.load(Ordering::Acquire);
        if seed != self.seed {
            self.seed = seed;
            self.secret = const_custom_default_secret(seed);
        }
        let payload = packet.payload();
        let mut image = [0; PAYLOAD_MAX + 12];
        image[..payload.len()].copy_from_slice(payload);
        image[payload.len()..][..8].copy_from_slice(&(payload.len() as u64).to_le_bytes());
        image[payload.len() + 8..][..4].copy_from_slice(packet.ip());
        xxh3_64_with_secret(&image[..payload.len() + 12], &self.secret)
    }
}
