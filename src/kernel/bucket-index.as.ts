// Index of a store: from a keyed 32-bit mix to a node. Open addressing by whole cache lines: a bucket is 10 tags (u16), 10
// node numbers (u32) and their count (u32). A look costs one line, and only a hit loads a node.
//
//   tag = 12 high bits of the mix | 1 << 3 (0 means empty) | displacement from the home bucket, 7 meaning "7 or more"
//
// Invariants: a bucket's entries stand at its front; every bucket between an entry's home and the entry is full. A look
// therefore ends at the first bucket that is not full, and a removal pulls spilled entries back into the hole, to the end
// of the run of full buckets. The displacement in the tag decides that without loading nodes. From 7 on the home is read from
// the node, so nothing is ever lost, however long a run becomes. The index has more than twice the room that its store
// needs, so a run always ends. At 4 entries a bucket on average, one bucket in 120 is full (with 8 places: one in 20).
//
// All tags are compared at once: a scan that stops early mispredicts (50 ns a look, measured).

import { BUCKET_ENTRIES } from "../shape/store-layout";
import {
  LINK_MIX_AT,
  STORE_BUCKET_MASK_AT,
  STORE_BUCKETS_AT,
  STORE_KEY_AT,
  STORE_LINKS_AT,
  STORE_NODE_SHIFT_AT,
  STORE_NODES_AT,
} from "../shape/store-layout";

const BUCKET_SHIFT: u32 = 6;
const PLACES: u32 = BUCKET_ENTRIES;
const TAG_BYTES: u32 = 2;
/** Within a bucket: the node numbers, and the count. */
const NODES: usize = BUCKET_ENTRIES * 2;
const COUNT: usize = BUCKET_ENTRIES * 6;
/** The last 8 tags begin here: two looks of 8 tags each see all 10. */
const LAST_TAGS: usize = (BUCKET_ENTRIES - 8) * 2;

/** Displacements from here on share one value in the tag. */
const FAR: u32 = 7;
const LIVE: u32 = 8;
const MIX_SHIFT: u32 = 20;
const MIX_BITS_AT: u32 = 4;

@inline
function tagOf(mix: u32): u32 {
  return ((mix >> MIX_SHIFT) << MIX_BITS_AT) | LIVE;
}

@inline
function bucketAt(lru: usize, bucket: u32): usize {
  return load<u32>(lru, STORE_BUCKETS_AT) + (bucket << BUCKET_SHIFT);
}

@inline
function nodeAt(lru: usize, node: u32): usize {
  return load<u32>(lru, STORE_NODES_AT) + (node << load<u32>(lru, STORE_NODE_SHIFT_AT));
}

@inline
function mixOf(lru: usize, node: u32): u32 {
  return load<u32>(nodeAt(lru, node) + load<u32>(lru, STORE_LINKS_AT), LINK_MIX_AT);
}

/** Places of a bucket that hold the tag, a bit each. */
@inline
function matches(b: usize, tag: u32): u32 {
  const all = i16x8.splat(<i16>tag);
  const first = i16x8.bitmask(i16x8.eq(v128.load(b), all));
  const last = i16x8.bitmask(i16x8.eq(v128.load(b, LAST_TAGS), all));
  return <u32>(first | (last << (BUCKET_ENTRIES - 8)));
}

/**
 * Finds a key's node.
 * @param mix 32 bits of the key's mix
 * @returns node number, or -1. A miss loads no node (but for a chance of 2^-12 an entry)
 */
@inline
export function findNode(lru: usize, mix: u32, key: u64): i32 {
  const tag = tagOf(mix);
  const mask = load<u32>(lru, STORE_BUCKET_MASK_AT);
  let bucket = mix & mask;
  let displacement: u32 = 0;
  while (true) {
    const b = bucketAt(lru, bucket);
    let found = matches(b, tag | min<u32>(displacement, FAR));
    while (found != 0) {
      const node = load<u32>(b + (ctz<u32>(found) << 2), NODES);
      if (load<u64>(nodeAt(lru, node) + load<u32>(lru, STORE_KEY_AT)) == key) return node;
      found &= found - 1;
    }
    if (load<u32>(b, COUNT) < PLACES) return -1;
    bucket = (bucket + 1) & mask;
    displacement += 1;
  }
}

