// A small store in an arena of its own, with keys and mixes that the test chooses.

import { type Kernel, loadKernel } from "../../src/kernel/kernel.ts";
import { Arena } from "../../src/shape/arena.ts";
import { CACHE_LINE_BYTES, type LruRegion } from "../../src/shape/layout.ts";

const FIRST = 65_536;
const SCRATCH_BYTES = 1_024;

export interface Store {
  readonly arena: Arena;
  readonly kernel: Kernel;
  readonly region: LruRegion;
  /** 1 KiB for the test, 64-byte aligned. */
  readonly scratchAt: number;
}

/** Lays out a store as src/shape/layout.ts does, of any capacity from 1 on. */
export function makeStore(capacity: number, nodeBytes: number, touchLogEntries = 0): Store {
  const bucketCount = Math.max(2, 2 ** Math.ceil(Math.log2(capacity / 4)));
  const log = touchLogEntries || 2 ** Math.ceil(Math.log2(2 * capacity));
  const bucketsAt = FIRST + Math.ceil((capacity * nodeBytes) / CACHE_LINE_BYTES) * CACHE_LINE_BYTES;
  const touchLogAt = bucketsAt + bucketCount * CACHE_LINE_BYTES;
  const stateAt = touchLogAt + Math.ceil((log * 4) / CACHE_LINE_BYTES) * CACHE_LINE_BYTES;
  const scratchAt = stateAt + CACHE_LINE_BYTES;
  const arena = Arena.reserve(scratchAt + SCRATCH_BYTES);
  return {
    arena,
    kernel: loadKernel(arena),
    region: { stateAt, capacity, nodesAt: FIRST, nodeBytes, bucketsAt, bucketCount, touchLogAt, touchLogEntries: log },
    scratchAt,
  };
}

/** Mixes that a test's keys have: from well spread to all in one bucket with one tag. */
export const MIXES: Record<string, (key: number) => number> = {
  spread: (key) => Math.imul(key + 1, 0x9e3779b1),
  "one bucket": (key) => Math.imul(key + 7, 0x85ebca6b) << 20,
  "one bucket, one tag": () => 3,
  "two buckets, few tags": (key) => ((key & 1) * 2) | ((key % 5) << 20),
  "neighbours at the end, neighbouring tags": (key) => (-1 - (key % 3)) ^ ((key & 15) << 20),
};
