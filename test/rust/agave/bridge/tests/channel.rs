//! Channels against the published crate `que` at the other end.

mod common;

use bridge::channel::{Consumer, Element, Producer, Spec, SILENCE};
use common::{Outcome, Prefix};
use std::{
    fs,
    time::{Duration, Instant},
};

const CAPACITY: usize = 64;
const TURN: Duration = Duration::from_millis(5);

fn spec(prefix: &Prefix, capacity: usize) -> Spec {
    Spec::new(&prefix.0, "c", false, 16, capacity as u64)
}

fn write(n: u64) -> impl FnOnce(Element) {
    move |element| {
        element.write(0, &n.to_le_bytes());
        element.write(8, &(n * 2).to_le_bytes());
    }
}

fn read(element: Element) -> u64 {
    u64::from_le_bytes(element.bytes(0))
}

#[test]
fn what_is_pushed_is_read_by_que_after_it_was_published() {
    let prefix = Prefix::new("out");
    let mut producer = Producer::new(spec(&prefix, CAPACITY));
    assert!(!producer.is_alive(Instant::now()));
    let mut consumer = prefix.consumer::<Outcome, CAPACITY>("c");
    producer.push(write(1));
    producer.push(write(2));
    assert_eq!(consumer.pop(), None);
    producer.publish();
    assert_eq!(consumer.pop(), Some(Outcome(1, 2)));
    assert_eq!(consumer.pop(), Some(Outcome(2, 4)));
    // Past a quarter of the ring it publishes by itself, so that the reader's reserve is never written unseen.
    for n in 0..40 {
        producer.push(write(n));
    }
    assert_eq!(std::iter::from_fn(|| consumer.pop()).count(), 32);
    assert!(!consumer.producer_heartbeat());
    producer.beat();
    assert!(consumer.producer_heartbeat());
}

#[test]
fn what_que_pushes_is_read_and_a_lap_is_counted() {
    let prefix = Prefix::new("in");
    let mut consumer = Consumer::new(spec(&prefix, CAPACITY));
    assert!(!consumer.turn(Instant::now()), "nobody has created it");
    assert!(fs::metadata(format!("/dev/shm/{}c", prefix.0)).is_err(), "the reader creates nothing");
    let mut producer = prefix.producer::<Outcome, CAPACITY>("c");
    std::thread::sleep(Duration::from_millis(250));
    assert!(consumer.turn(Instant::now()));
    assert!(producer.consumer_heartbeat());
    assert_eq!(consumer.pop(read), None);
    for n in 0..10 {
        producer.push(&Outcome(n, 0));
    }
    producer.sync();
    for n in 0..10 {
        assert_eq!(consumer.pop(read), Some(n));
    }
    for n in 0..100 {
        producer.push(&Outcome(n, 0));
    }
    producer.sync();
    let found: Vec<u64> = std::iter::from_fn(|| consumer.pop(read)).collect();
    assert_eq!(found, (100 - 48..100).collect::<Vec<_>>());
    assert_eq!(consumer.lapped, 100 - 48);
}

#[test]
fn a_reader_that_dies_in_a_lull_is_not_taken_for_alive() {
    let prefix = Prefix::new("lull");
    let mut producer = Producer::new(spec(&prefix, CAPACITY));
    let start = Instant::now();
    producer.is_alive(start);
    let consumer = prefix.consumer::<Outcome, CAPACITY>("c");
    assert!(producer.is_alive(start), "its join is a beat");
    consumer.beat();
    assert!(producer.is_alive(start + TURN));
    // Dead from here on. The turns of a lull notice the silence before the next packet asks.
    let mut now = start + TURN;
    while now < start + TURN + SILENCE {
        assert!(producer.is_alive(now));
        now += TURN;
    }
    assert!(!producer.is_alive(now));
    assert!(now.duration_since(start) <= Duration::from_millis(100));
    assert!(!producer.is_alive(now + Duration::from_secs(2)));
    consumer.beat();
    assert!(producer.is_alive(now + Duration::from_secs(2)));
}

#[test]
fn a_beat_that_is_found_after_a_pause_may_be_old_and_counts_for_nothing() {
    let prefix = Prefix::new("pause");
    let mut producer = Producer::new(spec(&prefix, CAPACITY));
    let start = Instant::now();
    producer.is_alive(start);
    let consumer = prefix.consumer::<Outcome, CAPACITY>("c");
    consumer.beat(); // its last one; nobody asks for two seconds
    let late = start + Duration::from_secs(2);
    assert!(!producer.is_alive(late));
    assert!(!producer.is_alive(late + TURN));
    consumer.beat();
    assert!(producer.is_alive(late + TURN * 2));
}

#[test]
fn another_size_another_capacity_or_another_file_is_left_as_it_is() {
    let prefix = Prefix::new("wrong");
    let path = format!("/dev/shm/{}c", prefix.0);
    let mut other = prefix.producer::<Outcome, 128>("c");
    let bytes = fs::metadata(&path).unwrap().len();
    let mut producer = Producer::new(spec(&prefix, 4096));
    producer.is_alive(Instant::now());
    assert_eq!(fs::metadata(&path).unwrap().len(), bytes, "it is not cut or grown");
    // The same size in pages, but another capacity.
    let mut producer = Producer::new(spec(&prefix, CAPACITY));
    producer.push(write(1));
    producer.is_alive(Instant::now());
    producer.push(write(2));
    producer.publish();
    other.push(&Outcome(5, 5));
    other.sync();
    fs::write(&path, vec![9; 4096]).unwrap();
    let mut producer = Producer::new(spec(&prefix, CAPACITY));
    producer.is_alive(Instant::now());
    assert!(fs::read(&path).unwrap().iter().all(|byte| *byte == 9));
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
    let mut producer = Producer::new(spec(&prefix, CAPACITY));
    assert!(!producer.is_alive(Instant::now()));
}

#[test]
fn a_file_that_was_removed_and_made_again_is_joined_again() {
    let prefix = Prefix::new("again");
    let mut producer = Producer::new(spec(&prefix, CAPACITY));
    let mut reader = Consumer::new(spec(&prefix, CAPACITY));
    producer.is_alive(Instant::now());
    assert!(reader.turn(Instant::now()));
    prefix.remove();
    std::thread::sleep(Duration::from_millis(220));
    producer.is_alive(Instant::now()); // it notices and makes a new one
    std::thread::sleep(Duration::from_millis(220));
    producer.is_alive(Instant::now());
    reader.turn(Instant::now());
    std::thread::sleep(Duration::from_millis(220));
    assert!(reader.turn(Instant::now()));
    producer.push(write(3));
    producer.publish();
    assert_eq!(reader.pop(read), Some(3));
}

#[test]
fn without_a_channel_nothing_happens() {
    let prefix = Prefix::new("none");
    let mut producer = Producer::new(Spec::new(&prefix.0, "no/such/folder", false, 16, 64));
    assert!(!producer.is_alive(Instant::now()));
    producer.push(write(1));
    producer.publish();
    producer.beat();
    assert_eq!(producer.metadata(), 0);
}
