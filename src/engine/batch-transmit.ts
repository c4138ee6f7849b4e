// The reference's way out (`--batch-interval`, engine.md 6): queue -> recently confirmed? -> output ring, in ticks.
//
// Every interval, whether or not packets arrive, the queue's best are put into an order and sent in slices of at most
// SENDS_PER_TURN a turn, so that 16,383 packets never hold up the loop. The interval restarts only if something was sent.

import type { Producer } from "../channel/producer.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Queue } from "../rank/queue.ts";
import { GROUP } from "../shape/digest-layout.ts";
import { STAT } from "../shape/statistics.ts";
import type { Dispatch } from "./dispatch.ts";
import { SENDS_PER_TURN } from "./settings.ts";
import type { Transmitter } from "./transmit.ts";
import { record } from "./turn-times.ts";

const MICROS_PER_MS = 1_000;

export class BatchTransmit implements Transmitter {
  /** Keeps the loads of the touch phase alive. */
  touched = 0;

  #maxSend = 0;
  #sending = false;
  #startedMs = Number.NEGATIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  #sent = 0;
  /** What the queue held beyond the batch when the transmit began: who arrives during it is no part of it. */
  #leftBehind = 0;

  /** @param intervalMs from one tick to the next */
  constructor(
    targetPps: number,
    private readonly intervalMs: number,
    private readonly kernel: Kernel,
    private readonly counters: Float64Array,
    private readonly queue: Queue,
    private readonly dispatch: Dispatch,
    private readonly timesWord: number,
  ) {
    queue.readyFrom = Number.POSITIVE_INFINITY;
    this.setTargetPps(targetPps);
  }

  setTargetPps(targetPps: number): void {
    this.#maxSend = Math.floor((targetPps * this.intervalMs) / 1_000);
  }

  ordersAt(now: number): boolean {
    return !this.#sending && now - this.#lastMs >= this.intervalMs && this.queue.size > SENDS_PER_TURN;
  }

  /** Nothing is ever ready. */
  trim(): boolean {
    return false;
  }

  turn(output: Producer, now: number): number {
    if (!this.#sending) {
      if (now - this.#lastMs < this.intervalMs || this.queue.size === 0) return 0;
      this.#begin(now);
      // Ordering thousands is a turn's work: 0.2 to 0.4 ms.
      if (this.queue.outgoing > SENDS_PER_TURN) return 1;
    }
    let looked = 0;
    while (this.#sending && looked < SENDS_PER_TURN) {
      const count = Math.min(GROUP, this.queue.outgoing, SENDS_PER_TURN - looked);
      this.#group(output, count, now);
      looked += count;
      if (this.queue.outgoing === 0 && !this.#takeMore()) this.#end(now);
    }
    output.sync();
    return looked;
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

  #end(now: number): void {
    this.#sending = false;
    if (this.#sent === 0) return;
    record(this.counters, this.timesWord, (now - this.#startedMs) * MICROS_PER_MS);
    this.counters[STAT.transmits]++;
    this.#lastMs = this.#startedMs;
  }

  #group(output: Producer, count: number, now: number): void {
    const { queue, dispatch } = this;
    this.touched = dispatch.touch(queue.outgoingAt(0), count, queue.slots.base, queue.slots.slotBytes);
    for (let i = 0; i < count; i++) {
      const slot = queue.nextOutgoing();
      if (dispatch.offer(output, queue.slots.at(slot), now)) this.#sent += 1;
      queue.release(slot);
    }
  }
}
