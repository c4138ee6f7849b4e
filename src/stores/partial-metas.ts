// What was known of a transaction when it came in, kept until the scheduler says what became of it (engine.md, 2 and 7):
// packet hash -> the digest's first 128 bytes, in a least-recently-used store. A node is a digest in shape, so that a
// model reads it through the same offsets (shape/digest-layout.ts); only the digest's scratch holds the node's links.

import type { MetaKernel } from "../kernel/kernel.ts";
import type { Arena } from "../shape/arena.ts";
import {
  DIGEST_SCRATCH_AT,
  HASH_AT,
  HASH_MIX_AT,
  META_BYTES,
  QUEUED_META_AT,
  TRAIT_LEFT,
  TRAITS_AT,
} from "../shape/digest-layout.ts";
import type { LruRegion } from "../shape/layout.ts";
import { Lru } from "./lru.ts";

export class PartialMetas {
  /** Arena offset of the store, for the kernel. */
  readonly at: number;

  /** The store itself: its loads ahead (`touch`, `touchThrough`, `touchVictims`). */
  readonly lru: Lru;
  readonly #nodes: number;
  readonly #u8: Uint8Array;
  readonly #i32: Int32Array;

  constructor(
    arena: Arena,
    region: LruRegion,
    private readonly kernel: MetaKernel,
  ) {
    if (region.nodeBytes !== META_BYTES) throw new RangeError(`a partial meta has ${META_BYTES} bytes`);
    this.lru = new Lru(arena, region, { key: HASH_AT, links: DIGEST_SCRATCH_AT }, kernel);
    this.at = this.lru.at;
    this.#nodes = region.nodesAt;
    this.#u8 = arena.u8;
    this.#i32 = arena.i32;
  }

  get size(): number {
    return this.lru.size;
  }

  get evicted(): number {
    return this.lru.evicted;
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
    const node = this.lru.find(hashAt, mixAt);
    return node < 0 ? 0 : this.#nodes + node * META_BYTES;
  }

  /** Makes a meta the most recently used. */
  refresh(nodeAt: number): void {
    this.lru.refresh((nodeAt - this.#nodes) / META_BYTES);
  }

  /**
   * Keeps a digest's first 128 bytes. Its packet hash must not be in the store. A full store gives up its least recently
   * used meta.
   * @returns arena offset of the meta
   */
  insert(digestAt: number): number {
    return this.kernel.remember(this.at, digestAt);
  }

  /** Notes in a queued digest where its meta is, for `left`. */
  noteQueued(queuedAt: number, metaAt: number): void {
    this.#i32[(queuedAt + QUEUED_META_AT) >>> 2] = metaAt;
  }

  /**
   * The packet of a queued digest left the queue unsent: when it comes again it is new (kernel/recognise.as.ts). Marked, not
   * taken out: that is one line to load, and few come again. A digest that was not queued has no meta, and a meta that was
   * given to another packet meanwhile is left alone.
   */
  left(queuedAt: number): void {
    const i32 = this.#i32;
    const metaAt = i32[(queuedAt + QUEUED_META_AT) >>> 2] >>> 0;
    if (metaAt === 0) return;
    const own = (queuedAt + HASH_AT) >>> 2;
    const kept = (metaAt + HASH_AT) >>> 2;
    if (i32[own] === i32[kept] && i32[own + 1] === i32[kept + 1]) this.#u8[metaAt + TRAITS_AT] |= TRAIT_LEFT;
  }

  /** Takes a meta out. Its bytes stay readable until the next insert. */
  remove(nodeAt: number): void {
    this.lru.remove((nodeAt - this.#nodes) / META_BYTES);
  }
}
