// The parser of Solana transactions: legacy and v0 (engine.md, 3), v1 (3b, SIMD-0385). It reads in columns: check that
// enough is left, read, advance. It returns a reason code and leaves the transaction's parts in the variables below. It
// throws nothing and allocates nothing.
//
// The bytes lie in a ring that its producer may overwrite meanwhile. So each count is read once, checked, and kept. The place
// of each instruction's data is noted in the context for the fee rules, so that changed bytes cannot lead them astray.

import {
  MALFORMED_ACCOUNT_COUNT,
  MALFORMED_ACCOUNTS,
  MALFORMED_BLOCKHASH,
  MALFORMED_CONFIG_MASK,
  MALFORMED_CONFIG_VALUES,
  MALFORMED_DATA,
  MALFORMED_DATA_LENGTH,
  MALFORMED_EMPTY,
  MALFORMED_HEADER,
  MALFORMED_INSTRUCTION_COUNT,
  MALFORMED_INSTRUCTION_HEADERS,
  MALFORMED_INSTRUCTION_PAYLOADS,
  MALFORMED_INSTRUCTIONS,
  MALFORMED_KEY_COUNT,
  MALFORMED_KEYS,
  MALFORMED_LOOKUP_COUNT,
  MALFORMED_LOOKUP_KEY,
  MALFORMED_LOOKUPS,
  MALFORMED_PREFIX,
  MALFORMED_PROGRAM_INDEX,
  MALFORMED_READONLY_COUNT,
  MALFORMED_READONLY_INDEXES,
  MALFORMED_SIGNATURE_COUNT,
  MALFORMED_SIGNATURES,
  MALFORMED_TRAILING_BYTES,
  MALFORMED_VERSION,
  MALFORMED_WRITABLE_COUNT,
  MALFORMED_WRITABLE_INDEXES,
  REASON_GOOD,
  UNSANITARY_ACCOUNT_INDEX,
  UNSANITARY_ACCOUNT_TOTAL,
  UNSANITARY_EMPTY_LOOKUP,
  UNSANITARY_HEAP_SIZE,
  UNSANITARY_INSTRUCTION_LIMIT,
  UNSANITARY_KEY_COUNT,
  UNSANITARY_KEY_LIMIT,
  UNSANITARY_PROGRAM_INDEX,
  UNSANITARY_READONLY_SIGNED,
  UNSANITARY_READONLY_UNSIGNED,
  UNSANITARY_SIGNATURE_COUNT,
  UNSANITARY_SIGNATURE_LIMIT,
  UNSANITARY_SIZE_LIMIT,
} from "../shape/reason-codes";
import {
  INSTRUCTION_NOTE_BYTES,
  INSTRUCTION_NOTES_AT,
  NOTE_DATA_AT_MASK,
  NOTE_DATA_AT_SHIFT,
  NOTE_DATA_BYTES_SHIFT,
  NOTE_PROGRAM_MASK,
} from "../shape/context-layout";
import { VERSION_0, VERSION_1, VERSION_LEGACY } from "../shape/digest-layout";
import { PUBKEY_BYTES, SIGNATURE_BYTES } from "../shape/packet-layout";
import {
  ACCOUNTS_MAX,
  COMPACT_BYTES_SHIFT,
  COMPACT_NONE,
  COMPACT_VALUE_MASK,
  CONFIG_ALL_BITS,
  CONFIG_FEE_BITS,
  CONFIG_HEAP_BIT,
  HEADER_BYTES,
  HEAP_MAX_BYTES,
  HEAP_MIN_BYTES,
  HEAP_UNIT_BYTES,
  INSTRUCTION_HEADER_BYTES,
  INSTRUCTION_MIN_BYTES,
  KEYS_MAX,
  LOOKUP_MIN_BYTES,
  LOOKUPS_MAX,
  OLD_TRANSACTION_MAX_BYTES,
  SIGNATURES_MAX,
  V1_FIRST_BYTE,
  V1_INSTRUCTIONS_MAX,
  V1_KEYS_MAX,
  V1_PREFIX_BYTES,
  VERSION_BIT,
} from "../shape/transaction-limits";

