// The header of a `que` channel (spec: wire.md, 1): the only place that knows its offsets.

export const TAIL_AT = 0;
export const HEAD_AT = 128;
export const PRODUCER_HEARTBEAT_AT = 256;
export const CONSUMER_HEARTBEAT_AT = 384;
export const METADATA_AT = 512;
export const CAPACITY_AT = 624;
export const MAGIC_AT = 632;
export const HEADER_BYTES = 640;

/** The bytes `TEMPORAL`, as a little-endian u64. */
export const MAGIC = 5494763520971851092n;

/** The struct's alignment: its size is rounded up to this. */
export const STRUCT_ALIGN_BYTES = 128;

/**
 * Tails above this are nobody's: at a million elements a second a producer gets there in 142 years. Whole numbers are exact
 * in a double twice as far, so that a cursor below it never counts on the spot.
 */
export const TAIL_MAX = 2 ** 52;
/** A producer that finds a tail above this begins again at 0: what it adds stays below TAIL_MAX. */
export const START_TAIL_MAX = 2 ** 51;
/** Elements that no producer writes between two looks of a consumer: a tail that is further ahead is not a producer's. */
export const AHEAD_MAX = 2 ** 40;

/**
 * Bytes of the channel's struct, before rounding up to a page.
 * @param capacity elements, a power of two
 */
export function channelBytes(capacity: number, elementBytes: number): number {
  const bytes = HEADER_BYTES + capacity * elementBytes;
  return Math.ceil(bytes / STRUCT_ALIGN_BYTES) * STRUCT_ALIGN_BYTES;
}

/** How far a lossy consumer keeps behind the oldest element that the producer may be writing (wire.md, 3). */
export function burstOf(capacity: number): number {
  return Math.max(1, Math.floor(capacity / 4));
}
