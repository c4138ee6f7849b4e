// Signature keys of transactions that confirmed lately (engine.md, 8): such a packet needs no further way. A
// least-recently-used set; looking a key up does not refresh it, putting it in again does.

import type { StoreKernel } from "../kernel/kernel.ts";
import type { Arena } from "../shape/arena.ts";
import { type LruRegion, RECENT_NODE_BYTES } from "../shape/layout.ts";
import { Lru } from "./lru.ts";

const KEY_AT = 0;
const LINKS_AT = 8;

export class RecentFilter {
  /** Arena offset of the store, for the kernel's `recognise`. */
  readonly at: number;

  /** The store itself: its loads ahead (`touch`, `touchThrough`, `touchVictims`). */
  readonly lru: Lru;
  readonly #words: Int32Array;
  readonly #nodes: number;

  constructor(arena: Arena, region: LruRegion, kernel: StoreKernel) {
    if (region.nodeBytes !== RECENT_NODE_BYTES)
      throw new RangeError(`a signature's node has ${RECENT_NODE_BYTES} bytes`);
    this.lru = new Lru(arena, region, { key: KEY_AT, links: LINKS_AT }, kernel);
    this.at = this.lru.at;
    this.#words = arena.i32;
    this.#nodes = (region.nodesAt + KEY_AT) >>> 2;
  }

  get size(): number {
    return this.lru.size;
  }

  get evicted(): number {
    return this.lru.evicted;
  }

  /**
   * @param keyAt arena offset of a signature key (u64; wire.md, 9)
   * @param mixAt arena offset of its keyed mix (u64)
   */
  has(keyAt: number, mixAt: number): boolean {
    return this.lru.find(keyAt, mixAt) >= 0;
  }

  /** Adds a key, or makes it the most recent. A full set gives up its least recent key. */
  put(keyAt: number, mixAt: number): void {
    const found = this.lru.find(keyAt, mixAt);
    if (found >= 0) {
      this.lru.refresh(found);
      return;
    }
    const words = this.#words;
    const key = keyAt >>> 2;
    const node = this.#nodes + this.lru.insert(words[mixAt >>> 2]) * (RECENT_NODE_BYTES >>> 2);
    words[node] = words[key];
    words[node + 1] = words[key + 1];
  }
}
