//! A `que` channel in this process' own memory, both sides at hand.

use que::headless_spmc::{consumer::Consumer, producer::Producer};
use que::Channel;

use crate::packet::Packet;

pub const CAPACITY: usize = 32_768;
/// Elements that a consumer can still read after one filling: beyond it, it counts as lapped.
pub const ROUND: usize = CAPACITY - CAPACITY / 4;

pub struct Ring {
    pub producer: Producer<Packet, CAPACITY>,
    pub consumer: Consumer<Packet, CAPACITY>,
}

impl Ring {
    pub fn new() -> Self {
        #[repr(align(128))]
        #[derive(Clone)]
        struct Line(#[allow(dead_code)] [u8; 128]);
        let lines = vec![Line([0; 128]); std::mem::size_of::<Channel<Packet, CAPACITY>>().div_ceil(128)].leak();
        let memory = lines.as_mut_ptr().cast::<u8>();
        // SAFETY: zeroed, aligned to 128 bytes, of the channel's size, and never freed.
        unsafe {
            Self {
                producer: Producer::initialize_in(memory).expect("initialize"),
                consumer: Consumer::join(memory).expect("join"),
            }
        }
    }

    /// One filling of the ring with packets `first`, `first + 1`, ... of the run.
    pub fn fill(&mut self, packets: &[Packet], first: u64) {
        for n in first..first + ROUND as u64 {
            self.producer.push(&packets[(n % packets.len() as u64) as usize].salted(crate::mix::salt(n)));
        }
        self.producer.sync();
    }
}
