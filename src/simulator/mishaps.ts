// What goes wrong in a run on purpose: a sidecar that is held up (its rings are lapped); a validator that is held up; feedback
// that is lost, late, or comes twice; a sidecar that starts again from its checkpoint. All drawn from the seed, so it replays.

import type { Random } from "./random.ts";
import type { Answers } from "./validator.ts";

export interface Mishaps {
  /** Mean time between two stalls of the sidecar, and how long each lasts. */
  readonly sidecarStalls?: { readonly everyMs: number; readonly forMs: number };
  readonly validatorStalls?: { readonly everyMs: number; readonly forMs: number };
  /** Shares of the answers that are lost, come twice, and come late. */
  readonly feedback?: {
    readonly lost: number;
    readonly repeated: number;
    readonly late: number;
    readonly lateMs: number;
  };
  /** When the sidecar is stopped and started again from its checkpoint. */
  readonly restartsMs?: readonly number[];
  /** How long a model update with full tables holds up the sidecar; less in proportion if the tables' fill is known. */
  readonly learnStallMs?: number;
}

/** Mishaps of every kind, for trying seeds. */
export function drawMishaps(random: Random, durationMs: number): Mishaps {
  const stalls = (): { everyMs: number; forMs: number } => ({
    everyMs: random.between(300, 1_500),
    forMs: random.between(5, 400),
  });
  return {
    ...(random.chance(0.6) ? { sidecarStalls: stalls() } : {}),
    ...(random.chance(0.4) ? { validatorStalls: stalls() } : {}),
    ...(random.chance(0.6)
      ? {
          feedback: {
            lost: random.between(0, 0.3),
            repeated: random.between(0, 0.3),
            late: random.between(0, 0.5),
            lateMs: random.between(1, 2_000),
          },
        }
      : {}),
    ...(random.chance(0.3) ? { restartsMs: [Math.floor(random.between(0.2, 0.8) * durationMs)] } : {}),
  };
}

/** Moments of stalling: a Poisson process with stalls of one length. */
export class Stalls {
  #nextMs: number;
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly spec: { readonly everyMs: number; readonly forMs: number } | undefined,
    private readonly random: Random,
  ) {
    this.#nextMs = this.#draw(0);
  }

  /** Whether the party is held up now. Times must not fall from call to call. */
  holds(nowMs: number): boolean {
    if (nowMs >= this.#nextMs && this.spec !== undefined) {
      this.#untilMs = nowMs + this.spec.forMs;
      this.#nextMs = this.#draw(this.#untilMs);
    }
    return nowMs < this.#untilMs;
  }

  /** Holds the party up for another cause. */
  hold(untilMs: number): void {
    this.#untilMs = Math.max(this.#untilMs, untilMs);
  }

  #draw(fromMs: number): number {
    if (this.spec === undefined) return Number.POSITIVE_INFINITY;
    return fromMs - this.spec.everyMs * Math.log(1 - this.random.unit());
  }
}

interface Late {
  readonly atMs: number;
  readonly give: (nowMs: number) => void;
}

/** Loses, repeats and delays answers on their way. */
export class UnreliableAnswers implements Answers {
  readonly #late: Late[] = [];

  constructor(
    private readonly to: Answers,
    private readonly mishaps: NonNullable<Mishaps["feedback"]>,
    private readonly random: Random,
  ) {}

  failed(transaction: number, address: number, nowMs: number): void {
    this.#pass(nowMs, (atMs) => this.to.failed(transaction, address, atMs));
  }

  outcome(transaction: number, address: number, nanos: number, nowMs: number): void {
    this.#pass(nowMs, (atMs) => this.to.outcome(transaction, address, nanos, atMs));
  }

  confirmed(transaction: number, nowMs: number): void {
    this.#pass(nowMs, (atMs) => this.to.confirmed(transaction, atMs));
  }

  /** Hands over the answers that were held back until now. */
  step(nowMs: number): void {
    let kept = 0;
    for (const one of this.#late) {
      if (one.atMs <= nowMs) one.give(nowMs);
      else this.#late[kept++] = one;
    }
    this.#late.length = kept;
  }

  #pass(nowMs: number, give: (nowMs: number) => void): void {
    const { random, mishaps } = this;
    if (random.chance(mishaps.lost)) return;
    for (let times = random.chance(mishaps.repeated) ? 2 : 1; times > 0; times--) {
      if (random.chance(mishaps.late)) this.#late.push({ atMs: nowMs + random.between(0, mishaps.lateMs), give });
      else give(nowMs);
    }
  }
}
