// How payers fare that never landed yet, by the number of their misses, all such payers together. Where most newcomers that
// miss once never land at all, the second miss settles it; where many newcomers win one race in five, it does not. (An
// empirical prior in the place of an assumed one: Robbins, 1956.)

import { HALF_LIFE_MS, NEVER_LANDED_WEIGHT } from "./constants.ts";
import { CREDIT_DECAY } from "./decay.ts";

/** Numbers of misses that are told apart; a payer with more counts as the last. */
const STEPS = 16;
/** Counts end here: they change as fast as what comes in. */
const COUNTS_MAX = 256;

export class NeverLanded {
  readonly #landed = new Float64Array(STEPS);
  readonly #missed = new Float64Array(STEPS);
  #stampMs = 0;

  /** Notes what became of a transaction. @param misses of its payer until then @param missed how much a miss counts */
  note(misses: number, landed: number, missed: number, nowMs: number): void {
    this.#settle(nowMs);
    const step = stepOf(misses);
    this.#landed[step] += landed;
    this.#missed[step] += missed;
    const all = this.#landed[step] + this.#missed[step];
    if (all <= COUNTS_MAX) return;
    this.#landed[step] *= COUNTS_MAX / all;
    this.#missed[step] *= COUNTS_MAX / all;
  }

  /** How likely a payer lands after a number of misses. @param assumed counts where few payers were seen */
  lands(misses: number, assumed: number): number {
    const step = stepOf(misses);
    const landed = this.#landed[step];
    return (landed + NEVER_LANDED_WEIGHT * assumed) / (landed + this.#missed[step] + NEVER_LANDED_WEIGHT);
  }

  /** Lets what was seen long ago fade, where nothing was added to it since. */
  fade(nowMs: number): void {
    if (nowMs - this.#stampMs >= HALF_LIFE_MS) this.#settle(nowMs);
  }

  #settle(nowMs: number): void {
    const kept = CREDIT_DECAY.over(nowMs - this.#stampMs);
    if (kept === 1) return;
    this.#stampMs = nowMs;
    for (let i = 0; i < STEPS; i++) {
      this.#landed[i] *= kept;
      this.#missed[i] *= kept;
    }
  }
}

function stepOf(misses: number): number {
  return Math.min(STEPS - 1, Math.round(misses));
}
