// How a cursor reads and writes the words of a channel that both sides see: tail and heartbeat. The kernel's way
// (kernel/channel-words.as.ts) is the loop's; this one needs no kernel, and is for readers that have time.

import type { Arena } from "../shape/arena.ts";

export interface ChannelWords {
  /** Loads a tail (acquire). @param at its arena offset @returns the tail, exact below 2^53 */
  loadTail(at: number): number;

  /** Publishes everything stored before (release). @param tail a whole number below 2^53 */
  storeTail(at: number, tail: number): void;

  /** Adds 1 to a heartbeat (u64), which nobody else writes; orders nothing. */
  beat(at: number): void;
}

const TWO_32 = 4_294_967_296;

/** Channel words by JavaScript's Atomics. */
export class AtomicWords implements ChannelWords {
  readonly #i32: Int32Array;
  readonly #u64: BigUint64Array;

  constructor(arena: Arena) {
    this.#i32 = arena.i32;
    this.#u64 = arena.u64;
  }

  /** Two words, without a BigInt (which costs 33 to 46 ns). The high one is read twice: never a mixture of two stores. */
  loadTail(at: number): number {
    const i32 = this.#i32;
    const word = at >>> 2;
    for (;;) {
      const high = Atomics.load(i32, word + 1);
      const low = Atomics.load(i32, word);
      if (Atomics.load(i32, word + 1) === high) return (high >>> 0) * TWO_32 + (low >>> 0);
    }
  }

  /** One 64-bit store: two of 32 bits could be seen half done. */
  storeTail(at: number, tail: number): void {
    Atomics.store(this.#u64, at / 8, BigInt(tail));
  }

  beat(at: number): void {
    Atomics.add(this.#u64, at / 8, 1n);
  }
}
