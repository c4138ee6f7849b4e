// `qos simulate` in real time: a validator in a process of its own, on the sidecar's real channels. One thread does
// everything a millisecond at a time and sleeps between, so that signals are heard and a shared machine stays usable.

import type { ChannelPlace } from "../channel/place.ts";
import { Failure } from "../failure.ts";
import type { PacketLayout } from "../shape/packet-layouts.ts";
import { ChannelAnswers } from "./answers.ts";
import { Deliveries } from "./deliveries.ts";
import type { ValidatorMemory } from "./memory.ts";
import { Packets } from "./packet-maker.ts";
import type { Source } from "./source.ts";
import { NO_ANSWERS, SimulatedValidator } from "./validator.ts";
import { ValidatorChannels } from "./validator-channels.ts";

/** After a pause at most this much traffic is sent before the output is read again. */
const CATCH_UP_MS = 5;
const LOOK_INTERVAL_MS = 1_000;
const PROGRESS_INTERVAL_MS = 1_000;
/**
 * After the last packet, the sidecar has nothing more to send once its output stays still this long while it runs: longer than
 * a slot and a tick of 100 ms. Its own running time counts, since a sidecar that waits for a busy machine is not done.
 */
const STILL_MS = 600;
/** The most that a gap between two of its heartbeats counts. */
const STILL_STEP_MS = 50;
/** A sidecar is gone once it gave no heartbeat for this long. */
const GONE_MS = 3_000;
/** A full queue of 16,384 is empty after 2 s at 8,000 packets a second. The summary says if it takes longer than this. */
const DRAIN_MAX_MS = 12_000;
const WAIT_STEP_MS = 5;
const OUTPUT_PER_ROUND = 2_048;

export interface RealTimeOptions {
  readonly place: ChannelPlace;
  readonly packetLayout: PacketLayout;
  readonly feeModel: "chain" | "reference";
  readonly feedback: boolean;
  /** How long to wait for a sidecar's heartbeat; 0 sends at once. */
  readonly waitMs: number;
  /** Called about once a second. */
  readonly progress?: (now: Progress) => void;
  readonly stop: AbortSignal;
}

export interface Progress {
  readonly ms: number;
  readonly sent: number;
  readonly delivered: number;
  readonly included: number;
  readonly lamports: number;
}

export interface RealTimeRun {
  readonly source: Source;
  readonly validator: SimulatedValidator;
  readonly deliveries: Deliveries;
  /** How long it sent. */
  readonly sentMs: number;
  /** When the validator ended. */
  readonly endedMs: number;
  readonly sentByChannel: readonly number[];
  /** Packets of the sidecar's output that were overwritten before we read them. */
  readonly lapped: number;
  /** Deliveries after the last packet was sent. */
  readonly deliveredAfterEnd: number;
  /** Whether packets still came out when the time to wait for them was over. */
  readonly unfinished: boolean;
  readonly interrupted: boolean;
}

