// The reasons for people: each code's name (as `qos decode` prints it) and one sentence.

import * as codes from "../shape/reason-codes.ts";

/** Which of the statistics a refusal counts in. */
export type Verdict = "ok" | "refused" | "malformed" | "unsanitary";

export interface Reason {
  readonly code: number;
  readonly name: string;
  readonly help: string;
}

const row = (code: number, name: string, help: string): Reason => ({ code, name, help });

export const REASONS: readonly Reason[] = [
  row(codes.REASON_GOOD, "GOOD", "nothing is wrong"),
  row(codes.NON_IPV4, "NON_IPV4", "the sender's address is of no kind that is taken"),
  row(codes.INVALID_META_SIZE, "INVALID_META_SIZE", "the packet names more bytes than its payload has room for"),
  row(codes.INVALID_PACKET_DATA, "INVALID_PACKET_DATA", "the packet's discard flag is set"),
  row(codes.MALFORMED_EMPTY, "MALFORMED_EMPTY", "there are no bytes"),
  row(codes.MALFORMED_SIGNATURE_COUNT, "MALFORMED_SIGNATURE_COUNT", "the signature count is not 1 to 12"),
  row(codes.MALFORMED_SIGNATURES, "MALFORMED_SIGNATURES", "the packet ends within the signatures"),
  row(codes.MALFORMED_VERSION, "MALFORMED_VERSION", "the message's version is missing or unknown"),
  row(codes.MALFORMED_HEADER, "MALFORMED_HEADER", "the packet ends within the message's header"),
  row(codes.MALFORMED_KEY_COUNT, "MALFORMED_KEY_COUNT", "the number of static keys is not 1 to 38"),
  row(codes.MALFORMED_KEYS, "MALFORMED_KEYS", "the packet ends within the static keys"),
  row(codes.MALFORMED_BLOCKHASH, "MALFORMED_BLOCKHASH", "the packet ends within the recent blockhash"),
  row(codes.MALFORMED_INSTRUCTION_COUNT, "MALFORMED_INSTRUCTION_COUNT", "the instruction count is no compact number"),
  row(codes.MALFORMED_INSTRUCTIONS, "MALFORMED_INSTRUCTIONS", "fewer than 3 bytes are left for each instruction"),
  row(codes.MALFORMED_ACCOUNT_COUNT, "MALFORMED_ACCOUNT_COUNT", "an instruction's account count is no compact number"),
  row(codes.MALFORMED_ACCOUNTS, "MALFORMED_ACCOUNTS", "the packet ends within an instruction's accounts"),
  row(codes.MALFORMED_DATA_LENGTH, "MALFORMED_DATA_LENGTH", "an instruction's data length is no compact number"),
  row(codes.MALFORMED_DATA, "MALFORMED_DATA", "the packet ends within an instruction's data"),
  row(codes.MALFORMED_PROGRAM_INDEX, "MALFORMED_PROGRAM_INDEX", "the packet ends before an instruction"),
  row(codes.MALFORMED_LOOKUP_COUNT, "MALFORMED_LOOKUP_COUNT", "the number of table lookups is missing or above 31"),
  row(codes.MALFORMED_LOOKUPS, "MALFORMED_LOOKUPS", "fewer than 35 bytes are left for each table lookup"),
  row(codes.MALFORMED_LOOKUP_KEY, "MALFORMED_LOOKUP_KEY", "the packet ends within a lookup table's key"),
  row(codes.MALFORMED_WRITABLE_COUNT, "MALFORMED_WRITABLE_COUNT", "a lookup's writable count is no compact number"),
  row(codes.MALFORMED_WRITABLE_INDEXES, "MALFORMED_WRITABLE_INDEXES", "the packet ends within writable indexes"),
  row(codes.MALFORMED_READONLY_COUNT, "MALFORMED_READONLY_COUNT", "a lookup's read-only count is no compact number"),
  row(codes.MALFORMED_READONLY_INDEXES, "MALFORMED_READONLY_INDEXES", "the packet ends within read-only indexes"),
  row(codes.MALFORMED_TRAILING_BYTES, "MALFORMED_TRAILING_BYTES", "bytes are left behind the transaction"),
  row(codes.MALFORMED_PREFIX, "MALFORMED_PREFIX", "v1: the packet ends within the first 42 bytes"),
  row(
    codes.MALFORMED_CONFIG_MASK,
    "MALFORMED_CONFIG_MASK",
    "v1: unknown bits in the config mask, or half a priority fee",
  ),
  row(codes.MALFORMED_CONFIG_VALUES, "MALFORMED_CONFIG_VALUES", "v1: the packet ends within the config values"),
  row(codes.MALFORMED_INSTRUCTION_HEADERS, "MALFORMED_INSTRUCTION_HEADERS", "v1: it ends within instruction headers"),
  row(codes.MALFORMED_INSTRUCTION_PAYLOADS, "MALFORMED_INSTRUCTION_PAYLOADS", "v1: it ends within accounts or data"),
  row(codes.MALFORMED_LINE, "MALFORMED_LINE", "the line is neither base64 nor a JSON object with a text `tx`"),
  row(codes.MALFORMED_BASE64, "MALFORMED_BASE64", "the text is not base64"),
  row(codes.MALFORMED_OVERSIZED, "MALFORMED_OVERSIZED", "more bytes than a packet has room for"),
  row(codes.UNSANITARY_SIGNATURE_COUNT, "UNSANITARY_SIGNATURE_COUNT", "signatures and required signatures differ"),
  row(codes.UNSANITARY_KEY_COUNT, "UNSANITARY_KEY_COUNT", "fewer static keys than signatures"),
  row(codes.UNSANITARY_READONLY_SIGNED, "UNSANITARY_READONLY_SIGNED", "no signer is writable"),
  row(codes.UNSANITARY_READONLY_UNSIGNED, "UNSANITARY_READONLY_UNSIGNED", "more read-only unsigned than unsigned keys"),
  row(codes.UNSANITARY_ACCOUNT_TOTAL, "UNSANITARY_ACCOUNT_TOTAL", "more than 256 accounts"),
  row(codes.UNSANITARY_PROGRAM_INDEX, "UNSANITARY_PROGRAM_INDEX", "a program is the fee payer or no static key"),
  row(codes.UNSANITARY_ACCOUNT_INDEX, "UNSANITARY_ACCOUNT_INDEX", "an instruction names an account that is not there"),
  row(codes.UNSANITARY_EMPTY_LOOKUP, "UNSANITARY_EMPTY_LOOKUP", "a table lookup names no account"),
  row(codes.UNSANITARY_HEAP_SIZE, "UNSANITARY_HEAP_SIZE", "v1: the heap size is no multiple of 1 KiB in 32-256 KiB"),
  row(codes.UNSANITARY_SIGNATURE_LIMIT, "UNSANITARY_SIGNATURE_LIMIT", "v1: no required signature, or more than 12"),
  row(codes.UNSANITARY_KEY_LIMIT, "UNSANITARY_KEY_LIMIT", "v1: more than 64 addresses"),
  row(codes.UNSANITARY_INSTRUCTION_LIMIT, "UNSANITARY_INSTRUCTION_LIMIT", "v1: more than 64 instructions"),
  row(codes.NEVER_INSTRUCTION_LIMIT, "NEVER_INSTRUCTION_LIMIT", "never included: more than 64 instructions (SIMD-160)"),
  row(
    codes.NEVER_ACCOUNT_LIMIT,
    "NEVER_ACCOUNT_LIMIT",
    "never included: over 255 accounts in one instruction (SIMD-406)",
  ),
  row(codes.NEVER_BUDGET_TWICE, "NEVER_BUDGET_TWICE", "never included: two compute-budget instructions of one kind"),
  row(
    codes.NEVER_BUDGET_UNKNOWN,
    "NEVER_BUDGET_UNKNOWN",
    "never included: a compute-budget instruction of unknown kind",
  ),
  row(
    codes.NEVER_BUDGET_CUT_SHORT,
    "NEVER_BUDGET_CUT_SHORT",
    "never included: a compute-budget instruction is cut short",
  ),
  row(codes.NEVER_HEAP_SIZE, "NEVER_HEAP_SIZE", "never included: the heap size is no multiple of 1 KiB in 32-256 KiB"),
  row(codes.NEVER_LOADED_DATA_LIMIT, "NEVER_LOADED_DATA_LIMIT", "never included: the loaded-data limit is 0"),
  row(codes.NEVER_DUPLICATE_KEY, "NEVER_DUPLICATE_KEY", "never included: an account key stands there twice"),
  row(codes.NEVER_LOCK_LIMIT, "NEVER_LOCK_LIMIT", "never included: more than 128 accounts to lock"),
];

const BY_CODE: readonly (Reason | undefined)[] = REASONS.reduce<Reason[]>((table, reason) => {
  table[reason.code] = reason;
  return table;
}, []);

/** @returns the reason of a code, with a name made up for one that no table knows */
export function reasonOf(code: number): Reason {
  return BY_CODE[code] ?? row(code, `REASON_${code}`, "unknown reason");
}

/** What a reason says about the packet. A packet that is never included is `ok`. */
export function verdictOf(code: number): Verdict {
  if (code >= codes.MALFORMED_FIRST && code <= codes.MALFORMED_LAST) return "malformed";
  if (code >= codes.UNSANITARY_FIRST && code <= codes.UNSANITARY_LAST) return "unsanitary";
  return code >= codes.NON_IPV4 && code < codes.MALFORMED_FIRST ? "refused" : "ok";
}
