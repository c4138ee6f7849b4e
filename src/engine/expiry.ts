// Packets that waited too long leave the queue (`--max-age`), also where nothing can be sent.

import type { Queue } from "../rank/queue.ts";
import type { Outlet } from "../records/outlet.ts";
import { END_EXPIRED } from "../shape/ends.ts";
import { NOT_TRANSMITTED } from "../shape/record-layout.ts";
import { STAT } from "../shape/statistics.ts";
import { TRANSMIT_INTERVAL_MS } from "./settings.ts";

export class Expiry {
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly maxAgeMs: number,
    private readonly counters: Float64Array,
    private readonly queue: Queue,
    private readonly outlet: Outlet,
  ) {}

  /** Drops what is too old. Looks at most once in 100 ms. */
  turn(now: number): void {
    if (now - this.#lookedMs < TRANSMIT_INTERVAL_MS) return;
    this.#lookedMs = now;
    const { queue, outlet } = this;
    const expired = queue.expire(now - this.maxAgeMs);
    this.counters[STAT.expired] += expired;
    if (!outlet.fates) return;
    for (let i = 0; i < expired; i++)
      outlet.fate(queue.slotAt(queue.expiredSlot(i)), END_EXPIRED, now, NOT_TRANSMITTED);
  }
}
