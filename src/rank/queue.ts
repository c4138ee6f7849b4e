// The priority queue: slot numbers in two heaps, packets in slots.
//
// "Drop the lowest" needs a heap with the lowest on top, and most of what waits in a full queue lies there: the low heap, a
// 4-ary min-heap. What goes out next lies in the ready heap, a binary max-heap of bounded size. An arrival becomes ready where
// its score is above `readyFrom`, the best that was left in the low heap; so what is on top of the ready heap is the best that
// waits, and nothing is sorted while packets come and go. The kernel's radix sort (docs/performance.md) orders the low heap
// where the ready heap has run empty, or where everything is scored anew. What was sorted and stays goes back in rising order,
// and that already is a heap.
//
// Rank: the higher score first; of equal scores the earlier arrival. So the lowest on top is the lowest score, and of
// equal ones the latest.
//
// Slots (slot-pool.ts): claimed and filled -> (push) -> in a heap -> (take) -> outgoing -> (nextOutgoing, release) -> free, or
// in the ready heap -> (takeGroup) -> in the group -> (release of the pool) -> free. There are twice as many slots as the heaps
// have places: all of them can be outgoing while the next ones come.

import type { Arena } from "../shape/arena.ts";
import { GROUP, SCORE_AT } from "../shape/digest-layout.ts";
import type { QueueRegion } from "../shape/layout.ts";
import { sortScratchBytes } from "../shape/sort-scratch.ts";
import { Columns, LowHeap, ReadyHeap } from "./heaps.ts";
import { SlotPool } from "./slot-pool.ts";

/** The kernel's sort. */
export interface FallingSort {
  /**
   * Writes the places to `orderAt` (u32 each) in falling rank: higher score first, then the lower sequence. The
   * columns themselves are only read.
   */
  sortFalling(count: number, scoresAt: number, sequencesAt: number, orderAt: number, scratchAt: number): void;
}

export class Queue {
  /** Entries in both heaps. */
  size = 0;
  /** A packet above this score may be ready when it arrives. Infinity: none may. */
  readyFrom = Number.NEGATIVE_INFINITY;
  /** Taken for transmit and not handed out yet. */
  outgoing = 0;
  /** The score that a packet must exceed: the lowest one where the queue is full, else -Infinity. */
  door = Number.NEGATIVE_INFINITY;
  readonly capacity: number;
  /** Where queued packets lie. */
  readonly slots: SlotPool;
  /** Arena offset of the slots (u32 each) that `takeGroup` took. */
  readonly groupAt: number;
  /** The scores by which they were ready. */
  readonly groupScores = new Float64Array(GROUP);

