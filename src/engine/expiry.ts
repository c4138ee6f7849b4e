// Packets that waited too long leave the queue (`--max-age`), also where nothing can be sent.

import type { Queue } from "../rank/queue.ts";
import { END_EXPIRED } from "../shape/ends.ts";
import type { Ends } from "./ends.ts";
import { EXPIRY_INTERVAL_MS } from "./settings.ts";

export class Expiry {
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly maxAgeMs: number,
    private readonly queue: Queue,
    private readonly ends: Ends,
  ) {}

  readonly #left = (slot: number): void => this.ends.close(this.queue.slots.at(slot), END_EXPIRED, this.#lookedMs);

  /** Drops what is too old. Looks at most once in 100 ms. */
  turn(now: number): void {
    if (now - this.#lookedMs < EXPIRY_INTERVAL_MS) return;
    this.#lookedMs = now;
    this.queue.expire(now - this.maxAgeMs, this.#left);
  }
}
