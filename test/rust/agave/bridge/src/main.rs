//! A validator around the bridge, small and whole: packets come in from many senders, go through the bridge, their signatures
//! are checked by the validator's own function, and what is right is committed. Off where `QOS_CHANNELS` is not set.
//!
//!   bridge --rate PACKETS_PER_SECOND [--leave-out N]
//!
//! Each twentieth signature is wrong; of the right ones each Nth is not included, or none. Each fourth packet is a forwarded one,
//! each eighth comes from an IPv6 sender, each tenth is a transaction of version 1 with almost 4,096 bytes. Runs until its
//! standard input ends, waits a second for what is under way, and stops. Prints a JSON line every 100 ms and one at the end.

use bridge::{
    bridge::start,
    packet::through_sidecar,
    reports::{after_check, before_check, committed},
    traffic::{number_of, Traffic, BAD_EVERY},
};
use crossbeam_channel::{bounded, Receiver};
use solana_perf::{
    packet::{PacketBatch, PacketFlags},
    sigverify::ed25519_verify_serial,
};
use std::{
    collections::HashMap,
    io::Read,
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
        Arc, Mutex,
    },
    time::{Duration, Instant},
};

static STOP: AtomicBool = AtomicBool::new(false);

struct Log;

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }
    fn log(&self, record: &log::Record) {
        println!("{{\"event\":\"log\",\"level\":\"{}\",\"text\":{:?}}}", record.level(), format!("{}", record.args()));
    }
    fn flush(&self) {}
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    arrived: AtomicU64,
    failed: AtomicU64,
    included: AtomicU64,
    twice: AtomicU64,
    altered: AtomicU64,
}

/// Sigverify, scheduler and bank in one.
fn check_and_commit(
    packets: Receiver<PacketBatch>,
    counts: Arc<Counts>,
    missing: Arc<Mutex<HashMap<u64, PacketBatch>>>,
    leave_out: u64,
) {
    for mut batch in packets {
        let unchecked = before_check(&batch, false);
        ed25519_verify_serial(&mut batch, false, true);
        after_check(&batch, unchecked);
        let PacketBatch::Single(packet) = &batch else { continue };
        counts.arrived.fetch_add(1, Relaxed);
        let number = number_of(packet.buffer());
        match missing.lock().unwrap().remove(&number) {
            None => {
                counts.twice.fetch_add(1, Relaxed);
                continue;
            }
            // The bridge gives back what it was given: payload, sender, port, flags, identity.
            Some(PacketBatch::Single(sent)) => {
                let (is, was) = (packet.meta(), sent.meta());
                let same = packet.buffer() == sent.buffer()
                    && (is.addr, is.port, is.size) == (was.addr, was.port, was.size)
                    && is.remote_pubkey() == was.remote_pubkey()
                    && is.flags & !PacketFlags::DISCARD & !through_sidecar() == was.flags;
                counts.altered.fetch_add(u64::from(!same), Relaxed);
            }
            Some(_) => {}
        }
        if packet.meta().discard() {
            counts.failed.fetch_add(1, Relaxed);
        } else if number % leave_out != leave_out - 1 {
            counts.included.fetch_add(1, Relaxed);
            let signature = bridge::packet::first_signature(packet.buffer()).unwrap();
            committed(&signature, 150 + number % 1000);
        }
    }
}

fn flag(name: &str) -> Option<String> {
    std::env::args().skip_while(|word| word != name).nth(1)
}

fn main() {
    log::set_logger(&Log).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let rate: f64 = flag("--rate").and_then(|text| text.parse().ok()).expect("--rate");
    let leave_out = flag("--leave-out").and_then(|text| text.parse().ok()).unwrap_or(u64::MAX);
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        STOP.store(true, Relaxed);
    });
    let (sender, receiver) = bounded(50_000);
    let chosen = start(std::env::var_os("QOS_CHANNELS"), &receiver, || Some(true)).unwrap_or(receiver);
    let counts = Arc::new(Counts::default());
    let missing = Arc::new(Mutex::new(HashMap::new()));
    let worker = {
        let (counts, missing) = (counts.clone(), missing.clone());
        std::thread::spawn(move || check_and_commit(chosen, counts, missing, leave_out))
    };
    let mut traffic = Traffic::new();
    let started = Instant::now();
    let mut next_report = started;
    let mut stop_at = None;
    loop {
        let now = Instant::now();
        if stop_at.is_none() {
            let due = (now.duration_since(started).as_secs_f64() * rate) as u64;
            for _ in traffic.made..due.min(traffic.made + 256) {
                let batch = PacketBatch::Single(traffic.next());
                missing.lock().unwrap().insert(traffic.made - 1, batch.clone());
                counts.sent.fetch_add(1, Relaxed);
                sender.try_send(batch).expect("the bridge does not follow");
            }
        }
        let is_done = STOP.load(Relaxed) && now >= *stop_at.get_or_insert(now + Duration::from_secs(1));
        if now >= next_report || is_done {
            next_report = now + Duration::from_millis(100);
            let missing = missing.lock().unwrap();
            let good = missing.keys().filter(|number| *number % BAD_EVERY != BAD_EVERY - 1).count();
            println!(
                "{{\"event\":\"{}\",\"ms\":{},\"sent\":{},\"arrived\":{},\"failed\":{},\"included\":{},\"twice\":{},\"altered\":{},\"missing\":{},\"missingGood\":{good}}}",
                if is_done { "done" } else { "status" },
                now.duration_since(started).as_millis(),
                counts.sent.load(Relaxed),
                counts.arrived.load(Relaxed),
                counts.failed.load(Relaxed),
                counts.included.load(Relaxed),
                counts.twice.load(Relaxed),
                counts.altered.load(Relaxed),
                missing.len(),
            );
        }
        if is_done {
            break;
        }
        std::thread::sleep(Duration::from_micros(300));
    }
    // The receivers end; the bridge's threads and the check follow.
    drop(sender);
    worker.join().unwrap();
    std::thread::sleep(Duration::from_millis(50));
}
