// The loop's thread: builds the engine over the arena that the main thread has prepared, and turns it until it is told to
// stop. It never returns to its event loop in between; whatever it is to know comes through the mailbox.

import { parentPort, workerData } from "node:worker_threads";
import { nameThread, pinThread } from "../../ffi/thread.ts";
import { Arena } from "../arena.ts";
import { Engine } from "../engine/engine.ts";
import { GAP_HISTOGRAM, record, TURN_HISTOGRAM } from "../engine/turn-times.ts";
import { loadKernel } from "../kernel/kernel.ts";
import { arenaLayout } from "../layout.ts";
import { StakeTable } from "../rank/stake-table.ts";
import { Backoff } from "./backoff.ts";
import type { LoopEnd, LoopStart } from "./loop-thread.ts";
import { openModel, setStakes } from "./models.ts";
import { putScores } from "./scores.ts";

/** As operators look for it in `top -H`. */
const THREAD_NAME = "solana-qos";
const MICROS_PER_MS = 1_000;

function run(start: LoopStart): void {
  nameThread(THREAD_NAME);
  if (start.settings.cpu !== undefined) pinThread(start.settings.cpu);
  const arena = new Arena(start.memory);
  const layout = arenaLayout(start.layout);
  const kernel = loadKernel(arena);
  const model = openModel(start.settings.model, arena, layout);
  const engine = new Engine(arena, layout, kernel, model, start.settings);
  if (start.scores !== undefined) putScores(start.scores, model.senders, arena, layout, kernel);

  const { mailbox } = engine;
  const { words } = engine.status;
  const turnWord = engine.status.histogramWord(TURN_HISTOGRAM);
  const gapWord = engine.status.histogramWord(GAP_HISTOGRAM);
  const backoff = start.settings.idle === "backoff" ? new Backoff() : undefined;
  let endedMs = performance.now();
  let stakes = 0;
  while (!mailbox.stopping) {
    if (mailbox.stakesOffered !== stakes) {
      stakes = mailbox.stakesOffered;
      setStakes(model, new StakeTable(arena.buffer, layout.stakes.tablesAt[stakes - 1], layout.stakes.slotCount));
      mailbox.tookStakes(stakes);
    }
    const startedMs = performance.now();
    record(words, gapWord, (startedMs - endedMs) * MICROS_PER_MS);
    const done = engine.turn(startedMs);
    endedMs = performance.now();
    record(words, turnWord, (endedMs - startedMs) * MICROS_PER_MS);
    const sleepMs = backoff === undefined ? 0 : backoff.after(done);
    if (sleepMs > 0) {
      mailbox.sleep(sleepMs);
      endedMs = performance.now(); // a sleep that was meant is no gap
    }
  }
  engine.publish(performance.now());
}

const ended: LoopEnd = { state: "stopped" };
run(workerData as LoopStart);
parentPort?.postMessage(ended);
