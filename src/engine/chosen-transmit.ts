// A packet's way out where the model chooses (rank/chooser.ts). Whatever is ready is offered to the model, best first, as long
// as there is budget: a good packet goes out in the turn in which it arrived.
//
// Beside that everything that waits is scored anew with what was learned since it arrived, and put into an order: the full
// choice, once an interval. Its best become ready, the rest goes back into the low heap. Its steps are cut into slices of a
// turn: scoring, ordering, placing. What arrives meanwhile is sent or waits as ever, and what was ready stays so until
// everything else has its new score.

import type { Producer } from "../channel/producer.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { CHOICE_COPY, CHOICE_KEEP, CHOICE_ROOM, CHOICE_SIBLING, type Chooser } from "../rank/chooser.ts";
import type { Queue } from "../rank/queue.ts";
import type { Arena } from "../shape/arena.ts";
import { GROUP, SCORE_AT } from "../shape/digest-layout.ts";
import { END_COPY, END_LEAKED, END_SIBLING } from "../shape/ends.ts";
import { STAT } from "../shape/statistics.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Ends } from "./ends.ts";
import type { OperatorRules } from "./operator-rules.ts";
import { CHOICE_INTERVAL_MS, CHOICES_PER_TURN, KEEPS_PER_TURN, RESCORES_PER_TURN, SENDS_PER_TURN } from "./settings.ts";
import type { TokenBucket } from "./token-bucket.ts";
import { readySizes, type Transmitter } from "./transmit.ts";
import { record } from "./turn-times.ts";

const IDLE = 0;
const SCORING = 1;
const ORDERING = 2;
const PLACING = 3;
const MICROS_PER_MS = 1_000;
/** Above every score: the model wants it first. */
const FAVOURED = Number.MAX_VALUE;

export class ChosenTransmit implements Transmitter {
  /** Keeps the loads of the touch phase alive. */
  touched = 0;

  readonly #f64: Float64Array;
  readonly #intervalMs: number;
  #readyKept = 0;
  #readyMost = 0;
  #waits = false;
  // The full choice: its step, the next place to score, and how many of the first places the model wants first.
  #step = IDLE;
  #place = 0;
  #hasReady = false;
  #favoured = 0;
  #placed = 0;
  #lowestReady = 0;
  #startedMs = Number.NEGATIVE_INFINITY;

  /** @param batchMs where packets are sent in ticks, their interval; else 0 */
  constructor(
    arena: Arena,
    private readonly bucket: TokenBucket,
    private readonly batchMs: number,
    private readonly kernel: Kernel,
    private readonly counters: Float64Array,
    private readonly queue: Queue,
    private readonly dispatch: Dispatch,
    private readonly chooser: Chooser,
    private readonly ends: Ends,
    private readonly rules: OperatorRules | null,
    private readonly timesWord: number,
  ) {
    this.#f64 = arena.f64;
    this.#intervalMs = batchMs > 0 ? batchMs : CHOICE_INTERVAL_MS;
    if (batchMs > 0) queue.readyFrom = Number.POSITIVE_INFINITY;
    this.#size();
  }

  setTargetPps(targetPps: number): void {
    this.bucket.setTargetPps(targetPps);
    this.#size();
  }

  ordersAt(): boolean {
    const { queue } = this;
    return queue.readySize > this.#readyMost || (this.#step === ORDERING && queue.outgoing > SENDS_PER_TURN);
  }