/** Adds a node whose key is not in the index. The node must hold its mix by the time it is removed. */
@inline
export function insertNode(lru: usize, mix: u32, node: u32): void {
  const mask = load<u32>(lru, STORE_BUCKET_MASK_AT);
  let bucket = mix & mask;
  let b = bucketAt(lru, bucket);
  let displacement: u32 = 0;
  while (load<u32>(b, COUNT) == PLACES) {
    bucket = (bucket + 1) & mask;
    b = bucketAt(lru, bucket);
    displacement += 1;
  }
  append(b, tagOf(mix) | min<u32>(displacement, FAR), node);
}

/** Removes a node that is in the index. */
@inline
export function removeNode(lru: usize, node: u32): void {
  const mix = mixOf(lru, node);
  const tag = tagOf(mix);
  const mask = load<u32>(lru, STORE_BUCKET_MASK_AT);
  let bucket = mix & mask;
  for (let displacement: u32 = 0; ; displacement++) {
    const b = bucketAt(lru, bucket);
    let found = matches(b, tag | min<u32>(displacement, FAR));
    while (found != 0) {
      const place = ctz<u32>(found);
      if (load<u32>(b + (place << 2), NODES) == node) {
        const wasFull = load<u32>(b, COUNT) == PLACES;
        close(b, place);
        if (wasFull) pullBack(lru, bucket);
        return;
      }
      found &= found - 1;
    }
    bucket = (bucket + 1) & mask;
  }
}

@inline
function append(b: usize, tag: u32, node: u32): void {
  const count = load<u32>(b, COUNT);
  store<u16>(b + count * TAG_BYTES, tag);
  store<u32>(b + (count << 2), node, NODES);
  store<u32>(b, count + 1, COUNT);
}

/** Takes an entry out of a bucket: the last one moves into its place. */
@inline
function close(b: usize, place: u32): void {
  const last = load<u32>(b, COUNT) - 1;
  store<u16>(b + place * TAG_BYTES, load<u16>(b + last * TAG_BYTES));
  store<u16>(b + last * TAG_BYTES, 0);
  store<u32>(b + (place << 2), load<u32>(b + (last << 2), NODES), NODES);
  store<u32>(b, last, COUNT);
}

/** Fills the hole of a bucket that was full with an entry that had to pass it, and so on along the run. */
function pullBack(lru: usize, from: u32): void {
  const mask = load<u32>(lru, STORE_BUCKET_MASK_AT);
  let hole = from;
  let bucket = (from + 1) & mask;
  let distance: u32 = 1;
  while (bucket != from) {
    const b = bucketAt(lru, bucket);
    const wasFull = load<u32>(b, COUNT) == PLACES;
    const place = passed(lru, b, bucket, distance);
    if (place >= 0) {
      const node = load<u32>(b + (place << 2), NODES);
      const displacement = displacementOf(lru, node, bucket) - distance;
      const tag = (<u32>load<u16>(b + place * TAG_BYTES) & ~FAR) | min<u32>(displacement, FAR);
      append(bucketAt(lru, hole), tag, node);
      close(b, place);
      hole = bucket;
      distance = 0;
    }
    if (!wasFull) return;
    bucket = (bucket + 1) & mask;
    distance += 1;
  }
}

/** @returns place of an entry whose home lies at least `distance` buckets before this one, or -1 */
function passed(lru: usize, b: usize, bucket: u32, distance: u32): i32 {
  const count = load<u32>(b, COUNT);
  for (let place: u32 = 0; place < count; place++) {
    let displacement = <u32>load<u16>(b + place * TAG_BYTES) & FAR;
    if (displacement == FAR && distance > FAR) {
      displacement = displacementOf(lru, load<u32>(b + (place << 2), NODES), bucket);
    }
    if (displacement >= distance) return place;
  }
  return -1;
}

/** How many buckets behind its home a node stands. */
@inline
function displacementOf(lru: usize, node: u32, bucket: u32): u32 {
  return (bucket - mixOf(lru, node)) & load<u32>(lru, STORE_BUCKET_MASK_AT);
}
