// A run in virtual time: the sidecar's whole engine over plain memory, with the senders and the validator around it, in one
// process without a clock. One seed gives one history. A step is a millisecond: senders send the packets that are due, the
// engine turns until it rests, and its output goes to the validator. The engine reads the validator's answers in the next step.

import { type PlainEngine, type PlainEngineOptions, plainEngine } from "../engine/plain.ts";
import type { EngineSettings } from "../engine/settings.ts";
import {
  CONFIRMED_CHANNEL,
  FAILED_CHANNEL,
  OUTCOME_CHANNEL,
  PACKET_CHANNELS,
  smallCapacities,
} from "../shape/channels.ts";
import {
  IDENTITY_PACKET_LAYOUT,
  PACKET_MAX_BYTES,
  type PacketLayout,
  USUAL_PACKET_LAYOUT,
} from "../shape/packet-layouts.ts";
import { STAT, STATISTICS, type StatisticName } from "../shape/statistics.ts";
import { ChannelAnswers } from "./answers.ts";
import { Deliveries } from "./deliveries.ts";
import { CONFIRMED, COUNTER, DELIVERED, FAILED, History, OUTCOME, RESTARTED } from "./history.ts";
import { InvariantError, Invariants } from "./invariants.ts";
import { type Baselines, baselinesOf, type Measures, measure } from "./measures.ts";
import { Digests } from "./memory.ts";
import { type Mishaps, Stalls, UnreliableAnswers } from "./mishaps.ts";
import { Packets } from "./packet-maker.ts";
import { Random } from "./random.ts";
import { hasIdentities, type Scenario } from "./scenario.ts";
import { type Source, scenarioSource } from "./source.ts";
import { type Answers, blockhashLifeMs, SimulatedValidator, type ValidatorTotals } from "./validator.ts";

/** Smaller than a sidecar's, for speed: a fifth of a million transactions are several seconds of the busiest scenario. */
const USUAL_STORE_ENTRIES = 262_144;
/** Far more than the packets of a millisecond: only a stall laps such a ring. */
const USUAL_CHANNELS = smallCapacities(4_096, { outcomes: 32_768, confirmed: 32_768, output: 32_768 });
const USUAL_KEYS = 10_000;
/** Capacity of the records' rings, if a run keeps records. Nobody reads them. */
const RECORDS = 1_024;
/** An engine that has not come to rest after this many turns in one millisecond goes on in the next. */
const TURNS_PER_STEP = 256;
const XXHASH_SEED = 420n;
const SCRATCH_BYTES = 2 * PACKET_MAX_BYTES + 1_024;

export interface VirtualOptions {
  readonly scenario: Scenario;
  /** Traffic in place of the scenario's senders, for one run. */
  readonly source?: Source;
  readonly seed: bigint;
  readonly model: PlainEngineOptions["model"];
  readonly mishaps?: Mishaps;
  /** Whether the validator answers; true if absent. */
  readonly feedback?: boolean;
  /** Checks all invariants after each step; true if absent. It takes about a tenth of the time. */
  readonly checks?: boolean;
  readonly packetLayout?: PacketLayout;
  readonly engine?: Partial<EngineSettings>;
  readonly maxIps?: number;
  readonly maxSigners?: number;
  /** Entries of each of the two stores, powers of two. */
  readonly partialMetas?: number;
  readonly recentSignatures?: number;
  readonly queueCapacity?: number;
  /** Keeps records of fates and outcomes, as a sidecar does; false if absent. They must change nothing. */
  readonly records?: boolean;
  /** Sets of the evidence model's table, a power of two. */
  readonly evidenceSets?: number;
  readonly channelCapacities?: readonly number[];
  /** Carries a checkpoint's content from a stopped sidecar to its successor. */
  readonly restore?: (from: PlainEngine, to: PlainEngine) => void;
  /** Says what is wrong with a model's tables, if anything. */
  readonly modelProblem?: (parts: PlainEngine) => string | undefined;
  /** How full the model's tables are, 0 to 1. A model update stalls for that share of `learnStallMs`. */
  readonly tableFill?: (parts: PlainEngine) => number;
  /** For tests of the invariants: changes something in the engine right after it was built. */
  readonly tamper?: (parts: PlainEngine) => void;
}

export interface VirtualResult {
  readonly scenario: string;
  readonly seed: string;
  readonly model: string;
  /** The hash of the history. */
  readonly history: string;
  readonly ms: number;
  readonly sent: number;
  readonly delivered: number;
  readonly validator: ValidatorTotals;
  /** The engine's counters, of all its lives. */
  readonly counters: Readonly<Record<StatisticName, number>>;
  readonly measures: Measures;
}

