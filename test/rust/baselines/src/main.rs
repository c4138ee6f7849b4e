//! What the Rust sidecar does with a packet, rebuilt from published crates and our own code, to be measured beside ours on
//! the same bytes: a copying pop of `que`, `agave-transaction-view` 2.1, xxhash-rust with a secret, a hash map with identity
//! hash in front of an array-linked LRU, red-black trees with an inverse tree, a min-max heap that holds whole packets.
//!
//!   baselines --packets FILE [--cpu N] [--table-fill 10000] [--store-fill 1048576]
//!
//! FILE holds packets of 1264 bytes, one after the other. Packet n of a run is packet n modulo their number, with payload
//! bytes 1 to 8 (in the first signature) XORed with `(n + 1) * 0x9E3779B97F4A7C15`, so that each is unique. Commands come on
//! standard input, one a line; each is answered by one JSON line with `operations`, `nanos` and a `checksum`: see parts.rs.
//! Everything is allocated before the first command.

mod clock;
mod lru;
mod mix;
mod model;
mod packet;
mod parts;
mod pipeline;
mod queue;
mod ring;
mod ticks;

use std::io::{BufRead, Write};

fn flag(name: &str) -> Option<String> {
    let words: Vec<String> = std::env::args().collect();
    let at = words.iter().position(|word| word == name)?;
    words.get(at + 1).cloned()
}

fn pin(cpu: usize) {
    // SAFETY: a zeroed cpu_set_t is an empty set, and 0 stands for this thread.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, std::mem::size_of_val(&set), &set);
    }
}

fn main() {
    let number = |name: &str, otherwise: usize| match flag(name) {
        None => otherwise,
        Some(text) => text.parse().unwrap_or_else(|_| panic!("{name} {text:?} is no number")),
    };
    if let Some(cpu) = flag("--cpu") {
        pin(cpu.parse().expect("--cpu"));
    }
    let path = flag("--packets").expect("--packets FILE");
    let packets = packet::read_file(&path);
    let mut parts = parts::Parts::new(packets, number("--table-fill", 10_000), number("--store-fill", lru::CAPACITY));
    let mut output = std::io::stdout().lock();
    writeln!(output, "{{\"ready\":true}}").expect("standard output");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input");
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match parts.run(&words) {
            Ok(measured) => measured.to_json(&words.join(" ")),
            Err(message) => format!("{{\"error\":{message:?}}}"),
        };
        writeln!(output, "{answer}").and_then(|()| output.flush()).expect("standard output");
    }
}
