// A least-recently-used store's machinery: which node is the oldest, and which node belongs to a key.
//
// The order is a circle of nodes, doubly linked inside the nodes: `head` is the most recent, the node behind it the
// least. A full store's insert therefore writes no link: the node behind the head is the victim and becomes the head. Free
// nodes (removed ones) stand at the tail end of the same circle. Nodes that were never used enter the circle one after
// the other, so that starting touches no memory.
//
// Victims of a well-mixed store lie anywhere: following the circle costs a cache miss after the other (160 ns a packet,
// measured). So each touch of a node is also logged, in order, as a *hint*: from the log the next victims are known
// without following links, and their lines are loaded ahead for a whole group. The log may have lost old entries (it is
// bounded); the circle is the truth.

import type { Arena } from "../arena.ts";
import type { LruRegion } from "../layout.ts";
import { BucketIndex } from "./bucket-index.ts";

/** Where a node keeps its u64 key, and the four words of its links: previous, next, stamp, mix. */
export interface LruNode {
  readonly key: number;
  readonly links: number;
}

const NEXT = 1;
const STAMP = 2;
const MIX = 3;
export const LINK_BYTES = 16;

export class Lru {
  /** Entries. */
  size = 0;
  /** Entries that left because the store was full. */
  evicted = 0;

  readonly #index: BucketIndex;
  readonly #words: Int32Array;
  readonly #capacity: number;
  readonly #links: number;
  /** From a node's links to its last word, which is in its last cache line. */
  readonly #lastWord: number;
  readonly #nodeShift: number;
  readonly #log: number;
  readonly #logMask: number;
  #head = 0;
  /** Nodes that are in the circle. */
  #used = 0;
  /** Position of the next touch; counts up as an i32 and wraps. */
  #position = 0;
  /** Where in the log the next victims are looked for; never ahead of the next victim's stamp. */
  #hint = 0;
  /** Victims whose nodes are loaded and whose lines are not. */
  #loaded = 0;

  /** @param node byte offsets inside a node */
  constructor(arena: Arena, region: LruRegion, node: LruNode) {
    if (!Number.isInteger(Math.log2(region.touchLogEntries))) {
      throw new RangeError(`the log of touches is no power of two: ${region.touchLogEntries}`);
    }
    const links = node.links >>> 2;
    this.#index = new BucketIndex(arena, region, { key: node.key >>> 2, mix: links + MIX });
    this.#words = arena.i32;
    this.#capacity = region.capacity;
    this.#links = (region.nodesAt >>> 2) + links;
    this.#lastWord = (region.nodeBytes >>> 2) - 1 - links;
    this.#nodeShift = Math.log2(region.nodeBytes) - 2;
    this.#log = region.touchLogAt >>> 2;
    this.#logMask = region.touchLogEntries - 1;
  }

  /** Loads the index line of a mix. @returns anything that depends on the load */
  touch(mix: number): number {
    return this.#index.touch(mix);
  }

  /** @returns node number of a key, or -1. Does not refresh */
  find(mix: number, keyLow: number, keyHigh: number): number {
    return this.#index.find(mix, keyLow, keyHigh);
  }