// The parts of the last transaction, after REASON_GOOD only. Counts are as checked; `...At` are addresses.
export let version: i32 = 0;
export let signatureCount: i32 = 0;
export let signaturesAt: usize = 0;
export let keyCount: i32 = 0;
export let keysAt: usize = 0;
/** Static keys and those behind lookup tables. */
export let accountCount: i32 = 0;
export let instructionCount: i32 = 0;
/** The most accounts that one instruction names. */
export let accountsMost: i32 = 0;
/** v1: the config mask and its first value. */
export let configMask: u32 = 0;
export let configAt: usize = 0;
/** Legacy and v0: the first instruction. v1: its accounts, and how many they are. */
let firstInstructionAt: usize = 0;
let firstAccounts: i32 = 0;
/** First byte, and one past the last. */
export let startAt: usize = 0;
let endAt: usize = 0;
/** SystemInstruction::AdvanceNonceAccount, as the program reads it. */
const ADVANCE_NONCE: u32 = 4;
const ADVANCE_NONCE_BYTES: u32 = 4;
/** v1: version, header and config mask stand before it. */
const V1_BLOCKHASH_AT: usize = 8;
/** Where instructions are noted. */
let notesAt: usize = 0;

// The header's read-only counts and the total of accounts, between a parse and its sanity rules.
let required: i32 = 0;
let readonlySigned: i32 = 0;
let readonlyUnsigned: i32 = 0;
let lookedUp: i32 = 0;
let emptyLookup: bool = false;

/**
 * Reads a compact-u16 of at most two bytes.
 * @returns its value and, above COMPACT_BYTES_SHIFT, its bytes; COMPACT_NONE if it is cut short or wrong
 */
@inline
function readCompact(at: usize, end: usize): i32 {
  if (at >= end) return COMPACT_NONE;
  const first = <i32>load<u8>(at);
  if (first < 0x80) return first | (1 << COMPACT_BYTES_SHIFT);
  if (at + 1 >= end) return COMPACT_NONE;
  const second = <i32>load<u8>(at, 1);
  if (second == 0 || second >= 0x80) return COMPACT_NONE;
  return (first & 0x7f) | (second << 7) | (2 << COMPACT_BYTES_SHIFT);
}

/** The largest of each lane, over 16 account indexes at a time. Up to 15 bytes behind them are read and masked out. */
@inline
function largestOf(largest: v128, at: usize, count: i32): v128 {
  const indexes = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (; count >= 16; count -= 16, at += 16) largest = i8x16.max_u(largest, v128.load(at));
  if (count == 0) return largest;
  return i8x16.max_u(largest, v128.and(v128.load(at), i8x16.lt_u(indexes, i8x16.splat(<i8>count))));
}

/** @returns whether a byte is `total` or above */
@inline
function reaches(largest: v128, total: i32): bool {
  return total <= 255 && v128.any_true(i8x16.ge_u(largest, i8x16.splat(<i8>total)));
}

@inline
function noteInstruction(note: usize, program: u32, dataOffset: usize, dataBytes: i32): void {
  store<u32>(note, program | (<u32>dataOffset << NOTE_DATA_AT_SHIFT) | (<u32>dataBytes << NOTE_DATA_BYTES_SHIFT));
}

/**
 * Parses one transaction.
 * @param at its first byte, with at least 15 readable bytes behind its end
 * @param size bytes, which must be used up
 * @param context the kernel's context, where instructions are noted
 * @returns a reason code
 */
export function parseTransaction(at: usize, size: i32, context: usize): i32 {
  if (size == 0) return MALFORMED_EMPTY;
  startAt = at;
  endAt = at + size;
  notesAt = context + INSTRUCTION_NOTES_AT;
  const first = <i32>load<u8>(at);
  return first == V1_FIRST_BYTE ? parseV1(at) : parseLegacyOrV0(at, first);
}

