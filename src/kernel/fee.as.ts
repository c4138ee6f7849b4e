// What a transaction pays (engine.md, 4), after it was parsed: the reference's rule, or the chain's. Exact for all u32 and
// u64 inputs: the product of limit and price takes 96 bits, which are kept as two words.
//
// The parser noted the place of each instruction's data, which is read in the ring. Bytes that changed since then give a wrong
// fee (the loop throws such a digest away), but never a read outside the packet.

import {
  INSTRUCTION_NOTE_BYTES,
  INSTRUCTION_NOTES_AT,
  NOTE_DATA_AT_MASK,
  NOTE_DATA_AT_SHIFT,
  NOTE_DATA_BYTES_SHIFT,
  NOTE_PROGRAM_MASK,
  PRE_SIMD_0170_AT,
  PROGRAM_BUDGET,
  PROGRAM_BUILTIN,
  PROGRAM_MULTIPLIER_AT,
  PROGRAM_PRECOMPILE,
  PROGRAM_SLOT_BITS,
  PROGRAM_SLOT_BYTES,
  PROGRAM_TRAITS_AT,
  PROGRAMS_AT,
  REFERENCE_FEES_AT,
} from "../shape/context-layout";
import { VERSION_1 } from "../shape/digest-layout";
import { PUBKEY_BYTES } from "../shape/packet-layout";
import {
  NEVER_ACCOUNT_LIMIT,
  NEVER_BUDGET_CUT_SHORT,
  NEVER_BUDGET_TWICE,
  NEVER_BUDGET_UNKNOWN,
  NEVER_DUPLICATE_KEY,
  NEVER_HEAP_SIZE,
  NEVER_INSTRUCTION_LIMIT,
  NEVER_LOADED_DATA_LIMIT,
  NEVER_LOCK_LIMIT,
} from "../shape/reason-codes";
import { hasDuplicateKey } from "./duplicate-keys.as";
import {
  accountCount,
  accountsMost,
  configAt,
  configMask,
  instructionCount,
  isHeapSize,
  keyCount,
  keysAt,
  signatureCount,
  startAt,
  version,
} from "./transaction.as";
import {
  ACCOUNT_LOCKS_MAX,
  BUDGET_HEAP,
  BUDGET_LIMIT,
  BUDGET_LOADED_DATA,
  BUDGET_PRICE,
  COMPUTE_UNITS_BUILTIN,
  COMPUTE_UNITS_DEFAULT,
  COMPUTE_UNITS_MAX,
  CONFIG_FEE_BITS,
  CONFIG_LIMIT_BIT,
  INSTRUCTION_ACCOUNTS_MAX,
  INSTRUCTIONS_MAX,
  LAMPORTS_PER_SIGNATURE,
  MICRO_LAMPORTS_PER_LAMPORT,
  REFERENCE_INSTRUCTIONS_MAX,
} from "../shape/transaction-limits";

// Results of the last call.
/** Lamports; 0 if `never` is a reason. */
export let fee: u64 = 0;
/** The compute-unit limit that the rule takes. */
export let computeUnits: u32 = 0;
/** Micro-lamports per compute unit; 0 if no price is set, and for v1. */
export let price: u64 = 0;
/** Reason code why the chain would never include it, or 0. */
export let never: i32 = 0;

/** Compute-budget instructions seen so far: a bit for each kind. */
let kindsSeen: u32 = 0;
let precompileSignatures: u32 = 0;
let defaultUnits: u32 = 0;

/**
 * Computes the fee of the transaction that was just parsed.
 * @param context the kernel's context, which says which rule
 */
export function computeFee(context: usize): void {
  fee = 0;
  computeUnits = 0;
  price = 0;
  never = 0;
  kindsSeen = 0;
  precompileSignatures = 0;
  defaultUnits = 0;
  if (load<u8>(context, REFERENCE_FEES_AT) != 0) referenceFee(context);
  else chainFee(context);
}

// --- The chain's rule ---

