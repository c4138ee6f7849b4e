//! A packet as it lies in a channel of the layout `large`: 4,160 bytes, payload first. docs/wire.md of qos, section 6.

use {
    super::channel::Element,
    solana_perf::packet::{bytes::Bytes, BytesPacket, Meta, PacketFlags},
    solana_pubkey::Pubkey,
    std::net::{IpAddr, Ipv4Addr, Ipv6Addr},
    xxhash_rust::{const_xxh3::const_custom_default_secret, xxh3::xxh3_64_with_secret},
};

pub const ELEMENT_BYTES: usize = 4160;
/// Elements of a channel of packets.
pub const CAPACITY: u64 = 16_384;
/// The largest transaction: version 1, SIMD-0296.
pub const PAYLOAD_MAX: usize = 4096;
const SIZE_AT: usize = 4096;
const ADDRESS_TAG_AT: usize = 4104;
const OCTETS_AT: usize = 4105;
const PORT_AT: usize = 4122;
const FLAGS_AT: usize = 4124;
const IDENTITY_AT: usize = 4125;

const SIGNATURE_BYTES: usize = 64;
pub type Signature = [u8; SIGNATURE_BYTES];
/// First byte of a transaction of version 1 (SIMD-0385). Its signatures stand at its end.
const V1_FIRST_BYTE: u8 = 0x81;

/// Marks what came through the sidecar: a flag that the validator does not use. Of others nothing is told, since the sidecar
/// does not know them. Where a version has no such flag, this is empty, and of every packet is told.
pub fn through_sidecar() -> PacketFlags {
    PacketFlags::from_bits_truncate(0b0001_0000)
}

/// Whether a payload fits an element.
pub fn fits(payload: &[u8]) -> bool {
    !payload.is_empty() && payload.len() <= PAYLOAD_MAX
}

/// Writes a packet whose payload `fits`. Bytes behind the payload stay what they were: nobody reads them.
pub fn write(element: Element, payload: &[u8], meta: &Meta) {
    element.write(0, payload);
    element.write(SIZE_AT, &(payload.len() as u64).to_le_bytes());
    match meta.addr {
        IpAddr::V4(address) => {
            element.write(ADDRESS_TAG_AT, &[0]);
            element.write(OCTETS_AT, &address.octets());
        }
        IpAddr::V6(address) => {
            element.write(ADDRESS_TAG_AT, &[1]);
            element.write(OCTETS_AT, &address.octets());
        }
    }
    element.write(PORT_AT, &meta.port.to_le_bytes());
    element.write(FLAGS_AT, &[(meta.flags & !through_sidecar()).bits()]);
    element.write(IDENTITY_AT, &meta.remote_pubkey().unwrap_or_default().to_bytes());
}

/// Reads a packet that the sidecar sent. One whose size cannot be right comes out empty.
pub fn read(element: Element) -> BytesPacket {
    let size = usize::try_from(u64::from_le_bytes(element.bytes(SIZE_AT))).unwrap_or(usize::MAX);
    let mut payload = vec![0; if size <= PAYLOAD_MAX { size } else { 0 }];
    element.read(0, &mut payload);
    let mut meta = Meta::default();
    meta.size = payload.len();
    let [tag] = element.bytes(ADDRESS_TAG_AT);
    meta.addr = match tag {
        0 => IpAddr::V4(Ipv4Addr::from(element.bytes::<4>(OCTETS_AT))),
        _ => IpAddr::V6(Ipv6Addr::from(element.bytes::<16>(OCTETS_AT))),
    };
    meta.port = u16::from_le_bytes(element.bytes(PORT_AT));
    let [flags] = element.bytes(FLAGS_AT);
    meta.flags = PacketFlags::from_bits_truncate(flags) & !PacketFlags::DISCARD | through_sidecar();
    meta.set_remote_pubkey(Pubkey::new_from_array(element.bytes(IDENTITY_AT)));
    BytesPacket::new(Bytes::from(payload), meta)
}

/// The first signature of a transaction that passed the signature check.
pub fn first_signature(payload: &[u8]) -> Option<Signature> {
    let at = match *payload.first()? {
        0 => return None,
        V1_FIRST_BYTE => {
            let count = usize::from(*payload.get(1)?);
            payload.len().checked_sub(count.checked_mul(SIGNATURE_BYTES)?)?
        }
        // The count of signatures: one byte below 128.
        count if count < 0x80 => 1,
        _ => return None,
    };
    payload.get(at..at.checked_add(SIGNATURE_BYTES)?)?.try_into().ok()
}

/// Computes packet hashes with the seed that the sidecar gave.
pub struct Hasher {
    seed: u64,
    secret: [u8; 192],
    image: Vec<u8>,
}

impl Hasher {
    pub fn new() -> Self {
        let image = Vec::with_capacity(PAYLOAD_MAX + 24);
        Self { seed: 0, secret: const_custom_default_secret(0), image }
    }

    pub fn set_seed(&mut self, seed: u64) {
        if seed != self.seed {
            self.seed = seed;
            self.secret = const_custom_default_secret(seed);
        }
    }

    /// XXH3-64 with a secret (not with a seed) over payload, size and the sender's address.
    pub fn hash(&mut self, payload: &[u8], address: IpAddr) -> u64 {
        self.image.clear();
        self.image.extend_from_slice(payload);
        self.image.extend_from_slice(&(payload.len() as u64).to_le_bytes());
        match address.to_canonical() {
            IpAddr::V4(address) => self.image.extend_from_slice(&address.octets()),
            IpAddr::V6(address) => self.image.extend_from_slice(&address.octets()),
        }
        xxh3_64_with_secret(&self.image, &self.secret)
    }
}
