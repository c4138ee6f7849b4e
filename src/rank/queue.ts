// The priority queue: slot numbers in a 4-ary min-heap, packets in slots.
//
// "Drop the lowest" needs a heap with the lowest on top; "send the highest" happens once in 100 ms, so the whole heap is
// sorted then, by the kernel's radix sort, which is cheaper than a second heap or a min-max heap (docs/performance.md).
// What was sorted and is not sent goes back in rising order, and that already is a heap.
//
// Rank: the higher score first; of equal scores the earlier arrival. So the lowest on top is the lowest score, and of
// equal ones the latest. Sifts move a hole instead of swapping.
//
// Slots (slot-pool.ts): claimed and filled -> (push) -> in the heap -> (take) -> outgoing -> (nextOutgoing, release) -> free.
// There are twice as many slots as the heap has places: a whole heap can be outgoing while the next one fills.

import type { Arena } from "../shape/arena.ts";
import { SCORE_AT } from "../shape/digest-layout.ts";
import type { QueueRegion } from "../shape/layout.ts";
import { sortScratchBytes } from "../shape/sort-scratch.ts";
import { SlotPool } from "./slot-pool.ts";

const ARITY_SHIFT = 2;
const ARITY = 1 << ARITY_SHIFT;

/** The kernel's sort. */
export interface FallingSort {
  /**
   * Writes the heap's places to `orderAt` (u32 each) in falling rank: higher score first, then the lower sequence. The
   * columns themselves are only read.
   */
  sortFalling(count: number, scoresAt: number, sequencesAt: number, orderAt: number, scratchAt: number): void;
}

export class Queue {
  /** Entries in the heap. */
  size = 0;
  /** Taken for transmit and not handed out yet. */
  outgoing = 0;
  /** The score that a packet must exceed: the lowest one where the queue is full, else -Infinity. */
  door = Number.NEGATIVE_INFINITY;
  readonly capacity: number;
  /** Where queued packets lie. */
  readonly slots: SlotPool;

  readonly #arenaF64: Float64Array;
  readonly #scores: Float64Array;
  readonly #sequences: Float64Array;
  readonly #slots: Uint32Array;
  readonly #order: Uint32Array;
  readonly #arrivals: Float64Array;
  readonly #slotSequences: Float64Array;
  readonly #outScores: Float64Array;
  readonly #outSequences: Float64Array;
  readonly #outSlots: Uint32Array;
  readonly #sortedScores: Float64Array;
  readonly #sortedSequences: Float64Array;
  readonly #sortedSlots: Uint32Array;
  readonly #region: QueueRegion;
  #outgoingNext = 0;
  #unreleased = 0;
  #sequence: number;
  /** No entry in the heap arrived before this. */
  #oldestMs = Number.POSITIVE_INFINITY;

  /** @param firstSequence the number of the first arrival: exact up to 2^53, for 285 years at a million a second */
  constructor(arena: Arena, region: QueueRegion, firstSequence = 0) {
    const { capacity, slotCount } = region;
    if (capacity < 2 || slotCount < 2 * capacity) throw new RangeError(`${slotCount} slots for ${capacity} entries`);
    if (region.sortBytes < sortScratchBytes(capacity))
      throw new RangeError(`the queue's scratch has only ${region.sortBytes} bytes`);
    const { buffer } = arena;
    this.#sequence = firstSequence;
    this.capacity = capacity;
    this.#region = region;
    this.#arenaF64 = arena.f64;
    this.#scores = new Float64Array(buffer, region.scoresAt, capacity);
    this.#sequences = new Float64Array(buffer, region.sequencesAt, capacity);
    this.#slots = new Uint32Array(buffer, region.heapSlotsAt, capacity);
    this.#order = new Uint32Array(buffer, region.orderAt, capacity);
    this.slots = new SlotPool(buffer, region);
    this.#arrivals = new Float64Array(buffer, region.arrivalsAt, slotCount);
    this.#slotSequences = new Float64Array(buffer, region.slotSequencesAt, slotCount);
    this.#outScores = new Float64Array(buffer, region.outScoresAt, capacity);
    this.#outSequences = new Float64Array(buffer, region.outSequencesAt, capacity);
    this.#outSlots = new Uint32Array(buffer, region.outSlotsAt, capacity);
    this.#sortedScores = new Float64Array(buffer, region.sortAt, capacity);
    this.#sortedSequences = new Float64Array(buffer, region.sortAt + capacity * 8, capacity);
    this.#sortedSlots = new Uint32Array(buffer, region.sortAt + capacity * 16, capacity);
  }

