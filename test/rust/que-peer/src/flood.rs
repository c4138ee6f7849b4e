//! A saturating producer of packets, for measuring a whole sidecar, ours or another's, behind real channels.
//!
//!   que-peer flood --packets FILE --seconds S [--prefix P_] [--channel tpu_to_qos] [--pages ...] [--cpu N] [--pps N] [--create 1]
//!
//! FILE holds packets of 1264 bytes. Packet n of the run is packet n modulo their number, with payload bytes 1 to 8 (in the
//! first signature) XORed with `(n + 1) * 0x9E3779B97F4A7C15`, so that each is unique. With `--create 1` all eight channels
//! are created first, and `ready` is printed; the flood starts when the consumer's heartbeat has moved. With `--pps` it
//! pushes so many a second, spread evenly; else as many as it can.

use std::time::{Duration, Instant};

use que::headless_spmc::producer::Producer;

use crate::arguments::Arguments;
use crate::element::Element;
use crate::flows::shared_tail;
use crate::Place;

const PACKET_BYTES: usize = 1264;
const CAPACITY: usize = 32_768;
const STATUS_CAPACITY: usize = 1_048_576;
const PUBLISH_EVERY: u64 = 64;
const BEAT_EVERY: u64 = 4096;

type PacketProducer = Producer<Element<PACKET_BYTES>, CAPACITY>;

fn join<const B: usize, const N: usize>(place: &Place, prefix: &str, name: &str) -> Result<Producer<Element<B>, N>, String> {
    // SAFETY: the names stand for channels of these types, wherever a sidecar runs.
    unsafe { Producer::join_or_create_shmem(&format!("{prefix}{name}"), place.pages) }.map_err(|e| format!("{prefix}{name}: {e}"))
}

/// Joins or creates all eight channels, as the validator and its tools do, and lets go of them again.
pub fn create_all(place: &Place, prefix: &str) -> Result<(), String> {
    for name in ["tpu_to_qos", "fwd_to_qos", "re1_to_qos", "re2_to_qos", "sig_to_qos", "qos_to_sig"] {
        join::<PACKET_BYTES, CAPACITY>(place, prefix, name)?;
    }
    join::<16, CAPACITY>(place, prefix, "sch_to_qos")?;
    join::<64, STATUS_CAPACITY>(place, prefix, "tx_status_cache")?;
    Ok(())
}

fn pin(cpu: usize) {
    // SAFETY: a zeroed cpu_set_t is an empty set, and 0 stands for this thread.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, std::mem::size_of_val(&set), &set);
    }
}

fn wait_for_consumer(producer: &mut PacketProducer, limit: Duration) -> Result<(), String> {
    let start = Instant::now();
    while !producer.consumer_heartbeat() {
        if start.elapsed() > limit {
            return Err(format!("no consumer's heartbeat within {limit:?}"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

pub fn run(place: &Place, arguments: &Arguments) -> Result<(), String> {
    let seconds: f64 = arguments.number("seconds")?;
    let prefix: String = arguments.number_or("prefix", String::new())?;
    let channel: String = arguments.number_or("channel", "tpu_to_qos".to_string())?;
    let path = arguments.text("packets")?;
    let bytes = std::fs::read(path).map_err(|e| format!("{path}: {e}"))?;
    let mut packets: Vec<Element<PACKET_BYTES>> =
        bytes.chunks_exact(PACKET_BYTES).map(|chunk| Element(chunk.try_into().unwrap())).collect();
    if packets.is_empty() {
        return Err(format!("{path} holds no packet"));
    }
    if arguments.number_or("create", 0)? == 1 {
        create_all(place, &prefix)?;
    }
    let mut producer: PacketProducer = join(place, &prefix, &channel)?;
    if let Ok(cpu) = arguments.number("cpu") {
        pin(cpu);
    }
    println!("{{\"event\":\"ready\"}}");
    wait_for_consumer(&mut producer, Duration::from_secs(30))?;
    let pps: f64 = arguments.number_or("pps", f64::INFINITY)?;
    let first = shared_tail(producer.get_padding_ptr());
    let start = Instant::now();
    let limit = Duration::from_secs_f64(seconds);
    let mut n: u64 = 0;
    while start.elapsed() < limit {
        for _ in 0..BEAT_EVERY {
            let at = (n % packets.len() as u64) as usize;
            let salt = (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes();
            let xor = |packet: &mut Element<PACKET_BYTES>| packet.0[1..9].iter_mut().zip(salt).for_each(|(b, s)| *b ^= s);
            xor(&mut packets[at]);
            producer.push(&packets[at]);
            xor(&mut packets[at]);
            n += 1;
            if n % PUBLISH_EVERY == 0 {
                producer.sync();
                while start.elapsed().as_secs_f64() < n as f64 / pps {
                    std::hint::spin_loop();
                }
            }
        }
        producer.beat();
    }
    producer.sync();
    println!("{{\"event\":\"done\",\"pushed\":{n},\"tail\":{},\"seconds\":{:.3}}}", first + n, start.elapsed().as_secs_f64());
    Ok(())
}
