// From the loop's clock to the world's. The loop publishes its clock a few hundred times a second; each reading gives an upper
// bound of the difference (the clock shown is a little old), and the least of a second's readings is near the truth. Taken
// anew all the time, so that a world clock that is set is followed within a second or two.

const WINDOW_MS = 1_000;

export class WallClock {
  /** Add this to the loop's milliseconds. NaN: nothing was read yet. */
  offsetMs = Number.NaN;

  #least = Number.POSITIVE_INFINITY;
  #windowFrom = Number.NEGATIVE_INFINITY;

  /**
   * @param loopMs the loop's clock as it shows it
   * @param wallMs the world's, in milliseconds since 1970
   * @param nowMs of a clock that never goes back
   */
  read(loopMs: number, wallMs: number, nowMs: number): void {
    const offset = wallMs - loopMs;
    if (offset < this.#least) this.#least = offset;
    if (Number.isNaN(this.offsetMs) || this.#least < this.offsetMs) this.offsetMs = this.#least;
    if (nowMs - this.#windowFrom < WINDOW_MS) return;
    // The window's least replaces the older one, whichever way the world's clock went.
    if (this.#windowFrom > Number.NEGATIVE_INFINITY) this.offsetMs = this.#least;
    this.#least = Number.POSITIVE_INFINITY;
    this.#windowFrom = nowMs;
  }
}
