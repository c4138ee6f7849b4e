// How much work a block takes, in nanoseconds of execution, learned from what comes back; and how the two budgets
// (sigverify's packets, the block's work) weigh against each other.
//
// Unknown until a block is seen to be full: the cheapest of the likely landers are left out (market.ts). Then the room is
// what was included; while they land it grows. That is a congestion window (Jacobson, 1988) with the block as the link.
//
// The balance is the Lagrange multiplier of a knapsack with two constraints, found as one goes (primal-dual): where packets
// run out first in a transmit, packets become dearer, where the room does, work does.

import {
  BALANCE_MIN,
  BALANCE_STEP,
  FULL_MIN,
  FULL_SHORTAGE,
  PEAK_KEPT,
  ROOM_GROWTH,
  ROOM_MARGIN,
  ROOM_WINDOW_MS,
  SURE_DEVIATIONS_EARLY,
} from "./constants.ts";
import { Market } from "./market.ts";

export class BlockRoom {
  /** Nanoseconds of execution that a block takes per millisecond; Infinity while no block was seen to be full. */
  nanosPerMs = Number.POSITIVE_INFINITY;
  /** Share of packets in the cost of a transaction; the rest is work. */
  balance = 1;

  readonly market = new Market();
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #included = 0;
  #limited = false;
  /** What the last window took, per millisecond. */
  #rate = 0;
  /** The most that a window took lately, per millisecond. */
  #most = 0;

  /** A transaction was included. */
  included(nanos: number): void {
    this.#included += nanos;
  }

  /** Room of a transmit. @param ms time that it stands for */
  roomOf(ms: number): number {
    return this.nanosPerMs * ms * (1 + ROOM_MARGIN);
  }

  /** A full choice begins. @param packetsMs @param roomMs for how long packets waited for either since the last one */
  spent(packetsMs: number, roomMs: number): void {
    if (this.nanosPerMs === Number.POSITIVE_INFINITY) {
      this.balance = 1;
      return;
    }
    const all = packetsMs + roomMs;
    if (all === 0) return;
    if (roomMs > packetsMs) this.#limited = true;
    const step = (BALANCE_STEP * (packetsMs - roomMs)) / all;
    this.balance = Math.min(1, Math.max(BALANCE_MIN, this.balance + step));
  }

  advance(nowMs: number): void {
    const passed = nowMs - this.#windowStartMs;
    if (passed < ROOM_WINDOW_MS) return;
    if (passed < 4 * ROOM_WINDOW_MS && this.#included > 0) this.#learn(passed);
    this.#windowStartMs = nowMs;
    this.#included = 0;
    this.market.forget();
    this.#limited = false;
  }

  /** Misses are judged: the first full block need not wait for its window's end, for blocks give back all at once. */
  refresh(): void {
    this.market.refresh();
    if (this.nanosPerMs !== Number.POSITIVE_INFINITY || this.#most === 0) return;
    if (this.market.shortage(SURE_DEVIATIONS_EARLY) > FULL_SHORTAGE) this.#limit(this.#rate);
  }

  #limit(rate: number): void {
    // A full block takes as much as blocks took lately: where far less was taken, the misses are the senders' own.
    const room = Math.max(rate, FULL_MIN * this.#most);
    if (this.nanosPerMs === Number.POSITIVE_INFINITY) {
      this.balance = 0.5;
      this.nanosPerMs = room;
    } else this.nanosPerMs = (this.nanosPerMs + room) / 2;
  }

  #learn(ms: number): void {
    const rate = this.#included / ms;
    this.#rate = rate;
    this.#most = Math.max(rate, this.#most * PEAK_KEPT);
    if (this.market.shortage() > FULL_SHORTAGE) {
      this.#limit(rate);
    } else if (this.#limited) {
      this.nanosPerMs = Math.max(this.nanosPerMs, rate) * ROOM_GROWTH;
    } else {
      this.nanosPerMs = Math.max(this.nanosPerMs, rate);
    }
  }
}
