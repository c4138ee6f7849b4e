// The budget of packets: a bucket that `--target-pps` fills all the time, a token for each packet. What is not used is saved
// up, so that a burst after a quiet time goes out at once, but only for so long (`--burst`). While packets wait less is saved:
// then tokens are left because what waits is not worth sending yet, and what comes next is as likely a flood as a burst.

/** How much is saved up at the most while packets wait. */
export const WAITING_BURST_MS = 20;

export class TokenBucket {
  tokens = 0;
  #perMs = 0;
  #filledMs = Number.NEGATIVE_INFINITY;

  /** @param burstMs how much is saved up at the most while nothing waits */
  constructor(
    targetPps: number,
    private readonly burstMs: number,
  ) {
    this.setTargetPps(targetPps);
  }

  /** Tokens are saved up as far as the new target allows. */
  setTargetPps(targetPps: number): void {
    this.#perMs = targetPps / 1_000;
    this.tokens = Math.min(this.tokens, this.#most(this.burstMs));
  }

  /** Tokens of a span of time. */
  of(ms: number): number {
    return this.#perMs * ms;
  }

  /** @param waits whether packets have waited since the last time */
  fill(nowMs: number, waits: boolean): void {
    const passedMs = nowMs - this.#filledMs;
    if (!(passedMs > 0)) return;
    this.#filledMs = nowMs;
    const most = this.#most(waits ? Math.min(WAITING_BURST_MS, this.burstMs) : this.burstMs);
    // What was saved up before packets waited is theirs.
    this.tokens = Math.max(this.tokens, Math.min(most, this.tokens + this.#perMs * passedMs));
  }

  /** At least one packet, however low the target. */
  #most(ms: number): number {
    return Math.max(1, this.#perMs * ms);
  }
}
