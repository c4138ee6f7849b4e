// What must hold after every step of a virtual run, whatever the traffic and the mishaps: the law of the counters, the
// channels' books, the queue's order and bound, and the stores' bounds. The stores must forget the oldest first, and no sooner
// than they have to.

import type { PlainEngine } from "../engine/plain.ts";
import { CHANNELS, FAILED_CHANNEL, INPUT_CHANNELS, OUTCOME_CHANNEL, PACKET_CHANNELS } from "../shape/channels.ts";
import { STAT, STATISTICS } from "../shape/statistics.ts";

/** Something that must hold does not. The message says what, with the numbers. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

const ENDS = STATISTICS.flatMap((row, index) => (row.kind === "end" ? [index] : []));
/** A small heap is checked after every step, a larger one this often. Everything else is checked after every step. */
const SMALL_HEAP = 2_048;
const LARGE_HEAP_INTERVAL_MS = 50;

function hold(condition: boolean, what: () => string): void {
  if (!condition) throw new InvariantError(what());
}

export class Invariants {
  /** Outcomes sent to this engine that it must still be able to join. */
  mustComplete = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly parts: PlainEngine,
    /** Says what is wrong with the model's own tables, if anything. */
    private readonly modelProblem: () => string | undefined,
  ) {}

  /**
   * After a step, while the engine is between packets.
   * @param rested the engine has read all that its channels held
   */
  check(nowMs: number, rested: boolean): void {
    const { engine } = this.parts;
    engine.publish(nowMs);
    this.#law();
    this.#channels(rested);
    this.#bounds();
    const problem = this.modelProblem();
    hold(problem === undefined, () => problem ?? "");
    if (engine.queue.size > SMALL_HEAP && nowMs - this.#lookedMs < LARGE_HEAP_INTERVAL_MS) return;
    this.#lookedMs = nowMs;
    this.#heap();
  }

  /** Packets end in exactly one way. */
  #law(): void {
    const { words } = this.parts.engine.status;
    const { queue } = this.parts.engine;
    let sum = queue.size + queue.outgoing;
    for (const index of ENDS) sum += words[index];
    const total = words[STAT.totalPackets];
    hold(total === sum, () => `the law: ${total} packets were taken and ${sum} are accounted for`);
  }

  /** received + lapped = the tail, once drained; and the packets that were received are those that were counted. */
  #channels(rested: boolean): void {
    const { engine, producers, output } = this.parts;
    const { words } = engine.status;
    let received = 0;
    for (const id of INPUT_CHANNELS) {
      const word = engine.status.channelWord(id);
      const [got, lapped, torn] = [words[word + 1], words[word + 2], words[word + 3]];
      const { tail } = producers[id];
      const name = CHANNELS[id].name;
      hold(got + lapped <= tail, () => `${name}: ${got} received and ${lapped} lapped of ${tail} sent`);
      hold(torn <= lapped, () => `${name}: ${torn} torn of ${lapped} lapped`);
      if (rested)
        hold(got + lapped === tail, () => `${name}: ${got} received + ${lapped} lapped, and ${tail} were sent`);
      if (PACKET_CHANNELS.some((one) => one === id)) received += got;
    }
    const total = words[STAT.totalPackets];
    hold(received === total, () => `${received} packets were received and ${total} counted`);
    const sent = words[STAT.bankingTransmissions];
    hold(output.tail <= sent, () => `${output.tail} packets came out and ${sent} were counted as sent`);
    const outcomes = words[engine.status.channelWord(OUTCOME_CHANNEL) + 1];
    const joined = words[STAT.completed] + words[STAT.unknownOutcomes];
    hold(outcomes === joined, () => `${outcomes} outcomes were received and ${joined} counted`);
    const failed = words[engine.status.channelWord(FAILED_CHANNEL) + 1];
    const counted = words[STAT.sigverifyFeedback];
    hold(failed === counted, () => `${failed} failed packets were received and ${counted} counted`);
    if (rested) {
      const lapped = words[engine.status.channelWord(OUTCOME_CHANNEL) + 2];
      const completed = words[STAT.completed];
      hold(
        completed + lapped >= this.mustComplete,
        () => `eviction: ${completed} outcomes were joined, and ${this.mustComplete} cannot have been forgotten`,
      );
    }
  }

  #bounds(): void {
    const { engine, layout } = this.parts;
    const { queue, metas, recent } = engine;
    hold(queue.size < layout.queue.capacity, () => `the queue holds ${queue.size} of ${layout.queue.capacity - 1}`);
    hold(
      metas.size <= layout.partialMetas.capacity,
      () => `${metas.size} partial metas of ${layout.partialMetas.capacity}`,
    );
    hold(recent.size <= layout.recent.capacity, () => `${recent.size} recent signatures of ${layout.recent.capacity}`);
  }

  /** Nothing in the heap lies below its parent, and the door is the lowest score of a full queue. */
  #heap(): void {
    const { arena, layout, engine } = this.parts;
    const { queue } = engine;
    const scores = layout.queue.scoresAt / 8;
    const { f64 } = arena;
    const ready = layout.queue.readyScoresAt / 8;
    for (let i = 1; i < queue.readySize; i++) {
      const parent = (i - 1) >>> 1;
      if (f64[ready + parent] >= f64[ready + i]) continue;
      throw new InvariantError(`the order of what is ready: place ${i} ranks above ${parent}`);
    }
    hold(
      queue.lowSize + queue.readySize === queue.size,
      () => `${queue.lowSize} entries and ${queue.readySize} ready ones, and ${queue.size} are counted`,
    );
    for (let i = 1; i < queue.lowSize; i++) {
      const parent = (i - 1) >>> 2;
      if (f64[scores + parent] <= f64[scores + i]) continue;
      throw new InvariantError(`the queue's order: place ${i} ranks below ${parent}`);
    }
    const full = queue.size === layout.queue.capacity - 1 && queue.lowSize > 0;
    const door = full ? f64[scores] : Number.NEGATIVE_INFINITY;
    hold(queue.door === door, () => `the queue's door is ${queue.door}, and its lowest score ${door}`);
  }
}
