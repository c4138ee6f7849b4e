// The seed of the packet hash, which the sidecar leaves for the scheduler in a channel's user metadata (spec: wire.md, 5).

import type { Arena } from "../arena.ts";
import { METADATA_AT } from "./header.ts";

/** @param at arena offset of the joined channel's header */
export function loadSeed(arena: Arena, at: number): bigint {
  return Atomics.load(arena.u64, (at + METADATA_AT) / 8);
}

/** Stores any u64 exactly, with release order. */
export function storeSeed(arena: Arena, at: number, seed: bigint): void {
  Atomics.store(arena.u64, (at + METADATA_AT) / 8, seed);
}
