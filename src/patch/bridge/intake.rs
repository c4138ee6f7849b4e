//! Takes what the TPU's receivers give and hands it to the sidecar, or, while no sidecar beats, to the signature check.

use {
    super::{
        bridge::Shared,
        channel::{Producer, Spec, SILENCE},
        packet::{self, CAPACITY, ELEMENT_BYTES, PAYLOAD_MAX},
        settings::Settings,
    },
    crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError},
    solana_perf::packet::{bytes::Bytes, BytesPacket, Meta, PacketBatch, PacketFlags},
    std::{
        collections::VecDeque,
        sync::atomic::Ordering,
        time::{Duration, Instant},
    },
};

/// The longest pause between two looks at the sidecar's heartbeat.
const LULL_TURN: Duration = Duration::from_millis(5);
/// Batches between two publications, where traffic is dense.
const TURN_BATCHES: usize = 32;
/// Packets that are kept until the sidecar has certainly seen them.
const KEPT_MAX: usize = 8192;

/// One port's channel.
struct Port {
    channel: Producer,
    is_alive: bool,
    name: &'static str,
    /// What was handed over of late. A sidecar that dies takes with it what it had read; the rest of it is here.
    kept: VecDeque<(Instant, BytesPacket)>,
}

impl Port {
    fn new(settings: &Settings, name: &'static str) -> Self {
        let spec = Spec::new(&settings.prefix, name, settings.huge_pages, ELEMENT_BYTES, CAPACITY);
        Self { channel: Producer::new(spec), is_alive: false, name, kept: VecDeque::new() }
    }

    /// Looks at the heartbeat. `is_read`: whether what the sidecar sends is read. Returns the packets that a sidecar which died in between had not taken.
    fn look(&mut self, now: Instant, is_read: bool) -> VecDeque<(Instant, BytesPacket)> {
        let was_alive = self.is_alive;
        self.is_alive = self.channel.is_alive(now) && is_read;
        if was_alive == self.is_alive {
            let seen = self.channel.last_beat();
            while self.kept.front().is_some_and(|(at, _)| seen.is_some_and(|seen| *at + LULL_TURN < seen)) {
                self.kept.pop_front();
            }
            return VecDeque::new();
        }
        if self.is_alive {
            log::info!("qos: a sidecar reads {}: packets go through it", self.name);
            return VecDeque::new();
        }
        log::warn!("qos: no sidecar reads {} (silent for {SILENCE:?}): packets pass it by", self.name);
        std::mem::take(&mut self.kept)
    }

    fn offer(&mut self, payload: &[u8], meta: &Meta, now: Instant, whole: Option<&BytesPacket>) {
        self.channel.push(|element| packet::write(element, payload, meta));
        let kept = match whole {
            Some(whole) => whole.clone(),
            None => BytesPacket::new(Bytes::copy_from_slice(payload), meta.clone()),
        };
        if self.kept.len() >= KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back((now, kept));
    }
}

pub struct Intake {
    input: Receiver<PacketBatch>,
    output: Sender<PacketBatch>,
    tpu: Port,
    forward: Port,
    shared: Shared,
}

impl Intake {
    pub fn new(input: Receiver<PacketBatch>, output: Sender<PacketBatch>, settings: &Settings, shared: Shared) -> Self {
        Self {
            input,
            output,
            tpu: Port::new(settings, "tpu_to_qos"),
            forward: Port::new(settings, "fwd_to_qos"),
            shared,
        }
    }

    /// Until the validator ends.
    pub fn run(mut self) {
        while !self.shared.has_ended() {
            let first = self.input.recv_timeout(LULL_TURN);
            let now = Instant::now();
            self.look(now);
            match first {
                Ok(batch) => {
                    self.receive(batch, now);
                    for _ in 1..TURN_BATCHES {
                        match self.input.try_recv() {
                            Ok(batch) => self.receive(batch, now),
                            Err(_) => break,
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            for port in [&mut self.tpu, &mut self.forward] {
                port.channel.publish();
                port.channel.beat();
            }
        }
        self.shared.end();
    }

    fn look(&mut self, now: Instant) {
        let is_read = self.shared.is_reading();
        for left in [self.tpu.look(now, is_read), self.forward.look(now, is_read)] {
            self.shared.counts.recalled.fetch_add(left.len() as u64, Ordering::Relaxed);
            for (_, packet) in left {
                self.pass(PacketBatch::Single(packet));
            }
        }
    }

    fn receive(&mut self, batch: PacketBatch, now: Instant) {
        if !self.tpu.is_alive && !self.forward.is_alive {
            self.shared.counts.bypassed.fetch_add(batch.len() as u64, Ordering::Relaxed);
            return self.pass(batch);
        }
        if let PacketBatch::Single(packet) = &batch {
            if self.offer(packet.buffer(), packet.meta(), now, Some(packet)) {
                return;
            }
            self.shared.counts.bypassed.fetch_add(1, Ordering::Relaxed);
            return self.pass(batch);
        }
        for packet in batch.iter() {
            let Some(payload) = packet.data(..) else { continue };
            if !self.offer(payload, packet.meta(), now, None) {
                self.shared.counts.bypassed.fetch_add(1, Ordering::Relaxed);
                let copy = BytesPacket::new(Bytes::copy_from_slice(payload), packet.meta().clone());
                self.pass(PacketBatch::Single(copy));
            }
        }
    }

    /// Hands a packet to the sidecar. False where that is not possible.
    fn offer(&mut self, payload: &[u8], meta: &Meta, now: Instant, whole: Option<&BytesPacket>) -> bool {
        let is_forwarded = meta.flags.contains(PacketFlags::FORWARDED);
        let port = if is_forwarded { &mut self.forward } else { &mut self.tpu };
        if !port.is_alive || meta.discard() {
            return false;
        }
        if !packet::fits(payload) {
            debug_assert!(payload.len() > PAYLOAD_MAX || payload.is_empty());
            self.shared.counts.unfit.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        port.offer(payload, meta, now, whole);
        self.shared.counts.offered.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// To the signature check, as without a sidecar: where its channel is full, the packet is dropped.
    fn pass(&self, batch: PacketBatch) {
        match self.output.try_send(batch) {
            Ok(()) => {}
            Err(TrySendError::Full(batch)) => {
                self.shared.counts.full.fetch_add(batch.len() as u64, Ordering::Relaxed);
            }
            Err(TrySendError::Disconnected(_)) => self.shared.end(),
        }
    }
}
