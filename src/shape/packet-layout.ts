// What lies behind a packet's payload (spec: wire.md, 6). Plain constants, so that Bun and the kernel's compiler read the
// same file. Where the payload ends differs from layout to layout (shape/packet-layouts.ts); the fields behind it stand in
// one order everywhere, so their offsets count from the payload's end.

export const FIELD_SIZE_AT = 0; // u64 bytes of the payload in use
export const FIELD_ADDRESS_TAG_AT = 8; // u8
export const FIELD_ADDRESS_AT = 9; // 4 or 16 octets in network order
export const FIELD_PORT_AT = 26; // u16
export const FIELD_FLAGS_AT = 28; // u8
export const FIELD_REMOTE_KEY_AT = 29; // 32 bytes, in the layouts that have it

/** Bytes of the payload in the layouts of Agave's flat packet. */
export const AGAVE_PAYLOAD_BYTES = 1232;
/** Bytes of the payload in the large layout: the longest transaction v1 (SIMD-0296, SIMD-0385). */
export const LARGE_PAYLOAD_BYTES = 4096;

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
