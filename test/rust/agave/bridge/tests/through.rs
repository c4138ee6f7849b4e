//! The bridge in one process, against a sidecar made of the published crate `que`: one test, since a process has one bridge.

mod common;

use bridge::{
    bridge::start,
    packet::{first_signature, through_sidecar, Hasher},
    reports::{after_check, before_check, committed, dropping},
    traffic::Traffic,
};
use common::{Element, Outcome, Prefix, Signature, CONFIRMED, OUTCOMES, PACKETS};
use crossbeam_channel::{bounded, Receiver};
use que::headless_spmc::{consumer::Consumer, producer::Producer};
use solana_perf::packet::{BytesPacket, PacketBatch};
use std::{
    ffi::OsString,
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        Arc,
    },
    time::{Duration, Instant},
};

const SEED: u64 = 0x0123_4567_89ab_cdef;

/// Passes everything on, and beats, while `lives`.
struct Sidecar {
    lives: Arc<AtomicBool>,
    passed: Arc<AtomicU64>,
}

impl Sidecar {
    fn start(mut inputs: Vec<Consumer<Element, PACKETS>>, mut output: Producer<Element, PACKETS>) -> Self {
        let (lives, passed) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
        let (is_alive, count) = (lives.clone(), passed.clone());
        std::thread::spawn(move || loop {
            if is_alive.load(Ordering::Relaxed) {
                for input in &mut inputs {
                    while let Some(element) = input.pop() {
                        output.push(&element);
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    input.beat();
                }
                output.sync();
                output.beat();
            }
            std::thread::sleep(Duration::from_millis(1));
        });
        Self { lives, passed }
    }
}

/// A packet as it comes out of the sidecar: the same, with the mark.
fn marked(packet: &BytesPacket) -> BytesPacket {
    let mut marked = packet.clone();
    marked.meta_mut().flags |= through_sidecar();
    marked
}

fn take(chosen: &Receiver<PacketBatch>) -> Option<BytesPacket> {
    match chosen.recv_timeout(Duration::from_secs(2)).ok()? {
        PacketBatch::Single(packet) => Some(packet),
        _ => None,
    }
}

fn wait<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        if let Some(found) = look() {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    None
}

#[test]
fn packets_go_through_past_and_through_again_and_everything_is_told() {
    let prefix = Prefix::new("through");
    let (sender, receiver) = bounded(1000);

    // Off: nothing is created, nothing is noted.
    assert!(start(None, &receiver, || Some(true)).is_none());
    assert!(start(Some(OsString::from("../x")), &receiver, || Some(true)).is_none());
    let mut traffic = Traffic::new();
    let any = PacketBatch::Single(traffic.next());
    assert!(before_check(&any, false).is_none());
    after_check(&any, None);
    committed(&[0; 64], 1);
    dropping();

    let variable = OsString::from(format!("{},not-included-after=5", prefix.0));
    let chosen = start(Some(variable.clone()), &receiver, || Some(true)).unwrap();
    assert!(start(Some(variable), &receiver, || Some(true)).is_none(), "a process has one bridge");

    // Without a sidecar packets pass by, at once.
    let sent = traffic.next();
    sender.send(PacketBatch::Single(sent.clone())).unwrap();
    assert_eq!(take(&chosen), Some(sent));

    // With one they go through it: each as it was, large ones and those of IPv6 senders too.
    let inputs = vec![prefix.consumer("tpu_to_qos"), prefix.consumer("fwd_to_qos")];
    let sidecar = Sidecar::start(inputs, prefix.producer("qos_to_sig"));
    let mut outcomes: Consumer<Outcome, OUTCOMES> = prefix.consumer("sch_to_qos");
    let mut failed: Consumer<Element, PACKETS> = prefix.consumer("sig_to_qos");
    let mut confirmed: Consumer<Signature, CONFIRMED> = prefix.consumer("tx_status_cache");
    // SAFETY: the metadata is an aligned u64 of the mapping.
    unsafe { outcomes.get_padding_ptr().cast::<AtomicU64>().as_ref() }.store(SEED, Ordering::Release);
    std::thread::sleep(Duration::from_millis(400)); // the bridge looks for the sidecar's channel every 200 ms
    let mut through = Vec::new();
    for _ in 0..200 {
        let sent = traffic.next();
        sender.send(PacketBatch::Single(sent.clone())).unwrap();
        let taken = take(&chosen).unwrap();
        assert_eq!(taken, marked(&sent));
        through.push(taken);
    }
    assert_eq!(sidecar.passed.load(Ordering::Relaxed), 200);

    // A failed signature is told with the packet; one that was discarded before the check is not.
    let mut bad = through[1].clone();
    let mut batch = PacketBatch::Single(bad.clone());
    let unchecked = before_check(&batch, false);
    if let PacketBatch::Single(packet) = &mut batch {
        packet.meta_mut().set_discard(true);
    }
    after_check(&batch, unchecked);
    let element = wait(|| failed.pop()).unwrap();
    assert_eq!(element.0[..bad.buffer().len()], bad.buffer()[..]);
    assert_eq!(element.0[4124] & 0b0001_0001, 0);
    bad.meta_mut().set_discard(true);
    let batch = PacketBatch::Single(bad);
    after_check(&batch, before_check(&batch, false));
    // Neither is a vote, nor what has not come through the sidecar.
    let mut unknown = through[3].clone();
    unknown.meta_mut().flags -= through_sidecar();
    let mut batch = PacketBatch::Single(unknown);
    let unchecked = before_check(&batch, false);
    if let PacketBatch::Single(packet) = &mut batch {
        packet.meta_mut().set_discard(true);
    }
    after_check(&batch, unchecked);
    let vote = PacketBatch::Single(through[2].clone());
    after_check(&vote, before_check(&vote, true));

    // Commits are told with their hash, and all signatures are confirmed. Charged without having run is no 0.
    let mut hasher = Hasher::new();
    hasher.set_seed(SEED);
    let expected: Vec<u64> = through.iter().map(|packet| hasher.hash(packet.buffer(), packet.meta().addr)).collect();
    for packet in &through[..6] {
        let batch = PacketBatch::Single(packet.clone());
        after_check(&batch, before_check(&batch, false));
    }
    committed(&first_signature(through[0].buffer()).unwrap(), 450);
    committed(&first_signature(through[1].buffer()).unwrap(), 0);
    committed(&[3; 64], 1);
    assert_eq!(wait(|| outcomes.pop()), Some(Outcome(expected[0], 4500)));
    assert_eq!(wait(|| outcomes.pop()), Some(Outcome(expected[1], 10)));
    let signatures: Vec<u8> = (0..3).map(|_| wait(|| confirmed.pop()).unwrap().0[0]).collect();
    assert_eq!(signatures[2], 3);
    assert!(failed.pop().is_none());

    // Killed in a lull: the next packet passes by, within 100 ms of the death.
    std::thread::sleep(Duration::from_millis(300));
    sidecar.lives.store(false, Ordering::Relaxed);
    let death = Instant::now();
    std::thread::sleep(Duration::from_millis(120));
    let sent = traffic.next();
    sender.send(PacketBatch::Single(sent.clone())).unwrap();
    assert_eq!(chosen.recv_timeout(Duration::from_millis(40)).ok(), Some(PacketBatch::Single(sent)));

    // Back: through again.
    sidecar.lives.store(true, Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(50));
    let before = sidecar.passed.load(Ordering::Relaxed);
    let sent = traffic.next();
    sender.send(PacketBatch::Single(sent.clone())).unwrap();
    assert_eq!(take(&chosen), Some(marked(&sent)));
    assert_eq!(sidecar.passed.load(Ordering::Relaxed), before + 1);

    // Killed under load: what it had not taken is given to the check all the same.
    sidecar.lives.store(false, Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(5));
    let lost: Vec<BytesPacket> = (0..20).map(|_| traffic.next()).collect();
    for packet in &lost {
        sender.send(PacketBatch::Single(packet.clone())).unwrap();
    }
    let mut found: Vec<BytesPacket> = (0..20).filter_map(|_| take(&chosen)).collect();
    let key = |packet: &BytesPacket| packet.buffer().to_vec();
    found.sort_by_key(key);
    let mut wanted = lost;
    wanted.sort_by_key(key);
    assert_eq!(found, wanted);

    // Not included: told after the limit, for the four that passed and were not committed.
    let not_included: Vec<Outcome> = (0..4)
        .filter_map(|_| {
            let end = death + Duration::from_secs(15);
            loop {
                match outcomes.pop() {
                    None if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
                    found => break found,
                }
            }
        })
        .collect();
    assert_eq!(not_included, expected[2..6].iter().map(|hash| Outcome(*hash, 0)).collect::<Vec<_>>());

    // The receivers end: so does everything.
    drop(sender);
    assert!(wait(|| match chosen.recv_timeout(Duration::from_millis(20)) {
        Err(crossbeam_channel::RecvTimeoutError::Disconnected) => Some(()),
        _ => None,
    })
    .is_some());
}
