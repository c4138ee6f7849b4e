use bridge::pending::Pending;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(20);
const SECOND: Duration = Duration::from_secs(1);

fn signature(n: u64) -> [u8; 64] {
    let mut bytes = [7; 64];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    bytes
}

fn all_not_included(pending: &mut Pending, now: Instant) -> Vec<u64> {
    std::iter::from_fn(|| pending.next_not_included(now)).collect()
}

#[test]
fn a_commit_finds_its_packet_once() {
    let (mut pending, now) = (Pending::new(LIMIT, 100), Instant::now());
    pending.passed(signature(1), 11, now, true);
    assert_eq!(pending.committed(&signature(1)), Some(11));
    assert_eq!(pending.committed(&signature(1)), None);
    assert_eq!(pending.committed(&signature(2)), None);
    assert_eq!(all_not_included(&mut pending, now + LIMIT * 2), [0u64; 0]);
}

#[test]
fn not_included_is_told_after_the_limit_and_not_before() {
    let (mut pending, now) = (Pending::new(LIMIT, 100), Instant::now());
    pending.passed(signature(1), 11, now, true);
    pending.passed(signature(2), 12, now + SECOND, true);
    assert_eq!(all_not_included(&mut pending, now + LIMIT - Duration::from_millis(1)), [0u64; 0]);
    assert_eq!(all_not_included(&mut pending, now + LIMIT), [11]);
    assert_eq!(all_not_included(&mut pending, now + LIMIT + SECOND), [12]);
    assert_eq!(pending.len(), 0);
}

#[test]
fn not_included_is_not_told_outside_of_a_leader_window() {
    let (mut pending, now) = (Pending::new(LIMIT, 100), Instant::now());
    pending.passed(signature(1), 11, now, false);
    pending.passed(signature(2), 12, now, true);
    pending.passed(signature(3), 13, now + SECOND, true);
    pending.window_closed(now + SECOND, Duration::from_millis(400));
    assert_eq!(all_not_included(&mut pending, now + LIMIT * 2), [12]);
    // What was not told is told all the same when another leader includes it in time.
    pending.passed(signature(4), 14, now, false);
    assert_eq!(pending.committed(&signature(4)), Some(14));
}

#[test]
fn not_included_is_not_told_where_the_validator_dropped_for_want_of_room() {
    let (mut pending, now) = (Pending::new(LIMIT, 100), Instant::now());
    pending.passed(signature(1), 11, now, true);
    pending.dropped(now + SECOND);
    pending.passed(signature(2), 12, now + SECOND * 2, true);
    assert_eq!(all_not_included(&mut pending, now + LIMIT * 2), [12]);
}

#[test]
fn what_was_committed_before_it_came_is_not_waited_for() {
    let (mut pending, now) = (Pending::new(LIMIT, 100), Instant::now());
    pending.committed(&signature(1));
    pending.passed(signature(1), 11, now, true);
    assert_eq!(all_not_included(&mut pending, now + LIMIT), [0u64; 0]);
}

#[test]
fn a_second_copy_changes_nothing() {
    let (mut pending, now) = (Pending::new(LIMIT, 100), Instant::now());
    pending.passed(signature(1), 11, now, true);
    pending.passed(signature(1), 99, now + SECOND, true);
    assert_eq!(all_not_included(&mut pending, now + LIMIT), [11]);
    assert_eq!(all_not_included(&mut pending, now + LIMIT * 2), [0u64; 0]);
}

#[test]
fn its_memory_is_bounded_and_the_oldest_goes() {
    let (mut pending, now) = (Pending::new(LIMIT, 100), Instant::now());
    for n in 0..1000 {
        pending.passed(signature(n), n, now, true);
        assert!(pending.len() <= 100);
    }
    assert_eq!(pending.committed(&signature(0)), None);
    assert_eq!(pending.committed(&signature(999)), Some(999));
    assert_eq!(all_not_included(&mut pending, now + LIMIT), (900..999).collect::<Vec<_>>());
}
