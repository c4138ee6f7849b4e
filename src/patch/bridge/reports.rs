//! Tells the sidecar what became of its packets: failed signatures, outcomes, confirmed signatures.
//!
//! The hooks run on the validator's threads: they put what they saw into a bounded channel, or drop it where that is full. A
//! thread of its own does the rest. It takes commits first and checks second, and handles them the other way round: the check
//! of a transaction comes before its commit, so nothing is looked up before it is there.

use {
    super::{
        bridge::Shared,
        channel::{Producer, Spec},
        packet::{first_signature, through_sidecar, write, Hasher, Signature, CAPACITY, ELEMENT_BYTES},
        pending::{Pending, PENDING_MAX},
        settings::Settings,
    },
    crossbeam_channel::{bounded, Receiver, Sender},
    solana_perf::packet::{BytesPacket, PacketBatch},
    std::{
        sync::{
            atomic::{AtomicBool, Ordering},
            OnceLock,
        },
        time::{Duration, Instant},
    },
};

/// Checked packets that may wait: at most 64 MiB of payload.
const CHECKED_MAX: usize = 16_384;
const COMMITTED_MAX: usize = 131_072;
/// What one turn takes of each, so that none of them starves the other.
const TURN_EVENTS: usize = 4096;
const LULL_PAUSE: Duration = Duration::from_millis(1);
const LEADER_LOOK_EVERY: Duration = Duration::from_millis(10);
/// What arrives so shortly before the end of the leader window had too little time to be included: a slot of the longest kind.
const WINDOW_MARGIN: Duration = Duration::from_millis(400);
const LOG_EVERY: Duration = Duration::from_secs(10);
/// Ten nanoseconds stand for a compute unit. 0 would say "not included".
const NANOS_PER_UNIT: u64 = 10;

const OUTCOME_BYTES: usize = 16;
const OUTCOMES: u64 = 32_768;
const CONFIRMED: u64 = 1_048_576;

enum Checked {
    Failed(BytesPacket),
    Passed(BytesPacket),
}

struct Committed {
    signature: Signature,
    units: u64,
}

/// The hooks' end.
pub struct Hooks {
    checked: Sender<Checked>,
    committed: Sender<Committed>,
    has_dropped: AtomicBool,
    shared: Shared,
}

static HOOKS: OnceLock<Hooks> = OnceLock::new();

/// Which packets of a batch came through the sidecar and are still to be checked.
pub struct Unchecked(u128);

/// The packets of a batch, one by one. The sidecar's come in these forms; others have not been through it.
fn packets_of(batch: &PacketBatch) -> &[BytesPacket] {
    match batch {
        PacketBatch::Single(packet) => std::slice::from_ref(packet),
        PacketBatch::Bytes(batch) => batch,
        #[allow(unreachable_patterns)] // a third form, in versions up to 4.4
        _ => &[],
    }
}

/// Just before the signature check. The deduper and the fee floor have discarded packets already: those do not fail it.
#[inline]
pub fn before_check(batch: &PacketBatch, only_votes: bool) -> Option<Unchecked> {
    HOOKS.get()?;
    if only_votes {
        return None; // votes have a port of their own, which no sidecar sees
    }
    let mark = through_sidecar();
    let mut bits = 0;
    for (i, packet) in packets_of(batch).iter().take(128).enumerate() {
        if packet.meta().flags.contains(mark) && !packet.meta().discard() {
            bits |= 1 << i;
        }
    }
    Some(Unchecked(bits))
}

