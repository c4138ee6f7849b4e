//! The load: really signed transactions, each unique, some with a damaged signature.

use ed25519_dalek::{Signer, SigningKey};
use solana_perf::packet::{bytes::Bytes, BytesPacket, Meta, PacketFlags};
use solana_pubkey::Pubkey;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One in so many is damaged.
pub const BAD_EVERY: u64 = 20;
const SENDERS: u64 = 60;
const SYSTEM_PROGRAM: [u8; 32] = [0; 32];

pub struct Traffic {
    payers: Vec<SigningKey>,
    pub made: u64,
}

impl Traffic {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self { payers: (1..=24).map(|i| SigningKey::from_bytes(&[i; 32])).collect(), made: 0 }
    }

    /// The next packet. Its number stands in the last eight bytes of its message.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> BytesPacket {
        let n = self.made;
        self.made += 1;
        let payer = &self.payers[(n % self.payers.len() as u64) as usize];
        let is_large = n % 10 == 9;
        let message = if is_large { large(payer, n) } else { transfer(payer, n) };
        let mut signature = payer.sign(&message).to_bytes();
        if n % BAD_EVERY == BAD_EVERY - 1 {
            signature[40] ^= 1;
        }
        let payload = if is_large { [&message[..], &signature].concat() } else { [&[1][..], &signature, &message].concat() };
        let mut meta = Meta::default();
        meta.size = payload.len();
        meta.addr = if n % 8 == 7 {
            IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1 + (n % SENDERS) as u16))
        } else {
            IpAddr::V4(Ipv4Addr::new(10, 9, 0, (n % SENDERS) as u8))
        };
        meta.port = 8001;
        if n % 4 == 0 {
            meta.flags |= PacketFlags::FORWARDED;
        }
        if n % 5 == 0 {
            meta.flags |= PacketFlags::FROM_STAKED_NODE;
            meta.set_remote_pubkey(Pubkey::new_from_array([(n % SENDERS) as u8 + 1; 32]));
        }
        BytesPacket::new(Bytes::from(payload), meta)
    }
}

/// A transfer of version "legacy".
fn transfer(payer: &SigningKey, n: u64) -> Vec<u8> {
    let mut message = vec![1, 0, 1, 3];
    message.extend(payer.verifying_key().as_bytes());
    message.extend([7; 32]);
    message.extend(SYSTEM_PROGRAM);
    message.extend([9; 32]);
    message.extend([1, 2, 2, 0, 1, 12, 2, 0, 0, 0]);
    message.extend(n.to_le_bytes());
    message
}

/// A transaction of version 1 (SIMD-0385) of 4,096 bytes: one instruction with much data.
fn large(payer: &SigningKey, n: u64) -> Vec<u8> {
    const MESSAGE_BYTES: usize = 4096 - 64;
    let mut message = vec![0x81, 1, 0, 1];
    message.extend(0u32.to_le_bytes()); // config mask
    message.extend([9; 32]); // blockhash
    message.extend([1, 2]); // instructions, keys
    message.extend(payer.verifying_key().as_bytes());
    message.extend(SYSTEM_PROGRAM);
    let data_bytes = MESSAGE_BYTES - message.len() - 4;
    message.extend([1, 0]); // program index, accounts
    message.extend((data_bytes as u16).to_le_bytes());
    message.resize(MESSAGE_BYTES - 8, 5);
    message.extend(n.to_le_bytes());
    message
}

/// The number of a packet of this traffic.
pub fn number_of(payload: &[u8]) -> u64 {
    let end = if payload.first() == Some(&0x81) { payload.len() - 64 } else { payload.len() };
    payload[..end].last_chunk().map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes))
}
