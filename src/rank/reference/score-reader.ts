// A score table as seen from another thread: for the checkpoint and for the best and worst senders. Copies the rows while
// the loop goes on, and takes the copy only if no row moved meanwhile; a score that feedback changes in between is the old
// or the new one. Reading never disturbs the loop.

import type { Arena } from "../../shape/arena.ts";
import { TRAIT_IPV6 } from "../../shape/digest-layout.ts";
import type { ScoreTableRegion } from "../../shape/layout.ts";
import { ScoreRows } from "../score-rows.ts";
import { STATE_SIZE, STATE_VERSION } from "./score-table.ts";

/** Updates take a part of a millisecond, a few times a second at most: more tries than this mean that the loop died in one. */
const TRIES_MAX = 1_000;

export class ScoreReader extends ScoreRows {
  /** Rows of the last copy. */
  size = 0;

  readonly #rows: number;
  readonly #keyBytes: number;
  readonly #state: Int32Array;
  readonly #sharedKeys: Uint8Array;
  readonly #sharedTraits: Uint8Array;
  readonly #sharedEntries: Float64Array;
  readonly #keys: Uint8Array;
  readonly #traits: Uint8Array;
  readonly #entries: Float64Array;

  constructor(arena: Arena, region: ScoreTableRegion) {
    super();
    const { rows, keyBytes } = region;
    const { buffer } = arena;
    this.#rows = rows;
    this.#keyBytes = keyBytes;
    this.#state = new Int32Array(buffer, region.stateAt, 2);
    this.#sharedKeys = new Uint8Array(buffer, region.keysAt, rows * keyBytes);
    this.#sharedTraits = new Uint8Array(buffer, region.traitsAt, rows);
    this.#sharedEntries = new Float64Array(buffer, region.entriesAt, rows * 2);
    this.#keys = new Uint8Array(rows * keyBytes);
    this.#traits = new Uint8Array(rows);
    this.#entries = new Float64Array(rows * 2);
  }

  /** Copies the rows. @returns false if they moved all the time; the last copy is lost then */
  read(): boolean {
    for (let i = 0; i < TRIES_MAX; i++) {
      const version = Atomics.load(this.#state, STATE_VERSION);
      if ((version & 1) === 1) continue;
      const size = Math.min(Atomics.load(this.#state, STATE_SIZE), this.#rows);
      this.#keys.set(this.#sharedKeys);
      this.#traits.set(this.#sharedTraits);
      this.#entries.set(this.#sharedEntries);
      // Adds nothing: a load alone would not keep the copies before it, on arm64.
      if (Atomics.add(this.#state, STATE_VERSION, 0) === version) {
        this.size = size;
        return true;
      }
    }
    this.size = 0;
    return false;
  }

  score(row: number): number {
    return this.#entries[2 * row + 1];
  }

  /** A key's bytes: a payer's 32, or an address's 8 (the IPv4 octets and four zeros, or half an IPv6 address). */
  key(row: number): Uint8Array {
    return this.#keys.slice(row * this.#keyBytes, (row + 1) * this.#keyBytes);
  }

  isIpv6(row: number): boolean {
    return (this.#traits[row] & TRAIT_IPV6) !== 0;
  }
}
