// The loop's thread: builds the engine over the arena, waits for the main thread's word, and turns until it is told to
// stop. It never returns to its event loop in between; whatever it is to know comes through the mailbox.

import { nameThread, pinThread } from "../../../ffi/thread.ts";
import { Engine } from "../../engine/engine.ts";
import { CHANNEL_ABSENT } from "../../engine/mailbox.ts";
import type { EnginePlace } from "../../engine/plain.ts";
import { GAP_HISTOGRAM, record, TURN_HISTOGRAM } from "../../engine/turn-times.ts";
import { WarmUp } from "../../engine/warm-up.ts";
import { type Kernel, loadKernel } from "../../kernel/kernel.ts";
import { modelRow, openModel, type SidecarModel } from "../../rank/models.ts";
import type { SidecarSettings } from "../../settings/sidecar-settings.ts";
import { Arena } from "../../shape/arena.ts";
import { CHANNELS } from "../../shape/channels.ts";
import { type ArenaLayout, arenaLayout, type LayoutOptions } from "../../shape/layout.ts";
import { putScores } from "../scores/scores.ts";
import { Backoff } from "./backoff.ts";
import type { LoopEnd, LoopGo, LoopMessage, LoopStart } from "./loop-thread.ts";

/** As operators look for it in `top -H`. */
const THREAD_NAME = "solana-qos";
const MICROS_PER_MS = 1_000;
/**
 * Rounds of warm-up, played between the first turns: packets are taken meanwhile, and the compiler is done before the
 * first full transmit and the first model update come.
 */
const WARM_UP_ROUNDS = 12;
/**
 * A stopping loop turns for so long after its last beat. Producers take 100 ms of silence for a death; what they hand over
 * until then waits for a transmit, which comes every 100 ms.
 */
const FAREWELL_MS = 250;
/** Turns before the first step of it: what waits is taken first. */
const COLD_TURNS = 2;

declare const self: Worker;

let loop: Loop | undefined;
self.onmessage = ({ data }: MessageEvent<LoopMessage>) => {
  if ("start" in data) loop = new Loop(data.start);
  else if ("build" in data) loop?.build();
  else if (loop !== undefined) self.postMessage(loop.run(data.go));
};

class Loop {
  readonly #arena: Arena;
  readonly #layout: ArenaLayout;
  readonly #kernel: Kernel;
  readonly #model: SidecarModel;
  readonly #settings: SidecarSettings;
  #engine: Engine | undefined;
  #warmUp: WarmUp | undefined;

  constructor({ memory, layout, settings }: LoopStart) {
    nameThread(THREAD_NAME);
    this.#settings = settings;
    this.#arena = new Arena(memory);
    this.#layout = arenaLayout(layout);
    this.#kernel = loadKernel(this.#arena);
    this.#model = openModel(settings.model, this.#arena, this.#layout);
  }

  /** Builds the engine, and warms up until the main thread has offered a channel. */
  build(): void {
    this.#engine = new Engine(this.#arena, this.#layout, this.#kernel, this.#model, this.#settings);
    if (this.#settings.cpu !== undefined) {
      Bun.gc(true); // starts the collector's helpers: started later, they would inherit the pinning and share the loop's core
      pinThread(this.#settings.cpu);
    }
    const { mailbox } = this.#engine;
    const isOffered = (_: unknown, id: number): boolean => mailbox.channelState(id) !== CHANNEL_ABSENT;
    while (!CHANNELS.some(isOffered) && !this.#warmMore());
  }

  run({ scores }: LoopGo): LoopEnd {
    if (scores !== undefined) putScores(scores, this.#model.senders, this.#arena, this.#layout, this.#kernel);
    if (this.#engine === undefined) return { state: "died", reason: "it was never built" };
    this.#turn(this.#engine);
    this.#engine.publish(performance.now());
    return { state: "stopped" };
  }

  /** A step of the warm-up. @returns whether it was the last */
  #warmMore(): boolean {
    const within = { arena: this.#arena, kernel: this.#kernel, from: this.#layout.bytes };
    if (this.#warmUp === undefined) this.#warmUp = openWarmUp(this.#layout.options, this.#settings, within);
    else this.#warmUp.step();
    return this.#warmUp.rounds >= WARM_UP_ROUNDS;
  }

  #turn(engine: Engine): void {
    const { mailbox } = engine;
    const { words } = engine.status;
    const turnWord = engine.status.histogramWord(TURN_HISTOGRAM);
    const gapWord = engine.status.histogramWord(GAP_HISTOGRAM);
    const backoff = this.#settings.idle === "backoff" ? new Backoff() : undefined;
    let coldTurns = COLD_TURNS;
    let isWarm = false;
    let endedMs = performance.now();
    let endMs = Number.POSITIVE_INFINITY;
    for (;;) {
      const startedMs = performance.now();
      if (mailbox.stopping && endMs === Number.POSITIVE_INFINITY) {
        engine.leave();
        endMs = startedMs + (engine.takesPackets ? FAREWELL_MS : 0);
      }
      if (startedMs >= endMs) return;
      record(words, gapWord, (startedMs - endedMs) * MICROS_PER_MS);
      const done = engine.turn(startedMs);
      endedMs = performance.now();
      record(words, turnWord, (endedMs - startedMs) * MICROS_PER_MS);
      if (coldTurns > 0) {
        coldTurns -= 1;
      } else if (!isWarm) {
        isWarm = this.#warmMore();
        if (isWarm) {
          this.#warmUp = undefined;
          mailbox.becameWarm();
        }
        endedMs = performance.now(); // the start's own work does not count as a gap
        continue;
      }
      const sleepMs = backoff === undefined ? 0 : backoff.after(done);
      if (sleepMs > 0) {
        mailbox.sleep(sleepMs);
        endedMs = performance.now(); // neither does a sleep (--idle backoff)
      }
    }
  }
}

/** A small engine like this one, behind it. */
function openWarmUp(layout: LayoutOptions, settings: SidecarSettings, within: EnginePlace): WarmUp {
  return new WarmUp({
    layout,
    within,
    context: {
      ...settings,
      xxhashSeed: 0n,
      secret: new Uint8Array(32),
      skipPayloads: !modelRow(settings.model).needsPayloads,
    },
    engine: settings,
    model: (smallArena, smallLayout) => {
      const small = openModel(settings.model, smallArena, smallLayout);
      small.senders.warm();
      return small;
    },
  });
}
