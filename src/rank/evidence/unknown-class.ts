// Everybody without a record, as one class: how the first packets of addresses that were never judged turned out lately.

import { PRIOR_GOOD, PRIOR_LANDS, PRIOR_WEIGHT } from "./constants.ts";
import { decayOver } from "./decay.ts";

/** Counts end here: the class changes as fast as what comes in. */
const MOST = 256;

export class UnknownClass {
  pGood = PRIOR_GOOD;
  pLands = PRIOR_LANDS;
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

  landing(landed: boolean, nowMs: number): void {
    this.#settle(nowMs);
    if (landed) this.#landed += 1;
    else this.#missed += 1;
    this.#estimate();
  }

  #settle(nowMs: number): void {
    const left = Math.min(
      decayOver(nowMs - this.#stampMs),
      MOST / Math.max(MOST, this.#good + this.#bad + this.#missed + this.#landed),
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
