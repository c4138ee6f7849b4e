// The fee floor that Agave has before its signature check since 4.2 (solana-core 4.4.0: transaction_priority.rs, sigverify.rs,
// banking_stage/transaction_scheduler/scheduler_controller.rs): what a scheduler holds, and whom it turns away meanwhile.
//
// The scheduler holds verified transactions that found no room, over slots, until they expire. A transaction's priority is
// what the leader would get for it by the cost that it asks for, both as declared. While the scheduler is nearly full, or had
// to let one go, it publishes the least priority that it holds; then the signature check drops what is not above that before
// it checks a signature. So a floor costs nothing, and believes every fee that a packet declares.

import type { Trace } from "./trace.ts";

/** The leader gets the priority fee and half of the base fee, which here is that of one signature. */
const BURNT_LAMPORTS = 2_500;
/** Beside the CU limit: one signature, two written accounts, and 64 MiB of loaded data at 8 CUs for each 32 KiB. */
const OTHER_COST_UNITS = 720 + 2 * 300 + 16_384;
const PRIORITY_MULTIPLIER = 1_000_000;
/** Nearly full from this share of the places on, and no longer so below the other. */
const FULL_SHARE = 0.99;
const NO_LONGER_FULL_SHARE = 0.95;

export class FeeFloor {
  #floor = 0;
  #isFull = false;

  /** @param places transactions that the scheduler can hold */
  constructor(
    private readonly trace: Trace,
    private readonly places: number,
  ) {}

  /** Whether the signature check takes a packet at all. What does not parse has no priority, and is left to the check. */
  admits(transaction: number, parses: boolean): boolean {
    return this.#floor === 0 || !parses || this.#priority(transaction) > this.#floor;
  }

  /**
   * A look of the scheduler is over.
   * @param held transactions that it still holds
   * @returns for each of them, 1: it has to leave, for want of a place
   */
  hold(held: readonly number[]): Uint8Array {
    const leaves = new Uint8Array(held.length);
    const priorities = Float64Array.from(held, (transaction) => this.#priority(transaction));
    const rising = Array.from(held, (_, i) => i).sort((a, b) => priorities[a] - priorities[b] || b - a);
    const dropped = Math.max(0, held.length - this.places);
    for (let i = 0; i < dropped; i++) leaves[rising[i]] = 1;
    const kept = held.length - dropped;
    if (dropped > 0 || kept >= FULL_SHARE * this.places) this.#isFull = true;
    else if (kept < NO_LONGER_FULL_SHARE * this.places) this.#isFull = false;
    this.#floor = this.#isFull && kept > 0 ? priorities[rising[dropped]] : 0;
    return leaves;
  }

  #priority(transaction: number): number {
    const { feeLamports, askedUnits } = this.trace;
    const reward = Math.max(0, feeLamports[transaction] - BURNT_LAMPORTS) * PRIORITY_MULTIPLIER;
    return Math.floor(reward / (askedUnits[transaction] + OTHER_COST_UNITS + 1));
  }
}
