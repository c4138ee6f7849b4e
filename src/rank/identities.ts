// The identities of staked peers, as digests name them (shape/identity-layout.ts). The kernel fills the table; here it is read.

import type { Arena } from "../shape/arena.ts";
import { PORT_COPY_AT, TRAIT_IDENTITY, TRAITS_AT } from "../shape/digest-layout.ts";
import {
  IDENTITY_BYTES,
  IDENTITY_ID_AT,
  IDENTITY_PLACE_BITS,
  IDENTITY_PLACES,
  IDENTITY_TURN_AT,
  IDENTITY_TURN_MASK,
} from "../shape/identity-layout.ts";
import type { ArenaLayout } from "../shape/layout.ts";

export class Identities {
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  readonly #at: number;

  constructor(arena: Arena, { identitiesAt }: Pick<ArenaLayout, "identitiesAt">) {
    this.#u8 = arena.u8;
    this.#u16 = arena.u16;
    this.#i32 = arena.i32;
    this.#at = identitiesAt ?? 0;
  }

  /**
   * @param digest or a partial meta
   * @returns word index of the identity's 32-byte key, with its id behind it; 0: there is none, or it was forgotten
   */
  of(digest: number): number {
    if ((this.#u8[digest + TRAITS_AT] & TRAIT_IDENTITY) === 0) return 0;
    const word = this.#u16[(digest + PORT_COPY_AT) >>> 1];
    const place = (this.#at + (word & (IDENTITY_PLACES - 1)) * IDENTITY_BYTES) >>> 2;
    const turn = this.#i32[place + (IDENTITY_TURN_AT >>> 2)] & IDENTITY_TURN_MASK;
    return turn === word >>> IDENTITY_PLACE_BITS ? place : 0;
  }
}

/** From the word index of an identity's key to that of its id (u64). */
export const IDENTITY_ID_WORD = IDENTITY_ID_AT >>> 2;
