// Sorts the queue for a transmit: falling score, and equal scores by rising sequence (engine.md, 5.1). A stable radix
// sort from the lowest digit: first by sequence, then by score. Digits are 11 bits; all histograms of a key are counted in
// one pass, and digits that are the same everywhere are skipped, so what senders choose can cost at most the full number
// of passes.

const DIGIT_BITS: usize = 11;
const DIGIT_VALUES: usize = 1 << DIGIT_BITS;
const DIGIT_MASK: u64 = DIGIT_VALUES - 1;
const DIGITS: usize = 6;
const HISTOGRAM_BYTES: usize = DIGIT_VALUES * 4;
const HISTOGRAMS_BYTES: usize = DIGITS * HISTOGRAM_BYTES;
// A record: u64 key, u32 index of the element, 4 bytes unused; moved as one vector.
const RECORD_SHIFT: usize = 4;
const INDEX_AT: usize = 8;

/** A double's bits as an unsigned number of the same order. */
// @ts-ignore: decorator
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
 * @param scratch 32 bytes an element and 48 KiB, 16-byte aligned
 */
export function sortFalling(count: i32, scores: usize, sequences: usize, order: usize, scratch: usize): void {
  if (count <= 0) return;
  const histograms = scratch;
  let from = scratch + HISTOGRAMS_BYTES;
  let to = from + (<usize>count << RECORD_SHIFT);

  // Sequences, moved down to 0 and by the zero bits that all share: few digits remain.
  let least: u64 = u64.MAX_VALUE;
  for (let i: i32 = 0; i < count; i++) {
    least = min<u64>(least, orderedBits(load<f64>(sequences + (<usize>i << 3))));
  }
  let bits: u64 = 0;
  for (let i: i32 = 0; i < count; i++) bits |= orderedBits(load<f64>(sequences + (<usize>i << 3))) - least;
  const shift = bits == 0 ? 0 : ctz<u64>(bits);
  clearHistograms(histograms);
  for (let i: i32 = 0; i < count; i++) {
    const key = (orderedBits(load<f64>(sequences + (<usize>i << 3))) - least) >> shift;
    const record = from + (<usize>i << RECORD_SHIFT);
    store<u64>(record, key);
    store<u32>(record, i, INDEX_AT);
    countDigits(histograms, key);
  }
  if (sortRecords(count, histograms, from, to)) {
    const other = from;
    from = to;
    to = other;
  }

  // Scores, in the order of their sequences; falling, so their bits are turned over.
  clearHistograms(histograms);
  for (let i: i32 = 0; i < count; i++) {
    const record = from + (<usize>i << RECORD_SHIFT);
    const key = ~orderedBits(load<f64>(scores + (<usize>load<u32>(record, INDEX_AT) << 3)));
    store<u64>(record, key);
    countDigits(histograms, key);
  }
  if (sortRecords(count, histograms, from, to)) from = to;
  for (let i: i32 = 0; i < count; i++) {
    store<u32>(order + (<usize>i << 2), load<u32>(from + (<usize>i << RECORD_SHIFT), INDEX_AT));
  }
}

function clearHistograms(histograms: usize): void {
  const zero = i64x2.splat(0);
  for (let at: usize = 0; at < HISTOGRAMS_BYTES; at += 16) v128.store(histograms + at, zero);
}

// @ts-ignore: decorator
@inline
function countDigits(histograms: usize, key: u64): void {
  for (let digit: usize = 0; digit < DIGITS; digit++) {
    const cell = histograms + digit * HISTOGRAM_BYTES + ((<usize>((key >> <u64>(digit * DIGIT_BITS)) & DIGIT_MASK)) << 2);
    store<u32>(cell, load<u32>(cell) + 1);
  }
}

/** @returns whether the sorted records lie at `to` */
function sortRecords(count: i32, histograms: usize, from: usize, to: usize): bool {
  let moved = false;
  for (let digit: usize = 0; digit < DIGITS; digit++) {
    const histogram = histograms + digit * HISTOGRAM_BYTES;
    const shift = <u64>(digit * DIGIT_BITS);
    const first = (<usize>((load<u64>(from) >> shift) & DIGIT_MASK)) << 2;
    if (load<u32>(histogram + first) == <u32>count) continue;
    let sum: u32 = 0;
    for (let cell = histogram, end = histogram + HISTOGRAM_BYTES; cell < end; cell += 4) {
      const here = load<u32>(cell);
      store<u32>(cell, sum);
      sum += here;
    }
    for (let record = from, end = from + (<usize>count << RECORD_SHIFT); record < end; record += 1 << RECORD_SHIFT) {
      const cell = histogram + ((<usize>((load<u64>(record) >> shift) & DIGIT_MASK)) << 2);
      const place = load<u32>(cell);
      store<u32>(cell, place + 1);
      v128.store(to + (<usize>place << RECORD_SHIFT), v128.load(record));
    }
    const other = from;
    from = to;
    to = other;
    moved = !moved;
  }
  return moved;
}
