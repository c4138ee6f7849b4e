// A ring of records: a lossy channel (spec: wire.md, 1 and 3) over the arena's own memory, so that the loop's side is the
// producer that exists already, and its reader (the writer thread, or another process if the memory is shared) can never
// hold up the loop. Being lapped is a counted loss.

import { Consumer } from "../channel/consumer.ts";
import { Producer } from "../channel/producer.ts";
import type { Arena } from "../shape/arena.ts";
import { CAPACITY_AT, MAGIC, MAGIC_AT } from "../shape/channel-header.ts";
import type { RingRegion } from "../shape/layout.ts";
import { RECORD_BYTES } from "../shape/record-layout.ts";

/** Lays a ring's header, the magic last, and opens the loop's side. The memory must be zero. */
export function createRing(arena: Arena, region: RingRegion): Producer {
  arena.u64[(region.at + CAPACITY_AT) >>> 3] = BigInt(region.capacity);
  Atomics.store(arena.u64, (region.at + MAGIC_AT) >>> 3, MAGIC);
  return new Producer(arena, region.at, region.capacity, RECORD_BYTES);
}

/** A reader from the ring's first record on. */
export function readRing(arena: Arena, region: RingRegion): Consumer {
  return new Consumer(arena, region.at, region.capacity, RECORD_BYTES);
}

/**
 * Reads what lies ready, at most one contiguous stretch, copied out before it is believed.
 * @param most records
 * @param take called with the records' bytes, valid until it returns, and the stream index of the first
 * @returns records read whole; 0: nothing is there
 */
export function drainRing(
  arena: Arena,
  ring: Consumer,
  most: number,
  scratch: Uint8Array,
  take: (records: Uint8Array, count: number, firstIndex: number) => void,
): number {
  const count = ring.readable(Math.min(most, Math.floor(scratch.length / RECORD_BYTES)));
  if (count === 0) return 0;
  const first = ring.addressOf(0);
  const index = ring.head;
  scratch.set(arena.u8.subarray(first, first + count * RECORD_BYTES));
  const torn = Math.min(ring.overrun(), count);
  if (torn > 0) ring.drop(torn);
  if (torn === count) return drainRing(arena, ring, most, scratch, take);
  ring.take(count - torn);
  take(scratch.subarray(torn * RECORD_BYTES, count * RECORD_BYTES), count - torn, index + torn);
  return count - torn;
}
