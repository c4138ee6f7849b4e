// What both reference models share: a table of addresses and a table of fee payers, and how they learn (engine.md, 5).

import type { Toucher } from "../../kernel/kernel.ts";
import type { Arena } from "../../shape/arena.ts";
import {
  DIGEST_BYTES,
  FEE_AT,
  IP_ID_AT,
  IP_KEY_AT,
  META_BYTES,
  PAYER_ID_AT,
  PAYER_KEY_AT,
  TRAIT_IPV6,
  TRAITS_AT,
} from "../../shape/digest-layout.ts";
import type { ArenaLayout } from "../../shape/layout.ts";
import type { ScoreFactors } from "../model.ts";
import { FRESH_TRANSACTIONS, ScoreTable } from "./score-table.ts";

/** What a transaction that was not included is taken to have cost (engine.md, 5.2). */
const MISSED_NANOS = 100_000;
const INCLUDED_FACTOR = 10;
/** Enough for the compiler, also with small tables: the first update at 10,000 + 10,000 keys then takes 0.3 ms, not 2 to 9. */
const WARM_UPDATES = 16;
const WARM_BATCH = 401;

export class Senders {
  /** Completed transactions since the last update. */
  pending = 0;
  readonly ips: ScoreTable;
  readonly payers: ScoreTable;

  readonly #u8: Uint8Array;
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #warmAt: number;

  constructor(arena: Arena, layout: ArenaLayout) {
    this.ips = new ScoreTable(arena, layout.ips);
    this.payers = new ScoreTable(arena, layout.signers);
    this.#u8 = arena.u8;
    this.#i32 = arena.i32;
    this.#f64 = arena.f64;
    this.#warmAt = layout.digestsAt;
  }

  /** Addresses and payers that prunes took out. */
  get evicted(): number {
    return this.ips.pruned + this.payers.pruned;
  }

  /** Loads what the scores of a group's digests will read. @returns anything that depends on the loads */
  touch(toucher: Toucher, digestsAt: number, count: number): number {
    const touched = this.ips.touch(toucher, digestsAt + IP_ID_AT, DIGEST_BYTES, count);
    return touched + this.payers.touch(toucher, digestsAt + PAYER_ID_AT, DIGEST_BYTES, count);
  }

  /** Both scores of a digest's senders: what the models' scores are made of. */
  factors(at: number, into: ScoreFactors): void {
    into.ip = this.ips.score(at + IP_ID_AT);
    into.payer = this.payers.score(at + PAYER_ID_AT);
  }

  /** IP feedback; the payer's score stays: a signature that fails proves nothing about it (engine.md, 5.4). */
  blame(at: number): void {
    this.ips.blame(at + IP_ID_AT);
  }

  /**
   * A completed transaction (engine.md, 5.2).
   * @param at arena offset of its meta
   * @param executionNanos 0 if it was not included
   */
  outcome(at: number, executionNanos: number): void {
    const fee = this.#f64[(at + FEE_AT) >>> 3];
    // The order of these operations is the reference's: its scores are matched to the last bit.
    const value = executionNanos > 0 ? (fee / executionNanos) * INCLUDED_FACTOR : fee / MISSED_NANOS;
    this.ips.gather(at + IP_ID_AT, at + IP_KEY_AT, this.#u8[at + TRAITS_AT] & TRAIT_IPV6, value);
    this.payers.gather(at + PAYER_ID_AT, at + PAYER_KEY_AT, 0, value);
    this.pending += 1;
  }

  /** Updates both tables (engine.md, 5.3). */
  learn(): void {
    this.ips.update();
    this.payers.update();
    this.pending = 0;
  }

  /**
   * Runs full tables through updates, feedback and prunes, so that the first real update is not the compiler's. Small
   * tables of another instance do as well: the code is the same. The tables must be empty, and are so again afterwards.
   */
  warm(): void {
    if (this.ips.size + this.payers.size + this.pending > 0) return;
    const at = this.#warmAt;
    const limit = Math.max(this.ips.limit, this.payers.limit);
    for (let i = 0; i < limit; i++) {
      this.#warmKey(at, i);
      this.restoreIp(at, limit - i); // falling, so that each lands in front: the sorted column is warmed as well
      this.restorePayer(at, limit - i);
    }
    for (let round = 0; round < WARM_UPDATES; round++) {
      for (let i = 0; i < WARM_BATCH; i++) {
        const fresh = Math.floor(i / (FRESH_TRANSACTIONS + 1));
        this.#warmKey(at, round % 2 === 0 ? fresh : limit + round * WARM_BATCH + fresh);
        this.#f64[(at + FEE_AT) >>> 3] = 5000 + i;
        this.outcome(at, i % 3 === 0 ? 0 : 1000 * i);
        this.blame(at);
      }
      this.learn();
    }
    this.ips.clear();
    this.payers.clear();
    this.#u8.fill(0, at, at + META_BYTES);
  }

  /** Adds an address with its score, from a checkpoint. @param at arena offset of a meta with IP_ID, IP_KEY and TRAITS */
  restoreIp(at: number, score: number): boolean {
    return this.ips.restore(at + IP_ID_AT, at + IP_KEY_AT, this.#u8[at + TRAITS_AT] & TRAIT_IPV6, score);
  }

  /** Adds a fee payer with its score, from a checkpoint. @param at arena offset of a meta with PAYER_ID and PAYER_KEY */
  restorePayer(at: number, score: number): boolean {
    return this.payers.restore(at + PAYER_ID_AT, at + PAYER_KEY_AT, 0, score);
  }

  #warmKey(at: number, n: number): void {
    const low = Math.imul(n + 1, 0x9e3779b1);
    for (const id of [(at + IP_ID_AT) >>> 2, (at + PAYER_ID_AT) >>> 2]) {
      this.#i32[id] = low;
      this.#i32[id + 1] = n;
    }
  }
}
