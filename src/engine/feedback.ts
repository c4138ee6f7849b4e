// What comes back: outcomes from the scheduler, failed packets from sigverify, confirmed signatures from the status cache
// (engine.md, 5.4, 7 and 8). Each source is copied out or digested first and believed only after its lap check.

import type { Consumer } from "../channel/consumer.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Model } from "../rank/model.ts";
import type { Outlet } from "../records/outlet.ts";
import type { Arena } from "../shape/arena.ts";
import { DIGEST_BYTES, GROUP, REASON_AT } from "../shape/digest-layout.ts";
import {
  CONFIRMED_ENTRY_BYTES,
  CONFIRMED_KEY_AT,
  CONFIRMED_MIX_AT,
  OUTCOME_ENTRY_BYTES,
  OUTCOME_HASH_AT,
  OUTCOME_MIX_AT,
  OUTCOME_NANOS_AT,
} from "../shape/entry-layout.ts";
import type { ArenaLayout } from "../shape/layout.ts";
import { NON_IPV4 } from "../shape/reason-codes.ts";
import { STAT } from "../shape/statistics.ts";
import type { PartialMetas } from "../stores/partial-metas.ts";
import type { RecentFilter } from "../stores/recent-filter.ts";
import { OUTCOMES_PER_UPDATE } from "./settings.ts";

export class Feedback {
  /** Keeps the loads of the touch phases alive. */
  touched = 0;

  readonly #u8: Uint8Array;
  readonly #f64: Float64Array;
  readonly #context: number;
  readonly #entries: number;
  readonly #packetBytes: number;

  constructor(
    arena: Arena,
    layout: ArenaLayout,
    private readonly kernel: Kernel,
    private readonly counters: Float64Array,
    private readonly recent: RecentFilter,
    private readonly metas: PartialMetas,
    private readonly model: Model,
    private readonly outlet: Outlet,
  ) {
    this.#u8 = arena.u8;
    this.#f64 = arena.f64;
    this.#context = layout.contextAt;
    this.#entries = layout.digestsAt; // entries are smaller than digests
    this.#packetBytes = layout.channels[0].elementBytes;
  }

  /** Reads remaining metas. A batch that is full is learned from at once, and the rest waits for the next turn. */
  outcomes(consumer: Consumer, now: number, budget: number): number {
    let taken = 0;
    while (taken < budget) {
      const count = consumer.readable(Math.min(GROUP, budget - taken));
      if (count === 0) break;
      this.kernel.digestOutcomes(consumer.addressOf(0), count, this.#entries, this.#context);
      const from = this.#settle(consumer, count);
      taken += from;
      this.#touchMetas(from, count);
      for (let i = from; i < count; i++) {
        consumer.take(1);
        taken += 1;
        this.#complete(this.#entries + i * OUTCOME_ENTRY_BYTES, now);
        if (this.model.pending > OUTCOMES_PER_UPDATE) {
          this.model.learn();
          this.counters[STAT.modelUpdates]++;
          return taken;
        }
      }
    }
    return taken;
  }

  /** Reads packets whose signature failed. */
  failed(consumer: Consumer, now: number, budget: number): number {
    let taken = 0;
    while (taken < budget) {
      const count = consumer.readable(Math.min(GROUP, budget - taken));
      if (count === 0) break;
      this.kernel.digest(consumer.addressOf(0), count, this.#packetBytes, this.#entries, this.#context);
      for (let i = this.#settle(consumer, count); i < count; i++) {
        const digest = this.#entries + i * DIGEST_BYTES;
        consumer.take(1);
        this.counters[STAT.sigverifyFeedback]++;
        if (this.#u8[digest + REASON_AT] !== NON_IPV4) this.model.failedSignature(digest);
        if (this.outlet.open) this.#recordFailed(digest, now);
      }
      taken += count;
    }
    return taken;
  }

  #recordFailed(digest: number, now: number): void {
    const known = this.#u8[digest + REASON_AT] === 0 ? this.metas.find(digest) : 0;
    this.outlet.failed(digest, known, now);
  }

  /** Reads confirmed signatures into the recent filter. */
  confirmed(consumer: Consumer, budget: number): number {
    let taken = 0;
    while (taken < budget) {
      const count = consumer.readable(Math.min(GROUP, budget - taken));
      if (count === 0) break;
      this.kernel.digestSignatures(consumer.addressOf(0), count, this.#entries, this.#context);
      const from = this.#settle(consumer, count);
      this.#remember(from, count);
      consumer.take(count - from);
      this.counters[STAT.recentSignaturesReceived] += count - from;
      taken += count;
    }
    return taken;
  }

  /** The lap check after a group was read. @returns the index of the first element that is whole */
  #settle(consumer: Consumer, count: number): number {
    const torn = Math.min(consumer.overrun(), count);
    if (torn > 0) consumer.drop(torn);
    return torn;
  }

  #remember(from: number, count: number): void {
    const { recent } = this;
    let entry = this.#entries + from * CONFIRMED_ENTRY_BYTES;
    this.touched =
      recent.lru.touch(entry + CONFIRMED_MIX_AT, CONFIRMED_ENTRY_BYTES, count - from) +
      recent.lru.touchVictims(count - from);
    for (let i = from; i < count; i++, entry += CONFIRMED_ENTRY_BYTES) {
      recent.put(entry + CONFIRMED_KEY_AT, entry + CONFIRMED_MIX_AT);
    }
  }

  #touchMetas(from: number, count: number): void {
    const mixes = this.#entries + from * OUTCOME_ENTRY_BYTES + OUTCOME_MIX_AT;
    this.touched = this.metas.lru.touch(mixes, OUTCOME_ENTRY_BYTES, count - from);
  }

  #complete(entry: number, now: number): void {
    const meta = this.metas.findByHash(entry + OUTCOME_HASH_AT, entry + OUTCOME_MIX_AT);
    if (meta === 0) {
      this.counters[STAT.unknownOutcomes]++;
      return;
    }
    const nanos = this.#f64[(entry + OUTCOME_NANOS_AT) >>> 3];
    this.counters[STAT.completed]++;
    if (nanos > 0) this.counters[STAT.included]++;
    this.model.outcome(meta, nanos);
    if (this.outlet.open) this.outlet.outcome(meta, nanos, now);
    this.metas.remove(meta);
  }
}