  readonly #arenaF64: Float64Array;
  readonly #low: LowHeap;
  readonly #ready: ReadyHeap;
  readonly #order: Uint32Array;
  readonly #arrivals: Float64Array;
  readonly #slotSequences: Float64Array;
  readonly #outScores: Float64Array;
  readonly #outSequences: Float64Array;
  readonly #outSlots: Uint32Array;
  readonly #readyOrder: Uint32Array;
  readonly #group: Uint32Array;
  readonly #sorted: Columns;
  readonly #region: QueueRegion;
  #outgoingNext = 0;
  #unreleased = 0;
  #sequence: number;
  /** No entry in the heaps arrived before this. */
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
    this.groupAt = region.groupAt;
    this.#region = region;
    this.#arenaF64 = arena.f64;
    this.#low = new LowHeap(
      new Float64Array(buffer, region.scoresAt, capacity),
      new Float64Array(buffer, region.sequencesAt, capacity),
      new Uint32Array(buffer, region.heapSlotsAt, capacity),
    );
    this.#ready = new ReadyHeap(
      new Float64Array(buffer, region.readyScoresAt, capacity),
      new Float64Array(buffer, region.readySequencesAt, capacity),
      new Uint32Array(buffer, region.readySlotsAt, capacity),
    );
    this.#order = new Uint32Array(buffer, region.orderAt, capacity);
    this.slots = new SlotPool(buffer, region);
    this.#arrivals = new Float64Array(buffer, region.arrivalsAt, slotCount);
    this.#slotSequences = new Float64Array(buffer, region.slotSequencesAt, slotCount);
    this.#outScores = new Float64Array(buffer, region.outScoresAt, capacity);
    this.#outSequences = new Float64Array(buffer, region.outSequencesAt, capacity);
    this.#outSlots = new Uint32Array(buffer, region.outSlotsAt, capacity);
    this.#readyOrder = new Uint32Array(buffer, region.readyOrderAt, capacity);
    this.#group = new Uint32Array(buffer, region.groupAt, GROUP);
    this.#sorted = new Columns(
      new Float64Array(buffer, region.sortAt, capacity),
      new Float64Array(buffer, region.sortAt + capacity * 8, capacity),
      new Uint32Array(buffer, region.sortAt + capacity * 16, capacity),
    );
  }

  /** Entries in the low heap. */
  get lowSize(): number {
    return this.#low.size;
  }

  /** Entries in the ready heap. */
  get readySize(): number {
    return this.#ready.size;
  }

  /** Would a packet of this score stay in the queue if it were pushed now? */
  wants(score: number): boolean {
    return score > this.door;
  }

  /**
   * Queues a claimed and filled slot. Where that makes one too many the lowest leaves, which may be the new one.
   * @param score not NaN
   * @param arrivalMs what its digest holds as well: read from there, it would wait for the copy into the slot
   * @param mayBeReady whether it may go out before what waits in the low heap was looked at
   * @returns the slot that left and is free again, or -1
   */
  push(slot: number, score: number, arrivalMs: number, mayBeReady = true): number {
    const sequence = this.#sequence++;
    this.#arrivals[slot] = arrivalMs;
    this.#slotSequences[slot] = sequence;
    if (mayBeReady && score > this.readyFrom) return this.#placeReady(slot, score, sequence);
    return this.#placeLow(slot, score, sequence);
  }

  // --- The low heap ---

  /** @returns the slot that leaves for it and is free again, which may be its own, or -1 */
  #placeLow(slot: number, score: number, sequence: number): number {
    if (this.size < this.capacity - 1) {
      this.#entered(slot);
      this.size += 1;
      this.#low.up(this.#low.size++, score, sequence, slot);
      if (this.size === this.capacity - 1) this.#findDoor();
      return -1;
    }
    let dropped = slot;
    if (!(score < this.door || Number.isNaN(score)) && this.#low.size > 0) {
      if (score > this.door || sequence < this.#low.sequences[0]) {
        dropped = this.#low.slots[0];
        this.#entered(slot);
        this.#low.down(0, score, sequence, slot);
        this.door = this.#low.scores[0];
      }
    }
    this.slots.release(dropped);
    return dropped;
  }

  #findDoor(): void {
    if (this.size < this.capacity - 1) this.door = Number.NEGATIVE_INFINITY;
    else this.door = this.#low.size > 0 ? this.#low.scores[0] : this.#ready.scores[this.#ready.lowest()];
  }

  // --- The ready heap ---

  /** @returns the slot that leaves for it and is free again, which may be its own, or -1 */
  #placeReady(slot: number, score: number, sequence: number): number {
    let dropped = -1;
    if (this.size === this.capacity - 1) {
      dropped = this.#low.size > 0 ? this.#low.removeTop() : this.#dropReadyBelow(score, sequence);
      this.slots.release(dropped < 0 ? slot : dropped);
      if (dropped < 0) return slot;
      this.size -= 1;
    }
    this.#entered(slot);
    this.size += 1;
    this.#ready.up(this.#ready.size++, score, sequence, slot);
    if (dropped >= 0 || this.size === this.capacity - 1) this.#findDoor();
    return dropped;
  }

  /** Only where more is ready than `trim` is asked to leave, and nothing else waits. @returns the slot that left, or -1 */
  #dropReadyBelow(score: number, sequence: number): number {
    const ready = this.#ready;
    const lowest = ready.lowest();
    const lowestScore = ready.scores[lowest];
    if (score < lowestScore || (score === lowestScore && sequence > ready.sequences[lowest])) return -1;
    return ready.remove(lowest);
  }

  /**
   * Takes the best of the ready ones out, in falling order: their slots lie at `groupAt`, their scores in `groupScores`. Each
   * is to be released (to the pool), kept or put back before the next call.
   * @param most at most GROUP are taken
   * @returns how many were taken
   */
  takeGroup(most: number): number {
    const count = Math.min(most, this.#ready.size, GROUP);
    for (let i = 0; i < count; i++) {
      this.#group[i] = this.#ready.slots[0];
      this.groupScores[i] = this.#ready.scores[0];
      this.#ready.remove(0);
    }
    if (count === 0) return 0;
    this.size -= count;
    this.door = Number.NEGATIVE_INFINITY;
    if (this.size === 0) this.#oldestMs = Number.POSITIVE_INFINITY;
    return count;
  }

  /** @returns a slot of the group */
  groupSlot(place: number): number {
    return this.#group[place];
  }

  /** Puts one of the group back among the ready ones, as it was. There is room: it has just left. */
  putBack(place: number): void {
    const slot = this.#group[place];
    this.#placeReady(slot, this.groupScores[place], this.#slotSequences[slot]);
  }

  /** Lays one of the group into the low heap, by the score in its digest: it waits until it is looked at again. */
  layDown(place: number): void {
    const slot = this.#group[place];
    this.#placeLow(slot, this.#scoreOf(slot), this.#slotSequences[slot]);
  }

  /**
   * Makes the best of the low heap ready where nothing else is, by the scores that they have.
   * @returns how many are ready
   */
  refill(most: number, kernel: FallingSort): number {
    const count = this.#low.size;
    if (this.#ready.size > 0 || count === 0 || most < 1) return this.#ready.size;
    const { scoresAt, sequencesAt, readyOrderAt, sortAt } = this.#region;
    kernel.sortFalling(count, scoresAt, sequencesAt, readyOrderAt, sortAt);
    const order = this.#readyOrder;
    const taken = Math.min(count, Math.floor(most));
    for (let i = 0; i < taken; i++) {
      this.#ready.take(i, this.#low, order[i]);
    }
    this.readyFrom = taken < count ? this.#low.scores[order[taken]] : Number.NEGATIVE_INFINITY;
    if (taken < count) this.#layBack(order, taken, count);
    this.#ready.size = taken;
    this.#low.size = count - taken;
    this.#findDoor();
    return taken;
  }

  /** Leaves so many ready, the best; the others go to the low heap, and what arrives must be better than they are. */
  trim(most: number, kernel: FallingSort): void {
    const count = this.#ready.size;
    if (count <= most) return;
    const { readyScoresAt, readySequencesAt, readyOrderAt, sortAt } = this.#region;
    kernel.sortFalling(count, readyScoresAt, readySequencesAt, readyOrderAt, sortAt);
    const order = this.#readyOrder;
    this.#sorted.copy(this.#ready);
    for (let i = count - 1; i >= most; i--) {
      const from = order[i];
      this.#low.up(this.#low.size++, this.#sorted.scores[from], this.#sorted.sequences[from], this.#sorted.slots[from]);
    }
    for (let i = 0; i < most; i++) {
      this.#ready.take(i, this.#sorted, order[i]);
    }
    this.#ready.size = most;
    this.readyFrom = Math.max(this.readyFrom, this.#sorted.scores[order[most]]);
    this.#findDoor();
  }

  // --- Outgoing ---

  /**
   * Takes the highest entries out of the low heap, for `nextOutgoing` to hand out in falling order.
   * @param most how many
   * @returns how many were taken; 0 while those of the last call are not all released
   */
  take(most: number, kernel: FallingSort): number {
    const count = this.#low.size;
    if (this.#unreleased > 0 || count === 0 || most < 1) return 0;
    const { scoresAt, sequencesAt, orderAt, sortAt } = this.#region;
    kernel.sortFalling(count, scoresAt, sequencesAt, orderAt, sortAt);
    const taken = Math.min(count, Math.floor(most));
    const order = this.#order;
    if (taken < count) this.#layBack(order, taken, count);
    const slots = taken < count ? this.#sorted.slots : this.#low.slots;
    for (let i = 0; i < taken; i++) order[i] = slots[order[i]];
    this.#low.size = count - taken;
    this.#tookOut(taken);
    return taken;
  }

  /**
   * Takes all entries out of the low heap, to be scored anew: `rescored` for each, then `orderOutgoing`.
   * @returns how many were taken; 0 while those of the last call are not all released or kept
   */
  takeAll(): number {
    const count = this.#low.size;
    if (this.#unreleased > 0) return 0;
    for (let i = 0; i < count; i++) {
      const slot = this.#low.slots[i];
      this.#order[i] = slot;
      this.#outSlots[i] = slot;
      this.#outSequences[i] = this.#low.sequences[i];
    }
    this.#low.size = 0;
    this.#tookOut(count);
    return count;
  }

  /** Adds the ready entries to those that `takeAll` took, as far as there is room. @returns how many are outgoing now */
  takeReady(): number {
    const from = this.outgoing;
    const count = Math.min(this.#ready.size, this.capacity - from);
    const left = this.#ready.size - count;
    for (let i = 0; i < count; i++) {
      const place = left + i; // from the end: what stays is a heap
      const slot = this.#ready.slots[place];
      this.#order[from + i] = slot;
      this.#outSlots[from + i] = slot;
      this.#outSequences[from + i] = this.#ready.sequences[place];
    }
    this.#ready.size = left;
    this.#unreleased += count;
    this.outgoing += count;
    this.size -= count;
    this.#findDoor();
    return this.outgoing;
  }

  /** The score by which an entry of `takeAll` is ordered. @param place its number, 0 to count - 1 @param score not NaN */
  rescored(place: number, score: number): void {
    this.#outScores[place] = score;
  }

  /** Orders what `takeAll` and `takeReady` took by the new scores, falling. */
  orderOutgoing(kernel: FallingSort): void {
    const { outScoresAt, outSequencesAt, orderAt, sortAt } = this.#region;
    const count = this.outgoing;
    kernel.sortFalling(count, outScoresAt, outSequencesAt, orderAt, sortAt);
    for (let i = 0; i < count; i++) this.#order[i] = this.#outSlots[this.#order[i]];
  }

  /**
   * Makes a slot that `nextOutgoing` gave ready.
   * @returns the slot that left for it and is free again, which may be its own, or -1
   */
  makeReady(slot: number, score: number): number {
    this.#unreleased -= 1;
    return this.#placeReady(slot, score, this.#slotSequences[slot]);
  }

  /**
   * Puts a slot that `nextOutgoing` or `lastOutgoing` gave back into the low heap, by the score in its digest, as old as it was.
   * @returns the slot that left for it and is free again, which may be its own, or -1
   */
  keep(slot: number): number {
    this.#unreleased -= 1;
    return this.#placeLow(slot, this.#scoreOf(slot), this.#slotSequences[slot]);
  }

  /** @returns arena offset of the number (u32) of the slot that the `ahead`-th next call of `nextOutgoing` gives */
  outgoingAt(ahead: number): number {
    return this.#region.orderAt + 4 * (this.#outgoingNext + ahead);
  }

  /** @returns the slot that the `ahead`-th next call of `nextOutgoing` gives (0: the next); below `outgoing` */
  outgoingSlot(ahead: number): number {
    return this.#order[this.#outgoingNext + ahead];
  }

  /** @returns the next slot in falling order, to be released or kept by the caller; only while `outgoing` > 0 */
  nextOutgoing(): number {
    this.outgoing -= 1;
    return this.#order[this.#outgoingNext++];
  }

  /** @returns the last slot in falling order, as `nextOutgoing`: what goes back into a heap is cheapest in rising order */
  lastOutgoing(): number {
    this.outgoing -= 1;
    return this.#order[this.#outgoingNext + this.outgoing];
  }

  /** Frees a slot that `nextOutgoing` gave. */
  release(slot: number): void {
    this.slots.release(slot);
    this.#unreleased -= 1;
  }

  #tookOut(count: number): void {
    this.size -= count;
    this.#findDoor();
    if (this.size === 0) this.#oldestMs = Number.POSITIVE_INFINITY;
    this.outgoing = count;
    this.#outgoingNext = 0;
    this.#unreleased = count;
  }

  // --- Age ---

  /**
   * Drops what arrived before a time from the heaps (not from the outgoing ones).
   * @param left told of each slot that is dropped, before anything else can claim it
   * @returns how many were dropped
   */
  expire(beforeMs: number, left: (slot: number) => void): number {
    if (!(beforeMs > this.#oldestMs)) return 0;
    this.#oldestMs = Number.POSITIVE_INFINITY;
    const stays = (slot: number): boolean => {
      if (this.#arrivals[slot] >= beforeMs) {
        this.#entered(slot);
        return true;
      }
      this.slots.release(slot);
      left(slot);
      return false;
    };
    const low = this.#low.filter(stays);
    const ready = this.#ready.filter(stays);
    if (low > 0) this.#low.order();
    if (ready > 0) this.#ready.order();
    this.size -= low + ready;
    if (low + ready > 0) this.#findDoor();
    return low + ready;
  }

  #entered(slot: number): void {
    const arrival = this.#arrivals[slot];
    if (arrival < this.#oldestMs) this.#oldestMs = arrival;
  }

  #scoreOf(slot: number): number {
    return this.#arenaF64[(this.slots.at(slot) + SCORE_AT) >>> 3];
  }

  /** Lays what stays in the low heap back as a heap: in rising order. The slots in the old order remain in `#sorted`. */
  #layBack(order: Uint32Array, taken: number, count: number): void {
    const low = this.#low;
    this.#sorted.copy(low);
    for (let place = 0, i = count - 1; i >= taken; place++, i--) {
      low.take(place, this.#sorted, order[i]);
    }
  }
}
