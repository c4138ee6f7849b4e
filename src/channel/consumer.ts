// The consumer's side of a lossy (`que` headless) channel: a cursor over arena memory (spec: wire.md, 3).
//
// Elements are read in place, in groups: `readable()` says how many lie ready, the caller reads them where they are and
// then asks `overrun()` how many of them the producer may have overwritten meanwhile. Only what is left counts as read.
// That is the seqlock's "read, then look at the version again", paid once for a group instead of once an element.
//
//     consumer.join();                               // once: what was published before is not read
//     const count = consumer.readable(16);           // the next elements, in place and contiguous
//     if (count === 0) return;                       // nothing is there
//     read(consumer.addressOf(0), count);            // into memory of one's own, believing nothing yet
//     const torn = Math.min(consumer.overrun(), count);
//     if (torn > 0) consumer.drop(torn);             // the first ones were written over meanwhile
//     use(count - torn);                             // only now are the others believed
//     consumer.take(count - torn);                   // the head moves on, and they count as received
//     if (torn > 0) consumer.skipAhead();            // for a reader of large elements: see there
//
// Stream indexes are exact integers in a double up to 2^53; a tail above TAIL_MAX is nobody's and not believed. The loop
// reads the tail through the kernel: as a plain load, which leaves the producer's cache line with the producer
// (kernel/channel-words.as.ts).

import type { Arena } from "../shape/arena.ts";
import { AHEAD_MAX, burstOf, CONSUMER_HEARTBEAT_AT, HEADER_BYTES, TAIL_AT, TAIL_MAX } from "../shape/channel-header.ts";
import { AtomicWords, type ChannelWords } from "./channel-words.ts";

/** Elements given up after a first overrun: one group. */
const SKIP_MIN = 16;
/** Elements read without an overrun after which the next one is a first one again. */
const CALM_ELEMENTS = 2_048;

export class Consumer {
  /** Stream index of the next element to read. */
  head = 0;
  /** Elements read whole. */
  received = 0;
  /** Elements that the producer overwrote before they were read, torn copies among them. */
  lapped = 0;
  /** Elements that were being read when the producer overwrote them. */
  torn = 0;
  /** The tail as last loaded. */
  tail = 0;

  /** Times that the tail stood where no producer comes to; what it says then is not believed. */
  impossible = 0;

  /** The tail is impossible now: with the next one that is not, the channel is joined anew. */
  #lost = false;
  /** It was so when it was joined. */
  #joinedLost = false;
  #skip = SKIP_MIN;
  #receivedAtSkip = Number.NEGATIVE_INFINITY;
  readonly #words: ChannelWords;
  readonly #tailAt: number;
  readonly #beatAt: number;
  readonly #elements: number;
  readonly #mask: number;
  /** How far behind the tail an element is still safe. */
  readonly #reach: number;

  /**
   * @param at arena offset of the channel's header, which is already checked
   * @param capacity elements, a power of two
   * @param words the kernel, if there is one
   */
  constructor(
    arena: Arena,
    at: number,
    readonly capacity: number,
    readonly elementBytes: number,
    words: ChannelWords = new AtomicWords(arena),
  ) {
    this.#words = words;
    this.#tailAt = at + TAIL_AT;
    this.#beatAt = at + CONSUMER_HEARTBEAT_AT;
    this.#elements = at + HEADER_BYTES;
    this.#mask = capacity - 1;
    this.#reach = capacity - burstOf(capacity);
  }

  /** Joins: what was published before is not read (wire.md, 2). */
  join(): void {
    this.#joinedLost = true; // until it is known that it is not
    this.head = 0;
    this.head = this.loadTail();
    this.#joinedLost = this.#lost;
  }

  /** Loads the producer's tail (acquire). @returns a tail behind the head if the stored one is impossible */
  loadTail(): number {
    const tail = this.#words.loadTail(this.#tailAt);
    this.tail = tail <= TAIL_MAX ? tail : this.#lose();
    return this.tail;
  }

  /**
   * Nothing is read until the tail is possible again. Counts as a producer that began again, unless the tail was impossible
   * at the join already.
   */
  #lose(): number {
    if (!this.#lost) {
      this.#lost = true;
      this.impossible += 1;
    }
    return this.#joinedLost ? this.head : -1;
  }

  /**
   * How many elements can be read from `head` on, in place and contiguously. After a lap the head has moved up first.
   * @param most the caller's limit
   * @returns 0 if nothing is there; a tail behind the head (a producer that was re-created) also gives 0: the
   *   supervisor tells the two apart by `tail < head`
   */
  readable(most: number): number {
    const tail = this.loadTail();
    if (this.#lost) return this.#findAgain();
    const head = this.head;
    if (tail <= head) return 0;
    if (tail > head + this.#reach) this.#catchUp(tail);
    const untilWrap = this.capacity - (this.head & this.#mask);
    const ready = tail - this.head;
    return Math.min(ready, untilWrap, most);
  }

  /** Arena offset of the element `index` places behind the head. */
  addressOf(index: number): number {
    return this.#elements + ((this.head + index) & this.#mask) * this.elementBytes;
  }

  /**
   * After reading a group in place: how many of its first elements the producer may have overwritten meanwhile.
   * Those must be thrown away: call `drop` with the count, then `take` with the rest.
   */
  overrun(): number {
    const tail = this.loadTail();
    if (this.#lost) return this.capacity; // their number is not known, so none is used
    const safe = tail - this.#reach;
    return safe > this.head ? safe - this.head : 0;
  }

  /** Gives up `count` elements from the head on as torn. */
  drop(count: number): void {
    this.torn += count;
    this.lapped += count;
    this.head += count;
  }

  /**
   * Gives up some more elements, for a reader of groups that has just been overrun: the head then stands where the producer
   * is writing next, and a producer that is faster would tear the next group as well, and the next. The first
   * overrun skips one group's worth; each further one within CALM_ELEMENTS skips twice as many as the last, up to an eighth
   * of the ring. Some of the skipped elements could have been read: that is the price of reading the rest whole.
   */
  skipAhead(): void {
    const isCalm = this.received - this.#receivedAtSkip >= CALM_ELEMENTS;
    this.#skip = isCalm ? SKIP_MIN : Math.min(2 * this.#skip, this.capacity >>> 3);
    this.#receivedAtSkip = this.received;
    const ahead = this.loadTail() - this.head;
    if (ahead > 0) this.#skipTo(this.head + Math.min(ahead, this.#skip));
  }

  /** Counts `count` elements from the head on as read. */
  take(count: number): void {
    this.received += count;
    this.head += count;
  }

  /** Adds 1 to the consumer's heartbeat (u64, only ours to write). */
  beat(): void {
    this.#words.beat(this.#beatAt);
  }

  /** The head moves up into reach. A tail too far ahead to be a lap is joined anew, and nothing counts as lapped. */
  #catchUp(tail: number): void {
    if (tail - this.head <= AHEAD_MAX) {
      this.#skipTo(tail - this.#reach);
      return;
    }
    this.impossible += 1;
    this.head = tail;
  }

  /** Joins anew where the tail is possible again. @returns 0: what is there was published before */
  #findAgain(): number {
    const tail = this.#words.loadTail(this.#tailAt);
    if (!(tail <= TAIL_MAX)) return 0;
    this.#lost = false;
    this.#joinedLost = false;
    this.head = tail;
    this.tail = tail;
    return 0;
  }

  #skipTo(index: number): void {
    this.lapped += index - this.head;
    this.head = index;
  }
}
