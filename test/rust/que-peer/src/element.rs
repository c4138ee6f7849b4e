//! Elements whose every word tells the stream index that they were written for, so that a torn or misplaced one shows.
//!
//! Layout, little-endian: u64 index, then u32 words; word k (k counts u32 words from the element's start, so it begins at 2)
//! is `index * 0x9E3779B1 + k * 0x85EBCA6B` modulo 2^32. Two indexes that differ in their low 32 bits differ in every word.

use bytemuck::{AnyBitPattern, Zeroable};

pub const INDEX_FACTOR: u32 = 0x9E37_79B1;
pub const WORD_FACTOR: u32 = 0x85EB_CA6B;

#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Element<const B: usize>(pub [u8; B]);

// SAFETY: an array of bytes; every bit pattern is valid, and B is a multiple of 8, so that there is no padding.
unsafe impl<const B: usize> Zeroable for Element<B> {}
unsafe impl<const B: usize> AnyBitPattern for Element<B> {}

fn word(index: u64, k: usize) -> u32 {
    (index as u32)
        .wrapping_mul(INDEX_FACTOR)
        .wrapping_add((k as u32).wrapping_mul(WORD_FACTOR))
}

impl<const B: usize> Element<B> {
    pub fn write(&mut self, index: u64) {
        self.0[..8].copy_from_slice(&index.to_le_bytes());
        for (k, chunk) in self.0.chunks_exact_mut(4).enumerate().skip(2) {
            chunk.copy_from_slice(&word(index, k).to_le_bytes());
        }
    }

    pub fn index(&self) -> u64 {
        u64::from_le_bytes(self.0[..8].try_into().unwrap())
    }

    /// Whether all words belong to the index that the element names.
    pub fn is_whole(&self) -> bool {
        let index = self.index();
        self.0
            .chunks_exact(4)
            .enumerate()
            .skip(2)
            .all(|(k, chunk)| u32::from_le_bytes(chunk.try_into().unwrap()) == word(index, k))
    }
}
