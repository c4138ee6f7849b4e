//! A validator as a sidecar sees it, small and whole: packets come in, go through the sidecar or past it, are verified,
//! executed, and reported back.
//!
//!   validator-side --prefix P_ --rate PACKETS_PER_SECOND
//!
//! Runs until its standard input ends; then it sends nothing more, waits a second for what is under way, and stops. Prints a
//! JSON line every 100 ms and one at the end.

mod sidecar;
mod traffic;

use std::collections::HashSet;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sidecar::{Feedback, Intake, Outlet, Packet};
use traffic::{number_of, verify, Traffic};

static STOP: AtomicBool = AtomicBool::new(false);
const REPORT_EVERY: Duration = Duration::from_millis(100);
const LAST_WAIT: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Counts {
    offered: u64,
    bypassed: u64,
    from_sidecar: u64,
    failed: u64,
    included: u64,
    twice: u64,
}

struct Validator {
    tpu: Intake,
    forward: Intake,
    outlet: Outlet,
    feedback: Feedback,
    traffic: Traffic,
    /// Numbers of packets that were sent and have not come to sigverify.
    missing: HashSet<u64>,
    counts: Counts,
}

impl Validator {
    /// A packet arrives from the network.
    fn receive(&mut self, now: Instant) {
        let packet = self.traffic.next();
        let number = number_of(&packet);
        self.missing.insert(number);
        let intake = if number % 4 == 0 { &mut self.forward } else { &mut self.tpu };
        match intake.offer(&packet, now) {
            Ok(()) => self.counts.offered += 1,
            Err(packet) => {
                let packet = *packet;
                self.counts.bypassed += 1;
                self.verify_and_execute(&packet);
            }
        }
    }

    /// Sigverify, scheduler and bank in one.
    fn verify_and_execute(&mut self, packet: &Packet) {
        let number = number_of(packet);
        if !self.missing.remove(&number) {
            self.counts.twice += 1;
        }
        let Some(signature) = verify(packet) else {
            self.counts.failed += 1;
            self.feedback.signature_failed(packet);
            return;
        };
        let is_included = number % 3 != 0;
        self.feedback.executed(packet, if is_included { 50_000 + number % 100_000 } else { 0 });
        if is_included {
            self.counts.included += 1;
            self.feedback.confirmed(signature);
        }
    }

    fn report(&mut self, event: &str, start: Instant, now: Instant) {
        let c = &self.counts;
        println!(
            "{{\"event\":\"{event}\",\"ms\":{},\"alive\":{},\"sent\":{},\"offered\":{},\"bypassed\":{},\"fromSidecar\":{},\"failed\":{},\"included\":{},\"twice\":{},\"missing\":{}}}",
            now.duration_since(start).as_millis(),
            self.tpu.is_alive(now),
            self.traffic.made,
            c.offered,
            c.bypassed,
            c.from_sidecar,
            c.failed,
            c.included,
            c.twice,
            self.missing.len()
        );
    }

    fn run(&mut self, rate: f64) {
        let start = Instant::now();
        let mut next_report = start;
        let mut stop_at = None;
        loop {
            let now = Instant::now();
            let due = (now.duration_since(start).as_secs_f64() * rate) as u64;
            if stop_at.is_none() {
                for _ in self.traffic.made..due.min(self.traffic.made + 256) {
                    self.receive(now);
                }
            }
            self.tpu.publish(now);
            self.forward.publish(now);
            let mut taken = 0;
            while let Some(packet) = self.outlet.take(now) {
                self.counts.from_sidecar += 1;
                self.verify_and_execute(&packet);
                taken += 1;
                if taken == 256 {
                    break;
                }
            }
            self.outlet.beat();
            self.feedback.publish();
            if now >= next_report {
                next_report = now + REPORT_EVERY;
                self.report("status", start, now);
            }
            if STOP.load(Ordering::Relaxed) && now >= *stop_at.get_or_insert(now + LAST_WAIT) {
                self.report("done", start, now);
                return;
            }
            if taken == 0 {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    }
}

fn flag(name: &str) -> Option<String> {
    let mut words = std::env::args().skip_while(|word| word != name);
    words.nth(1)
}

fn main() {
    let prefix = flag("--prefix").expect("--prefix");
    let rate: f64 = flag("--rate").and_then(|text| text.parse().ok()).expect("--rate");
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        STOP.store(true, Ordering::Relaxed);
    });
    let open = "a channel cannot be opened";
    let mut validator = Validator {
        tpu: Intake::new(&prefix, "tpu_to_qos").expect(open),
        forward: Intake::new(&prefix, "fwd_to_qos").expect(open),
        outlet: Outlet::new(&prefix),
        feedback: Feedback::new(&prefix).expect(open),
        traffic: Traffic::new(),
        missing: HashSet::new(),
        counts: Counts::default(),
    };
    validator.run(rate);
}
