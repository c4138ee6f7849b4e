// Sorts the queue for a transmit: falling score, and equal scores by rising sequence (engine.md, 5.1). A stable radix
// sort from the lowest digit. A digit has 11 bits. One pass counts the digits of all keys; a digit that is the same in all keys
// is skipped.
//
// Real scores almost always differ in their upper 31 bits, so only those are sorted by digits. Records that are still out of
// order then, by score or sequence, are moved by insertion. If that takes too many moves (scores are equal, or a sender chose
// them to be that close), all records are sorted by sequence first, and by the remaining digits if needed. Equal scores seldom
// come alone: the next sort then begins with the sequences, until few scores are equal.

import { SORT_DIGITS, SORT_HISTOGRAM_BYTES, SORT_RECORD_BYTES, sortScratchBytes } from "../shape/sort-scratch";

const DIGIT_BITS: usize = 11;
const DIGIT_VALUES: usize = 1 << DIGIT_BITS;
const DIGIT_MASK: u64 = DIGIT_VALUES - 1;
const DIGITS: usize = SORT_DIGITS;
/** The first digit of a score's upper 31 bits. */
const UPPER_DIGIT: usize = 3;
const HISTOGRAM_BYTES: usize = SORT_HISTOGRAM_BYTES; // a u32 for each value of a digit
const HISTOGRAMS_BYTES: usize = DIGITS * HISTOGRAM_BYTES;
// A record: u64 key, u32 index of the element, 4 bytes unused; moved as one vector.
const RECORD_BYTES: usize = SORT_RECORD_BYTES;
const RECORD_SHIFT: usize = 4;
const INDEX_AT: usize = 8;
/** In place of the sequences: records with equal scores stay in their order. */
const NO_SEQUENCES: usize = 0;

// Of the sort under way: the place of its records, and their other place.
let records: usize = 0;
let spare: usize = 0;
/** The last sort met many equal scores. */
let manyEqual: bool = false;
/** Equal scores are few if at most one neighbour in this many is equal. */
const FEW_EQUAL_SHIFT: usize = 6;

/** A double's bits as an unsigned number of the same order. */
@inline
function orderedBits(value: f64): u64 {
  const bits = reinterpret<u64>(value + 0.0); // -0 and 0 are equal
  return bits ^ (<u64>(<i64>bits >> 63) | 0x8000000000000000);
}

/**
 * @param count elements
 * @param scores f64 each, no NaN
 * @param sequences f64 each, whole numbers
 * @param order gets the elements' places (0 to count - 1) in order, u32 each
 * @param scratch `sortScratchBytes(count)`, 16-byte aligned
 */
export function sortFalling(count: i32, scores: usize, sequences: usize, order: usize, scratch: usize): void {
  if (count <= 0) return;
  const histograms = scratch;
  const bytes = <usize>count << RECORD_SHIFT;
  records = scratch + HISTOGRAMS_BYTES;
  spare = scratch + <usize>sortScratchBytes(count) - bytes;

  if (manyEqual || !sortByScore(count, scores, sequences, histograms)) {
    sortBySequence(count, sequences, histograms);
    sortStably(bytes, scores, histograms);
    manyEqual = equalNeighbours(bytes) > count >> FEW_EQUAL_SHIFT;
  }
  for (let record = records, end = records + bytes; record < end; record += RECORD_BYTES, order += 4) {
    store<u32>(order, load<u32>(record, INDEX_AT));
  }
}

/** Falling, so the bits are turned over. */
@inline
function scoreKey(scores: usize, index: u32): u64 {
  return ~orderedBits(load<f64>(scores + (<usize>index << 3)));
}

/** @returns false if too many scores are equal, or nearly: nothing is sorted then */
function sortByScore(count: i32, scores: usize, sequences: usize, histograms: usize): bool {
  const bytes = <usize>count << RECORD_SHIFT;
  for (let i: i32 = 0; i < count; i++) {
    const record = records + (<usize>i << RECORD_SHIFT);
    store<u64>(record, scoreKey(scores, i));
    store<u32>(record, i, INDEX_AT);
  }
  sortDigits(bytes, histograms, UPPER_DIGIT, DIGITS);
  return insertRest(bytes, sequences);
}

/** Sorts records of all elements by their sequences. */
function sortBySequence(count: i32, sequences: usize, histograms: usize): void {
  const bytes = <usize>count << RECORD_SHIFT;
  // Keys start at 0 and lose the zero bits that all of them end with: few digits remain.
  let least: u64 = u64.MAX_VALUE;
  for (let i: i32 = 0; i < count; i++) {
    least = min<u64>(least, orderedBits(load<f64>(sequences + (<usize>i << 3))));
  }
  let bits: u64 = 0;
  for (let i: i32 = 0; i < count; i++) bits |= orderedBits(load<f64>(sequences + (<usize>i << 3))) - least;
  const shift = bits == 0 ? 0 : ctz<u64>(bits);
  for (let i: i32 = 0; i < count; i++) {
    const record = records + (<usize>i << RECORD_SHIFT);
    store<u64>(record, (orderedBits(load<f64>(sequences + (<usize>i << 3))) - least) >> shift);
    store<u32>(record, i, INDEX_AT);
  }
  const usedBits = 64 - <usize>clz<u64>(bits >> shift);
  sortDigits(bytes, histograms, 0, (usedBits + DIGIT_BITS - 1) / DIGIT_BITS);
}

