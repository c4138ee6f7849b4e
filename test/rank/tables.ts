// A small arena with its score tables, and an independent model of them: slow, plain, spelled out from the rules.

import { Arena } from "../../src/shape/arena.ts";
import { smallCapacities } from "../../src/shape/channels.ts";
import {
  COMPUTE_UNITS_AT,
  FEE_AT,
  IP_ID_AT,
  IP_KEY_AT,
  PAYER_ID_AT,
  PAYER_KEY_AT,
  TRAITS_AT,
} from "../../src/shape/digest-layout.ts";
import { type ArenaLayout, arenaLayout } from "../../src/shape/layout.ts";

export interface Tables {
  readonly arena: Arena;
  readonly layout: ArenaLayout;
  /** A digest's place. */
  readonly at: number;
  /** Writes a digest of two senders. Ids are spread, or all in one place of the index. */
  write(digest: { ip: number; payer: number; fee?: number; computeUnits?: number; traits?: number }): number;
}

export function makeTables(maxIps: number, maxSigners: number, spread = true): Tables {
  const layout = arenaLayout({
    packetLayout: "agave2",
    maxIps,
    maxSigners,
    partialMetas: 4,
    recentSignatures: 4,
    queueCapacity: 4,
    channelCapacities: smallCapacities(4),
  });
  const arena = Arena.reserve(layout.bytes);
  const at = layout.digestsAt + 192;
  const id = (word: number, key: number): void => {
    arena.i32[word] = spread ? Math.imul(key + 1, 0x9e3779b1) : -1;
    arena.i32[word + 1] = spread ? Math.imul(key + 3, 0x85ebca6b) : key + 1;
  };
  return {
    arena,
    layout,
    at,
    write({ ip, payer, fee = 1, computeUnits = 1, traits = 0 }) {
      id((at + IP_ID_AT) >>> 2, ip);
      id((at + PAYER_ID_AT) >>> 2, payer);
      arena.u32[(at + IP_KEY_AT) >>> 2] = ip;
      arena.u32[(at + IP_KEY_AT + 4) >>> 2] = 0;
      for (let i = 0; i < 8; i++) arena.u32[((at + PAYER_KEY_AT) >>> 2) + i] = payer + i;
      arena.f64[(at + FEE_AT) >>> 3] = fee;
      arena.u32[(at + COMPUTE_UNITS_AT) >>> 2] = computeUnits;
      arena.u8[at + TRAITS_AT] = traits;
      return at;
    },
  };
}

const rising = (a: number, b: number): number => a - b;

/** The rules of a table (engine.md, 5.3 and 5.4) over a Map. */
export class NaiveTable {
  readonly scores = new Map<number, number>();
  batch = new Map<number, number[]>();

  constructor(readonly limit: number) {}

  median(): number {
    const sorted = [...this.scores.values()].sort(rising);
    const middle = sorted.length >>> 1;
    if (sorted.length === 0) return 1;
    return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  score(key: number): number {
    return this.scores.get(key) ?? this.median();
  }

  blame(key: number): void {
    const score = this.scores.get(key);
    if (score !== undefined) this.scores.set(key, score * 0.01);
  }

  gather(key: number, value: number): void {
    this.batch.set(key, [...(this.batch.get(key) ?? []), value]);
  }

  /**
   * Updates without the prune.
   * @returns how many scores a prune has to drop
   */
  update(): number {
    const median = this.median();
    const fresh = new Map<number, number>();
    for (const [key, values] of this.batch) {
      if (values.length < 5) continue;
      fresh.set(key, values.reduce((sum, value) => sum + value, 0) / values.length);
    }
    for (const [key, score] of this.scores) this.scores.set(key, 0.95 * score + 0.05 * (fresh.get(key) ?? median));
    for (const [key, value] of fresh) if (!this.scores.has(key)) this.scores.set(key, value);
    this.batch.clear();
    return Math.max(0, this.scores.size - this.limit);
  }

  /** The scores that stay when `excess` leave from the median outwards, rising. */
  pruned(excess: number): number[] {
    const sorted = [...this.scores.values()].sort(rising);
    // Outwards from the middle: the median first (of two middle ones the lower), then below and above in turn.
    while (excess-- > 0) sorted.splice((sorted.length - 1) >>> 1, 1);
    return sorted;
  }
}
