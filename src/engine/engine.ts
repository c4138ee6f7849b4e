// The engine: one turn of the loop (engine.md, 1). It knows no operating system: it is given memory, a kernel, a model and
// a clock value, and does one turn. Over shared memory in a Worker it is the sidecar, over plain memory with a virtual clock
// the simulator, in a loop without a clock the benchmark.
//
// Nothing here throws, allocates per packet, or waits.

import { Consumer } from "../channel/consumer.ts";
import { Producer } from "../channel/producer.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { StakeTable } from "../rank/lists/stake-table.ts";
import type { Model } from "../rank/model.ts";
import { Queue } from "../rank/queue.ts";
import { Outlet } from "../records/outlet.ts";
import type { Arena } from "../shape/arena.ts";
import {
  CHANNELS,
  CONFIRMED_CHANNEL,
  FAILED_CHANNEL,
  OUTCOME_CHANNEL,
  OUTPUT_CHANNEL,
  PACKET_CHANNELS,
} from "../shape/channels.ts";
import type { ArenaLayout } from "../shape/layout.ts";
import { STAT } from "../shape/statistics.ts";
import { PartialMetas } from "../stores/partial-metas.ts";
import { RecentFilter } from "../stores/recent-filter.ts";
import { BatchTransmit } from "./batch-transmit.ts";
import { ChosenTransmit } from "./chosen-transmit.ts";
import { Dispatch } from "./dispatch.ts";
import { Ends } from "./ends.ts";
import { Expiry } from "./expiry.ts";
import { Feedback } from "./feedback.ts";
import { Intake } from "./intake.ts";
import { CHANNEL_ABSENT, CHANNEL_ATTACHED, CHANNEL_LEAVING, CHANNEL_OFFERED, Mailbox } from "./mailbox.ts";
import { OperatorRules } from "./operator-rules.ts";
import {
  BURST_MS,
  CONFIRMED_PER_TURN,
  type EngineSettings,
  FAILED_PER_TURN,
  OUTCOMES_PER_TURN,
  PACKETS_PER_TURN,
  PUBLISH_INTERVAL_MS,
} from "./settings.ts";
import { StatusPage } from "./status.ts";
import { TokenBucket } from "./token-bucket.ts";
import { Transmit, type Transmitter } from "./transmit.ts";
import { STRAIGHT_HISTOGRAM, TRANSMIT_HISTOGRAM, WAITED_HISTOGRAM } from "./turn-times.ts";

export class Engine {
  readonly status: StatusPage;
  readonly mailbox: Mailbox;
  readonly queue: Queue;
  readonly metas: PartialMetas;
  readonly recent: RecentFilter;
  readonly outlet: Outlet;

