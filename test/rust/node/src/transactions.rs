//! Transactions of the load: transfers of one lamport, really signed, each unique.

use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;

const COMPUTE_UNITS: u32 = 3_000;
/// Distinguishes transactions that are the same in everything else: their limits of loaded data.
const DATA_LIMIT: u32 = 2_000_000;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Good,
    /// With a signature that is wrong.
    Bad,
    /// Of version 1 and more than 1,232 bytes.
    Large,
}

/// `price`: micro-lamports for a compute unit.
pub fn transfer(kind: Kind, payer: &Keypair, to: &Pubkey, blockhash: &[u8; 32], price: u64, number: u32) -> Vec<u8> {
    if kind == Kind::Large {
        return large(payer, to, blockhash, price, number);
    }
    let mut message = vec![1, 0, 2, 4];
    message.extend(payer.pubkey().as_ref());
    message.extend(to.as_ref());
    message.extend(solana_sdk_ids::system_program::id().as_ref());
    message.extend(solana_sdk_ids::compute_budget::id().as_ref());
    message.extend(blockhash);
    message.push(4);
    message.extend([3, 0, 9, 3]);
    message.extend(price.to_le_bytes());
    message.extend([3, 0, 5, 2]);
    message.extend(COMPUTE_UNITS.to_le_bytes());
    message.extend([3, 0, 5, 4]);
    message.extend((DATA_LIMIT + number).to_le_bytes());
    message.extend([2, 2, 0, 1, 12, 2, 0, 0, 0]);
    message.extend(1u64.to_le_bytes());
    let mut signature: [u8; 64] = payer.sign_message(&message).into();
    if kind == Kind::Bad {
        signature[40] ^= 1;
    }
    [&[1][..], &signature, &message].concat()
}

/// 60 more keys than it needs make it 2.2 kB.
fn large(payer: &Keypair, to: &Pubkey, blockhash: &[u8; 32], price: u64, number: u32) -> Vec<u8> {
    const MORE_KEYS: u8 = 60;
    let mut message = vec![0x81, 1, 0, 1 + MORE_KEYS];
    message.extend(0b1111u32.to_le_bytes());
    message.extend(blockhash);
    message.extend([1, 3 + MORE_KEYS]);
    message.extend(payer.pubkey().as_ref());
    message.extend(to.as_ref());
    message.extend(solana_sdk_ids::system_program::id().as_ref());
    for i in 0..MORE_KEYS {
        message.extend([7, i, 1]);
        message.extend([9; 29]);
    }
    message.extend((price * u64::from(COMPUTE_UNITS) / 1_000_000).to_le_bytes());
    message.extend(COMPUTE_UNITS.to_le_bytes());
    message.extend((DATA_LIMIT + number).to_le_bytes());
    message.extend([2, 2, 12, 0]);
    message.extend([0, 1, 2, 0, 0, 0]);
    message.extend(1u64.to_le_bytes());
    let signature: [u8; 64] = payer.sign_message(&message).into();
    [&message[..], &signature].concat()
}
