// What was known of a transaction when it came in, kept until the scheduler says what became of it (engine.md, 2 and 7):
// packet hash -> the digest's first 128 bytes, in a least-recently-used store. A node is a digest in shape, so that a
// model reads it through the same offsets (wire/digest-layout.ts); only the digest's scratch holds the node's links.

import type { Arena } from "../arena.ts";
import type { LruRegion } from "../layout.ts";
import { DIGEST_SCRATCH_AT, HASH_AT, HASH_MIX_AT, META_BYTES } from "../wire/digest-layout.ts";
import { LINK_BYTES, Lru } from "./lru.ts";

const SCRATCH_WORD = DIGEST_SCRATCH_AT >>> 2;
const AFTER_SCRATCH_WORD = (DIGEST_SCRATCH_AT + LINK_BYTES) >>> 2;
const META_WORDS = META_BYTES >>> 2;

export class PartialMetas {
  readonly #lru: Lru;
  readonly #words: Int32Array;
  readonly #nodes: number;

  constructor(arena: Arena, region: LruRegion) {
    if (region.nodeBytes !== META_BYTES) throw new RangeError(`a partial meta has ${META_BYTES} bytes`);
    this.#lru = new Lru(arena, region, { key: HASH_AT, links: DIGEST_SCRATCH_AT });
    this.#words = arena.i32;
    this.#nodes = region.nodesAt;
  }

  get size(): number {
    return this.#lru.size;
  }

  get evicted(): number {
    return this.#lru.evicted;
  }

  /** Loads what `find` reads for a digest. @returns anything that depends on the load */
  touch(digestAt: number): number {
    return this.touchMix(digestAt + HASH_MIX_AT);
  }

  /** Loads what `findByHash` reads. @param mixAt arena offset of the hash's keyed mix (u64) */
  touchMix(mixAt: number): number {
    return this.#lru.touch(this.#words[mixAt >>> 2]!);
  }

  /** Loads what the next `count` inserts evict, as far as it is known. */
  touchVictims(count: number): number {
    return this.#lru.touchVictims(count);
  }

  /** Loads what is known of those only then. */
  touchVictimLines(): number {
    return this.#lru.touchVictimLines();
  }

  /** @returns arena offset of the meta of a digest's packet hash, or 0 */
  find(digestAt: number): number {
    return this.findByHash(digestAt + HASH_AT, digestAt + HASH_MIX_AT);
  }

  /**
   * @param hashAt arena offset of a packet hash (u64)
   * @param mixAt arena offset of its keyed mix (u64)
   * @returns arena offset of the meta, or 0
   */
  findByHash(hashAt: number, mixAt: number): number {
    const words = this.#words;
    const hash = hashAt >>> 2;
    const node = this.#lru.find(words[mixAt >>> 2]!, words[hash]!, words[hash + 1]!);
    return node < 0 ? 0 : this.#nodes + node * META_BYTES;
  }

  /** Makes a meta the most recently used. */
  refresh(nodeAt: number): void {
    this.#lru.refresh((nodeAt - this.#nodes) / META_BYTES);
  }

  /**
   * Keeps a digest's first 128 bytes. Its packet hash must not be in the store. A full store gives up its least recently
   * used meta.
   * @returns arena offset of the meta
   */
  insert(digestAt: number): number {
    const words = this.#words;
    const nodeAt = this.#nodes + this.#lru.insert(words[(digestAt + HASH_MIX_AT) >>> 2]!) * META_BYTES;
    const from = digestAt >>> 2;
    const to = nodeAt >>> 2;
    copyWords(words, from, to, SCRATCH_WORD);
    copyWords(words, from + AFTER_SCRATCH_WORD, to + AFTER_SCRATCH_WORD, META_WORDS - AFTER_SCRATCH_WORD);
    return nodeAt;
  }

  /** Takes a meta out. Its bytes stay readable until the next insert. */
  remove(nodeAt: number): void {
    this.#lru.remove((nodeAt - this.#nodes) / META_BYTES);
  }
}

/**
 * Copies words, a multiple of four. Not as doubles, which may lose a NaN's bits; and four at a time: for a meta 9 ns, one
 * at a time 19, two calls of `copyWithin` 24 (measured).
 */
function copyWords(words: Int32Array, from: number, to: number, count: number): void {
  for (let i = 0; i < count; i += 4) {
    words[to + i] = words[from + i]!;
    words[to + i + 1] = words[from + i + 1]!;
    words[to + i + 2] = words[from + i + 2]!;
    words[to + i + 3] = words[from + i + 3]!;
  }
}
