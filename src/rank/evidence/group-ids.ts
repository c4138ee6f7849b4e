// The ids of a group's leaves and ports, where the kernel's touches find them: 16 bytes a packet, the leaf's id, then the
// port's (shape/layout.ts: EVIDENCE_IDS_BYTES).

import type { Arena } from "../../shape/arena.ts";
import { EVIDENCE_IDS_BYTES } from "../../shape/layout.ts";
import { Look, type Looker } from "./look.ts";

/** From a packet's ids to its port's. */
export const PORT_ID_AT = 8;

export class GroupIds {
  readonly #i32: Int32Array;
  readonly #look = new Look();

  /** @param at arena offset of the first packet's ids */
  constructor(
    arena: Arena,
    readonly at: number,
    private readonly looker: Looker,
  ) {
    this.#i32 = arena.i32;
  }

  /** Writes a packet's ids. @param i its number in the group @param at its digest */
  note(i: number, at: number): void {
    const i32 = this.#i32;
    const look = this.#look;
    const word = (this.at + i * EVIDENCE_IDS_BYTES) >>> 2;
    this.looker.setIds(look, at);
    i32[word] = look.leafLow;
    i32[word + 1] = look.leafHigh;
    i32[word + 2] = look.portLow;
    i32[word + 3] = look.portHigh;
  }
}