function parseLegacyOrV0(start: usize, signatures: i32): i32 {
  const end = endAt;
  let at = start + 1;
  if (signatures == 0 || signatures > SIGNATURES_MAX) return MALFORMED_SIGNATURE_COUNT;
  if (<i32>(end - at) < signatures * SIGNATURE_BYTES) return MALFORMED_SIGNATURES;
  signatureCount = signatures;
  signaturesAt = at;
  at += signatures * SIGNATURE_BYTES;

  if (at >= end) return MALFORMED_VERSION;
  const prefix = <i32>load<u8>(at);
  version = VERSION_LEGACY;
  if (prefix >= VERSION_BIT) {
    if (prefix != VERSION_BIT) return MALFORMED_VERSION;
    version = VERSION_0;
    at += 1;
  }
  if (<i32>(end - at) < HEADER_BYTES) return MALFORMED_HEADER;
  required = <i32>load<u8>(at);
  readonlySigned = <i32>load<u8>(at, 1);
  readonlyUnsigned = <i32>load<u8>(at, 2);
  at += HEADER_BYTES;

  if (at >= end) return MALFORMED_KEY_COUNT;
  const keys = <i32>load<u8>(at);
  if (keys == 0 || keys > KEYS_MAX) return MALFORMED_KEY_COUNT;
  at += 1;
  if (<i32>(end - at) < keys * PUBKEY_BYTES) return MALFORMED_KEYS;
  keyCount = keys;
  keysAt = at;
  at += keys * PUBKEY_BYTES;
  if (<i32>(end - at) < PUBKEY_BYTES) return MALFORMED_BLOCKHASH;
  at += PUBKEY_BYTES;

  const count = readCompact(at, end);
  if (count == COMPACT_NONE) return MALFORMED_INSTRUCTION_COUNT;
  at += count >> COMPACT_BYTES_SHIFT;
  const instructions = count & COMPACT_VALUE_MASK;
  if (<i32>(end - at) < instructions * INSTRUCTION_MIN_BYTES) return MALFORMED_INSTRUCTIONS;
  instructionCount = instructions;
  firstInstructionAt = at;

  // The sanity rules look at all program and account indexes: their extremes are gathered on the way. (index - 1) as
  // unsigned makes the fee payer's index 0 the largest.
  let programMost: u32 = 0;
  let largest = i64x2.splat(0);
  let most: i32 = 0;
  let note = notesAt;
  for (let i: i32 = 0; i < instructions; i++) {
    if (at >= end) return MALFORMED_PROGRAM_INDEX;
    const program = <u32>load<u8>(at);
    programMost = max<u32>(programMost, program - 1);
    at += 1;
    const accounts = readCompact(at, end);
    if (accounts == COMPACT_NONE) return MALFORMED_ACCOUNT_COUNT;
    at += accounts >> COMPACT_BYTES_SHIFT;
    const accountCount = accounts & COMPACT_VALUE_MASK;
    if (<i32>(end - at) < accountCount) return MALFORMED_ACCOUNTS;
    largest = largestOf(largest, at, accountCount);
    most = max<i32>(most, accountCount);
    at += accountCount;
    const data = readCompact(at, end);
    if (data == COMPACT_NONE) return MALFORMED_DATA_LENGTH;
    at += data >> COMPACT_BYTES_SHIFT;
    const dataBytes = data & COMPACT_VALUE_MASK;
    if (<i32>(end - at) < dataBytes) return MALFORMED_DATA;
    noteInstruction(note, program, at - start, dataBytes);
    note += INSTRUCTION_NOTE_BYTES;
    at += dataBytes;
  }
  accountsMost = most;

  lookedUp = 0;
  emptyLookup = false;
  if (version == VERSION_0) {
    const reason = parseLookups(at);
    if (reason != REASON_GOOD) return reason;
  } else if (at != end) return MALFORMED_TRAILING_BYTES;

  if (<i32>(end - start) > OLD_TRANSACTION_MAX_BYTES) return UNSANITARY_SIZE_LIMIT;
  if (signatures != required) return UNSANITARY_SIGNATURE_COUNT;
  return checkSanity(programMost, largest);
}