/** Plays a source to a sidecar. @throws Failure if a channel cannot be used, or no sidecar comes */
export async function runRealTime(
  memory: ValidatorMemory,
  source: Source,
  options: RealTimeOptions,
): Promise<RealTimeRun> {
  const channels = new ValidatorChannels(memory, options.place);
  try {
    channels.open();
    if (options.waitMs > 0) await waitForSidecar(channels, options);
    return await new Player(memory, channels, source, options).play();
  } finally {
    channels.close();
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const yieldOnce = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function waitForSidecar(channels: ValidatorChannels, options: RealTimeOptions): Promise<void> {
  const first = channels.sidecarBeats();
  const isRead = (): boolean => channels.sidecarBeats().every((beat, id) => beat !== first[id]);
  const started = performance.now();
  for (let lookedMs = started; ; ) {
    channels.beat();
    const now = performance.now();
    if (now - lookedMs >= 10 * WAIT_STEP_MS) {
      channels.look();
      lookedMs = now;
    }
    if (channels.output !== null && isRead()) return;
    if (options.stop.aborted) return;
    if (now - started > options.waitMs) {
      const prefix = options.place.prefix === "" ? "" : ` --prefix ${options.place.prefix}`;
      throw new Failure(`no sidecar reads the channels: start one with: qos run${prefix} (or pass --wait 0ms)`);
    }
    await sleep(WAIT_STEP_MS);
  }
}

class Player {
  readonly #deliveries: Deliveries;
  readonly #packets: Packets;
  readonly #validator: SimulatedValidator;
  readonly #answers: ChannelAnswers;
  readonly #sentByChannel = [0, 0, 0, 0];
  #beat = 0;
  #beatMs = 0;
  #unfinished = false;

  constructor(
    private readonly memory: ValidatorMemory,
    private readonly channels: ValidatorChannels,
    private readonly source: Source,
    private readonly options: RealTimeOptions,
  ) {
    const { trace, maker } = source;
    this.#packets = source.packets ?? new Packets(trace, maker, options.packetLayout);
    this.#deliveries = new Deliveries(trace, this.#packets);
    this.#answers = new ChannelAnswers(memory, this.#packets, channels);
    this.#validator = new SimulatedValidator(
      trace,
      source.validator,
      options.feedback ? this.#answers : NO_ANSWERS,
      0,
      maker.real ? (transaction, address) => this.#verify(transaction, address) : undefined,
    );
  }

  async play(): Promise<RealTimeRun> {
    const { channels, source, options } = this;
    const { sending } = source;
    this.#readSeed();
    const started = performance.now();
    let lookedMs = 0;
    let saidMs = 0;
    let nowMs = 0;
    // Until the traffic ends, not the clock: the same seed or recording is the same traffic on a busy machine as well.
    while (!options.stop.aborted && sending.playedMs < source.durationMs) {
      const due = Math.min(Math.floor(nowMs), source.durationMs);
      sending.advance(Math.min(due, sending.playedMs + CATCH_UP_MS), this.#send);
      channels.sync();
      this.#round(nowMs);
      if (nowMs - lookedMs >= LOOK_INTERVAL_MS) {
        lookedMs = nowMs;
        channels.look();
        this.#readSeed();
      }
      if (nowMs - saidMs >= PROGRESS_INTERVAL_MS) {
        saidMs = nowMs;
        options.progress?.(this.#progress(nowMs));
      }
      if (sending.playedMs < Math.floor(performance.now() - started)) await yieldOnce();
      else await sleep(1);
      nowMs = performance.now() - started;
    }
    const interrupted = options.stop.aborted;
    const sentMs = sending.playedMs;
    const deliveredBefore = this.#deliveries.count;
    const endedMs = interrupted ? nowMs : await this.#drain(started);
    return {
      source,
      validator: this.#validator,
      deliveries: this.#deliveries,
      sentMs,
      endedMs,
      sentByChannel: this.#sentByChannel,
      lapped: channels.lappedBefore + (channels.output?.lapped ?? 0),
      deliveredAfterEnd: this.#deliveries.count - deliveredBefore,
      unfinished: this.#unfinished,
      interrupted: interrupted && sentMs < source.durationMs,
    };
  }

  /** Reads until nothing has come for a while although the sidecar runs. */
  async #drain(started: number): Promise<number> {
    const { channels, options } = this;
    const from = performance.now();
    let beats = channels.sidecarBeats();
    let beatMs = from;
    let stillMs = 0;
    for (;;) {
      const before = this.#deliveries.count;
      const now = performance.now();
      const nowMs = now - started;
      // The heartbeat first: all packets that the sidecar sent before that beat are read below.
      const newest = channels.sidecarBeats();
      const moved = newest.some((beat, id) => beat !== beats[id]);
      this.#round(nowMs);
      if (moved) {
        stillMs += Math.min(now - beatMs, STILL_STEP_MS);
        beatMs = now;
        beats = newest;
      }
      if (this.#deliveries.count > before) stillMs = 0;
      if (options.stop.aborted || stillMs >= STILL_MS || now - beatMs >= GONE_MS) return nowMs;
      if (now - from >= DRAIN_MAX_MS) {
        this.#unfinished = true;
        return nowMs;
      }
      await sleep(1);
    }
  }

  readonly #send = (transaction: number, address: number, channel: number): void => {
    const producer = this.channels.producers[channel];
    if (producer === null) return;
    this.#packets.write(this.memory.arena, producer.reserve(), transaction, address);
    producer.commit();
    this.#sentByChannel[channel] += 1;
  };

  #round(nowMs: number): void {
    this.#readOutput(nowMs);
    this.#validator.step(nowMs);
    this.#answers.sync();
    this.channels.beat();
  }

  #readOutput(nowMs: number): void {
    const { output } = this.channels;
    const { arena, deliveredAt, packetBytes } = this.memory;
    const pauseMs = nowMs - this.#beatMs;
    const beat = this.channels.sidecarBeat();
    if (beat !== this.#beat) {
      this.#beat = beat;
      this.#beatMs = nowMs;
    }
    if (output === null) return;
    for (let left = OUTPUT_PER_ROUND; left > 0 && output.readable(1) > 0; left--) {
      const from = output.addressOf(0);
      arena.u8.copyWithin(deliveredAt, from, from + packetBytes);
      if (output.overrun() > 0) {
        output.drop(1);
        continue;
      }
      output.take(1);
      this.#deliver(nowMs, pauseMs);
    }
  }

  #deliver(nowMs: number, pauseMs: number): void {
    const { arena, deliveredAt } = this.memory;
    const transaction = this.#deliveries.take(arena, deliveredAt, nowMs, pauseMs);
    if (transaction < 0) return;
    this.source.sending.delivered(transaction, this.#deliveries.lastGroup);
    this.#validator.deliver(transaction, this.#packets.addressOf(arena, deliveredAt));
  }

  /** Checks the signature in the packet's own bytes. */
  #verify(transaction: number, address: number): boolean {
    const { arena, scratchAt } = this.memory;
    this.#packets.write(arena, scratchAt, transaction, address);
    return this.#packets.verifies(arena, scratchAt, transaction);
  }

  /** A sidecar may start, or start again, with another seed. */
  #readSeed(): void {
    const xxhashSeed = this.channels.xxhashSeed();
    const { digests } = this.memory;
    if (xxhashSeed !== digests.xxhashSeed) digests.configure({ xxhashSeed, feeModel: this.options.feeModel });
  }

  #progress(ms: number): Progress {
    const { delivered, included, lamports } = this.#validator.totals;
    return { ms, sent: this.source.trace.packets, delivered, included, lamports };
  }
}