/** The usual layout, or for a scenario with identities one that has a place for them. */
function layoutFor(scenario: Scenario): PacketLayout {
  return hasIdentities(scenario) ? IDENTITY_PACKET_LAYOUT : USUAL_PACKET_LAYOUT;
}

export class VirtualRun {
  readonly source: Source;
  readonly validator: SimulatedValidator;
  readonly deliveries: Deliveries;
  nowMs = 0;
  /** The engine of now: another one after a restart. */
  parts: PlainEngine;

  readonly #options: VirtualOptions;
  readonly #packets: Packets;
  readonly #random: Random;
  readonly #history = new History();
  readonly #sidecarStalls: Stalls;
  readonly #validatorStalls: Stalls;
  readonly #unreliable: UnreliableAnswers | undefined;
  readonly #earlierCounters = new Float64Array(STATISTICS.length);
  readonly #restarts: number[];
  readonly #checks: boolean;
  #answers: ChannelAnswers;
  #invariants: Invariants;
  // By transaction, for its own address alone: how many packets had been sent when it was first sent, last sent, and so on.
  #firstAt = new Float64Array(65_536);
  #sentAt = new Float64Array(65_536);
  #answeredAt = new Float64Array(65_536);
  #deliveredAt = new Float64Array(65_536);
  #startedAt = 0;
  #updates = 0;

