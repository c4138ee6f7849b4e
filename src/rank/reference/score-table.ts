// A model's table of senders: key -> score, with the true median at hand at any time (engine.md, 5).
//
// Rows are dense; an open-addressing index of u32 words (8 bits of the key's id, 24 bits of row + 1) leads from the id to
// the row. Ids are keyed 64-bit fingerprints (shape/digest-layout.ts), so they need no further mixing and no comparison of
// the keys themselves.
//
// All scores also stand in rising order in a column of their own, so that the median is one load. Feedback moves one value
// in it. A model update maps every score by the same rising function, which keeps the order; only the few fresh scores
// are taken out and merged back in. So an update is linear: nothing is sorted but the fresh ones.
//
// Keys of a batch that are not in the table are candidates: rows behind the table's, which no score is read from.

import type { Toucher } from "../../kernel/kernel.ts";
import type { Arena } from "../../shape/arena.ts";
import type { ScoreTableRegion } from "../../shape/layout.ts";

/** A key with at least this many transactions in a batch gets a fresh score (engine.md, 5.3). */
export const FRESH_TRANSACTIONS = 5;
const KEEP = 0.95;
const TAKE = 0.05;
/** A failed signature or unparsable data (engine.md, 5.4). */
const BLAME = 0.01;
/** An empty table's median. */
const NO_MEDIAN = 1;

const TAG_SHIFT = 24;
const ROW_MASK = 0xff_ffff;
/** An id and its score. */
const ROW_BYTES = 16;

/** Words of a table's state, for readers on other threads (rank/reference/score-reader.ts): odd version = rows are moving. */
export const STATE_VERSION = 0;
export const STATE_SIZE = 1;

export class ScoreTable {
  /** Keys in the table. */
  size = 0;
  /** The median of the scores: of an even number the mean of the middle two, of none 1. */
  median = NO_MEDIAN;
  /** Keys that prunes took out. */
  pruned = 0;
  readonly limit: number;

  readonly #rows: number;
  readonly #keyWords: number;
  readonly #words: Int32Array;
  readonly #state: Int32Array;
  readonly #keys: Int32Array;
  readonly #traits: Uint8Array;
  readonly #ids: Int32Array;
  readonly #scores: Float64Array;
  readonly #counts: Uint32Array;
  readonly #sums: Float64Array;
  readonly #touched: Uint32Array;
  readonly #freshOld: Float64Array;
  readonly #freshNew: Float64Array;
  readonly #slots: Int32Array;
  readonly #slotMask: number;
  #sorted: Float64Array;
  #spare: Float64Array;
  #candidates = 0;
  #touchedCount = 0;

  constructor(arena: Arena, region: ScoreTableRegion) {
    const { rows, slotCount } = region;
    if (!Number.isInteger(Math.log2(slotCount)) || slotCount < rows + 1 || rows > ROW_MASK) {
      throw new RangeError(`${slotCount} index slots for ${rows} rows`);
    }
    const headroom = rows - region.limit;
    const { buffer } = arena;
    this.limit = region.limit;
    this.#rows = rows;
    this.#keyWords = region.keyBytes >>> 2;
    this.#words = arena.i32;
    this.#state = new Int32Array(buffer, region.stateAt, 2);
    this.#keys = new Int32Array(buffer, region.keysAt, rows * this.#keyWords);
    this.#traits = new Uint8Array(buffer, region.traitsAt, rows);
    this.#ids = new Int32Array(buffer, region.entriesAt, rows * 4);
    this.#scores = new Float64Array(buffer, region.entriesAt, rows * 2);
    this.#sorted = new Float64Array(buffer, region.sortedAt, rows);
    this.#spare = new Float64Array(buffer, region.spareAt, rows);
    this.#counts = new Uint32Array(buffer, region.batchCountsAt, rows);
    this.#sums = new Float64Array(buffer, region.batchSumsAt, rows);
    this.#touched = new Uint32Array(buffer, region.touchedAt, headroom);
    this.#freshOld = new Float64Array(buffer, region.freshOldAt, headroom);
    this.#freshNew = new Float64Array(buffer, region.freshNewAt, headroom);
    this.#slots = new Int32Array(buffer, region.slotsAt, slotCount);
    this.#slotMask = slotCount - 1;
  }

