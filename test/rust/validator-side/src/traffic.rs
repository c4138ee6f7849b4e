//! The load: really signed transfers, each unique, some with a damaged signature.

use ed25519_dalek::{Keypair, PublicKey, SecretKey, Signer};
use view2::transaction_view::TransactionView;

use crate::sidecar::Packet;

const PAYERS: usize = 24;
const SENDERS: u64 = 60;
/// One in so many is damaged.
const BAD_EVERY: u64 = 20;
/// ComputeBudget111111111111111111111111111111
const COMPUTE_BUDGET: [u8; 32] = [
    3, 6, 70, 111, 229, 33, 23, 50, 255, 236, 173, 186, 114, 195, 155, 231, 188, 140, 229, 187, 197, 247, 18, 107, 44,
    67, 155, 58, 64, 0, 0, 0,
];

pub struct Traffic {
    payers: Vec<Keypair>,
    pub made: u64,
}

impl Traffic {
    pub fn new() -> Self {
        let payers = (0..PAYERS as u8)
            .map(|i| {
                let secret = SecretKey::from_bytes(&[i + 1; 32]).expect("32 bytes");
                let public = PublicKey::from(&secret);
                Keypair { secret, public }
            })
            .collect();
        Self { payers, made: 0 }
    }

    /// The next packet. Its number stands in the transferred lamports.
    pub fn next(&mut self) -> Packet {
        let n = self.made;
        self.made += 1;
        let payer = &self.payers[(n % PAYERS as u64) as usize];
        let price = (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44) + 1;
        let mut message = vec![1, 0, 2, 4];
        message.extend(payer.public.as_bytes());
        message.extend([7; 32]);
        message.extend([0; 32]);
        message.extend(COMPUTE_BUDGET);
        message.extend([9; 32]);
        message.extend([2, 3, 0, 9, 3]);
        message.extend(price.to_le_bytes());
        message.extend([2, 2, 0, 1, 12, 2, 0, 0, 0]);
        message.extend(n.to_le_bytes());
        let mut signature = payer.sign(&message).to_bytes();
        if n % BAD_EVERY == BAD_EVERY - 1 {
            signature[40] ^= 1;
        }
        let payload = [&[1][..], &signature, &message].concat();
        Packet::new(&payload, [10, 9, 0, (n % SENDERS) as u8], 8001)
    }
}

/// The number of a packet of this traffic: its last eight bytes.
pub fn number_of(packet: &Packet) -> u64 {
    let payload = packet.payload();
    payload.last_chunk().map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes))
}

/// Sigverify: the first signature, or None where any of them is wrong.
pub fn verify(packet: &Packet) -> Option<[u8; 64]> {
    let view = TransactionView::try_new_sanitized(packet.payload()).ok()?;
    let message = view.message_data();
    for (signature, key) in view.signatures().iter().zip(view.static_account_keys()) {
        let key = PublicKey::from_bytes(key.as_ref()).ok()?;
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_ref()).ok()?;
        key.verify_strict(message, &signature).ok()?;
    }
    view.signatures().first()?.as_ref().try_into().ok()
}
