// A packet's way out where the model chooses (rank/chooser.ts): all that is queued is scored anew with what was learned since
// it arrived, ordered, and offered to the model in falling order; what it does not send goes back into the queue.
//
// Each of the steps is cut into slices of a turn: scoring, choosing, putting back. What arrives meanwhile fills the heap.

import type { Producer } from "../channel/producer.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { CHOICE_COPY, CHOICE_KEEP, CHOICE_SIBLING, CHOICE_STOP, type Chooser } from "../rank/chooser.ts";
import type { Queue } from "../rank/queue.ts";
import type { Arena } from "../shape/arena.ts";
import { GROUP, SCORE_AT } from "../shape/digest-layout.ts";
import { END_COPY, END_LEAKED, END_SIBLING } from "../shape/ends.ts";
import { STAT } from "../shape/statistics.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Ends } from "./ends.ts";
import type { OperatorRules } from "./operator-rules.ts";
import { CHOICES_PER_TURN, KEEPS_PER_TURN, maxSendOf, RESCORES_PER_TURN, TRANSMIT_INTERVAL_MS } from "./settings.ts";
import type { Transmitter } from "./transmit.ts";
import { record } from "./turn-times.ts";

const IDLE = 0;
const SCORING = 1;
const CHOOSING = 2;
const KEEPING = 3;
const MICROS_PER_MS = 1_000;
/** Above every score: the model wants it first. */
const FAVOURED = Number.MAX_VALUE;

export class ChosenTransmit implements Transmitter {
  /** Keeps the loads of the touch phase alive. */
  touched = 0;

  readonly #f64: Float64Array;
  #maxSend: number;
  #step = IDLE;
  #place = 0;
  #sent = 0;
  #startedMs = Number.NEGATIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(
    arena: Arena,
    targetPps: number,
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
    this.#maxSend = maxSendOf(targetPps);
  }

  setTargetPps(targetPps: number): void {
    this.#maxSend = maxSendOf(targetPps);
  }

  turn(output: Producer, now: number): number {
    if (this.#step === IDLE && !this.#begin(now)) return 0;
    if (this.#step === SCORING) return this.#score();
    if (this.#step === CHOOSING) return this.#choose(output, now);
    return this.#keepRest(now);
  }

  #begin(now: number): boolean {
    if (now - this.#lastMs < TRANSMIT_INTERVAL_MS || this.queue.size === 0) return false;
    // A tick that finds nothing to send is not tried again at once: scoring thousands of packets costs.
    this.#lastMs = now;
    this.#startedMs = now;
    this.#sent = 0;
    this.#place = 0;
    this.queue.takeAll();
    // One interval's budgets, however late the tick is: what was missed cannot be sent twice as fast.
    this.chooser.begin(now, this.#maxSend, TRANSMIT_INTERVAL_MS);
    this.#step = SCORING;
    return true;
  }

  #score(): number {
    const { queue, chooser } = this;
    const all = queue.outgoing;
    const end = Math.min(all, this.#place + RESCORES_PER_TURN);
    const looked = end - this.#place;
    for (let from = this.#place; from < end; from += GROUP) this.#scoreGroup(from, Math.min(end, from + GROUP));
    this.#place = end;
    if (end < all) return looked;
    for (let place = chooser.favoured(); place >= 0; place = chooser.favoured()) queue.rescored(place, FAVOURED);
    queue.orderOutgoing(this.kernel);
    this.#step = CHOOSING;
    return looked;
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

  #choose(output: Producer, now: number): number {
    const { queue, chooser, dispatch } = this;
    const count = Math.min(queue.outgoing, CHOICES_PER_TURN);
    let looked = 0;
    for (; looked < count; looked++) {
      if (looked % GROUP === 0) this.#touchNext(Math.min(GROUP, count - looked));
      const at = queue.slots.at(queue.outgoingSlot(0));
      const choice = chooser.choose(at);
      if (choice === CHOICE_STOP) {
        this.#step = KEEPING;
        break;
      }
      const slot = queue.nextOutgoing();
      if (choice === CHOICE_KEEP) {
        this.counters[STAT.withheld]++;
        this.#keep(slot, now);
        continue;
      }
      if (choice === CHOICE_COPY) {
        this.ends.close(at, END_COPY, now);
      } else if (choice === CHOICE_SIBLING) {
        this.ends.close(at, END_SIBLING, now);
      } else if (dispatch.offer(output, at, now)) {
        chooser.sent(at);
        this.#sent += 1;
      }
      queue.release(slot);
    }
    output.sync();
    if (queue.outgoing === 0) this.#end(now);
    return looked + 1;
  }

  /** Loads what choosing and sending the next ones will read. */
  #touchNext(count: number): void {
    const { queue, chooser, dispatch } = this;
    const { base, slotBytes } = queue.slots;
    const next = queue.outgoingAt(0);
    this.touched =
      chooser.touchAgain(this.kernel, next, count, base, slotBytes) + dispatch.touch(next, count, base, slotBytes);
  }

  #keepRest(now: number): number {
    const { queue } = this;
    const count = Math.min(queue.outgoing, KEEPS_PER_TURN);
    for (let i = 0; i < count; i++) this.#keep(queue.nextOutgoing(), now);
    if (queue.outgoing === 0) this.#end(now);
    return count;
  }

  #keep(slot: number, now: number): void {
    const dropped = this.queue.keep(slot);
    if (dropped >= 0) this.ends.close(this.queue.slots.at(dropped), END_LEAKED, now);
  }

  #end(now: number): void {
    this.#step = IDLE;
    this.chooser.end(now);
    if (this.#sent === 0) return;
    record(this.counters, this.timesWord, (now - this.#startedMs) * MICROS_PER_MS);
    this.counters[STAT.transmits]++;
    this.#lastMs = this.#startedMs;
  }
}