function chainFee(context: usize): void {
  if (instructionCount > INSTRUCTIONS_MAX) never = NEVER_INSTRUCTION_LIMIT;
  else if (accountsMost > INSTRUCTION_ACCOUNTS_MAX) never = NEVER_ACCOUNT_LIMIT;
  else if (accountCount > ACCOUNT_LOCKS_MAX) never = NEVER_LOCK_LIMIT;
  else if (hasDuplicateKey(keysAt, keyCount, context)) never = NEVER_DUPLICATE_KEY;

  let priority: u64 = 0;
  let saturated = false;
  chainWalk(context);
  if (version == VERSION_1) {
    priority = readConfig();
  } else {
    const asked = (kindsSeen & (1 << BUDGET_LIMIT)) != 0 ? computeUnits : defaultUnits;
    computeUnits = min<u32>(asked, COMPUTE_UNITS_MAX);
    saturated = multiplyByPrice(true);
    priority = quotient;
  }
  if (never != 0) return;
  const base = <u64>(<u32>signatureCount + precompileSignatures) * LAMPORTS_PER_SIGNATURE;
  const sum = base + priority;
  fee = saturated || sum < base ? u64.MAX_VALUE : sum;
}

/** In v1 compute-budget instructions mean nothing: the config values say it all, and only signatures are counted. */
function chainWalk(context: usize): void {
  const preSimd0170 = load<u8>(context, PRE_SIMD_0170_AT) != 0;
  const readsBudgets = version != VERSION_1;
  let note = context + INSTRUCTION_NOTES_AT;
  for (let i: i32 = 0, n = instructionCount; i < n; i++) {
    const word = load<u32>(note);
    note += INSTRUCTION_NOTE_BYTES;
    const traits = programTraits(word, context);
    defaultUnits += unitsOf(traits, preSimd0170);
    if ((traits & PROGRAM_BUDGET) != 0) {
      if (readsBudgets) chainBudget(dataAt(word), dataBytes(word));
    } else if ((traits & PROGRAM_PRECOMPILE) != 0 && dataBytes(word) > 0) {
      precompileSignatures += <u32>load<u8>(dataAt(word));
    }
  }
}

/** Compute units of an instruction if the transaction sets no limit. */
@inline
function unitsOf(traits: u32, preSimd0170: bool): u32 {
  if (preSimd0170) return (traits & PROGRAM_BUDGET) != 0 ? 0 : COMPUTE_UNITS_DEFAULT;
  return (traits & PROGRAM_BUILTIN) != 0 ? COMPUTE_UNITS_BUILTIN : COMPUTE_UNITS_DEFAULT;
}

@inline
function setNever(reason: i32): void {
  if (never == 0) never = reason;
}

function chainBudget(at: usize, bytes: i32): void {
  if (bytes == 0) return setNever(NEVER_BUDGET_CUT_SHORT);
  const kind = <i32>load<u8>(at);
  if (kind < BUDGET_HEAP || kind > BUDGET_LOADED_DATA) return setNever(NEVER_BUDGET_UNKNOWN);
  if (bytes < (kind == BUDGET_PRICE ? 9 : 5)) return setNever(NEVER_BUDGET_CUT_SHORT);
  if ((kindsSeen & (1 << kind)) != 0) return setNever(NEVER_BUDGET_TWICE);
  kindsSeen |= 1 << kind;
  if (kind == BUDGET_PRICE) {
    price = load<u64>(at, 1);
    return;
  }
  const value = load<u32>(at, 1);
  if (kind == BUDGET_LIMIT) computeUnits = value;
  else if (kind == BUDGET_HEAP) {
    if (!isHeapSize(value)) setNever(NEVER_HEAP_SIZE);
  } else if (value == 0) setNever(NEVER_LOADED_DATA_LIMIT);
}

/**
 * Reads the config values of a v1 transaction. A loaded-data limit of 0 means the same as an absent one: the chain fails
 * such a transaction while it loads the accounts, and charges it.
 * @returns the priority fee in lamports
 */
function readConfig(): u64 {
  let at = configAt;
  let priority: u64 = 0;
  const mask = configMask;
  if ((mask & CONFIG_FEE_BITS) != 0) {
    priority = load<u64>(at);
    at += 8;
  }
  if ((mask & CONFIG_LIMIT_BIT) != 0) {
    computeUnits = min<u32>(load<u32>(at), COMPUTE_UNITS_MAX);
  }
  return priority;
}

// --- The reference's rule ---
//
// It looks at the transaction's first 8 instructions, not at its first 8 compute-budget instructions. If limit and price stand
// behind those, the reference takes its defaults (16 of the corpus's 602 show it).

