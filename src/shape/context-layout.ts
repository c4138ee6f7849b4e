// The kernel's context: secrets and settings that the kernel reads, and a little scratch. Plain constants, so that Bun
// and the kernel's compiler read the same file. Written by kernel/context.ts.

export const XXH3_SECRET_AT = 0; // 192 bytes, re-keyed with the xxhash seed (wire.md, 8)
export const REFERENCE_FEES_AT = 192; // u8: 1 for the reference's fee rule, 0 for the chain's
export const PRE_SIMD_0170_AT = 193; // u8: 1 for the default compute-unit limits of before SIMD-0170
export const DROP_IPV6_AT = 194; // u8: 1 where IPv6 senders are refused
export const SKIP_PAYLOADS_AT = 195; // u8: 1 where the payload's keyed hash is not wanted: PAYLOAD_MIX stays 0
// u32 bytes before a packet's fields: the longest payload of the layout in use (shape/packet-layouts.ts).
export const PAYLOAD_ROOM_AT = 196;
export const PROGRAM_MULTIPLIER_AT = 200; // u64: spreads the known program ids over their slots without a collision
// u32 arena offset of the table of identities (shape/identity-layout.ts); 0: the packet layout has none.
export const IDENTITIES_AT = 208;
export const IDENTITIES_COUNT_AT = 212; // u32: packets with an identity so far

/** u64 keys for ids and mixes, in the order of their use. */
export const KEYS_AT = 256;
export const IPV4_KEYS_AT = 256; // 2
export const IPV6_KEYS_AT = 272; // 2
export const HASH_KEYS_AT = 288; // 2
export const SIGNATURE_KEYS_AT = 304; // 2
export const PAYER_KEYS_AT = 320; // 6
export const PAYLOAD_FOLD_KEYS_AT = 368; // 6
export const IDENTITY_KEYS_AT = 416; // 6
export const NONCE_KEYS_AT = 464; // 6
export const KEYS_BYTES = 256;

/** Known programs: a table of slots, each an id and what the program is. */
export const PROGRAMS_AT = 512;
export const PROGRAM_SLOT_BYTES = 40;
export const PROGRAM_TRAITS_AT = 32; // u32 within a slot
export const PROGRAM_SLOT_BITS = 5;

export const PROGRAM_BUDGET = 1; // the compute-budget program
export const PROGRAM_BUILTIN = 2; // 3,000 compute units where no limit is set
export const PROGRAM_PRECOMPILE = 4; // its first data byte counts signatures

/** Scratch of one call: the end of what is hashed, put together. */
export const HASH_SCRATCH_AT = 1_792;
export const HASH_SCRATCH_BYTES = 320;
export const TOUCH_SINK_AT = 2_112; // u32: keeps the loads alive that only warm the cache

/** Of the search for a key that stands twice (kernel/duplicate-keys.as.ts): fingerprints, and the exact search's slots. */
export const KEY_FINGERPRINTS_AT = 2_128;
export const KEY_FINGERPRINTS_BYTES = 128;
export const KEY_SLOTS_AT = 2_256;
export const KEY_SLOTS_BYTES = 256;

/**
 * Where the parser notes each instruction for the fee rules: a u32 of program index, offset of the data in the payload,
 * bytes of the data. An instruction takes 3 bytes of the payload at least. A program index has 6 bits here: one that needs
 * more belongs to a transaction that a sanity rule refuses, and nobody reads the notes of such a one.
 */
export const INSTRUCTION_NOTES_AT = 2_560;
export const INSTRUCTION_NOTE_BYTES = 4;
export const INSTRUCTION_NOTES_BYTES = 5_464;
export const NOTE_PROGRAM_MASK = 0x3f;
export const NOTE_DATA_AT_SHIFT = 6;
export const NOTE_DATA_AT_MASK = 0x1fff;
export const NOTE_DATA_BYTES_SHIFT = 19;

/** Key words of the payload's keyed hash: as many bytes as the longest payload, rounded up to 32 (a test holds that). */
export const PAYLOAD_KEYS_AT = 8_064;
export const PAYLOAD_KEYS_BYTES = 4_096;
