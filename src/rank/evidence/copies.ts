// Which packets are copies of others: the payload memory, asked by digest.

import type { Arena } from "../../shape/arena.ts";
import { IP_ID_AT, PAYLOAD_MIX_AT } from "../../shape/digest-layout.ts";
import type { LinesRegion } from "../../shape/layout.ts";
import { PayloadMemory } from "./payload-memory.ts";

/** A payload that was not seen before. */
export const COPY_NONE = 0;
/** One that its own sender brought before: a retry. */
export const COPY_OWN = 1;
/** One that another address brought first. */
export const COPY_OF_ANOTHER = 2;
/** One that was sent on already, from whatever address. */
export const COPY_SENT = 3;

export class Copies {
  readonly memory: PayloadMemory;
  readonly #i32: Int32Array;

  constructor(arena: Arena, region: LinesRegion) {
    this.memory = new PayloadMemory(arena, region);
    this.#i32 = arena.i32;
  }

  /** @param at a digest @returns one of COPY_ */
  of(at: number): number {
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    const known = this.memory.find(this.#i32[mix], this.#i32[mix + 1]);
    if (known === 0) return COPY_NONE;
    if (PayloadMemory.wasSent(known)) return COPY_SENT;
    return PayloadMemory.senderOf(known) === this.#sender(at) ? COPY_OWN : COPY_OF_ANOTHER;
  }

  /** Keeps the payload of a digest of which `of` said that it is none. */
  add(at: number): void {
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    this.memory.add(this.#i32[mix], this.#i32[mix + 1], this.#sender(at));
  }

  /** The payload of a digest goes out. */
  markSent(at: number): void {
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    this.memory.markSent(this.#i32[mix], this.#i32[mix + 1], this.#sender(at));
  }

  #sender(at: number): number {
    return PayloadMemory.tagOf(this.#i32[(at + IP_ID_AT + 4) >>> 2]);
  }
}