  trim(): boolean {
    if (this.queue.readySize <= this.#readyMost) return false;
    this.queue.trim(this.#readyKept, this.kernel);
    return true;
  }

  turn(output: Producer, now: number): number {
    const { queue, bucket } = this;
    if (this.batchMs === 0) bucket.fill(now, this.#waits);
    if (this.trim()) return 1;
    const looked = this.#send(output, now) + this.#choice(now);
    this.#waits = queue.size + queue.outgoing > 0;
    return looked;
  }

  // --- What is ready goes out ---

  #send(output: Producer, now: number): number {
    const { queue, bucket, chooser } = this;
    let looked = 0;
    while (looked < CHOICES_PER_TURN && queue.readySize > 0) {
      const most = Math.min(GROUP, CHOICES_PER_TURN - looked, Math.floor(bucket.tokens));
      if (most < 1) {
        chooser.stopped(false);
        break;
      }
      if (!chooser.hasRoom()) {
        chooser.stopped(true);
        break;
      }
      const taken = queue.takeGroup(most);
      const done = this.#group(output, taken, now);
      looked += done;
      if (done < taken) {
        chooser.stopped(true);
        break;
      }
    }
    if (looked > 0) output.sync();
    return looked;
  }

  #group(output: Producer, count: number, now: number): number {
    const { queue, chooser, dispatch, bucket } = this;
    const { slots } = queue;
    const { base, slotBytes } = slots;
    this.touched =
      chooser.touchAgain(this.kernel, queue.groupAt, count, base, slotBytes) +
      dispatch.touch(queue.groupAt, count, base, slotBytes);
    for (let i = 0; i < count; i++) {
      const slot = queue.groupSlot(i);
      const at = slots.at(slot);
      const choice = chooser.choose(at, queue.groupScores[i] === FAVOURED);
      if (choice === CHOICE_ROOM) {
        for (let left = i; left < count; left++) queue.putBack(left);
        return i;
      }
      if (choice === CHOICE_KEEP) {
        this.counters[STAT.withheld]++;
        queue.layDown(i);
        continue;
      }
      if (choice === CHOICE_COPY) {
        this.ends.close(at, END_COPY, now);
      } else if (choice === CHOICE_SIBLING) {
        this.ends.close(at, END_SIBLING, now);
      } else if (dispatch.offer(output, at, now)) {
        chooser.sent(at);
        bucket.tokens -= 1;
      }
      slots.release(slot);
    }
    return count;
  }

  // --- The full choice ---

  /** A slice of it. @returns packets looked at */
  #choice(now: number): number {
    if (this.#step === SCORING) return this.#score();
    if (this.#step === ORDERING) return this.#order();
    if (this.#step === PLACING) return this.#putDown(now);
    if (now - this.#startedMs < this.#intervalMs || this.queue.size === 0) return 0;
    this.#begin(now);
    return this.#score();
  }

  #begin(now: number): void {
    const { bucket, queue } = this;
    this.#startedMs = now;
    this.#place = 0;
    this.#hasReady = false;
    queue.takeAll();
    // One interval's budgets, however late it is: what was missed cannot be sent twice as fast.
    if (this.batchMs > 0) bucket.tokens = Math.floor(bucket.of(this.batchMs));
    this.chooser.begin(now, bucket.of(this.#intervalMs), this.#intervalMs);
    this.#step = SCORING;
  }

  #score(): number {
    const { queue } = this;
    const end = Math.min(queue.outgoing, this.#place + RESCORES_PER_TURN);
    const looked = end - this.#place;
    for (let from = this.#place; from < end; from += GROUP) this.#scoreGroup(from, Math.min(end, from + GROUP));
    this.#place = end;
    if (end < queue.outgoing) return looked;
    if (!this.#hasReady) {
      this.#hasReady = true;
      queue.takeReady();
      if (end < queue.outgoing) return looked + 1;
    }
    this.#step = ORDERING;
    return queue.outgoing > SENDS_PER_TURN ? looked + 1 : looked + this.#order();
  }

  #scoreGroup(from: number, end: number): void {
    const { queue, chooser } = this;
    const { base, slotBytes } = queue.slots;
    this.touched = chooser.touchAgain(this.kernel, queue.outgoingAt(from), end - from, base, slotBytes);
    for (let place = from; place < end; place++) {
      const at = queue.slots.at(queue.outgoingSlot(place));
      const found = chooser.rescore(at, place);
      const score = this.rules === null ? found : this.rules.rank(at, found);
      this.#f64[(at + SCORE_AT) >>> 3] = score;
      queue.rescored(place, score);
    }
  }

  #order(): number {
    const { queue, chooser } = this;
    this.#favoured = 0;
    for (let place = chooser.favoured(); place >= 0; place = chooser.favoured()) {
      queue.rescored(place, FAVOURED);
      this.#favoured += 1;
    }
    queue.orderOutgoing(this.kernel);
    this.#placed = 0;
    this.#step = PLACING;
    return 1;
  }

  /** Makes the best ready, and lays the rest down in rising order. */
  #putDown(now: number): number {
    const { queue } = this;
    const { slots } = queue;
    const count = Math.min(queue.outgoing, KEEPS_PER_TURN);
    for (let i = 0; i < count; i++) {
      let dropped = -1;
      if (this.#placed < this.#readyKept) {
        const slot = queue.nextOutgoing();
        const score = this.#f64[(slots.at(slot) + SCORE_AT) >>> 3];
        dropped = queue.makeReady(slot, this.#placed < this.#favoured ? FAVOURED : score);
        this.#placed += 1;
        this.#lowestReady = score;
      } else dropped = queue.keep(queue.lastOutgoing());
      if (dropped >= 0) this.ends.close(slots.at(dropped), END_LEAKED, now);
    }
    if (queue.outgoing === 0) this.#end(now);
    return count;
  }

  #end(now: number): void {
    const { queue, counters } = this;
    this.#step = IDLE;
    if (this.batchMs === 0)
      queue.readyFrom = this.#placed < this.#readyKept ? Number.NEGATIVE_INFINITY : this.#lowestReady;
    this.chooser.end(now);
    record(counters, this.timesWord, (now - this.#startedMs) * MICROS_PER_MS);
    counters[STAT.transmits]++;
  }

  #size(): void {
    const { kept, most } = readySizes(this.bucket, this.queue);
    this.#readyKept = kept;
    this.#readyMost = most;
    this.chooser.setTarget(this.bucket.of(1));
  }
}
