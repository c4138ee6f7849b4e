// Senders without a record, in classes: how the first packets of addresses that were never judged turned out lately.

import type { Arena } from "../../shape/arena.ts";
import { IP_ID_AT, TRAIT_STAKED, TRAITS_AT } from "../../shape/digest-layout.ts";
import { HALF_LIFE_MS, PERSISTENT_WINDOWS, PRIOR_GOOD, PRIOR_LANDS, PRIOR_WEIGHT } from "./constants.ts";
import { CREDIT_DECAY } from "./decay.ts";
import type { Presence } from "./presence.ts";

/** Counts end here: the class changes as fast as what comes in. */
const COUNTS_MAX = 256;
/** What is kept of the work seen with each landing: the last few hundred count. */
const WORK_KEPT = 1 - 1 / COUNTS_MAX;

export class UnknownClass {
  pGood = PRIOR_GOOD;
  pLands = PRIOR_LANDS;
  /** Nanoseconds of execution per asked compute unit; 0 if nothing is known. */
  nanosPerUnit = 0;
  #nanos = 0;
  #asked = 0;
  #good = 0;
  #bad = 0;
  #landed = 0;
  #missed = 0;
  #stampMs = 0;

  signature(good: boolean, nowMs: number): void {
    this.#settle(nowMs);
    if (good) this.#good += 1;
    else this.#bad += 1;
    this.#estimate();
  }

  /** @param landed @param missed 1 and 0, or 0 and how much a miss counts */
  landing(landed: number, missed: number, nowMs: number): void {
    this.#settle(nowMs);
    this.#landed += landed;
    this.#missed += missed;
    this.#estimate();
  }

  work(nanos: number, asked: number): void {
    this.#nanos = this.#nanos * WORK_KEPT + nanos;
    this.#asked = this.#asked * WORK_KEPT + asked;
    if (this.#asked > 0) this.nanosPerUnit = this.#nanos / this.#asked;
  }

  /** Lets a verdict fade to which nothing was added for long: no outcome brings it up to date. */
  fade(nowMs: number): void {
    if (nowMs - this.#stampMs < HALF_LIFE_MS) return;
    this.#settle(nowMs);
    this.#estimate();
  }

  #settle(nowMs: number): void {
    const left = Math.min(
      CREDIT_DECAY.over(nowMs - this.#stampMs),
      COUNTS_MAX / Math.max(COUNTS_MAX, this.#good + this.#bad + this.#missed + this.#landed),
    );
    if (left === 1) return;
    this.#stampMs = nowMs;
    this.#good *= left;
    this.#bad *= left;
    this.#landed *= left;
    this.#missed *= left;
  }

  #estimate(): void {
    this.pGood = (this.#good + PRIOR_WEIGHT * PRIOR_GOOD) / (this.#good + this.#bad + PRIOR_WEIGHT);
    this.pLands = (this.#landed + PRIOR_WEIGHT * PRIOR_LANDS) / (this.#landed + this.#missed + PRIOR_WEIGHT);
  }
}

const [SEEN_AGAIN, SEEN_OFTEN] = PERSISTENT_WINDOWS;
const LEVELS = PERSISTENT_WINDOWS.length + 1;

export class UnknownClasses {
  /** By how often an address was seen (PERSISTENT_WINDOWS); then the same for addresses with stake. */
  readonly all: readonly UnknownClass[] = Array.from({ length: 2 * LEVELS }, () => new UnknownClass());
  /** New ports and new payers of addresses that have a record. */
  readonly strangers = new UnknownClass();
  readonly #u8: Uint8Array;
  readonly #i32: Int32Array;

  constructor(
    arena: Arena,
    private readonly presence: Presence,
  ) {
    this.#u8 = arena.u8;
    this.#i32 = arena.i32;
  }

  /** Lets verdicts fade that nothing was added to for long. Once a transmit. */
  fade(nowMs: number): void {
    for (const one of this.all) one.fade(nowMs);
    this.strangers.fade(nowMs);
  }

  /** The class that a digest's sender is of while it has no record. */
  of(at: number): UnknownClass {
    return this.all[this.numberOf(at)];
  }

  /** The same as a number, to be kept. */
  numberOf(at: number): number {
    const word = (at + IP_ID_AT) >>> 2;
    const windows = this.presence.windows(this.#i32[word], this.#i32[word + 1]);
    const level = windows < SEEN_AGAIN ? 0 : windows < SEEN_OFTEN ? 1 : 2;
    return (this.#u8[at + TRAITS_AT] & TRAIT_STAKED) !== 0 ? LEVELS + level : level;
  }
}
