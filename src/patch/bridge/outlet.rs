//! Takes what the sidecar chose and gives it to the signature check.

use {
    super::{
        bridge::Shared,
        channel::{Consumer, Spec},
        packet::{self, CAPACITY, ELEMENT_BYTES},
        settings::Settings,
    },
    crossbeam_channel::{Sender, TrySendError},
    solana_perf::packet::PacketBatch,
    std::{
        sync::atomic::Ordering,
        time::{Duration, Instant},
    },
};

const TURN_PACKETS: usize = 256;
/// Pauses where nothing waits: just after traffic, in a lull, and without a channel.
const BUSY_PAUSE: Duration = Duration::from_micros(50);
const LULL_PAUSE: Duration = Duration::from_micros(500);
const ABSENT_PAUSE: Duration = Duration::from_millis(10);
/// Turns without a packet until it is a lull.
const LULL_AFTER: u32 = 200;

pub struct Outlet {
    channel: Consumer,
    output: Sender<PacketBatch>,
    shared: Shared,
}

impl Outlet {
    pub fn new(output: Sender<PacketBatch>, settings: &Settings, shared: Shared) -> Self {
        let spec = Spec::new(&settings.prefix, "qos_to_sig", settings.huge_pages, ELEMENT_BYTES, CAPACITY);
        Self { channel: Consumer::new(spec), output, shared }
    }

    /// Until the validator ends.
    pub fn run(mut self) {
        let mut idle_turns: u32 = 0;
        while !self.shared.has_ended() {
            let is_there = self.channel.turn(Instant::now());
            self.shared.set_reading(is_there);
            if is_there && self.turn() {
                idle_turns = 0;
                continue;
            }
            idle_turns = idle_turns.saturating_add(1);
            std::thread::sleep(match (is_there, idle_turns) {
                (false, _) => ABSENT_PAUSE,
                (true, ..LULL_AFTER) => BUSY_PAUSE,
                (true, _) => LULL_PAUSE,
            });
        }
    }

    /// Whether there was anything.
    fn turn(&mut self) -> bool {
        for taken in 0..TURN_PACKETS {
            let Some(packet) = self.channel.pop(packet::read) else { return taken > 0 };
            if packet.buffer().is_empty() {
                continue;
            }
            let counts = &self.shared.counts;
            counts.from_sidecar.fetch_add(1, Ordering::Relaxed);
            match self.output.try_send(PacketBatch::Single(packet)) {
                Ok(()) => {}
                // As the receivers do it: a signature check that cannot follow loses packets, nobody waits.
                Err(TrySendError::Full(_)) => {
                    counts.full.fetch_add(1, Ordering::Relaxed);
                }
                Err(TrySendError::Disconnected(_)) => self.shared.end(),
            }
        }
        self.shared.counts.lapped.store(self.channel.lapped, Ordering::Relaxed);
        true
    }
}
