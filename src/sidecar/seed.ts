// The seed of the packet hash: drawn, and left for the scheduler in its channel's user metadata (spec: wire.md, 5).

import type { Arena } from "../shape/arena.ts";
import { METADATA_AT } from "../shape/channel-header.ts";

/** A seed from the system's generator; never 0, which in the scheduler's channel means that none stands there. */
export function randomSeed(): bigint {
  const words = new BigUint64Array(1);
  do crypto.getRandomValues(words);
  while (words[0] === 0n);
  return words[0];
}

/** @param at arena offset of the joined channel's header */
export function loadSeed(arena: Arena, at: number): bigint {
  return Atomics.load(arena.u64, (at + METADATA_AT) / 8);
}

/** Stores any u64 exactly, with release order. */
export function storeSeed(arena: Arena, at: number, seed: bigint): void {
  Atomics.store(arena.u64, (at + METADATA_AT) / 8, seed);
}
