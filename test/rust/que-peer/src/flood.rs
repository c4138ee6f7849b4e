//! A saturating producer of packets, for measuring a whole sidecar, ours or another's, behind real channels.
//!
//!   que-peer flood --packets FILE --seconds S [--prefix P_] [--channel tpu_to_qos] [--pages ...] [--cpu N] [--pps N] [--create 1]
//!      [--element 1264|1296|4160] [--count K]
//!
//! FILE holds packets of the element's bytes (1264). Packet n of the run is packet n modulo their number, with 8 payload bytes
//! XORed with `(n + 1) * 0x9E3779B97F4A7C15`, so that each is unique: bytes 1 to 8 (in the first signature), of a transaction
//! v1 the last ones (in the last signature). It ends after so many seconds or packets. With `--create 1` all eight channels
//! are created first, and `ready` is printed; the flood starts when the consumer's heartbeat has moved. With `--pps` it
//! pushes so many a second, spread evenly; else as many as it can.

use std::time::{Duration, Instant};

use que::headless_spmc::producer::Producer;

use crate::arguments::Arguments;
use crate::element::Element;
use crate::flows::shared_tail;
use crate::Place;

const CAPACITY: usize = 32_768;
const LARGE_CAPACITY: usize = 16_384;
/// Bytes of a packet behind its payload, but for padding: a u64 size comes first (large: 4096 + 64).
const LARGE_PAYLOAD: usize = 4096;
const VERSION_1: u8 = 0x81;
const STATUS_CAPACITY: usize = 1_048_576;
const PUBLISH_EVERY: u64 = 64;
const BEAT_EVERY: u64 = 4096;

fn join<const B: usize, const N: usize>(place: &Place, prefix: &str, name: &str) -> Result<Producer<Element<B>, N>, String> {
    // SAFETY: the names stand for channels of these types, wherever a sidecar runs.
    unsafe { Producer::join_or_create_shmem(&format!("{prefix}{name}"), place.pages) }.map_err(|e| format!("{prefix}{name}: {e}"))
}

/// Joins or creates all eight channels, as the validator and its tools do, and lets go of them again.
pub fn create_all<const B: usize, const N: usize>(place: &Place, prefix: &str) -> Result<(), String> {
    for name in ["tpu_to_qos", "fwd_to_qos", "re1_to_qos", "re2_to_qos", "sig_to_qos", "qos_to_sig"] {
        join::<B, N>(place, prefix, name)?;
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

fn wait_for_consumer<const B: usize, const N: usize>(producer: &mut Producer<Element<B>, N>, limit: Duration) -> Result<(), String> {
    let start = Instant::now();
    while !producer.consumer_heartbeat() {
        if start.elapsed() > limit {
            return Err(format!("no consumer's heartbeat within {limit:?}"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Where the 8 bytes stand that make a packet unique.
fn salt_at<const B: usize>(packet: &Element<B>) -> usize {
    if B <= LARGE_PAYLOAD || packet.0[0] != VERSION_1 {
        return 1;
    }
    let size = u64::from_le_bytes(packet.0[LARGE_PAYLOAD..LARGE_PAYLOAD + 8].try_into().unwrap());
    (size as usize).min(LARGE_PAYLOAD) - 8
}

pub fn create(place: &Place, arguments: &Arguments) -> Result<(), String> {
    create_all::<1264, CAPACITY>(place, arguments.text("prefix")?)
}

pub fn run(place: &Place, arguments: &Arguments) -> Result<(), String> {
    match arguments.number_or("element", 1264)? {
        1264 => run_of::<1264, CAPACITY>(place, arguments),
        1296 => run_of::<1296, CAPACITY>(place, arguments),
        4160 => run_of::<4160, LARGE_CAPACITY>(place, arguments),
        other => Err(format!("no packet has {other} bytes")),
    }
}

fn run_of<const B: usize, const N: usize>(place: &Place, arguments: &Arguments) -> Result<(), String> {
    let seconds: f64 = arguments.number("seconds")?;
    let prefix: String = arguments.number_or("prefix", String::new())?;
    let channel: String = arguments.number_or("channel", "tpu_to_qos".to_string())?;
    let path = arguments.text("packets")?;
    let bytes = std::fs::read(path).map_err(|e| format!("{path}: {e}"))?;
    let mut packets: Vec<Element<B>> =
        bytes.chunks_exact(B).map(|chunk| Element(chunk.try_into().unwrap())).collect();
    if packets.is_empty() {
        return Err(format!("{path} holds no packet"));
    }
    if arguments.number_or("create", 0)? == 1 {
        create_all::<B, N>(place, &prefix)?;
    }
    let mut producer: Producer<Element<B>, N> = join(place, &prefix, &channel)?;
    if let Ok(cpu) = arguments.number("cpu") {
        pin(cpu);
    }
    println!("{{\"event\":\"ready\"}}");
    wait_for_consumer(&mut producer, Duration::from_secs(30))?;
    let pps: f64 = arguments.number_or("pps", f64::INFINITY)?;
    let count: u64 = arguments.number_or("count", u64::MAX)?;
    let first = shared_tail(producer.get_padding_ptr());
    let start = Instant::now();
    let limit = Duration::from_secs_f64(seconds);
    let mut n: u64 = 0;
    while start.elapsed() < limit && n < count {
        for _ in 0..BEAT_EVERY.min(count - n) {
            let at = (n % packets.len() as u64) as usize;
            let salt = (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes();
            let salt_at = salt_at(&packets[at]);
            let xor = |packet: &mut Element<B>| packet.0[salt_at..salt_at + 8].iter_mut().zip(salt).for_each(|(b, s)| *b ^= s);
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
