// What the loop asks of a model of senders. A model is one file behind this interface; the loop is built for one model at
// start, so that its calls stay monomorphic. `at` is always an arena offset of a digest or of a partial meta: their first
// 128 bytes have one shape (shape/digest-layout.ts).

import type { Toucher } from "../kernel/kernel.ts";
import type { Chooser } from "./chooser.ts";
import type { StakeTable } from "./lists/stake-table.ts";

export interface SenderRow {
  /** Address as people write it, or the payer in base58. */
  readonly sender: string;
  readonly score: number;
  /** What the score was made of, where the model keeps such. */
  readonly evidence?: Readonly<Record<string, number>>;
}

/** What a score was made of, as people may want to know it. */
export interface ScoreFactors {
  ip: number;
  payer: number;
}

/** A model's senders, as the checkpoint sees them. */
export interface SenderStore {
  readonly ips: { readonly limit: number; readonly size: number };
  readonly payers: { readonly limit: number; readonly size: number };
  /** @param at arena offset of a meta with IP_ID, IP_KEY and TRAITS @returns whether there was room */
  restoreIp(at: number, score: number): boolean;
  /** @param at arena offset of a meta with PAYER_ID and PAYER_KEY */
  restorePayer(at: number, score: number): boolean;
  /** Runs the code that learns until the compiler has seen it. The tables must be empty. */
  warm(): void;
}

export interface Model {
  readonly name: string;

  /** Where the model decides more than a rank: what is sent in a transmit (chooser.ts). */
  readonly chooser: Chooser | null;

  /**
   * Loads the cache lines that `score` will read for a group's digests, so that their misses overlap.
   * @param digestsAt arena offset of the first digest; the next ones follow
   * @returns anything that depends on the loads, for the caller to keep alive
   */
  touch(toucher: Toucher, digestsAt: number, count: number): number;

  /** The rank of a transaction: higher is sent first. Never NaN. */
  score(at: number): number;

  /**
   * Writes the factors of a score. Asked only where fates are recorded, so it changes nothing.
   * @param at the digest that `score` looked at last
   */
  factors(at: number, into: ScoreFactors): void;

  /** Sigverify refused a packet of this sender (the digest may be unparsed: then only its sender fields mean anything). */
  failedSignature(at: number): void;

  /** This sender's packet was not a transaction. */
  unparsable(at: number): void;

  /**
   * The scheduler said what became of a transaction.
   * @param at its partial meta
   * @param executionNanos 0 if it was not included
   */
  outcome(at: number, executionNanos: number): void;

  /** Outcomes that wait for an update; the loop calls `learn` where this is above the batch's size. */
  readonly pending: number;

  /** Senders that left because the tables were full. */
  readonly evicted: number;

  /** Updates the model from the outcomes gathered since the last time. */
  learn(): void;

  /** Swaps the stakes, at a model that asks for any. */
  useStakes?(stakes: StakeTable): void;

  /** Lets time pass. Called once a turn. */
  advance(nowMs: number): void;
}