function referenceFee(context: usize): void {
  const base = <u64>signatureCount * LAMPORTS_PER_SIGNATURE;
  if (version == VERSION_1) {
    // The reference refuses v1. Here its config values are read as the chain reads them, and no fault makes its fee 0.
    fee = base + readConfig();
    return;
  }
  computeUnits = COMPUTE_UNITS_DEFAULT;
  referenceWalk(context);
  const saturated = multiplyByPrice(false);
  fee = base + (saturated ? u64.MAX_VALUE : quotient);
}

function referenceWalk(context: usize): void {
  let note = context + INSTRUCTION_NOTES_AT;
  for (let i: i32 = 0, n = min<i32>(instructionCount, REFERENCE_INSTRUCTIONS_MAX); i < n; i++) {
    const word = load<u32>(note);
    note += INSTRUCTION_NOTE_BYTES;
    if ((programTraits(word, context) & PROGRAM_BUDGET) != 0) referenceBudget(dataAt(word), dataBytes(word));
  }
}

@inline
function referenceBudget(at: usize, bytes: i32): void {
  if (bytes != 5 && bytes != 9) return;
  const kind = <u32>load<u8>(at);
  if ((kindsSeen & (1 << (kind & 31))) != 0) return;
  if (bytes == 5 && kind == BUDGET_LIMIT) {
    computeUnits = load<u32>(at, 1);
    kindsSeen |= 1 << BUDGET_LIMIT;
  } else if (bytes == 9 && kind == BUDGET_PRICE) {
    price = load<u64>(at, 1);
    kindsSeen |= 1 << BUDGET_PRICE;
  }
}

// --- What both share ---

@inline
function dataAt(note: u32): usize {
  return startAt + ((note >> NOTE_DATA_AT_SHIFT) & NOTE_DATA_AT_MASK);
}

@inline
function dataBytes(note: u32): i32 {
  return <i32>(note >> NOTE_DATA_BYTES_SHIFT);
}

/** Traits of an instruction's program, from a table without collisions (kernel/context.ts); 0 for an unknown program. */
@inline
function programTraits(note: u32, context: usize): u32 {
  const program = keysAt + (note & NOTE_PROGRAM_MASK) * PUBKEY_BYTES;
  const first = load<u64>(program);
  const slot = <u32>((first * load<u64>(context, PROGRAM_MULTIPLIER_AT)) >> (64 - PROGRAM_SLOT_BITS));
  const known = context + PROGRAMS_AT + slot * PROGRAM_SLOT_BYTES;
  if (first != load<u64>(known)) return 0;
  const same =
    load<u64>(program, 8) == load<u64>(known, 8) &&
    load<u64>(program, 16) == load<u64>(known, 16) &&
    load<u64>(program, 24) == load<u64>(known, 24);
  return same ? load<u32>(known, PROGRAM_TRAITS_AT) : 0;
}

let quotient: u64 = 0;

/**
 * `quotient` = computeUnits * price / 1,000,000, rounded down or up.
 * @returns whether the quotient does not fit a u64
 */
function multiplyByPrice(up: bool): bool {
  if (price == 0) {
    quotient = 0;
    return false;
  }
  const units = <u64>computeUnits;
  const low = units * (price & 0xffffffff);
  if (price >> 32 == 0) {
    quotient = divided(low, up);
    return false;
  }
  // The product is high * 2^32 + (low mod 2^32), and `high` fits: (2^32-1)^2 + 2^32-1 < 2^64.
  const high = units * (price >> 32) + (low >> 32);
  const highQuotient = high / MICRO_LAMPORTS_PER_LAMPORT;
  const rest = ((high - highQuotient * MICRO_LAMPORTS_PER_LAMPORT) << 32) | (low & 0xffffffff);
  const sum = (highQuotient << 32) + divided(rest, up);
  quotient = sum;
  return highQuotient >> 32 != 0 || sum < highQuotient << 32;
}

@inline
function divided(product: u64, up: bool): u64 {
  const down = product / MICRO_LAMPORTS_PER_LAMPORT;
  return up && down * MICRO_LAMPORTS_PER_LAMPORT != product ? down + 1 : down;
}
