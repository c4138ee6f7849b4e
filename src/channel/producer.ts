// The producer's side of a lossy (`que` headless) channel: a cursor over arena memory (spec: wire.md, 3).
//
// The producer never looks at the consumer. It writes elements in place and publishes the tail with one 64-bit store,
// at the latest every `burst` elements, so that a consumer's reach (capacity - burst) holds for what is being written.

import type { Arena } from "../shape/arena.ts";
import { burstOf, HEADER_BYTES, PRODUCER_HEARTBEAT_AT, START_TAIL_MAX, TAIL_AT } from "../shape/channel-header.ts";
import { AtomicWords, type ChannelWords } from "./channel-words.ts";

export class Producer {
  /** Elements written, published or not. */
  tail: number;
  /** 1 where the stored tail was one that no producer comes to: then this one began again at 0. */
  readonly impossible: number;

  readonly #u8: Uint8Array;
  readonly #words: ChannelWords;
  readonly #tailAt: number;
  readonly #beatAt: number;
  readonly #elements: number;
  readonly #mask: number;
  readonly #burst: number;
  #published: number;

  /**
   * Continues from the stored tail, or from 0 if that is impossible.
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
    this.#u8 = arena.u8;
    this.#words = words;
    this.#tailAt = at + TAIL_AT;
    this.#beatAt = at + PRODUCER_HEARTBEAT_AT;
    this.#elements = at + HEADER_BYTES;
    this.#mask = capacity - 1;
    this.#burst = burstOf(capacity);
    const stored = words.loadTail(this.#tailAt);
    this.impossible = stored <= START_TAIL_MAX ? 0 : 1;
    this.tail = this.impossible === 0 ? stored : 0;
    this.#published = this.tail;
    // Readers take a lower tail for a producer that began again, and join anew.
    if (this.impossible !== 0) words.storeTail(this.#tailAt, 0);
  }

  /** Arena offset of the slot for the next element; synchronises first where a burst is full. Follow with `commit`. */
  reserve(): number {
    if (this.tail - this.#published >= this.#burst) this.sync();
    return this.#elements + (this.tail & this.#mask) * this.elementBytes;
  }

  /** Counts the element at the reserved slot as written. It is published by the next `sync`. */
  commit(): void {
    this.tail += 1;
  }

  /**
   * Copies one element out of the arena into the channel.
   * @param from arena offset of `elementBytes` bytes
   */
  push(from: number): void {
    this.#u8.copyWithin(this.reserve(), from, from + this.elementBytes);
    this.tail += 1;
  }

  /** Publishes what was written, with one 64-bit release store (two 32-bit stores could be seen half done). */
  sync(): void {
    if (this.tail === this.#published) return;
    this.#published = this.tail;
    this.#words.storeTail(this.#tailAt, this.tail);
  }

  /** Adds 1 to the producer's heartbeat (u64, only ours to write). */
  beat(): void {
    this.#words.beat(this.#beatAt);
  }
}
