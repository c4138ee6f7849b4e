use bridge::{
    packet::{first_signature, Hasher},
    traffic::Traffic,
};
use solana_perf::{packet::PacketBatch, sigverify::ed25519_verify_serial};

#[test]
fn the_traffic_is_what_the_validator_takes() {
    let mut traffic = Traffic::new();
    for n in 0..100 {
        let packet = traffic.next();
        assert_eq!(packet.buffer().len() == 4096, n % 10 == 9);
        let mut batch = PacketBatch::Single(packet);
        ed25519_verify_serial(&mut batch, false, true);
        assert_eq!(batch.get(0).unwrap().meta().discard(), n % 20 == 19, "{n}");
    }
}

#[test]
fn first_signatures_stand_at_the_start_or_at_the_end() {
    let mut traffic = Traffic::new();
    for _ in 0..20 {
        let packet = traffic.next();
        let payload = packet.buffer();
        let expected = if payload[0] == 0x81 { &payload[payload.len() - 64..] } else { &payload[1..65] };
        assert_eq!(first_signature(payload).unwrap(), expected);
        // Whatever the bytes are: an answer, no panic.
        for cut in 0..payload.len().min(300) {
            first_signature(&payload[..cut]);
        }
    }
    for first in 0..=255 {
        for second in [0, 1, 12, 255] {
            for bytes in [1, 2, 64, 65, 66, 1232] {
                let mut payload = vec![second; bytes];
                payload[0] = first;
                first_signature(&payload);
            }
        }
    }
    assert_eq!(first_signature(&[]), None);
    assert_eq!(first_signature(&[0; 100]), None);
    assert_eq!(first_signature(&[0x80; 100]), None);
}

#[test]
fn a_mapped_address_is_an_ipv4_sender_to_the_hash() {
    let mut hasher = Hasher::new();
    hasher.set_seed(7);
    let plain = hasher.hash(b"abc", "1.2.3.4".parse().unwrap());
    assert_eq!(hasher.hash(b"abc", "::ffff:1.2.3.4".parse().unwrap()), plain);
    assert_ne!(hasher.hash(b"abc", "1.2.3.5".parse().unwrap()), plain);
    assert_ne!(hasher.hash(b"abc", "fd00::1".parse().unwrap()), plain);
    hasher.set_seed(8);
    assert_ne!(hasher.hash(b"abc", "1.2.3.4".parse().unwrap()), plain);
}