/** The totals of looked-up accounts fit u16, since each takes a byte of the packet. */
function parseLookups(at: usize): i32 {
  const end = endAt;
  if (at >= end) return MALFORMED_LOOKUP_COUNT;
  const lookups = <i32>load<u8>(at);
  if (lookups > LOOKUPS_MAX) return MALFORMED_LOOKUP_COUNT;
  at += 1;
  if (<i32>(end - at) < lookups * LOOKUP_MIN_BYTES) return MALFORMED_LOOKUPS;
  for (let i: i32 = 0; i < lookups; i++) {
    if (<i32>(end - at) < PUBKEY_BYTES) return MALFORMED_LOOKUP_KEY;
    at += PUBKEY_BYTES;
    const writable = readCompact(at, end);
    if (writable == COMPACT_NONE) return MALFORMED_WRITABLE_COUNT;
    at += writable >> COMPACT_BYTES_SHIFT;
    const writableCount = writable & COMPACT_VALUE_MASK;
    if (<i32>(end - at) < writableCount) return MALFORMED_WRITABLE_INDEXES;
    at += writableCount;
    const readonly = readCompact(at, end);
    if (readonly == COMPACT_NONE) return MALFORMED_READONLY_COUNT;
    at += readonly >> COMPACT_BYTES_SHIFT;
    const readonlyCount = readonly & COMPACT_VALUE_MASK;
    if (<i32>(end - at) < readonlyCount) return MALFORMED_READONLY_INDEXES;
    at += readonlyCount;
    lookedUp += writableCount + readonlyCount;
    emptyLookup = emptyLookup || writableCount + readonlyCount == 0;
  }
  return at == end ? REASON_GOOD : MALFORMED_TRAILING_BYTES;
}

function parseV1(start: usize): i32 {
  const end = endAt;
  if (<i32>(end - start) < V1_PREFIX_BYTES) return MALFORMED_PREFIX;
  version = VERSION_1;
  required = <i32>load<u8>(start, 1);
  readonlySigned = <i32>load<u8>(start, 2);
  readonlyUnsigned = <i32>load<u8>(start, 3);
  const mask = load<u32>(start, 4);
  const instructions = <i32>load<u8>(start, V1_PREFIX_BYTES - 2);
  const keys = <i32>load<u8>(start, V1_PREFIX_BYTES - 1);
  let at = start + V1_PREFIX_BYTES;

  if (<i32>(end - at) < keys * PUBKEY_BYTES) return MALFORMED_KEYS;
  keyCount = keys;
  keysAt = at;
  at += keys * PUBKEY_BYTES;
  const feeBits = mask & CONFIG_FEE_BITS;
  if ((mask & ~CONFIG_ALL_BITS) != 0 || (feeBits != 0 && feeBits != CONFIG_FEE_BITS)) return MALFORMED_CONFIG_MASK;
  const configBytes = popcnt<u32>(mask) * 4;
  if (<i32>(end - at) < <i32>configBytes) return MALFORMED_CONFIG_VALUES;
  configMask = mask;
  configAt = at;
  at += configBytes;

  if (<i32>(end - at) < instructions * INSTRUCTION_HEADER_BYTES) return MALFORMED_INSTRUCTION_HEADERS;
  instructionCount = instructions;
  let payload = at + instructions * INSTRUCTION_HEADER_BYTES;
  firstInstructionAt = payload;
  let programMost: u32 = 0;
  let largest = i64x2.splat(0);
  let most: i32 = 0;
  let note = notesAt;
  for (let i: i32 = 0; i < instructions; i++) {
    const header = load<u32>(at);
    at += INSTRUCTION_HEADER_BYTES;
    const program = header & 0xff;
    const accountCount = <i32>((header >> 8) & 0xff);
    const dataBytes = <i32>(header >> 16);
    if (i == 0) firstAccounts = accountCount;
    if (<i32>(end - payload) < accountCount + dataBytes) return MALFORMED_INSTRUCTION_PAYLOADS;
    programMost = max<u32>(programMost, program - 1);
    largest = largestOf(largest, payload, accountCount);
    most = max<i32>(most, accountCount);
    payload += accountCount;
    noteInstruction(note, program, payload - start, dataBytes);
    note += INSTRUCTION_NOTE_BYTES;
    payload += dataBytes;
  }
  accountsMost = most;

  if (<i32>(end - payload) < required * SIGNATURE_BYTES) return MALFORMED_SIGNATURES;
  signatureCount = required;
  signaturesAt = payload;
  if (payload + required * SIGNATURE_BYTES != end) return MALFORMED_TRAILING_BYTES;

  if (required == 0 || required > SIGNATURES_MAX) return UNSANITARY_SIGNATURE_LIMIT;
  if (keys > V1_KEYS_MAX) return UNSANITARY_KEY_LIMIT;
  if (instructions > V1_INSTRUCTIONS_MAX) return UNSANITARY_INSTRUCTION_LIMIT;
  if ((mask & CONFIG_HEAP_BIT) != 0 && !isHeapSize(load<u32>(configAt + configBytes - 4))) return UNSANITARY_HEAP_SIZE;
  lookedUp = 0;
  emptyLookup = false;
  return checkSanity(programMost, largest);
}

