// What a packet is worth by a look at it: expected lamports by expected cost, and which senders promise nothing.

import type { Arena } from "../../shape/arena.ts";
import { COMPUTE_UNITS_AT, FEE_AT } from "../../shape/digest-layout.ts";
import { IN_FLIGHT } from "../../shape/node-layout.ts";
import {
  HOPELESS,
  HOPELESS_UNKNOWN,
  HOPELESS_WORTH,
  LIFTED_GOOD_MIN,
  OVERRUN_FREE,
  RECORD_MIN,
  UNPROVEN_IN_FLIGHT_MAX,
} from "./constants.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Look } from "./look.ts";

export class Worth {
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #counts: Float32Array;

  constructor(
    arena: Arena,
    private readonly knowledge: Knowledge,
  ) {
    this.#u32 = arena.u32;
    this.#f64 = arena.f64;
    this.#counts = knowledge.table.counts;
  }

  /** Expected lamports by expected cost. @param at the packet that was looked at */
  of(look: Look, at: number): number {
    // Worth falls faster than the expected value does. By expected value alone a sender believed one time in fifty would
    // win with fifty times the fee. A bad signature has no innocent cause, so its power is the eighth: a sender that signs
    // one of a hundred falsely keeps nine tenths of its worth, and one that signs every second so would have to pay 256
    // times as much. Landing has a power only if it is rarer than usual for the sender (`doubt`): a payer that wins
    // one race in two is honest and worth half.
    // The hopeless come after all others, and forgers last: if there is room for all, even a sender that never lands is
    // sent.
    const hope = look.pGood < HOPELESS ? 0 : this.isHopeless(look) ? HOPELESS_WORTH : 1;
    const value = hope * look.pGood ** 8 * look.doubt * look.pLands * this.#f64[(at + FEE_AT) >>> 3];
    const { room, packetsPerMs, usualNanosPerUnit } = this.knowledge;
    const { balance, nanosPerMs } = room;
    const packets = balance / packetsPerMs;
    if (nanosPerMs === Number.POSITIVE_INFINITY) return value / packets;
    const work = this.nanos(look, at) / nanosPerMs;
    const overrun = look.nanosPerUnit / (OVERRUN_FREE * usualNanosPerUnit);
    const worth = value / ((packets + (1 - balance) * work) * Math.max(1, overrun * overrun));
    return Number.isNaN(worth) ? 0 : worth; // the queue never receives NaN
  }

  /** Expected work in a block, in nanoseconds of execution. */
  nanos(look: Look, at: number): number {
    return look.pGood * look.pTakesRoom * look.nanosPerUnit * this.#u32[(at + COMPUTE_UNITS_AT) >>> 2];
  }

  /** Lamports per asked compute unit. */
  price(at: number): number {
    return this.#f64[(at + FEE_AT) >>> 3] / Math.max(1, this.#u32[(at + COMPUTE_UNITS_AT) >>> 2]);
  }

  /** Whether hardly anything of the packet's sender is good and lands. */
  isHopeless(look: Look): boolean {
    return look.pGood * look.pLands < (look.known === 0 ? HOPELESS_UNKNOWN : HOPELESS);
  }

  /**
   * Whether the sender's own record says that hardly any of its signatures is good. That has no innocent cause, and is not
   * worth sigverify's work even if there is room for all; a sender that never lands may still be.
   */
  isForger(look: Look): boolean {
    if (look.pGood >= HOPELESS || look.known === 0) return false;
    return this.knowledge.table.addressEvidence(look.known) >= RECORD_MIN;
  }

  /** Whether the operator's rules may put the packet above others. */
  mayBeLifted(look: Look): boolean {
    return look.pGood >= LIFTED_GOOD_MIN && !this.isHopeless(look);
  }

  /** Whether a sender without a record has as many packets in flight as it may. Only after a whole look. */
  isTooMuchInFlight({ leaf, address, payer }: Look): boolean {
    const { table } = this.knowledge;
    const sender = leaf !== 0 ? leaf : address;
    if (this.#hasManyInFlight(sender) && table.addressEvidence(sender) < RECORD_MIN) return true;
    return this.#hasManyInFlight(payer) && table.payerEvidence(payer) < RECORD_MIN;
  }

  #hasManyInFlight(at: number): boolean {
    return at !== 0 && this.#counts[at + IN_FLIGHT] >= UNPROVEN_IN_FLIGHT_MAX;
  }
}
