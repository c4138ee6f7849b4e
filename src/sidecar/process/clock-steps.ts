// Whether somebody set the wall clock: it and the clock that never goes back are compared once a second. Nothing in the
// sidecar goes by the wall clock, but log lines and rows of a database carry its time, and are to be read accordingly.

/** More than any discipline of a clock (0.05%) moves it between two looks; less than anybody sets it by. */
const STEP_MIN_MS = 500;

export class ClockSteps {
  #offsetMs = Number.NaN;

  /**
   * @param wallMs milliseconds since 1970
   * @param nowMs of a clock that never goes back (and stands still while the host sleeps)
   * @returns by how much the wall clock was set since the last look; 0 if it was not
   */
  look(wallMs: number, nowMs: number): number {
    const before = this.#offsetMs;
    this.#offsetMs = wallMs - nowMs;
    const stepMs = this.#offsetMs - before;
    return Math.abs(stepMs) >= STEP_MIN_MS ? stepMs : 0;
  }
}
