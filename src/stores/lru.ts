// A least-recently-used store, seen from TypeScript: the words that the kernel works on (shape/store-layout.ts) are written
// here, and its operations called (kernel/lru.as.ts).

import type { StoreKernel } from "../kernel/kernel.ts";
import type { Arena } from "../shape/arena.ts";
import { CACHE_LINE_BYTES, type LruRegion } from "../shape/layout.ts";
import * as at from "../shape/store-layout.ts";

/** Where a node keeps its u64 key and its links, in bytes. */
export interface LruNode {
  readonly key: number;
  readonly links: number;
}

/** A mask that changes no row number. */
const ALL = -1;

export class Lru {
  /** Arena offset of the store's words. */
  readonly at: number;

  readonly #words: Int32Array;
  readonly #f64: Float64Array;
  readonly #bucketsAt: number;
  readonly #bucketMask: number;

  /**
   * @throws RangeError if the region is not a store: an index smaller than twice its nodes, sizes that are not powers of
   *   two, buckets that are not cache lines
   */
  constructor(
    arena: Arena,
    region: LruRegion,
    node: LruNode,
    private readonly kernel: StoreKernel,
  ) {
    checkRegion(region);
    const words = arena.i32;
    const write = (offset: number, value: number): void => {
      words[(region.stateAt + offset) >>> 2] = value;
    };
    words.fill(0, region.stateAt >>> 2, (region.stateAt + CACHE_LINE_BYTES) >>> 2);
    write(at.STORE_NODES_AT, region.nodesAt);
    write(at.STORE_NODE_SHIFT_AT, Math.log2(region.nodeBytes));
    write(at.STORE_KEY_AT, node.key);
    write(at.STORE_LINKS_AT, node.links);
    write(at.STORE_CAPACITY_AT, region.capacity);
    write(at.STORE_BUCKETS_AT, region.bucketsAt);
    write(at.STORE_BUCKET_MASK_AT, region.bucketCount - 1);
    write(at.STORE_LOG_AT, region.touchLogAt);
    write(at.STORE_LOG_MASK_AT, region.touchLogEntries - 1);
    this.at = region.stateAt;
    this.#words = words;
    this.#f64 = arena.f64;
    this.#bucketsAt = region.bucketsAt;
    this.#bucketMask = region.bucketCount - 1;
  }

  /** Entries. */
  get size(): number {
    return this.#words[(this.at + at.STORE_SIZE_AT) >>> 2];
  }

  /** Entries that left because the store was full. */
  get evicted(): number {
    return this.#f64[(this.at + at.STORE_EVICTED_AT) >>> 3];
  }

  /** @returns node number of the key (u64) at `keyAt`, with its keyed mix at `mixAt`, or -1. Does not refresh */
  find(keyAt: number, mixAt: number): number {
    return this.kernel.storeFind(this.at, keyAt, mixAt);
  }

  /** A node for a key that is not in the store. @returns node number */
  insert(mix: number): number {
    return this.kernel.storeInsert(this.at, mix);
  }

  /** Makes an entry the most recent. */
  refresh(node: number): void {
    this.kernel.storeRefresh(this.at, node);
  }

  /** Takes an entry out. */
  remove(node: number): void {
    this.kernel.storeRemove(this.at, node);
  }

  /**
   * Loads what `find` and `insert` read of the index, for a group.
   * @param mixesAt arena offset of the first mix; the next ones follow at `strideBytes`
   * @returns anything that depends on the loads
   */
  touch(mixesAt: number, strideBytes: number, count: number): number {
    return this.kernel.touchRows(mixesAt, strideBytes, count, this.#bucketsAt, this.#bucketMask, CACHE_LINE_BYTES);
  }

  /**
   * The same where the mixes stand in rows of a table.
   * @param rowsAt arena offset of the first row's number; the next ones follow
   * @param mixesAt arena offset of row 0's mix
   * @returns anything that depends on the loads
   */
  touchThrough(rowsAt: number, count: number, mixesAt: number, rowBytes: number): number {
    const { kernel } = this;
    const mask = this.#bucketMask;
    return kernel.touchRowsThrough(rowsAt, 4, count, mixesAt, ALL, rowBytes, this.#bucketsAt, mask, CACHE_LINE_BYTES);
  }

  /** Loads what the next `count` inserts evict, as far as it is known. @returns anything that depends on the loads */
  touchVictims(count: number): number {
    return this.kernel.storeTouchVictims(this.at, count);
  }
}

function checkRegion({ bucketCount, capacity, nodeBytes, bucketsAt, touchLogEntries }: LruRegion): void {
  const isPower = (value: number): boolean => Number.isInteger(Math.log2(value));
  if (!isPower(touchLogEntries)) throw new RangeError(`the log of touches is not a power of two: ${touchLogEntries}`);
  if (!isPower(bucketCount) || bucketCount * at.BUCKET_ENTRIES < 2 * capacity)
    throw new RangeError(`${bucketCount} buckets cannot index ${capacity} nodes`);
  if (!isPower(nodeBytes)) throw new RangeError(`nodes of ${nodeBytes} bytes`);
  if (bucketsAt % CACHE_LINE_BYTES !== 0) throw new RangeError("a bucket is one cache line");
}
