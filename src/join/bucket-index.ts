// Index of a store: from a keyed 32-bit mix to a node. Open addressing by whole cache lines: a bucket is 10 tags (u16), 10
// node numbers (u32) and their count (u32), so that a look costs one line, and only a hit loads a node.
//
//   tag = 12 high bits of the mix | 1 << 3 (0 means empty) | displacement from the home bucket, 7 meaning "7 or more"
//
// Invariants: a bucket's entries stand at its front; every bucket between an entry's home and the entry is full. A look
// therefore ends at the first bucket that is not full, and a removal pulls spilled entries back into the hole, to the end
// of the run of full buckets. The displacement in the tag decides that without loading nodes; only from 7 on the home is
// read from the node, so nothing is ever lost, however long a run becomes. The index has room for more than twice its
// store, so a run always ends. At 4 entries a bucket on average, one in 120 is full (of 8 places: one in 20).
//
// Scans are branchless: two tags are compared at once in a word, and all places become one mask. A scan that stops early
// mispredicts (50 ns a look, measured), and 8 tags of 32 bits take twice as long as these (21 ns against 10, in cache).

import type { Arena } from "../arena.ts";
import { BUCKET_ENTRIES, CACHE_LINE_BYTES, type LruRegion } from "../layout.ts";

const BUCKET_SHIFT = 4; // log2 of a line's words
const TAG_WORDS = BUCKET_ENTRIES / 2;
const NODES = TAG_WORDS;
const COUNT = NODES + BUCKET_ENTRIES;

/** Displacements from here on share one value in the tag. */
const FAR = 7;
const LIVE = 8;
const MIX_SHIFT = 20;
const MIX_BITS_AT = 4;

const tagOf = (mix: number): number => ((mix >>> MIX_SHIFT) << MIX_BITS_AT) | LIVE;

/** Bit 15 or 31 of the result is set where a half of `x` is 0 (and may be by mistake in the half above such a one). */
const zeroHalves = (x: number): number => (x - 0x0001_0001) & ~x & -0x7fff_8000;

/**
 * Where a bucket's tags equal `tag`: bit w for the even place 2w, bit 16 + w for the odd place 2w + 1. A bit too many is
 * possible beside a right one, so that each is confirmed.
 */
function matches(words: Int32Array, b: number, tag: number): number {
  const pair = tag | (tag << 16);
  return (
    (zeroHalves(words[b]! ^ pair) >>> 15) |
    ((zeroHalves(words[b + 1]! ^ pair) >>> 15) << 1) |
    ((zeroHalves(words[b + 2]! ^ pair) >>> 15) << 2) |
    ((zeroHalves(words[b + 3]! ^ pair) >>> 15) << 3) |
    ((zeroHalves(words[b + 4]! ^ pair) >>> 15) << 4)
  );
}

/** The place that the lowest bit of such a mask stands for. */
function placeOf(mask: number): number {
  const bit = 31 - Math.clz32(mask & -mask);
  return ((bit & 15) << 1) | (bit >>> 4);
}

/** Word offsets inside a node. */
export interface NodeWords {
  /** The u64 key that a hit is confirmed by. */
  readonly key: number;
  /** The key's mix. */
  readonly mix: number;
}

export class BucketIndex {
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  readonly #buckets: number;
  readonly #mask: number;
  readonly #keys: number;
  readonly #mixes: number;
  readonly #nodeShift: number;

  /** @param node where a node of this store keeps its key and its mix */
  constructor(arena: Arena, region: LruRegion, node: NodeWords) {
    if (!Number.isInteger(Math.log2(region.bucketCount)) || region.bucketCount * BUCKET_ENTRIES < 2 * region.capacity) {
      throw new RangeError(`${region.bucketCount} buckets cannot index ${region.capacity} nodes`);
    }
    if (!Number.isInteger(Math.log2(region.nodeBytes))) throw new RangeError(`nodes of ${region.nodeBytes} bytes`);
    if (region.bucketsAt % CACHE_LINE_BYTES !== 0) throw new RangeError("a bucket is one cache line");
    this.#words = arena.i32;
    this.#halves = arena.u16;
    this.#buckets = region.bucketsAt >>> 2;
    this.#mask = region.bucketCount - 1;
    this.#keys = (region.nodesAt >>> 2) + node.key;
    this.#mixes = (region.nodesAt >>> 2) + node.mix;
    this.#nodeShift = Math.log2(region.nodeBytes) - 2;
  }

  /** Loads the home bucket's line. @returns anything that depends on the load */
  touch(mix: number): number {
    return this.#words[this.#buckets + ((mix & this.#mask) << BUCKET_SHIFT)]!;
  }

