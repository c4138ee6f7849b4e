//! A packet as it lies in a channel: 1232 bytes of payload and its metadata.

use bytemuck::{AnyBitPattern, Zeroable};

pub const PACKET_BYTES: usize = 1264;
pub const PAYLOAD_MAX: usize = 1232;

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct Packet(pub [u8; PACKET_BYTES]);

// SAFETY: an array of bytes, a multiple of 8 long.
unsafe impl Zeroable for Packet {}
unsafe impl AnyBitPattern for Packet {}

impl Packet {
    pub fn size(&self) -> usize {
        u64::from_le_bytes(self.0[1232..1240].try_into().unwrap()) as usize
    }

    pub fn is_ipv4(&self) -> bool {
        self.0[1240] == 0
    }

    pub fn octets(&self) -> [u8; 4] {
        self.0[1241..1245].try_into().unwrap()
    }

    pub fn is_discarded(&self) -> bool {
        self.0[1260] & 1 != 0
    }

    pub fn salted(&self, salt: u64) -> Packet {
        let mut packet = *self;
        for (byte, salt) in packet.0[1..9].iter_mut().zip(salt.to_le_bytes()) {
            *byte ^= salt;
        }
        packet
    }
}

pub fn read_file(path: &str) -> Vec<Packet> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    assert!(!bytes.is_empty() && bytes.len() % PACKET_BYTES == 0, "{path} holds no whole packets");
    bytes.chunks_exact(PACKET_BYTES).map(|chunk| Packet(chunk.try_into().unwrap())).collect()
}