/// Just after the signature check.
#[inline]
pub fn after_check(batch: &PacketBatch, unchecked: Option<Unchecked>) {
    let (Some(hooks), Some(Unchecked(bits))) = (HOOKS.get(), unchecked) else { return };
    for (i, packet) in packets_of(batch).iter().take(128).enumerate() {
        if bits >> i & 1 == 0 {
            continue;
        }
        let event = if packet.meta().discard() { Checked::Failed } else { Checked::Passed };
        if hooks.checked.try_send(event(packet.clone())).is_err() {
            hooks.shared.counts.untold.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The validator drops transactions for want of room: a fee floor stands, or a full channel pushes out.
#[inline]
pub fn dropping() {
    if let Some(hooks) = HOOKS.get() {
        hooks.has_dropped.store(true, Ordering::Relaxed);
    }
}

/// A bank commits a transaction, of a block of its own or of another leader's. `units`: what it used; 0 where it was charged
/// without having run.
pub fn committed(signature: &[u8], units: u64) {
    let (Some(hooks), Ok(signature)) = (HOOKS.get(), signature.try_into()) else { return };
    if hooks.committed.try_send(Committed { signature, units }).is_err() {
        hooks.shared.counts.untold.fetch_add(1, Ordering::Relaxed);
    }
}

pub struct Reports<Leader> {
    checked: Receiver<Checked>,
    committed: Receiver<Committed>,
    failed_channel: Producer,
    outcome_channel: Producer,
    confirmed_channel: Producer,
    hasher: Hasher,
    pending: Pending,
    /// Whether this validator can include what arrives now; None where that cannot be said at the moment.
    leader: Leader,
    can_include: bool,
    next_leader_look: Instant,
    shared: Shared,
}

impl<Leader: Fn() -> Option<bool>> Reports<Leader> {
    /// Opens the hooks. None where they are open already: a process has one bridge.
    pub fn open(settings: &Settings, leader: Leader, shared: Shared) -> Option<Self> {
        let (checked_sender, checked) = bounded(CHECKED_MAX);
        let (committed_sender, committed) = bounded(COMMITTED_MAX);
        let hooks = Hooks {
            checked: checked_sender,
            committed: committed_sender,
            has_dropped: AtomicBool::new(false),
            shared: shared.clone(),
        };
        HOOKS.set(hooks).ok()?;
        let channel = |name, element_bytes, capacity| {
            Producer::new(Spec::new(&settings.prefix, name, settings.huge_pages, element_bytes, capacity))
        };
        Some(Self {
            checked,
            committed,
            failed_channel: channel("sig_to_qos", ELEMENT_BYTES, CAPACITY),
            outcome_channel: channel("sch_to_qos", OUTCOME_BYTES, OUTCOMES),
            confirmed_channel: channel("tx_status_cache", std::mem::size_of::<Signature>(), CONFIRMED),
            hasher: Hasher::new(),
            pending: Pending::new(settings.not_included_after, PENDING_MAX),
            leader,
            can_include: false,
            next_leader_look: Instant::now(),
            shared,
        })
    }

    /// Until the validator ends.
    pub fn run(mut self) {
        let mut commits = Vec::with_capacity(TURN_EVENTS);
        let mut next_log = Instant::now();
        let mut said = String::new();
        while !self.shared.has_ended() {
            let now = Instant::now();
            self.look_at_leader(now);
            let is_busy = self.turn(now, &mut commits);
            if now >= next_log {
                next_log = now + LOG_EVERY;
                let text = self.shared.counts.text(self.pending.len());
                if text != said {
                    log::info!("qos: {text}");
                    said = text;
                }
            }
            if !is_busy {
                std::thread::sleep(LULL_PAUSE);
            }
        }
        log::info!("qos: ended: {}", self.shared.counts.text(self.pending.len()));
    }

    fn look_at_leader(&mut self, now: Instant) {
        if now < self.next_leader_look {
            return;
        }
        self.next_leader_look = now + LEADER_LOOK_EVERY;
        let Some(can_include) = (self.leader)() else { return };
        if self.can_include && !can_include {
            self.pending.window_closed(now, WINDOW_MARGIN);
        }
        self.can_include = can_include;
    }

    /// Whether there was much to do.
    fn turn(&mut self, now: Instant, commits: &mut Vec<Committed>) -> bool {
        for channel in [&mut self.failed_channel, &mut self.outcome_channel, &mut self.confirmed_channel] {
            channel.is_alive(now);
        }
        self.hasher.set_seed(self.outcome_channel.metadata());
        if HOOKS.get().is_some_and(|hooks| hooks.has_dropped.swap(false, Ordering::Relaxed)) {
            self.pending.dropped(now);
        }
        commits.extend(self.committed.try_iter().take(TURN_EVENTS));
        // All that was checked before those commits: no more than fits the channel.
        let mut checks = 0;
        while let Ok(event) = self.checked.try_recv() {
            self.checked_one(event, now);
            checks += 1;
            if checks >= CHECKED_MAX {
                break;
            }
        }
        let is_busy = commits.len() + checks >= TURN_EVENTS;
        for Committed { signature, units } in commits.drain(..) {
            self.confirmed_channel.push(|element| element.write(0, &signature));
            if let Some(packet_hash) = self.pending.committed(&signature) {
                self.tell(packet_hash, units.max(1).saturating_mul(NANOS_PER_UNIT));
                self.shared.counts.committed.fetch_add(1, Ordering::Relaxed);
            }
        }
        while let Some(packet_hash) = self.pending.next_not_included(now) {
            self.tell(packet_hash, 0);
            self.shared.counts.not_included.fetch_add(1, Ordering::Relaxed);
        }
        for channel in [&mut self.failed_channel, &mut self.outcome_channel, &mut self.confirmed_channel] {
            channel.publish();
            channel.beat();
        }
        is_busy
    }

    fn checked_one(&mut self, event: Checked, now: Instant) {
        match event {
            Checked::Failed(packet) => {
                let payload = packet.buffer();
                if payload.len() <= super::packet::PAYLOAD_MAX {
                    let mut meta = packet.meta().clone();
                    meta.set_discard(false);
                    self.failed_channel.push(|element| write(element, payload, &meta));
                    self.shared.counts.failed.fetch_add(1, Ordering::Relaxed);
                }
            }
            Checked::Passed(packet) => {
                let payload = packet.buffer();
                if let Some(signature) = first_signature(payload) {
                    let packet_hash = self.hasher.hash(payload, packet.meta().addr);
                    self.pending.passed(signature, packet_hash, now, self.can_include);
                    self.shared.counts.passed.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    fn tell(&mut self, packet_hash: u64, nanos: u64) {
        self.outcome_channel.push(|element| {
            element.write(0, &packet_hash.to_le_bytes());
            element.write(8, &nanos.to_le_bytes());
        });
    }
}
