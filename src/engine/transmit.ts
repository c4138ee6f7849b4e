// A packet's way out: queue -> recently confirmed? -> output ring (engine.md, 6).
//
// Every 100 ms, whether or not packets arrive, the queue's best are put into an order and sent in slices of at most
// SENDS_PER_TURN a turn, so that 16,383 packets never hold up the loop. The 100 ms restart only where something was sent.

import type { Arena } from "../arena.ts";
import type { Producer } from "../channel/producer.ts";
import type { PartialMetas } from "../join/partial-metas.ts";
import type { RecentFilter } from "../join/recent-filter.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { ArenaLayout } from "../layout.ts";
import type { Queue } from "../rank/queue.ts";
import { END_EXPIRED, END_RECENTLY_PROCESSED_QUEUED, END_TRANSMITTED } from "../records/ends.ts";
import type { Outlet } from "../records/outlet.ts";
import { NOT_TRANSMITTED } from "../records/record-layout.ts";
import { ARRIVAL_AT, DIGEST_BYTES, GROUP, SIGNATURE_KEY_AT, SIGNATURE_MIX_AT } from "../wire/digest-layout.ts";
import { type EngineSettings, maxSendOf, SENDS_PER_TURN, TRANSMIT_INTERVAL_MS } from "./settings.ts";
import { STAT } from "./statistics.ts";

export class Transmit {
  /** Keeps the loads of the touch phase alive. */
  touched = 0;

  readonly #u8: Uint8Array;
  readonly #f64: Float64Array;
  readonly #packetBytes: number;
  #maxSend: number;
  #maxAgeMs: number;
  #sending = false;
  #startedMs = Number.NEGATIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #sent = 0;
  /** What the queue held beyond the batch when the transmit began: who arrives during it is no part of it. */
  #leftBehind = 0;

  constructor(
    arena: Arena,
    layout: ArenaLayout,
    settings: EngineSettings,
    private readonly kernel: Kernel,
    private readonly counters: Float64Array,
    private readonly recent: RecentFilter,
    private readonly metas: PartialMetas,
    private readonly queue: Queue,
    private readonly outlet: Outlet,
  ) {
    this.#u8 = arena.u8;
    this.#f64 = arena.f64;
    this.#packetBytes = layout.channels[0]!.elementBytes;
    this.#maxSend = maxSendOf(settings.targetPps);
    this.#maxAgeMs = settings.maxAgeMs;
  }

  setTargetPps(targetPps: number): void {
    this.#maxSend = maxSendOf(targetPps);
  }

  /** Drops what is too old from the heap, also where nothing can be sent. Looks at most once in 100 ms. */
  expire(now: number): void {
    if (now - this.#lookedMs < TRANSMIT_INTERVAL_MS) return;
    this.#lookedMs = now;
    const expired = this.queue.expire(now - this.#maxAgeMs);
    this.counters[STAT.expired]! += expired;
    if (!this.outlet.fates) return;
    for (let i = 0; i < expired; i++) this.#ended(this.queue.slotAt(this.queue.expiredSlot(i)), END_EXPIRED, now);
  }

  /**
   * Sends one slice, where it is time.
   * @returns packets sent
   */
  turn(output: Producer, now: number): number {
    if (!this.#sending) {
      if (now - this.#lastMs < TRANSMIT_INTERVAL_MS || this.queue.size === 0) return 0;
      this.#begin(now);
    }
    let sent = 0;
    let looked = 0;
    while (this.#sending && looked < SENDS_PER_TURN) {
      const count = Math.min(GROUP, this.queue.outgoing, SENDS_PER_TURN - looked);
      sent += this.#group(output, count, now);
      looked += count;
      if (this.queue.outgoing === 0 && !this.#takeMore()) this.#end();
    }
    output.sync();
    return sent;
  }

  #begin(now: number): void {
    this.#startedMs = now;
    this.#sent = 0;
    this.#sending = this.queue.take(this.#maxSend, this.kernel) > 0;
    this.#leftBehind = this.queue.size;
  }

  /**
   * Skipped packets leave room in the batch for the next best. Not for more than stood there at the start: a queue that was
   * taken whole would otherwise go on with packets that arrived meanwhile, and the batch's order would rise again.
   */
  #takeMore(): boolean {
    const room = Math.min(this.#maxSend - this.#sent, this.#leftBehind, this.queue.size);
    if (room <= 0) return false;
    const taken = this.queue.take(room, this.kernel);
    this.#leftBehind -= taken;
    return taken > 0;
  }

  #end(): void {
    this.#sending = false;
    if (this.#sent === 0) return;
    this.counters[STAT.transmits]!++;
    this.#lastMs = this.#startedMs;
  }

  #group(output: Producer, count: number, now: number): number {
    const { queue, recent, counters, outlet, metas } = this;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const at = queue.slotAt(queue.outgoingSlot(i));
      touched += recent.touch(at + SIGNATURE_MIX_AT);
      if (outlet.open) touched += metas.touch(at);
    }
    this.touched = touched;
    let sent = 0;
    for (let i = 0; i < count; i++) {
      const slot = queue.nextOutgoing();
      const at = queue.slotAt(slot);
      if (recent.has(at + SIGNATURE_KEY_AT, at + SIGNATURE_MIX_AT)) {
        counters[STAT.recentlyProcessedQueued]!++;
        if (outlet.fates) this.#ended(at, END_RECENTLY_PROCESSED_QUEUED, now);
      } else if (now - this.#f64[(at + ARRIVAL_AT) >>> 3]! > this.#maxAgeMs) {
        counters[STAT.expired]!++;
        if (outlet.fates) this.#ended(at, END_EXPIRED, now);
      } else {
        this.#u8.copyWithin(output.reserve(), at + DIGEST_BYTES, at + DIGEST_BYTES + this.#packetBytes);
        output.commit();
        counters[STAT.bankingTransmissions]!++;
        if (outlet.open) this.#recordSent(at, now);
        sent += 1;
      }
      queue.release(slot);
    }
    this.#sent += sent;
    return sent;
  }

  #ended(at: number, end: number, now: number): void {
    this.outlet.fate(at, end, now, NOT_TRANSMITTED);
  }

  /** The fate, and the time in the partial meta, for the record of the outcome. */
  #recordSent(at: number, now: number): void {
    const { outlet } = this;
    if (outlet.fates) outlet.fate(at, END_TRANSMITTED, now, now);
    const meta = this.metas.find(at);
    if (meta !== 0) outlet.transmitted(meta, now);
  }
}
