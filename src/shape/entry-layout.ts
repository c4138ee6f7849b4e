// What the kernel writes for elements that are not packets. Plain constants, so that Bun and the kernel's compiler read the
// same file.

/** An outcome of the scheduler (wire.md, 7). */
export const OUTCOME_HASH_AT = 0; // u64 packet hash
export const OUTCOME_MIX_AT = 8; // u64 keyed mix of it, the same as a digest's HASH_MIX
export const OUTCOME_NANOS_AT = 16; // f64 nanoseconds of execution; 0 if the transaction was not included
export const OUTCOME_ENTRY_BYTES = 32;

/** A confirmed signature. */
export const CONFIRMED_KEY_AT = 0; // u64 (wire.md, 9)
export const CONFIRMED_MIX_AT = 8; // u64 keyed mix of it, the same as a digest's SIGNATURE_MIX
export const CONFIRMED_ENTRY_BYTES = 16;