  /**
   * Gives a node to a key that is not in the store: a free one, a new one, or the least recently used one. The caller
   * writes the key into it.
   * @returns node number
   */
  insert(mix: number): number {
    const words = this.#words;
    let node: number;
    if (this.size < this.#used) {
      node = words[this.#at(this.#head)]!;
      this.size += 1;
    } else if (this.#used < this.#capacity) {
      node = this.#used;
      this.#linkBehindHead(node);
      this.#used += 1;
      this.size += 1;
    } else {
      node = words[this.#at(this.#head)]!;
      this.#index.remove(node);
      this.#hint = (words[this.#at(node) + STAMP]! + 1) | 0;
      this.evicted += 1;
    }
    this.#head = node;
    words[this.#at(node) + MIX] = mix;
    this.#stamp(node);
    this.#index.insert(mix, node);
    return node;
  }

  /** Makes an entry the most recent. */
  refresh(node: number): void {
    if (node !== this.#head) {
      // The node behind the head already stands where it belongs.
      if (this.#words[this.#at(this.#head)] !== node) {
        this.#unlink(node);
        this.#linkBehindHead(node);
      }
      this.#head = node;
    }
    this.#stamp(node);
  }

  /** Takes an entry out: its node goes to the tail end, free. */
  remove(node: number): void {
    const words = this.#words;
    this.#index.remove(node);
    this.size -= 1;
    if (node === this.#head) {
      this.#head = words[this.#at(node) + NEXT]!;
    } else if (words[this.#at(this.#head)] !== node) {
      this.#unlink(node);
      this.#linkBehindHead(node);
    }
    words[this.#at(node) + STAMP] = this.#position - 1 - this.#logMask; // no log entry is this node's any more
  }

  /**
   * Loads the nodes of the next victims, as far as the log knows them. `touchVictimLines` follows.
   * @param count victims that will be needed before the next call
   * @returns anything that depends on the loads
   */
  touchVictims(count: number): number {
    if (this.size < this.#capacity) return 0;
    const words = this.#words;
    const log = this.#log;
    const logMask = this.#logMask;
    let known = (this.#position - this.#hint) | 0;
    if (known > logMask) {
      known = logMask;
      this.#hint = (this.#position - logMask) | 0;
    }
    const from = this.#hint;
    const most = Math.min(count, known);
    let touched = 0;
    for (let i = 0; i < most; i++) {
      const at = this.#at(words[log + ((from + i) & logMask)]!);
      touched += words[at]! + words[at + this.#lastWord]!;
    }
    this.#loaded = most;
    return touched;
  }

  /**
   * Loads the index lines of the victims whose nodes `touchVictims` has loaded: a call of its own, so that other loads come
   * between the two and neither waits for the other.
   * @returns anything that depends on the loads
   */
  touchVictimLines(): number {
    const most = Math.min(this.#loaded, (this.#position - this.#hint) | 0);
    this.#loaded = 0;
    if (most <= 0) return 0;
    const words = this.#words;
    const log = this.#log;
    const logMask = this.#logMask;
    const from = this.#hint;
    let touched = 0;
    for (let i = 0; i < most; i++) {
      touched += this.#index.touch(words[this.#at(words[log + ((from + i) & logMask)]!) + MIX]!);
    }
    // What was touched again, or removed, is no victim: later calls begin behind it.
    let past = 0;
    while (past < most) {
      const position = (from + past) | 0;
      if (words[this.#at(words[log + (position & logMask)]!) + STAMP] === position) break;
      past += 1;
    }
    this.#hint = (from + past) | 0;
    return touched;
  }

  /** Word of a node's links. */
  #at(node: number): number {
    return this.#links + (node << this.#nodeShift);
  }

  #stamp(node: number): void {
    const position = this.#position;
    this.#words[this.#log + (position & this.#logMask)] = node;
    this.#words[this.#at(node) + STAMP] = position;
    this.#position = (position + 1) | 0;
  }

  /** Puts a node between the head and the node behind it. The first node of all is a circle of its own. */
  #linkBehindHead(node: number): void {
    const words = this.#words;
    const at = this.#at(node);
    if (this.#used === 0) {
      words[at] = node;
      words[at + NEXT] = node;
      return;
    }
    const head = this.#at(this.#head);
    const behind = words[head]!;
    words[at] = behind;
    words[at + NEXT] = this.#head;
    words[this.#at(behind) + NEXT] = node;
    words[head] = node;
  }

  #unlink(node: number): void {
    const words = this.#words;
    const at = this.#at(node);
    const previous = words[at]!;
    const next = words[at + NEXT]!;
    words[this.#at(previous) + NEXT] = next;
    words[this.#at(next)] = previous;
  }
}
