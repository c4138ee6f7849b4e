// A packet's way out by rank alone: queue -> recently confirmed? -> output ring, as long as there is budget (engine.md, 6).
//
// A packet goes out in the turn in which it arrived where the budget has a token for it and nothing better waits. What waits
// goes out as tokens come, the best first. Where the ready heap is empty the best of the low heap are made ready.

import type { Producer } from "../channel/producer.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Queue } from "../rank/queue.ts";
import { GROUP } from "../shape/digest-layout.ts";
import type { Dispatch } from "./dispatch.ts";
import { CHOICE_INTERVAL_MS, READY_INTERVALS, READY_INTERVALS_MAX, READY_MIN, SENDS_PER_TURN } from "./settings.ts";
import type { TokenBucket } from "./token-bucket.ts";

/** A way of transmitting: by rank alone (here), in the reference's batches, or by a model's choice (chosen-transmit.ts). */
export interface Transmitter {
  setTargetPps(targetPps: number): void;

  /** Whether a turn at this time would put so many packets into an order that it should take none in. */
  ordersAt(now: number): boolean;

  /** Leaves no more ready than is meant to be: also where nothing can be sent. @returns whether there was too much */
  trim(): boolean;

  /**
   * Sends what may go out in this turn.
   * @returns packets looked at: 0 where there is nothing to do
   */
  turn(output: Producer, now: number): number;
}

/** How many packets are made ready at a time, and how many may be: the ready heap stays the smaller part of a full queue. */
export function readySizes(bucket: TokenBucket, queue: Queue): { kept: number; most: number } {
  const interval = bucket.of(CHOICE_INTERVAL_MS);
  const most = Math.max(Math.min(READY_MIN, queue.capacity >>> 2), READY_INTERVALS_MAX * interval);
  const bounded = Math.min(queue.capacity >>> 1, Math.floor(most));
  return { kept: Math.ceil((bounded * READY_INTERVALS) / READY_INTERVALS_MAX), most: bounded };
}

export class Transmit implements Transmitter {
  /** Keeps the loads of the touch phase alive. */
  touched = 0;

  #readyKept = 0;
  #readyMost = 0;
  #waits = false;

  constructor(
    private readonly bucket: TokenBucket,
    private readonly kernel: Kernel,
    private readonly queue: Queue,
    private readonly dispatch: Dispatch,
  ) {
    this.#size();
  }

  setTargetPps(targetPps: number): void {
    this.bucket.setTargetPps(targetPps);
    this.#size();
  }

  ordersAt(): boolean {
    const { queue } = this;
    if (queue.readySize > this.#readyMost) return true;
    return queue.readySize === 0 && queue.lowSize > SENDS_PER_TURN && this.bucket.tokens >= 1;
  }

  trim(): boolean {
    if (this.queue.readySize <= this.#readyMost) return false;
    this.queue.trim(this.#readyKept, this.kernel);
    return true;
  }

  turn(output: Producer, now: number): number {
    const { queue, bucket } = this;
    bucket.fill(now, this.#waits);
    if (this.trim()) return 1;
    let looked = 0;
    while (looked < SENDS_PER_TURN) {
      const room = Math.min(GROUP, SENDS_PER_TURN - looked, Math.floor(bucket.tokens));
      if (room < 1) break;
      if (queue.readySize === 0) {
        const ordered = queue.lowSize;
        if (queue.refill(this.#readyKept, this.kernel) === 0) break;
        // Ordering thousands is a turn's work: 0.2 to 0.4 ms.
        if (ordered > SENDS_PER_TURN) {
          looked += 1;
          break;
        }
      }
      looked += this.#group(output, queue.takeGroup(room), now);
    }
    this.#waits = queue.size > 0;
    if (looked > 0) output.sync();
    return looked;
  }

  #group(output: Producer, count: number, now: number): number {
    const { queue, dispatch, bucket } = this;
    const { slots } = queue;
    this.touched = dispatch.touch(queue.groupAt, count, slots.base, slots.slotBytes);
    for (let i = 0; i < count; i++) {
      const slot = queue.groupSlot(i);
      if (dispatch.offer(output, slots.at(slot), now)) bucket.tokens -= 1;
      slots.release(slot);
    }
    return count;
  }

  #size(): void {
    const { kept, most } = readySizes(this.bucket, this.queue);
    this.#readyKept = kept;
    this.#readyMost = most;
  }
}