  constructor(options: VirtualOptions) {
    this.#options = options;
    this.#checks = options.checks ?? true;
    const { scenario, seed, mishaps } = options;
    this.source = options.source ?? scenarioSource(scenario, seed);
    this.#random = new Random(seed, "faults");
    const { trace, maker, packets } = this.source;
    this.#packets = packets ?? new Packets(trace, maker, options.packetLayout ?? layoutFor(scenario));
    this.deliveries = new Deliveries(this.source.trace, this.#packets);
    this.#sidecarStalls = new Stalls(mishaps?.sidecarStalls, this.#random.fork("sidecar"));
    this.#validatorStalls = new Stalls(mishaps?.validatorStalls, this.#random.fork("validator"));
    this.#restarts = [...(mishaps?.restartsMs ?? [])].sort((a, b) => a - b);
    [this.parts, this.#answers, this.#invariants] = this.#start();
    const written: Answers = {
      failed: (transaction, address, nowMs) => this.#failed(transaction, address, nowMs),
      outcome: (transaction, address, nanos, nowMs) => this.#outcome(transaction, address, nanos, nowMs),
      confirmed: (transaction, nowMs) => this.#confirmed(transaction, nowMs),
    };
    this.#unreliable =
      mishaps?.feedback === undefined
        ? undefined
        : new UnreliableAnswers(written, mishaps.feedback, this.#random.fork("feedback"));
    this.validator = new SimulatedValidator(this.source.trace, scenario.validator, this.#unreliable ?? written);
  }

  /**
   * Plays one millisecond.
   * @returns false once the run is over
   * @throws InvariantError if something that must hold does not
   */
  step(): boolean {
    if (this.nowMs >= this.source.durationMs) return false;
    if (this.nowMs >= (this.#restarts[0] ?? Number.POSITIVE_INFINITY)) this.#restart();
    this.nowMs += 1;
    const { nowMs, parts } = this;
    this.source.sending.advance(nowMs, this.#send);
    for (const producer of parts.producers) producer.sync();
    const rested = !this.#sidecarStalls.holds(nowMs) && this.#turn(nowMs);
    if (this.#checks) this.#check(nowMs, rested);
    if (!this.#validatorStalls.holds(nowMs)) {
      this.#readOutput(nowMs);
      this.validator.step(nowMs);
      this.#unreliable?.step(nowMs);
    }
    this.#answers.sync();
    return true;
  }

  /** Plays to the end. */
  run(): this {
    while (this.step());
    return this;
  }

  /** @param baselines of the same traffic, if they are known already; an adaptive attacker's differ from run to run */
  result(baselines: Baselines = baselinesOf(this.source, this.nowMs)): VirtualResult {
    const { source, validator, deliveries } = this;
    const counters = this.#counters();
    for (const [index, row] of STATISTICS.entries()) this.#history.add(COUNTER, index, counters[row.name]);
    return {
      scenario: source.name,
      seed: this.#options.seed.toString(),
      model: this.parts.model.name,
      history: this.#history.hash,
      ms: this.nowMs,
      sent: source.trace.packets,
      delivered: deliveries.count,
      validator: { ...validator.totals },
      counters,
      measures: measure(source, validator, deliveries, baselines, this.nowMs),
    };
  }

  #start(): [PlainEngine, ChannelAnswers, Invariants] {
    const { scenario, packetLayout, engine, model, maxIps, maxSigners, queueCapacity, feedback, modelProblem } =
      this.#options;
    const parts = plainEngine({
      layout: {
        packetLayout: packetLayout ?? layoutFor(scenario),
        maxIps: maxIps ?? USUAL_KEYS,
        maxSigners: maxSigners ?? USUAL_KEYS,
        partialMetas: this.#options.partialMetas ?? USUAL_STORE_ENTRIES,
        recentSignatures: this.#options.recentSignatures ?? USUAL_STORE_ENTRIES,
        channelCapacities: this.#options.channelCapacities ?? USUAL_CHANNELS,
        ...(queueCapacity === undefined ? {} : { queueCapacity }),
        ...(this.#options.records ? { fateRecords: RECORDS, outcomeRecords: RECORDS } : {}),
        ...(this.#options.evidenceSets === undefined ? {} : { evidenceSets: this.#options.evidenceSets }),
      },
      context: { xxhashSeed: XXHASH_SEED, secret: this.#secret(), feeModel: "chain", ipv6: "64" },
      engine: { targetPps: scenario.validator.sigverifyPps, maxAgeMs: blockhashLifeMs(scenario.validator), ...engine },
      model,
      scratchBytes: SCRATCH_BYTES,
    });
    this.#options.tamper?.(parts);
    const { arena, layout, scratchAt, producers } = parts;
    const { bytes } = this.#packets.shape;
    const room = Math.ceil(bytes / 64) * 64;
    const digests = new Digests(arena, layout.contextAt, scratchAt + room, this.#packets.layout, parts.kernel);
    const on = feedback !== false;
    const answers = new ChannelAnswers({ arena, scratchAt, digests }, this.#packets, {
      failed: on ? producers[FAILED_CHANNEL] : null,
      outcomes: on ? producers[OUTCOME_CHANNEL] : null,
      confirmed: on ? producers[CONFIRMED_CHANNEL] : null,
    });
    return [parts, answers, new Invariants(parts, () => modelProblem?.(parts))];
  }

  /** The engine's secret: of the run's seed, so that a history replays. */
  #secret(): Uint8Array {
    const random = this.#random.fork("secret");
    return Uint8Array.from({ length: 32 }, () => random.below(256));
  }

  #restart(): void {
    this.#restarts.shift();
    const before = this.parts;
    this.#addCounters(this.#earlierCounters, before);
    [this.parts, this.#answers, this.#invariants] = this.#start();
    this.#options.restore?.(before, this.parts);
    this.#startedAt = this.source.trace.packets;
    this.#updates = 0;
    this.#history.add(RESTARTED, this.nowMs, 0);
  }

  /** @returns whether the engine came to rest */
  #turn(nowMs: number): boolean {
    const { engine } = this.parts;
    const learnStallMs = this.#options.mishaps?.learnStallMs ?? 0;
    for (let turn = 0; turn < TURNS_PER_STEP; turn++) {
      if (engine.turn(nowMs) === 0) return true;
      if (learnStallMs === 0) continue;
      const updates = engine.status.words[STAT.modelUpdates];
      if (updates === this.#updates) continue;
      const fill = this.#options.tableFill?.(this.parts) ?? 1;
      this.#sidecarStalls.hold(nowMs + learnStallMs * fill * (updates - this.#updates));
      this.#updates = updates;
      return false;
    }
    return false;
  }

  readonly #send = (transaction: number, address: number, channel: number): void => {
    const producer = this.parts.producers[channel];
    this.#packets.write(this.parts.arena, producer.reserve(), transaction, address);
    producer.commit();
    if (this.#checks && address === this.source.trace.address[transaction]) {
      this.#room(transaction);
      const { packets } = this.source.trace;
      if (this.#firstAt[transaction] === 0) this.#firstAt[transaction] = packets;
      this.#sentAt[transaction] = packets;
    }
  };

  #readOutput(nowMs: number): void {
    const { output, arena } = this.parts;
    for (;;) {
      const count = output.readable(64);
      if (count === 0) return;
      for (let i = 0; i < count; i++) this.#deliver(arena, output.addressOf(i), nowMs);
      output.take(count);
    }
  }

  #deliver(arena: PlainEngine["arena"], at: number, nowMs: number): void {
    const { deliveries, source } = this;
    const transaction = deliveries.take(arena, at, nowMs);
    if (transaction < 0) {
      const what = deliveries.foreign > 0 ? "that never came in" : "more often than it came in";
      this.#fail(`a packet came out ${what}`);
    }
    const address = this.#packets.addressOf(arena, at);
    this.#history.add(DELIVERED, nowMs, transaction ^ address);
    if (this.#checks) this.#checkRepeat(transaction, address);
    source.sending.delivered(transaction, deliveries.lastGroup);
    this.validator.deliver(transaction, address);
  }

  /** A second delivery is right only if the first was answered, or was forgotten because enough others came. */
  #checkRepeat(transaction: number, address: number): void {
    if (address !== this.source.trace.address[transaction]) return;
    this.#room(transaction);
    const before = this.#deliveredAt[transaction];
    this.#deliveredAt[transaction] = this.source.trace.packets;
    const first = this.#firstAt[transaction];
    if (before === 0 || first <= this.#startedAt || this.#answeredAt[transaction] >= before) return;
    const between = this.#sentAt[transaction] - first;
    if (between < this.#surely()) {
      this.#fail(`transaction ${transaction} came out twice, and only ${between} packets came between`);
    }
  }

  #failed(transaction: number, address: number, nowMs: number): void {
    this.#history.add(FAILED, nowMs, transaction ^ address);
    this.#answers.failed(transaction, address);
  }

  #outcome(transaction: number, address: number, nanos: number, nowMs: number): void {
    this.#history.add(OUTCOME, nowMs, transaction ^ address ^ nanos);
    this.#answers.outcome(transaction, address, nanos);
    if (!this.#checks || this.#options.feedback === false) return;
    if (address !== this.source.trace.address[transaction]) return;
    this.#room(transaction);
    // The meta was written when the packet came in. Since then at most one entry came for each packet.
    const { packets } = this.source.trace;
    const unanswered = this.#answeredAt[transaction] === 0;
    this.#answeredAt[transaction] = packets;
    const since = packets - this.#firstAt[transaction];
    const ours = this.#firstAt[transaction] > this.#startedAt;
    if (unanswered && ours && since < this.#surely()) this.#invariants.mustComplete += 1;
  }

  /**
   * How many packets can be sent after a packet before its meta may be forgotten: the store's capacity, less the packets that
   * may have waited in the rings when it was sent and come in after it.
   */
  #surely(): number {
    const { channels, partialMetas } = this.parts.layout;
    let waiting = 0;
    for (const id of PACKET_CHANNELS) waiting += channels[id].capacity;
    return partialMetas.capacity - waiting;
  }

  #confirmed(transaction: number, nowMs: number): void {
    this.#history.add(CONFIRMED, nowMs, transaction);
    this.#answers.confirmed(transaction);
  }

  #check(nowMs: number, rested: boolean): void {
    try {
      this.#invariants.check(nowMs, rested);
    } catch (error) {
      if (error instanceof InvariantError) this.#fail(error.message);
      throw error;
    }
  }

  #fail(what: string): never {
    const { scenario, seed } = this.#options;
    throw new InvariantError(`scenario ${scenario.name}, seed ${seed}, ${this.nowMs} ms: ${what}`);
  }

  #room(transaction: number): void {
    if (transaction < this.#sentAt.length) return;
    const larger = (column: Float64Array): Float64Array<ArrayBuffer> => {
      const twice = new Float64Array(Math.max(2 * column.length, transaction + 1));
      twice.set(column);
      return twice;
    };
    this.#firstAt = larger(this.#firstAt);
    this.#sentAt = larger(this.#sentAt);
    this.#answeredAt = larger(this.#answeredAt);
    this.#deliveredAt = larger(this.#deliveredAt);
  }

  #counters(): Record<StatisticName, number> {
    const sums = this.#earlierCounters.slice();
    this.#addCounters(sums, this.parts);
    return Object.fromEntries(STATISTICS.map((row, index) => [row.name, sums[index]])) as Record<StatisticName, number>;
  }

  /** Gauges are those of the newest life. */
  #addCounters(sums: Float64Array, parts: PlainEngine): void {
    parts.engine.publish(this.nowMs);
    for (const [index, row] of STATISTICS.entries()) {
      const value = parts.engine.status.words[index];
      sums[index] = row.kind === "gauge" ? value : sums[index] + value;
    }
  }
}