  /**
   * Finds a key's node.
   * @param mix 32 bits of the key's mix, as i32
   * @param keyLow low and high words of the key, as i32
   * @returns node number, or -1. A miss loads no node (but for a chance of 2^-12 an entry)
   */
  find(mix: number, keyLow: number, keyHigh: number): number {
    const words = this.#words;
    const tag = tagOf(mix);
    let bucket = mix & this.#mask;
    for (let displacement = 0; ; displacement++) {
      const b = this.#buckets + (bucket << BUCKET_SHIFT);
      let found = matches(words, b, tag | Math.min(displacement, FAR));
      while (found !== 0) {
        const node = words[b + NODES + placeOf(found)]!;
        const key = this.#keys + (node << this.#nodeShift);
        if (words[key] === keyLow && words[key + 1] === keyHigh) return node;
        found &= found - 1;
      }
      if (words[b + COUNT]! < BUCKET_ENTRIES) return -1;
      bucket = (bucket + 1) & this.#mask;
    }
  }

  /** Adds a node whose key is not in the index. The node must hold its mix by the time it is removed. */
  insert(mix: number, node: number): void {
    let bucket = mix & this.#mask;
    let b = this.#buckets + (bucket << BUCKET_SHIFT);
    let displacement = 0;
    while (this.#words[b + COUNT]! === BUCKET_ENTRIES) {
      bucket = (bucket + 1) & this.#mask;
      b = this.#buckets + (bucket << BUCKET_SHIFT);
      displacement += 1;
    }
    this.#append(b, tagOf(mix) | Math.min(displacement, FAR), node);
  }

  /** Removes a node that is in the index. */
  remove(node: number): void {
    const words = this.#words;
    const mix = words[this.#mixes + (node << this.#nodeShift)]!;
    const tag = tagOf(mix);
    let bucket = mix & this.#mask;
    for (let displacement = 0; ; displacement++) {
      const b = this.#buckets + (bucket << BUCKET_SHIFT);
      let found = matches(words, b, tag | Math.min(displacement, FAR));
      while (found !== 0) {
        const place = placeOf(found);
        if (words[b + NODES + place] === node) {
          const wasFull = words[b + COUNT] === BUCKET_ENTRIES;
          this.#close(b, place);
          if (wasFull) this.#pullBack(bucket);
          return;
        }
        found &= found - 1;
      }
      bucket = (bucket + 1) & this.#mask;
    }
  }

  #append(b: number, tag: number, node: number): void {
    const count = this.#words[b + COUNT]!;
    this.#halves[(b << 1) + count] = tag;
    this.#words[b + NODES + count] = node;
    this.#words[b + COUNT] = count + 1;
  }

  /** Takes an entry out of a bucket: the last one moves into its place. */
  #close(b: number, place: number): void {
    const words = this.#words;
    const halves = this.#halves;
    const last = words[b + COUNT]! - 1;
    halves[(b << 1) + place] = halves[(b << 1) + last]!;
    halves[(b << 1) + last] = 0;
    words[b + NODES + place] = words[b + NODES + last]!;
    words[b + COUNT] = last;
  }

  /** Fills the hole of a bucket that was full with an entry that had to pass it, and so on along the run. */
  #pullBack(from: number): void {
    let hole = from;
    let bucket = (from + 1) & this.#mask;
    let distance = 1;
    while (bucket !== from) {
      const b = this.#buckets + (bucket << BUCKET_SHIFT);
      const wasFull = this.#words[b + COUNT] === BUCKET_ENTRIES;
      const place = this.#passed(b, bucket, distance);
      if (place >= 0) {
        const node = this.#words[b + NODES + place]!;
        const displacement = this.#displacement(node, bucket) - distance;
        const tag = (this.#halves[(b << 1) + place]! & ~FAR) | Math.min(displacement, FAR);
        this.#append(this.#buckets + (hole << BUCKET_SHIFT), tag, node);
        this.#close(b, place);
        hole = bucket;
        distance = 0;
      }
      if (!wasFull) return;
      bucket = (bucket + 1) & this.#mask;
      distance += 1;
    }
  }

  /** @returns place of an entry whose home lies at least `distance` buckets before this one, or -1 */
  #passed(b: number, bucket: number, distance: number): number {
    const count = this.#words[b + COUNT]!;
    for (let place = 0; place < count; place++) {
      let displacement = this.#halves[(b << 1) + place]! & FAR;
      if (displacement === FAR && distance > FAR) {
        displacement = this.#displacement(this.#words[b + NODES + place]!, bucket);
      }
      if (displacement >= distance) return place;
    }
    return -1;
  }

  /** How many buckets behind its home a node stands. */
  #displacement(node: number, bucket: number): number {
    return (bucket - this.#words[this.#mixes + (node << this.#nodeShift)]!) & this.#mask;
  }
}
