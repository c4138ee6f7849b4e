// The reference's second model (engine.md, 5.5): the sum of both scores instead of their product, times a factor for the
// stake behind the address.

import type { Arena } from "../../shape/arena.ts";
import { COMPUTE_UNITS_AT, FEE_AT, IP_ID_AT, IP_KEY_AT, PAYER_ID_AT, TRAITS_AT } from "../../shape/digest-layout.ts";
import type { ArenaLayout } from "../../shape/layout.ts";
import { StakeTable } from "../lists/stake-table.ts";
import { ReferenceModel } from "./reference-model.ts";

export class IpSignerStake extends ReferenceModel {
  readonly name = "ip-signer-stake";
  readonly #u8: Uint8Array;
  readonly #i32: Int32Array;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  #stakes = StakeTable.empty();

  constructor(arena: Arena, layout: ArenaLayout) {
    super(arena, layout);
    this.#u8 = arena.u8;
    this.#i32 = arena.i32;
    this.#u32 = arena.u32;
    this.#f64 = arena.f64;
  }

  /** Swaps the stakes. Their slots are few and stay in the caches, so they need no touch. */
  useStakes(stakes: StakeTable): void {
    this.#stakes = stakes;
  }

  score(at: number): number {
    const ip = this.senders.ips.score(at + IP_ID_AT);
    const payer = this.senders.payers.score(at + PAYER_ID_AT);
    const fee = this.#f64[(at + FEE_AT) >>> 3];
    const computeUnits = this.#u32[(at + COMPUTE_UNITS_AT) >>> 2];
    const key = (at + IP_KEY_AT) >>> 2;
    const factor = this.#stakes.factor(this.#i32[key], this.#i32[key + 1], this.#u8[at + TRAITS_AT]);
    const score = (ip + payer) * factor * (fee / Math.max(computeUnits, 1));
    return Number.isNaN(score) ? 0 : score; // the queue never receives NaN
  }
}