/** The rules that all versions share. */
function checkSanity(programMost: u32, largest: v128): i32 {
  if (keyCount < required) return UNSANITARY_KEY_COUNT;
  if (readonlySigned >= required) return UNSANITARY_READONLY_SIGNED;
  if (readonlyUnsigned > keyCount - required) return UNSANITARY_READONLY_UNSIGNED;
  const total = keyCount + lookedUp;
  accountCount = total;
  if (total > ACCOUNTS_MAX) return UNSANITARY_ACCOUNT_TOTAL;
  if (instructionCount > 0 && programMost >= <u32>keyCount - 1) return UNSANITARY_PROGRAM_INDEX;
  if (reaches(largest, total)) return UNSANITARY_ACCOUNT_INDEX;
  return emptyLookup ? UNSANITARY_EMPTY_LOOKUP : REASON_GOOD;
}

/**
 * The account of the last transaction's durable nonce: the first instruction is the system program's AdvanceNonceAccount, and
 * the account that it names first is a static key that the transaction may write to (solana-svm-transaction 8.0.0,
 * `get_durable_nonce`). Its bytes may have changed since they were parsed; nothing outside of the packet's keys is read then.
 * @returns its address, or 0
 */
export function nonceAccountAt(context: usize): usize {
  if (instructionCount == 0) return 0;
  const note = load<u32>(context, INSTRUCTION_NOTES_AT);
  const program = keysAt + (note & NOTE_PROGRAM_MASK) * PUBKEY_BYTES;
  if (v128.any_true(v128.or(v128.load(program), v128.load(program, 16)))) return 0; // the system program's id is all zero
  if ((note >> NOTE_DATA_BYTES_SHIFT) < ADVANCE_NONCE_BYTES) return 0;
  if (load<u32>(startAt + ((note >> NOTE_DATA_AT_SHIFT) & NOTE_DATA_AT_MASK)) != ADVANCE_NONCE) return 0;
  let at = firstInstructionAt;
  if (version == VERSION_1) {
    if (firstAccounts == 0) return 0;
  } else {
    const accounts = <i32>load<u8>(at, 1);
    if (accounts == 0) return 0;
    at += accounts < 0x80 ? 2 : 3;
  }
  const index = <i32>load<u8>(at);
  if (index >= keyCount) return 0; // behind a lookup table
  const isWritable = index < required ? index < required - readonlySigned : index < keyCount - readonlyUnsigned;
  return isWritable ? keysAt + index * PUBKEY_BYTES : 0;
}

/** Where the last transaction's recent blockhash stands, which is the nonce's value if it has a durable nonce. */
export function blockhashAt(): usize {
  return version == VERSION_1 ? startAt + V1_BLOCKHASH_AT : keysAt + keyCount * PUBKEY_BYTES;
}

/** Whether the chain gives a heap of that many bytes. */
@inline
export function isHeapSize(bytes: u32): bool {
  return bytes >= <u32>HEAP_MIN_BYTES && bytes <= <u32>HEAP_MAX_BYTES && bytes % HEAP_UNIT_BYTES == 0;
}
