// A packet's way out: queue -> recently confirmed? -> output ring (engine.md, 6).
//
// Every 100 ms, whether or not packets arrive, the queue's best are put into an order and sent in slices of at most
// SENDS_PER_TURN a turn, so that 16,383 packets never hold up the loop. The 100 ms restart only where something was sent.

import type { Arena } from "../arena.ts";
import type { Producer } from "../channel/producer.ts";
import type { RecentFilter } from "../join/recent-filter.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { ArenaLayout } from "../layout.ts";
import type { Queue } from "../rank/queue.ts";
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
    private readonly queue: Queue,
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
    this.counters[STAT.expired]! += this.queue.expire(now - this.#maxAgeMs);
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
    const { queue, recent, counters } = this;
    let touched = 0;
    for (let i = 0; i < count; i++) touched += recent.touch(queue.slotAt(queue.outgoingSlot(i)) + SIGNATURE_MIX_AT);
    this.touched = touched;
    let sent = 0;
    for (let i = 0; i < count; i++) {
      const slot = queue.nextOutgoing();
      const at = queue.slotAt(slot);
      if (recent.has(at + SIGNATURE_KEY_AT, at + SIGNATURE_MIX_AT)) {
        counters[STAT.recentlyProcessedQueued]!++;
      } else if (now - this.#f64[(at + ARRIVAL_AT) >>> 3]! > this.#maxAgeMs) {
        counters[STAT.expired]!++;
      } else {
        this.#u8.copyWithin(output.reserve(), at + DIGEST_BYTES, at + DIGEST_BYTES + this.#packetBytes);
        output.commit();
        counters[STAT.bankingTransmissions]!++;
        sent += 1;
      }
      queue.release(slot);
    }
    this.#sent += sent;
    return sent;
  }
}
