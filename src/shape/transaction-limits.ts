// Sizes and limits of a transaction (engine.md, 3, 3b and 4). Plain constants, so that Bun and the kernel's compiler read
// the same file.

/** Bytes of the longest legacy or v0 transaction. A v1 transaction may have as many as the largest packet's payload. */
export const OLD_TRANSACTION_MAX_BYTES = 1232;
/** 1232 / 96: each signature needs a key beside it. */
export const SIGNATURES_MAX = 12;
/** 1232 / 32. */
export const KEYS_MAX = 38;
export const HEADER_BYTES = 3;
/** Program index, account count, data length. */
export const INSTRUCTION_MIN_BYTES = 3;
/** (1232 - 136) / 35. */
export const LOOKUPS_MAX = 31;
/** Table key, two counts, one index. */
export const LOOKUP_MIN_BYTES = 35;
export const ACCOUNTS_MAX = 256;
/** Top bit of the byte behind the signatures: a version follows, else it is legacy. */
export const VERSION_BIT = 0x80;

// A compact-u16 as the parser hands it on: its value, and how many bytes it took.
export const COMPACT_VALUE_MASK = 0xffff;
export const COMPACT_BYTES_SHIFT = 16;
export const COMPACT_NONE = -1;

// v1 (SIMD-0385).
export const V1_FIRST_BYTE = 0x81;
/** First byte, header, config mask, lifetime, instruction count, address count. */
export const V1_PREFIX_BYTES = 42;
export const V1_KEYS_MAX = 64;
export const V1_INSTRUCTIONS_MAX = 64;
export const INSTRUCTION_HEADER_BYTES = 4;
export const CONFIG_FEE_BITS = 0b00011;
export const CONFIG_LIMIT_BIT = 0b00100;
export const CONFIG_HEAP_BIT = 0b10000;
export const CONFIG_ALL_BITS = 0b11111;

export const HEAP_MIN_BYTES = 32_768;
export const HEAP_MAX_BYTES = 262_144;
export const HEAP_UNIT_BYTES = 1_024;

// Fees.
export const LAMPORTS_PER_SIGNATURE = 5_000;
export const MICRO_LAMPORTS_PER_LAMPORT = 1_000_000;
export const COMPUTE_UNITS_MAX = 1_400_000;
export const COMPUTE_UNITS_DEFAULT = 200_000;
export const COMPUTE_UNITS_BUILTIN = 3_000;
/** The reference's rule looks at this many instructions, from the first on. */
export const REFERENCE_INSTRUCTIONS_MAX = 8;
/** SIMD-160. */
export const INSTRUCTIONS_MAX = 64;
/** SIMD-406. */
export const INSTRUCTION_ACCOUNTS_MAX = 255;
/** Accounts that one transaction can lock, those behind lookup tables counted (feature increase_tx_account_lock_limit). */
export const ACCOUNT_LOCKS_MAX = 128;

// Kinds of a compute-budget instruction: its first data byte.
export const BUDGET_HEAP = 1;
export const BUDGET_LIMIT = 2;
export const BUDGET_PRICE = 3;
export const BUDGET_LOADED_DATA = 4;