  readonly #intake: Intake;
  readonly #feedback: Feedback;
  readonly #transmit: Transmitter;
  readonly #expiry: Expiry;
  readonly #rules: OperatorRules | null;
  readonly #counters: Float64Array;
  readonly #consumers: (Consumer | null)[] = CHANNELS.map(() => null);
  #output: Producer | null = null;
  #bell = -1;
  #paused = false;
  #isLeaving = false;
  #publishedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly arena: Arena,
    private readonly layout: ArenaLayout,
    private readonly kernel: Kernel,
    readonly model: Model,
    settings: EngineSettings,
  ) {
    this.status = new StatusPage(arena, layout.statusAt);
    this.mailbox = new Mailbox(arena, layout.mailboxAt);
    this.queue = new Queue(arena, layout.queue);
    this.metas = new PartialMetas(arena, layout.partialMetas, kernel);
    this.recent = new RecentFilter(arena, layout.recent, kernel);
    this.outlet = new Outlet(arena, layout);
    const { outlet } = this;
    const counters = this.status.words;
    this.#counters = counters;
    const rules = OperatorRules.open(arena, layout, counters, settings, model.chooser);
    this.#rules = rules;
    const { recent, metas, queue } = this;
    const ends = new Ends(counters, outlet, metas);
    this.#intake = new Intake(arena, layout, kernel, counters, recent, metas, model, queue, outlet, ends, rules);
    this.#feedback = new Feedback(arena, layout, kernel, counters, this.recent, this.metas, model, outlet);
    this.#expiry = new Expiry(settings.maxAgeMs, queue, ends);
    const { targetPps, maxAgeMs } = settings;
    const straight = this.status.histogramWord(STRAIGHT_HISTOGRAM);
    const waited = this.status.histogramWord(WAITED_HISTOGRAM);
    const dispatch = new Dispatch(
      arena,
      layout,
      maxAgeMs,
      ends,
      recent,
      metas,
      outlet,
      kernel,
      counters,
      straight,
      waited,
    );
    const times = this.status.histogramWord(TRANSMIT_HISTOGRAM);
    const { chooser } = model;
    const { burstMs = BURST_MS, batchIntervalMs = 0 } = settings;
    const bucket = new TokenBucket(targetPps, burstMs);
    const isBatched = batchIntervalMs > 0;
    this.#transmit =
      chooser !== null
        ? new ChosenTransmit(
            arena,
            bucket,
            batchIntervalMs,
            kernel,
            counters,
            queue,
            dispatch,
            chooser,
            ends,
            rules,
            times,
          )
        : isBatched
          ? new BatchTransmit(targetPps, batchIntervalMs, kernel, counters, queue, dispatch, times)
          : new Transmit(bucket, kernel, queue, dispatch);
    this.mailbox.setTargetPps(settings.targetPps);
  }

  /**
   * One turn: packets, a slice of a transmit, confirmed signatures, outcomes, failures; then the heartbeats.
   * @param now milliseconds of a clock that never goes back
   * @returns elements read and packets sent: 0 means idle
   */
  turn(now: number): number {
    if (this.mailbox.bell !== this.#bell) this.#readMailbox();
    const consumers = this.#consumers;
    let done = 0;
    this.model.advance(now);
    const output = this.#paused ? null : this.#output;
    // Ordering thousands is a turn's work.
    if (output === null || !this.#transmit.ordersAt(now)) {
      for (let i = 0; i < PACKET_CHANNELS.length; i++) {
        const id = PACKET_CHANNELS[i];
        const consumer = consumers[id];
        if (consumer === null) continue;
        done += this.#intake.drain(consumer, id, now, PACKETS_PER_TURN);
      }
    }
    this.#expiry.turn(now);
    if (output !== null) done += this.#transmit.turn(output, now);
    else this.#transmit.trim();
    const confirmed = consumers[CONFIRMED_CHANNEL];
    if (confirmed !== null) done += this.#feedback.confirmed(confirmed, CONFIRMED_PER_TURN);
    const outcomes = consumers[OUTCOME_CHANNEL];
    if (outcomes !== null) done += this.#feedback.outcomes(outcomes, now, OUTCOMES_PER_TURN);
    const failed = consumers[FAILED_CHANNEL];
    if (failed !== null) done += this.#feedback.failed(failed, now, FAILED_PER_TURN);
    if (this.outlet.open) this.outlet.sync();
    this.#beat();
    this.#counters[STAT.turns]++;
    if (now - this.#publishedMs >= PUBLISH_INTERVAL_MS) this.publish(now);
    return done;
  }

  /**
   * Stops beating the channels that packets come from: their producers pass packets by as soon as they notice the silence.
   * Turns go on as before, so that what was handed over until then is still sent.
   */
  leave(): void {
    this.#isLeaving = true;
  }

  /** Whether packets can come in. */
  get takesPackets(): boolean {
    return PACKET_CHANNELS.some((id) => this.#consumers[id] !== null);
  }

  /** Shows the present numbers to readers of the status page. */
  publish(now: number): void {
    const words = this.#counters;
    this.#publishedMs = now;
    words[STAT.queued] = this.queue.size + this.queue.outgoing;
    words[STAT.partialMetas] = this.metas.size;
    words[STAT.partialMetasEvicted] = this.metas.evicted;
    words[STAT.sendersEvicted] = this.model.evicted;
    words[STAT.recentSignatures] = this.recent.size;
    words[STAT.queueDoor] = this.queue.door;
    words[STAT.clockMs] = now;
    words[STAT.impossibleTails] = this.#impossibleBefore + (this.#output?.impossible ?? 0);
    for (let id = 0; id < CHANNELS.length; id++) this.#publishChannel(id);
    this.status.publish();
  }

  #publishChannel(id: number): void {
    const words = this.#counters;
    const word = this.status.channelWord(id);
    words[word] = this.mailbox.channelState(id);
    const consumer = this.#consumers[id];
    if (consumer !== null) {
      words[word + 1] = this.#receivedBefore[id] + consumer.received;
      words[word + 2] = this.#lappedBefore[id] + consumer.lapped;
      words[word + 3] = this.#tornBefore[id] + consumer.torn;
      words[word + 4] = consumer.tail;
      words[word + 5] = consumer.tail - consumer.head;
      words[STAT.impossibleTails] += consumer.impossible;
    } else if (id === OUTPUT_CHANNEL && this.#output !== null) {
      words[word + 1] = words[STAT.bankingTransmissions];
      words[word + 4] = this.#output.tail;
    }
  }

  // What earlier joins of a channel had counted.
  readonly #receivedBefore = CHANNELS.map(() => 0);
  readonly #lappedBefore = CHANNELS.map(() => 0);
  readonly #tornBefore = CHANNELS.map(() => 0);
  #impossibleBefore = 0;

  #readMailbox(): void {
    const { mailbox } = this;
    this.#bell = mailbox.bell;
    this.#paused = mailbox.paused;
    this.#transmit.setTargetPps(mailbox.targetPps);
    this.#swapTables();
    for (let id = 0; id < CHANNELS.length; id++) {
      const state = mailbox.channelState(id);
      if (state === CHANNEL_OFFERED) this.#attach(id);
      else if (state === CHANNEL_LEAVING) this.#detach(id);
    }
  }

  /** Takes the operator's lists and stakes where others were offered. */
  #swapTables(): void {
    const { lists, stakes } = this.mailbox;
    if (!lists.isTaken) {
      const table = lists.offered;
      this.#rules?.useLists(table);
      lists.took(table);
    }
    if (!stakes.isTaken) {
      const table = stakes.offered;
      const { tablesAt, slotCount } = this.layout.stakes;
      this.model.useStakes?.(new StakeTable(this.arena.buffer, tablesAt[table - 1], slotCount));
      stakes.took(table);
    }
  }

  #attach(id: number): void {
    const { at, capacity, elementBytes } = this.layout.channels[id];
    if (id === OUTPUT_CHANNEL) {
      this.#output = new Producer(this.arena, at, capacity, elementBytes, this.kernel);
    } else {
      const consumer = new Consumer(this.arena, at, capacity, elementBytes, this.kernel);
      consumer.join();
      this.#consumers[id] = consumer;
    }
    this.mailbox.setChannelState(id, CHANNEL_ATTACHED);
  }

  #detach(id: number): void {
    const consumer = this.#consumers[id];
    if (consumer !== null) {
      this.#receivedBefore[id] += consumer.received;
      this.#lappedBefore[id] += consumer.lapped;
      this.#tornBefore[id] += consumer.torn;
      this.#impossibleBefore += consumer.impossible;
      this.#consumers[id] = null;
    }
    if (id === OUTPUT_CHANNEL) {
      this.#impossibleBefore += this.#output?.impossible ?? 0;
      this.#output = null;
    }
    this.mailbox.setChannelState(id, CHANNEL_ABSENT);
  }

  #beat(): void {
    for (let id = 0; id < CHANNELS.length; id++) {
      if (!this.#isLeaving || CHANNELS[id].kind !== "packets") this.#consumers[id]?.beat();
    }
    this.#output?.beat();
  }
}
