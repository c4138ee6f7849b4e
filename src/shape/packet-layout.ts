// Where a packet's fields lie (spec: wire.md, 6). Plain constants, so that Bun and the kernel's compiler read the same file.
// Both layouts agree up to byte 1261: Agave 4 only adds the QUIC peer's identity key behind the flags.

export const PAYLOAD_MAX_BYTES = 1232;
export const SIZE_AT = 1232; // u64
export const ADDRESS_TAG_AT = 1240; // u8
export const ADDRESS_AT = 1241; // 4 or 16 octets in network order
export const PORT_AT = 1258; // u16
export const FLAGS_AT = 1260; // u8
export const REMOTE_PUBKEY_AT = 1261; // 32 bytes, agave4 only

export const AGAVE2_PACKET_BYTES = 1264;
export const AGAVE4_PACKET_BYTES = 1296;

export const ADDRESS_TAG_IPV4 = 0;
export const ADDRESS_TAG_IPV6 = 1;

export const FLAG_DISCARD = 0x01;
export const FLAG_FORWARDED = 0x02;
export const FLAG_REPAIR = 0x04;
export const FLAG_SIMPLE_VOTE = 0x08;
export const FLAG_PERF_TRACK = 0x40;
export const FLAG_STAKED = 0x80;

export const SIGNATURE_BYTES = 64;
export const PUBKEY_BYTES = 32;