  /** Would a packet of this score stay in the queue if it were pushed now? */
  wants(score: number): boolean {
    return score > this.door;
  }

  /**
   * Queues a claimed and filled slot. Where that makes one too many the lowest leaves, which may be the new one.
   * @param score not NaN
   * @param arrivalMs what its digest holds as well: read from there, it would wait for the copy into the slot
   * @returns the slot that left and is free again, or -1
   */
  push(slot: number, score: number, arrivalMs: number): number {
    const sequence = this.#sequence++;
    this.#arrivals[slot] = arrivalMs;
    const dropped = this.#place(slot, score, sequence);
    if (dropped >= 0) this.slots.release(dropped);
    return dropped;
  }

  /** @returns the slot that leaves for it, which may be its own, or -1 */
  #place(slot: number, score: number, sequence: number): number {
    this.#slotSequences[slot] = sequence;
    if (this.size === this.capacity - 1) {
      const lowest = this.#sequences[0];
      if (score < this.door || (score === this.door && sequence > lowest) || Number.isNaN(score)) return slot;
      const dropped = this.#slots[0];
      this.#entered(slot);
      this.#siftDown(0, score, sequence, slot);
      this.door = this.#scores[0];
      return dropped;
    }
    this.#entered(slot);
    this.#siftUp(this.size++, score, sequence, slot);
    if (this.size === this.capacity - 1) this.door = this.#scores[0];
    return -1;
  }

  /**
   * Takes the highest entries out of the heap, for `nextOutgoing` to hand out in falling order.
   * @param most how many
   * @returns how many were taken; 0 while those of the last call are not all released
   */
  take(most: number, kernel: FallingSort): number {
    const count = this.size;
    if (this.#unreleased > 0 || count === 0 || most < 1) return 0;
    const { scoresAt, sequencesAt, orderAt, sortAt } = this.#region;
    kernel.sortFalling(count, scoresAt, sequencesAt, orderAt, sortAt);
    const taken = Math.min(count, Math.floor(most));
    if (taken < count) this.#layBack(taken, count);
    const order = this.#order;
    const slots = taken < count ? this.#sortedSlots : this.#slots;
    for (let i = 0; i < taken; i++) order[i] = slots[order[i]];
    this.size = count - taken;
    this.door = Number.NEGATIVE_INFINITY;
    if (this.size === 0) this.#oldestMs = Number.POSITIVE_INFINITY;
    this.outgoing = taken;
    this.#outgoingNext = 0;
    this.#unreleased = taken;
    return taken;
  }

  /**
   * Takes all entries out of the heap, to be scored anew: `rescored` for each, then `orderOutgoing`.
   * @returns how many were taken; 0 while those of the last call are not all released or kept
   */
  takeAll(): number {
    const count = this.size;
    if (this.#unreleased > 0 || count === 0) return 0;
    for (let i = 0; i < count; i++) {
      const slot = this.#slots[i];
      this.#order[i] = slot;
      this.#outSlots[i] = slot;
      this.#outSequences[i] = this.#sequences[i];
    }
    this.size = 0;
    this.door = Number.NEGATIVE_INFINITY;
    this.#oldestMs = Number.POSITIVE_INFINITY;
    this.outgoing = count;
    this.#outgoingNext = 0;
    this.#unreleased = count;
    return count;
  }

  /** The score by which an entry of `takeAll` is ordered. @param place its number, 0 to count - 1 @param score not NaN */
  rescored(place: number, score: number): void {
    this.#outScores[place] = score;
  }

  /** Orders what `takeAll` took by the new scores, falling. */
  orderOutgoing(kernel: FallingSort): void {
    const { outScoresAt, outSequencesAt, orderAt, sortAt } = this.#region;
    const count = this.outgoing;
    kernel.sortFalling(count, outScoresAt, outSequencesAt, orderAt, sortAt);
    for (let i = 0; i < count; i++) this.#order[i] = this.#outSlots[this.#order[i]];
  }

  /**
   * Puts a slot that `nextOutgoing` gave back into the heap, by the score in its digest, as old as it was.
   * @returns the slot that left for it and is free again, which may be its own, or -1
   */
  keep(slot: number): number {
    this.#unreleased -= 1;
    const score = this.#arenaF64[(this.slots.at(slot) + SCORE_AT) >>> 3];
    const dropped = this.#place(slot, score, this.#slotSequences[slot]);
    if (dropped >= 0) this.slots.release(dropped);
    return dropped;
  }

  /** @returns arena offset of the number (u32) of the slot that the `ahead`-th next call of `nextOutgoing` gives */
  outgoingAt(ahead: number): number {
    return this.#region.orderAt + 4 * (this.#outgoingNext + ahead);
  }

  /** @returns the slot that the `ahead`-th next call of `nextOutgoing` gives (0: the next); below `outgoing` */
  outgoingSlot(ahead: number): number {
    return this.#order[this.#outgoingNext + ahead];
  }

  /** @returns the next slot in falling order, to be released by the caller; only while `outgoing` > 0 */
  nextOutgoing(): number {
    this.outgoing -= 1;
    return this.#order[this.#outgoingNext++];
  }

  /** Frees a slot that `nextOutgoing` gave. */
  release(slot: number): void {
    this.slots.release(slot);
    this.#unreleased -= 1;
  }

  /**
   * Drops what arrived before a time from the heap (not from the outgoing ones).
   * @param left told of each slot that is dropped, before anything else can claim it
   * @returns how many were dropped
   */
  expire(beforeMs: number, left: (slot: number) => void): number {
    if (!(beforeMs > this.#oldestMs)) return 0;
    const slots = this.#slots;
    const scores = this.#scores;
    const sequences = this.#sequences;
    const arrivals = this.#arrivals;
    const count = this.size;
    let oldest = Number.POSITIVE_INFINITY;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const slot = slots[i];
      const arrival = arrivals[slot];
      if (arrival < beforeMs) {
        this.slots.release(slot);
        left(slot);
        continue;
      }
      if (arrival < oldest) oldest = arrival;
      if (kept !== i) {
        slots[kept] = slot;
        scores[kept] = scores[i];
        sequences[kept] = sequences[i];
      }
      kept += 1;
    }
    this.#oldestMs = oldest;
    if (kept === count) return 0;
    this.size = kept;
    this.door = Number.NEGATIVE_INFINITY;
    for (let i = ((kept + ARITY - 2) >>> ARITY_SHIFT) - 1; i >= 0; i--) {
      this.#siftDown(i, scores[i], sequences[i], slots[i]);
    }
    return count - kept;
  }

  #entered(slot: number): void {
    const arrival = this.#arrivals[slot];
    if (arrival < this.#oldestMs) this.#oldestMs = arrival;
  }

  /** Lays what stays back as a heap: in rising order. The slots in the old order remain in `#sortedSlots`. */
  #layBack(taken: number, count: number): void {
    const order = this.#order;
    const scores = this.#scores;
    const sequences = this.#sequences;
    const slots = this.#slots;
    this.#sortedScores.set(scores);
    this.#sortedSequences.set(sequences);
    this.#sortedSlots.set(slots);
    for (let place = 0, i = count - 1; i >= taken; place++, i--) {
      const from = order[i];
      scores[place] = this.#sortedScores[from];
      sequences[place] = this.#sortedSequences[from];
      slots[place] = this.#sortedSlots[from];
    }
  }

  /** Puts an entry where a hole is at `place`, or above it. */
  #siftUp(from: number, score: number, sequence: number, slot: number): void {
    const scores = this.#scores;
    const sequences = this.#sequences;
    const slots = this.#slots;
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >>> ARITY_SHIFT;
      const parentScore = scores[parent];
      // A later arrival ranks lower, so it goes above equal scores.
      if (score > parentScore || (score === parentScore && sequence < sequences[parent])) break;
      scores[place] = parentScore;
      sequences[place] = sequences[parent];
      slots[place] = slots[parent];
      place = parent;
    }
    scores[place] = score;
    sequences[place] = sequence;
    slots[place] = slot;
  }

  /** Puts an entry where a hole is at `place`, or below it. */
  #siftDown(from: number, score: number, sequence: number, slot: number): void {
    const scores = this.#scores;
    const sequences = this.#sequences;
    const slots = this.#slots;
    const size = this.size;
    let place = from;
    for (;;) {
      const first = (place << ARITY_SHIFT) + 1;
      if (first >= size) break;
      const end = Math.min(first + ARITY, size);
      let lowest = first;
      let lowestScore = scores[first];
      for (let child = first + 1; child < end; child++) {
        const childScore = scores[child];
        if (childScore < lowestScore || (childScore === lowestScore && sequences[child] > sequences[lowest])) {
          lowest = child;
          lowestScore = childScore;
        }
      }
      if (score < lowestScore || (score === lowestScore && sequence > sequences[lowest])) break;
      scores[place] = lowestScore;
      sequences[place] = sequences[lowest];
      slots[place] = slots[lowest];
      place = lowest;
    }
    scores[place] = score;
    sequences[place] = sequence;
    slots[place] = slot;
  }
}
