// The reference's model (engine.md, 5): what an address and a fee payer have been worth, times what the packet offers.
// Exact to the last bit, for parity with the Rust sidecar.

import type { Toucher } from "../../kernel/kernel.ts";
import type { Arena } from "../../shape/arena.ts";
import { COMPUTE_UNITS_AT, FEE_AT, IP_ID_AT, PAYER_ID_AT } from "../../shape/digest-layout.ts";
import type { ArenaLayout } from "../../shape/layout.ts";
import type { Model, ScoreFactors } from "../model.ts";
import { Senders } from "./senders.ts";

export class IpSigner implements Model {
  readonly name = "ip-signer";
  readonly chooser = null;
  readonly senders: Senders;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;

  constructor(arena: Arena, layout: ArenaLayout) {
    this.senders = new Senders(arena, layout);
    this.#u32 = arena.u32;
    this.#f64 = arena.f64;
  }

  get pending(): number {
    return this.senders.pending;
  }

  get evicted(): number {
    return this.senders.evicted;
  }

  touch(toucher: Toucher, digestsAt: number, count: number): number {
    return this.senders.touch(toucher, digestsAt, count);
  }

  score(at: number): number {
    const ip = this.senders.ips.score(at + IP_ID_AT);
    const payer = this.senders.payers.score(at + PAYER_ID_AT);
    const fee = this.#f64[(at + FEE_AT) >>> 3];
    const computeUnits = this.#u32[(at + COMPUTE_UNITS_AT) >>> 2];
    // Grouped as the reference does: another order differs in the last bit.
    const score = ip * payer * (fee / Math.max(computeUnits, 1));
    return Number.isNaN(score) ? 0 : score; // the queue never receives NaN
  }

  factors(at: number, into: ScoreFactors): void {
    this.senders.factors(at, into);
  }

  failedSignature(at: number): void {
    this.senders.blame(at);
  }

  unparsable(at: number): void {
    this.senders.blame(at);
  }

  outcome(at: number, executionNanos: number): void {
    this.senders.outcome(at, executionNanos);
  }

  learn(): void {
    this.senders.learn();
  }

  /** Nothing fades by time alone. */
  advance(): void {}
}