  /**
   * Loads what `score` will read, for a group.
   * @param idsAt arena offset of the first key's id (u64); the next ones follow at `strideBytes`
   * @returns anything that depends on the loads
   */
  touch(toucher: Toucher, idsAt: number, strideBytes: number, count: number): number {
    const slots = this.#slots.byteOffset;
    const rows = this.#ids.byteOffset - ROW_BYTES; // a slot's word is a row's number and 1; 0 stands for no row
    return toucher.touchRowsThrough(idsAt, strideBytes, count, slots, this.#slotMask, 4, rows, ROW_MASK, ROW_BYTES);
  }

  /** The score of a key, or the median if it has none. @param idAt arena offset of its id (u64) */
  score(idAt: number): number {
    const row = this.#find(this.#words[idAt >>> 2], this.#words[(idAt >>> 2) + 1]);
    // A missing key's row is -1, a candidate's is not below the size.
    return row >>> 0 < this.size ? this.#scores[2 * row + 1] : this.median;
  }

  /** Is the key in the table? @param idAt arena offset of its id (u64) */
  has(idAt: number): boolean {
    return this.#find(this.#words[idAt >>> 2], this.#words[(idAt >>> 2) + 1]) >>> 0 < this.size;
  }

  /** Blames a key that has a score. @param idAt arena offset of its id (u64) */
  blame(idAt: number): void {
    const row = this.#find(this.#words[idAt >>> 2], this.#words[(idAt >>> 2) + 1]);
    if (row >>> 0 >= this.size) return;
    const old = this.#scores[2 * row + 1];
    const score = old * BLAME;
    this.#scores[2 * row + 1] = score;
    const from = this.#rank(old);
    const to = this.#rank(score);
    if (to < from) this.#sorted.copyWithin(to + 1, to, from);
    this.#sorted[to] = score;
    this.#findMedian();
  }

  /**
   * Adds a completed transaction's value to a key's batch.
   * @param idAt arena offset of the key's id (u64)
   * @param keyAt arena offset of the key's bytes
   */
  gather(idAt: number, keyAt: number, traits: number, value: number): void {
    if (this.#touchedCount === this.#touched.length) return; // no batch is that large (layout.ts, TABLE_HEADROOM)
    const low = this.#words[idAt >>> 2];
    const high = this.#words[(idAt >>> 2) + 1];
    let row = this.#find(low, high);
    if (row < 0) {
      row = this.size + this.#candidates;
      if (row === this.#rows) return;
      this.#candidates += 1;
      this.#add(row, low, high, keyAt, traits);
    }
    if (this.#counts[row] === 0) {
      this.#sums[row] = 0;
      this.#touched[this.#touchedCount++] = row;
    }
    this.#counts[row] += 1;
    this.#sums[row] += value;
  }

  /** The update of engine.md, 5.3, from what was gathered since the last one. Linear in the table's size. */
  update(): void {
    this.#beginMoving();
    const median = this.median;
    const size = this.size;
    const scores = this.#scores;
    const left = this.#gatherFresh(size);
    const shift = TAKE * median;
    for (let i = 1; i < 2 * size; i += 2) scores[i] = KEEP * scores[i] + shift;
    for (let i = 0; i < left; i++) scores[2 * this.#touched[i] + 1] = this.#freshNew[i];
    const entered = this.#settleCandidates(left);
    this.#remerge(size, left, left + entered, shift);
    this.#prune();
    this.#findMedian();
    this.#touchedCount = 0;
    this.#endMoving();
  }

  /**
   * Adds a key with its score, from a checkpoint. Between batches only.
   * @returns false if the key is there already, the table is full, or the score is not a finite number from 0 up
   */
  restore(idAt: number, keyAt: number, traits: number, score: number): boolean {
    const low = this.#words[idAt >>> 2];
    const high = this.#words[(idAt >>> 2) + 1];
    if (!(score >= 0 && score < Number.POSITIVE_INFINITY)) return false;
    if (this.size >= this.limit || this.#candidates > 0 || this.#find(low, high) >= 0) return false;
    this.#beginMoving();
    this.#add(this.size, low, high, keyAt, traits);
    this.#scores[2 * this.size + 1] = score + 0; // -0 is 0
    const at = this.#rank(score);
    this.#sorted.copyWithin(at + 1, at, this.size);
    this.#sorted[at] = score + 0;
    this.size += 1;
    this.#findMedian();
    this.#endMoving();
    return true;
  }

  /** Empties the table and its batch. */
  clear(): void {
    this.#beginMoving();
    this.#slots.fill(0);
    this.#counts.fill(0);
    this.size = 0;
    this.#candidates = 0;
    this.#touchedCount = 0;
    this.pruned = 0;
    this.#findMedian();
    this.#endMoving();
  }

  /**
   * Scores of rows that were in the table and have enough transactions: old and new ones to the fresh columns, their rows
   * to the front of the touched ones. The counts of all rows but candidates are cleared.
   * @returns how many
   */
  #gatherFresh(size: number): number {
    let fresh = 0;
    for (let i = 0; i < this.#touchedCount; i++) {
      const row = this.#touched[i];
      if (row >= size) continue;
      const count = this.#counts[row];
      this.#counts[row] = 0;
      if (count < FRESH_TRANSACTIONS) continue;
      const old = this.#scores[2 * row + 1];
      this.#freshOld[fresh] = old;
      this.#freshNew[fresh] = KEEP * old + TAKE * (this.#sums[row] / count);
      this.#touched[fresh++] = row;
    }
    return fresh;
  }

  /**
   * Candidates with enough transactions enter the table, the others leave their rows.
   * @param fresh where their scores go in the column of new ones
   * @returns how many entered
   */
  #settleCandidates(fresh: number): number {
    const size = this.size;
    let end = size + this.#candidates;
    // Downwards: the row that moves into a freed one has been looked at already.
    for (let row = end - 1; row >= size; row--) {
      const count = this.#counts[row];
      this.#counts[row] = 0;
      if (count < FRESH_TRANSACTIONS) {
        this.#removeRow(row, --end);
      } else {
        this.#scores[2 * row + 1] = this.#sums[row] / count;
      }
    }
    for (let row = size; row < end; row++) this.#freshNew[fresh + row - size] = this.#scores[2 * row + 1];
    this.#candidates = 0;
    this.size = end;
    return end - size;
  }

  /**
   * Brings the sorted scores up to date: maps them all, leaves out the old scores of fresh keys and merges in the new.
   * @param left old scores to leave out (`#freshOld`), each of which is among the sorted
   * @param entered new scores to merge in (`#freshNew`)
   */
  #remerge(size: number, left: number, entered: number, shift: number): void {
    sortRising(this.#freshOld, left);
    sortRising(this.#freshNew, entered);
    const sorted = this.#sorted;
    const spare = this.#spare;
    const freshOld = this.#freshOld;
    const freshNew = this.#freshNew;
    let out = 0;
    let old = 0;
    let fresh = 0;
    for (let i = 0; i < size; i++) {
      const score = sorted[i];
      if (old < left && score === freshOld[old]) {
        old += 1;
        continue;
      }
      const mapped = KEEP * score + shift;
      while (fresh < entered && freshNew[fresh] < mapped) spare[out++] = freshNew[fresh++];
      spare[out++] = mapped;
    }
    while (fresh < entered) spare[out++] = freshNew[fresh++];
    this.#sorted = spare;
    this.#spare = sorted;
  }

  /** Drops keys from the median outwards, down to the limit. Of equal scores at an edge the latest rows go first. */
  #prune(): void {
    const excess = this.size - this.limit;
    if (excess <= 0) return;
    const sorted = this.#sorted;
    const from = this.limit >>> 1;
    const to = from + excess;
    const low = sorted[from];
    const high = sorted[to - 1];
    let lowLeft = 0;
    while (from + lowLeft < to && sorted[from + lowLeft] === low) lowLeft += 1;
    let highLeft = 0;
    if (high > low) while (sorted[to - 1 - highLeft] === high) highLeft += 1;
    let end = this.size;
    for (let row = end - 1; row >= 0; row--) {
      const score = this.#scores[2 * row + 1];
      if (score < low || score > high) continue;
      if (score === low) {
        if (lowLeft === 0) continue;
        lowLeft -= 1;
      } else if (score === high) {
        if (highLeft === 0) continue;
        highLeft -= 1;
      }
      this.#removeRow(row, --end);
    }
    sorted.copyWithin(from, to, this.size);
    this.size = end;
    this.pruned += excess;
  }

  #findMedian(): void {
    const size = this.size;
    if (size === 0) {
      this.median = NO_MEDIAN;
      return;
    }
    const middle = size >>> 1;
    const high = this.#sorted[middle];
    this.median = (size & 1) === 1 ? high : (this.#sorted[middle - 1] + high) / 2;
  }

  /** @returns place of the first sorted score that is not below `score` */
  #rank(score: number): number {
    const sorted = this.#sorted;
    let from = 0;
    let to = this.size;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (sorted[middle] < score) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** @returns a key's row, candidates included, or -1 */
  #find(low: number, high: number): number {
    const slots = this.#slots;
    const ids = this.#ids;
    const tag = high >>> TAG_SHIFT;
    let slot = low & this.#slotMask;
    for (;;) {
      const word = slots[slot];
      if (word === 0) return -1;
      const row = (word & ROW_MASK) - 1;
      if (word >>> TAG_SHIFT === tag && ids[4 * row] === low && ids[4 * row + 1] === high) return row;
      slot = (slot + 1) & this.#slotMask;
    }
  }

  /** Writes a row's key and index slot. */
  #add(row: number, low: number, high: number, keyAt: number, traits: number): void {
    this.#ids[4 * row] = low;
    this.#ids[4 * row + 1] = high;
    for (let i = 0; i < this.#keyWords; i++) this.#keys[row * this.#keyWords + i] = this.#words[(keyAt >>> 2) + i];
    this.#traits[row] = traits;
    this.#counts[row] = 0;
    let slot = low & this.#slotMask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#slotMask;
    this.#slots[slot] = ((high >>> TAG_SHIFT) << TAG_SHIFT) | (row + 1);
  }

  /** Takes a row out; the row `last` moves into its place. */
  #removeRow(row: number, last: number): void {
    const ids = this.#ids;
    this.#clearSlot(this.#slotOf(row));
    if (row === last) return;
    this.#slots[this.#slotOf(last)] += row - last;
    ids[4 * row] = ids[4 * last];
    ids[4 * row + 1] = ids[4 * last + 1];
    this.#scores[2 * row + 1] = this.#scores[2 * last + 1];
    for (let i = 0; i < this.#keyWords; i++) {
      this.#keys[row * this.#keyWords + i] = this.#keys[last * this.#keyWords + i];
    }
    this.#traits[row] = this.#traits[last];
    this.#counts[row] = this.#counts[last];
    this.#sums[row] = this.#sums[last];
  }

  #slotOf(row: number): number {
    let slot = this.#ids[4 * row] & this.#slotMask;
    while ((this.#slots[slot] & ROW_MASK) !== row + 1) slot = (slot + 1) & this.#slotMask;
    return slot;
  }

  /** Empties an index slot; what had to pass it moves back. */
  #clearSlot(from: number): void {
    const slots = this.#slots;
    const mask = this.#slotMask;
    let hole = from;
    let slot = (from + 1) & mask;
    for (;;) {
      const word = slots[slot];
      if (word === 0) break;
      const home = this.#ids[4 * ((word & ROW_MASK) - 1)] & mask;
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        slots[hole] = word;
        hole = slot;
      }
      slot = (slot + 1) & mask;
    }
    slots[hole] = 0;
  }

  #beginMoving(): void {
    Atomics.add(this.#state, STATE_VERSION, 1);
  }

  #endMoving(): void {
    Atomics.store(this.#state, STATE_SIZE, this.size);
    Atomics.add(this.#state, STATE_VERSION, 1);
  }
}

/** Insertion sort: at most a fifth of a batch's transactions are here. */
function sortRising(values: Float64Array, count: number): void {
  for (let i = 1; i < count; i++) {
    const value = values[i];
    let at = i;
    while (at > 0 && values[at - 1] > value) {
      values[at] = values[at - 1];
      at -= 1;
    }
    values[at] = value;
  }
}