/** Sorts the records by score; records with equal scores stay in their order. */
function sortStably(bytes: usize, scores: usize, histograms: usize): void {
  for (let record = records, end = records + bytes; record < end; record += RECORD_BYTES) {
    store<u64>(record, scoreKey(scores, load<u32>(record, INDEX_AT)));
  }
  sortDigits(bytes, histograms, UPPER_DIGIT, DIGITS);
  if (!insertRest(bytes, NO_SEQUENCES)) sortDigits(bytes, histograms, 0, DIGITS);
}

function equalNeighbours(bytes: usize): i32 {
  let equal: i32 = 0;
  for (let record = records + RECORD_BYTES, end = records + bytes; record < end; record += RECORD_BYTES) {
    equal += i32(load<u64>(record - RECORD_BYTES) == load<u64>(record));
  }
  return equal;
}

/** Sorts the records by the digits from `first` to before `end` of their keys; equal ones stay in their order. */
function sortDigits(bytes: usize, histograms: usize, first: usize, end: usize): void {
  const zero = i64x2.splat(0);
  for (let at = histograms + first * HISTOGRAM_BYTES; at < histograms + end * HISTOGRAM_BYTES; at += 16) {
    v128.store(at, zero);
  }
  for (let record = records, recordsEnd = records + bytes; record < recordsEnd; record += RECORD_BYTES) {
    let rest = load<u64>(record) >> <u64>(first * DIGIT_BITS);
    for (let digit = first; digit < end; digit++) {
      const cell = histograms + digit * HISTOGRAM_BYTES + (<usize>(rest & DIGIT_MASK) << 2);
      store<u32>(cell, load<u32>(cell) + 1);
      rest >>= <u64>DIGIT_BITS;
    }
  }
  for (let digit = first; digit < end; digit++) {
    const histogram = histograms + digit * HISTOGRAM_BYTES;
    const shift = <u64>(digit * DIGIT_BITS);
    const sample = <usize>((load<u64>(records) >> shift) & DIGIT_MASK) << 2;
    if (<usize>load<u32>(histogram + sample) << RECORD_SHIFT == bytes) continue;
    // From counts to addresses of the first record of each value.
    let place = spare;
    for (let cell = histogram, cellsEnd = histogram + HISTOGRAM_BYTES; cell < cellsEnd; cell += 4) {
      const here = <usize>load<u32>(cell);
      store<u32>(cell, <u32>place);
      place += here << RECORD_SHIFT;
    }
    for (let record = records, recordsEnd = records + bytes; record < recordsEnd; record += RECORD_BYTES) {
      const cell = histogram + (<usize>((load<u64>(record) >> shift) & DIGIT_MASK) << 2);
      const to = <usize>load<u32>(cell);
      store<u32>(cell, <u32>(to + RECORD_BYTES));
      v128.store(to, v128.load(record));
    }
    const other = records;
    records = spare;
    spare = other;
  }
}

/** Whether a record belongs behind a key of that sequence. */
@inline
function isBehind(record: usize, key: u64, sequences: usize, sequence: f64): bool {
  const other = load<u64>(record);
  if (other != key || sequences == NO_SEQUENCES) return other > key;
  return load<f64>(sequences + (<usize>load<u32>(record, INDEX_AT) << 3)) > sequence;
}

/**
 * Moves records that are out of order to their places.
 * @param sequences order of equal scores; NO_SEQUENCES: they stay in their order
 * @returns false if it gave up, after more moves than there are records
 */
function insertRest(bytes: usize, sequences: usize): bool {
  let budget = <isize>bytes;
  for (let record = records + RECORD_BYTES, end = records + bytes; record < end; record += RECORD_BYTES) {
    const key = load<u64>(record);
    const before = load<u64>(record - RECORD_BYTES);
    if (before < key || (before == key && sequences == NO_SEQUENCES)) continue;
    const sequence =
      sequences == NO_SEQUENCES ? 0 : load<f64>(sequences + (<usize>load<u32>(record, INDEX_AT) << 3));
    if (!isBehind(record - RECORD_BYTES, key, sequences, sequence)) continue;
    const moved = v128.load(record);
    let to = record;
    do {
      v128.store(to, v128.load(to - RECORD_BYTES));
      to -= RECORD_BYTES;
    } while (to > records && isBehind(to - RECORD_BYTES, key, sequences, sequence));
    v128.store(to, moved);
    budget -= <isize>(record - to);
    if (budget < 0) return false;
  }
  return true;
}
