//! Channels of a test: their names, their removal, and the other end, which is the published crate `que`.
#![allow(dead_code)]

use bytemuck::{AnyBitPattern, Zeroable};
use que::headless_spmc::{consumer::Consumer, producer::Producer};
use que::page_size::PageSize;

pub const PACKETS: usize = 16_384;
pub const OUTCOMES: usize = 32_768;
pub const CONFIRMED: usize = 1_048_576;

#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Element(pub [u8; 4160]);
// SAFETY: an array of bytes, a multiple of 8 long.
unsafe impl Zeroable for Element {}
unsafe impl AnyBitPattern for Element {}

#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Outcome(pub u64, pub u64);
// SAFETY: two u64.
unsafe impl Zeroable for Outcome {}
unsafe impl AnyBitPattern for Outcome {}

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Signature(pub [u8; 64]);
// SAFETY: an array of bytes.
unsafe impl Zeroable for Signature {}
unsafe impl AnyBitPattern for Signature {}

/// A prefix of this test's own. Its files go with it.
pub struct Prefix(pub String);

impl Prefix {
    pub fn new(name: &str) -> Self {
        Self(format!("qos_bridge_{}_{name}_", std::process::id()))
    }

    pub fn producer<T: AnyBitPattern, const N: usize>(&self, name: &str) -> Producer<T, N> {
        // SAFETY: channels of this test alone.
        unsafe { Producer::join_or_create_shmem(&format!("{}{name}", self.0), PageSize::Standard) }.unwrap()
    }

    /// The bridge creates the channel; this waits for it.
    pub fn consumer<T: AnyBitPattern, const N: usize>(&self, name: &str) -> Consumer<T, N> {
        let path = format!("/dev/shm/{}{name}", self.0);
        for _ in 0..500 {
            if std::fs::metadata(&path).is_ok_and(|facts| facts.len() > 640) {
                // SAFETY: as above.
                if let Ok(joined) = unsafe { Consumer::join_shmem(&format!("{}{name}", self.0), PageSize::Standard) } {
                    return joined;
                }
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{path} does not come");
    }

    pub fn remove(&self) {
        for entry in std::fs::read_dir("/dev/shm").unwrap().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&self.0) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        self.remove();
    }
}
