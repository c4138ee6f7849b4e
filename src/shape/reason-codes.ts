// The reasons' codes, for the kernel's compiler and for ours. Written by kernel/build.ts from shape/ends.ts: a reason is
// added there.

export const REASON_GOOD = 0;

// nonIpv4
export const NON_IPV4 = 1;

// invalidMetaSize
export const INVALID_META_SIZE = 2;

// invalidPacketData
export const INVALID_PACKET_DATA = 3;

// failedView
export const MALFORMED_EMPTY = 16;
export const MALFORMED_SIGNATURE_COUNT = 17;
export const MALFORMED_SIGNATURES = 18;
export const MALFORMED_VERSION = 19;
export const MALFORMED_HEADER = 20;
export const MALFORMED_KEY_COUNT = 21;
export const MALFORMED_KEYS = 22;
export const MALFORMED_BLOCKHASH = 23;
export const MALFORMED_INSTRUCTION_COUNT = 24;
export const MALFORMED_INSTRUCTIONS = 25;
export const MALFORMED_ACCOUNT_COUNT = 26;
export const MALFORMED_ACCOUNTS = 27;
export const MALFORMED_DATA_LENGTH = 28;
export const MALFORMED_DATA = 29;
export const MALFORMED_PROGRAM_INDEX = 30;
export const MALFORMED_LOOKUP_COUNT = 31;
export const MALFORMED_LOOKUPS = 32;
export const MALFORMED_LOOKUP_KEY = 33;
export const MALFORMED_WRITABLE_COUNT = 34;
export const MALFORMED_WRITABLE_INDEXES = 35;
export const MALFORMED_READONLY_COUNT = 36;
export const MALFORMED_READONLY_INDEXES = 37;
export const MALFORMED_TRAILING_BYTES = 38;
export const MALFORMED_PREFIX = 40;
export const MALFORMED_CONFIG_MASK = 41;
export const MALFORMED_CONFIG_VALUES = 42;
export const MALFORMED_INSTRUCTION_HEADERS = 43;
export const MALFORMED_INSTRUCTION_PAYLOADS = 44;
export const MALFORMED_LINE = 48;
export const MALFORMED_BASE64 = 49;
export const MALFORMED_OVERSIZED = 50;

// failedSanitize
export const UNSANITARY_SIGNATURE_COUNT = 64;
export const UNSANITARY_KEY_COUNT = 65;
export const UNSANITARY_READONLY_SIGNED = 66;
export const UNSANITARY_READONLY_UNSIGNED = 67;
export const UNSANITARY_ACCOUNT_TOTAL = 68;
export const UNSANITARY_PROGRAM_INDEX = 69;
export const UNSANITARY_ACCOUNT_INDEX = 70;
export const UNSANITARY_EMPTY_LOOKUP = 71;
export const UNSANITARY_HEAP_SIZE = 72;
export const UNSANITARY_SIGNATURE_LIMIT = 73;
export const UNSANITARY_KEY_LIMIT = 74;
export const UNSANITARY_INSTRUCTION_LIMIT = 75;
export const UNSANITARY_SIZE_LIMIT = 76;

// never included
export const NEVER_INSTRUCTION_LIMIT = 96;
export const NEVER_ACCOUNT_LIMIT = 97;
export const NEVER_BUDGET_TWICE = 98;
export const NEVER_BUDGET_UNKNOWN = 99;
export const NEVER_BUDGET_CUT_SHORT = 100;
export const NEVER_HEAP_SIZE = 101;
export const NEVER_LOADED_DATA_LIMIT = 102;
export const NEVER_DUPLICATE_KEY = 103;
export const NEVER_LOCK_LIMIT = 104;
