// How long an idle loop sleeps (`--idle backoff`): not at all for the first idle turns, since the next packet of a burst is
// near, then twice as long each time, up to about a millisecond. Any work starts it over.

/** Idle turns before the first sleep. */
export const PATIENT_TURNS = 64;
const FIRST_SLEEP_MS = 1 / 16;
/** The 100 ms tick stays within 1% of its time, and a heartbeat moves a thousand times a second. */
export const SLEEP_MAX_MS = 1;

export class Backoff {
  #idleTurns = 0;
  #sleepMs = FIRST_SLEEP_MS;

  /**
   * Told after each turn.
   * @param done what the turn did; 0 is idle
   * @returns milliseconds to sleep; 0: go on at once
   */
  after(done: number): number {
    if (done > 0) {
      this.#idleTurns = 0;
      this.#sleepMs = FIRST_SLEEP_MS;
      return 0;
    }
    this.#idleTurns += 1;
    if (this.#idleTurns <= PATIENT_TURNS) return 0;
    const sleepMs = this.#sleepMs;
    this.#sleepMs = Math.min(SLEEP_MAX_MS, 2 * sleepMs);
    return sleepMs;
  }
}
