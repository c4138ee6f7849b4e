// The reference's model (engine.md, 5): what an address and a fee payer have been worth, times what the packet offers.
// Exact to the last bit, for parity with the Rust sidecar.

import type { Arena } from "../../shape/arena.ts";
import { COMPUTE_UNITS_AT, FEE_AT, IP_ID_AT, PAYER_ID_AT } from "../../shape/digest-layout.ts";
import type { ArenaLayout } from "../../shape/layout.ts";
import { ReferenceModel } from "./reference-model.ts";

export class IpSigner extends ReferenceModel {
  readonly name = "ip-signer";
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;

  constructor(arena: Arena, layout: ArenaLayout) {
    super(arena, layout);
    this.#u32 = arena.u32;
    this.#f64 = arena.f64;
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
}
