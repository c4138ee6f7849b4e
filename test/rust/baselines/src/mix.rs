//! The bench's numbers: the same generator and the same mixes stand in the TypeScript bench.

pub struct SplitMix64(pub u64);

impl SplitMix64 {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// MurmurHash3's 32-bit finalizer.
pub fn mix32(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x85EB_CA6B);
    h ^= h >> 13;
    h = h.wrapping_mul(0xC2B2_AE35);
    h ^ (h >> 16)
}

/// The score that a sender starts with, from the first four bytes of its key: 0.25 to 1.25.
pub fn first_score(key: &[u8]) -> f64 {
    let word = u32::from_le_bytes(key[..4].try_into().unwrap());
    0.25 + f64::from(mix32(word)) / 4_294_967_296.0
}

/// What is XORed into packet n's first signature.
pub fn salt(n: u64) -> u64 {
    (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
