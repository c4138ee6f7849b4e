// The two stores at their full size: 1,048,576 entries, keys from the same generator as the baselines', groups of 16
// touched before they are used, as the loop does it. A key's mix is part of the digest, so it is made beforehand.

import { threadCpuNanos } from "../../ffi/thread.ts";
import * as D from "../../src/shape/digest-layout.ts";
import { OUTCOME_ENTRY_BYTES, OUTCOME_MIX_AT } from "../../src/shape/entry-layout.ts";
import type { Baselines, Sample } from "./baselines.ts";
import type { Bench } from "./bench.ts";
import type { LoadedEngine } from "./loaded-engine.ts";
import { hex, SplitMix64 } from "./mix.ts";

const METAS_SEED = 1n;
const ORDER_SEED = 3n;
const ABSENT_SEED = 4n;
const BATCH = 64;

/** Keys with their mixes: four words each. */
function keysOf({ plain, digestsAt }: LoadedEngine, keys: readonly bigint[]): Int32Array {
  const { arena, kernel, layout } = plain;
  const { i32, u64 } = arena;
  const entriesAt = digestsAt + 4_096;
  const out = new Int32Array(keys.length * 4);
  for (let from = 0; from < keys.length; from += BATCH) {
    const count = Math.min(BATCH, keys.length - from);
    for (let i = 0; i < count; i++) u64[digestsAt / 8 + 2 * i] = keys[from + i];
    kernel.digestOutcomes(digestsAt, count, entriesAt, layout.contextAt);
    for (let i = 0; i < count; i++) {
      const entry = (entriesAt + i * OUTCOME_ENTRY_BYTES) >>> 2;
      const mix = entry + (OUTCOME_MIX_AT >>> 2);
      out.set([i32[entry], i32[entry + 1], i32[mix], i32[mix + 1]], 4 * (from + i));
    }
  }
  return out;
}

export function storeBenches(loaded: LoadedEngine, baselines: Baselines | undefined, scale: number): Bench[] {
  const { arena, engine } = loaded.plain;
  const { i32 } = arena;
  const { metas, recent } = engine;
  const digests = loaded.plain.layout.digestsAt;
  const count = Math.max(64, Math.round((262_144 * scale) / 16) * 16);
  const { capacity } = loaded.plain.layout.partialMetas;
  const stored = new SplitMix64(METAS_SEED);
  const storedKeys = Array.from({ length: capacity }, () => stored.next());
  const order = new SplitMix64(ORDER_SEED);
  const hits = keysOf(
    loaded,
    Array.from({ length: count }, () => storedKeys[order.below(capacity)]),
  );
  const absent = new SplitMix64(ABSENT_SEED);
  const freshKeys = (): Int32Array =>
    keysOf(
      loaded,
      Array.from({ length: count }, () => absent.next()),
    );

  const writeGroup = (keys: Int32Array, from: number): void => {
    for (let i = 0; i < D.GROUP; i++) {
      const digest = (digests + i * D.DIGEST_BYTES) >>> 2;
      const key = 4 * (from + i);
      i32[digest + (D.HASH_AT >>> 2)] = i32[digest + (D.SIGNATURE_KEY_AT >>> 2)] = keys[key];
      i32[digest + (D.HASH_AT >>> 2) + 1] = i32[digest + (D.SIGNATURE_KEY_AT >>> 2) + 1] = keys[key + 1];
      i32[digest + (D.HASH_MIX_AT >>> 2)] = i32[digest + (D.SIGNATURE_MIX_AT >>> 2)] = keys[key + 2];
      i32[digest + (D.HASH_MIX_AT >>> 2) + 1] = i32[digest + (D.SIGNATURE_MIX_AT >>> 2) + 1] = keys[key + 3];
    }
  };
  const run = (keys: Int32Array, touch: () => number, use: (digest: number) => number): Sample => {
    let sum = 0;
    let touched = 0;
    const start = threadCpuNanos();
    for (let from = 0; from < count; from += D.GROUP) {
      writeGroup(keys, from);
      touched ^= touch();
      for (let i = 0; i < D.GROUP; i++) sum += use(digests + i * D.DIGEST_BYTES);
    }
    const nanos = threadCpuNanos() - start;
    if (touched === 0.5) throw new Error("keeps the loads alive");
    return { operations: count, nanos, checksum: hex(BigInt(sum)) };
  };

  const touchMetas = (): number => metas.lru.touch(digests + D.HASH_MIX_AT, D.DIGEST_BYTES, D.GROUP);
  const hit = (digest: number): number => {
    const node = metas.find(digest);
    if (node === 0) return 0;
    metas.refresh(node);
    return 1;
  };
  const miss = (digest: number): number => (metas.find(digest) === 0 ? 0 : 1);
  const evict = (digest: number): number => {
    const before = metas.evicted;
    if (metas.find(digest) === 0) metas.insert(digest);
    return metas.evicted - before;
  };
  const touchEvicted = (): number => metas.lru.touchVictims(D.GROUP) ^ touchMetas();
  const touchRecent = (): number => recent.lru.touch(digests + D.SIGNATURE_MIX_AT, D.DIGEST_BYTES, D.GROUP);
  const has = (digest: number): number =>
    recent.has(digest + D.SIGNATURE_KEY_AT, digest + D.SIGNATURE_MIX_AT) ? 1 : 0;

  const bench = (name: string, command: string, ours: () => Sample): Bench => ({
    name,
    unit: "key",
    ours,
    theirs: baselines && (() => baselines.run(`${command} ${count}`)),
    same: true,
  });
  return [
    bench("LRU: hit, made the newest", "lru hit", () => run(hits, touchMetas, hit)),
    bench("LRU: miss", "lru miss", () => run(freshKeys(), touchMetas, miss)),
    bench("LRU: miss, insert, evict the oldest", "lru evict", () => run(freshKeys(), touchEvicted, evict)),
    bench("recent filter: miss", "recent miss", () => run(freshKeys(), touchRecent, has)),
  ];
}
