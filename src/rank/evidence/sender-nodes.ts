// The nodes of a packet's sender, made if there are none: for the parts of the evidence model that write to them.

import type { Arena } from "../../shape/arena.ts";
import { IP_ID_AT, IP_KEY_AT, PAYER_ID_AT, PAYER_KEY_AT, TRAIT_IPV6, TRAITS_AT } from "../../shape/digest-layout.ts";
import { KIND_ADDRESS, KIND_ADDRESS_IPV6, KIND_IDENTITY, KIND_PAYER } from "../../shape/node-layout.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Look } from "./look.ts";

export class SenderNodes {
  readonly #u8: Uint8Array;
  readonly #i32: Int32Array;

  constructor(
    arena: Arena,
    private readonly knowledge: Knowledge,
  ) {
    this.#u8 = arena.u8;
    this.#i32 = arena.i32;
  }

  /** @param at a digest */
  address(at: number): number {
    const { table, nowMs } = this.knowledge;
    const word = (at + IP_ID_AT) >>> 2;
    const kind = (this.#u8[at + TRAITS_AT] & TRAIT_IPV6) === 0 ? KIND_ADDRESS : KIND_ADDRESS_IPV6;
    return table.findOrAdd(this.#i32[word], this.#i32[word + 1], nowMs, kind, (at + IP_KEY_AT) >>> 2);
  }

  payer(at: number): number {
    const { table, nowMs } = this.knowledge;
    const word = (at + PAYER_ID_AT) >>> 2;
    return table.findOrAdd(this.#i32[word], this.#i32[word + 1], nowMs, KIND_PAYER, (at + PAYER_KEY_AT) >>> 2);
  }

  /** The port's, or in its place the identity's. */
  port(look: Look): number {
    const { table, nowMs } = this.knowledge;
    if (look.identity === 0) return table.findOrAdd(look.portLow, look.portHigh, nowMs);
    return table.findOrAdd(look.portLow, look.portHigh, nowMs, KIND_IDENTITY, look.identity);
  }

  leaf(look: Look): number {
    const { table, nowMs } = this.knowledge;
    return table.findOrAdd(look.leafLow, look.leafHigh, nowMs);
  }
}
