// How a run ends, with the test as the loop.

import { afterEach, expect, test } from "bun:test";
import { Engine } from "../../src/engine/engine.ts";
import { loadKernel } from "../../src/kernel/kernel.ts";
import { openModel } from "../../src/rank/models.ts";
import { Channels } from "../../src/sidecar/channel-files.ts";
import type { SignalListener } from "../../src/sidecar/process/signals.ts";
import type { StateFile } from "../../src/sidecar/scores/state-file.ts";
import { type Charges, supervise } from "../../src/sidecar/supervisor.ts";
import type { LoopEnd } from "../../src/sidecar/threads/loop-thread.ts";
import { MemoryLog, runtimeFor, settingsFor, smallMemory } from "./parts.ts";
import { removeChannels } from "./peer.ts";
import { freshPrefix } from "./sidecar-process.ts";

let prefix = "";
afterEach(() => removeChannels(prefix));

/** A supervisor around an engine that turns once, and how its loop and its stop are played. */
function play(flags: readonly string[] = []) {
  prefix = freshPrefix();
  const memory = smallMemory();
  const { arena, layout, mailbox } = memory;
  const settings = settingsFor("--log-interval", "100ms", ...flags);
  const engine = new Engine(arena, layout, loadKernel(arena), openModel("ip-signer", arena, layout), settings);
  engine.turn(1);
  const log = new MemoryLog();
  const channels = new Channels({ ...memory, place: { pages: "standard", prefix }, log, seed: 1n });
  const loop = Promise.withResolvers<LoopEnd>();
  const stop = Promise.withResolvers<string>();
  const saved: string[] = [];
  const state = { write: async () => void saved.push("scores") } as unknown as StateFile;
  const told: SignalListener[] = [];
  const charges: Charges = {
    channels,
    inputs: [],
    state,
    statistics: undefined,
    database: undefined,
    fates: undefined,
    loop: loop.promise,
    signals: { stop: stop.promise, listen: (listener) => void told.push(listener) },
  };
  return { loop, stop, log, mailbox, saved, told, done: supervise(runtimeFor(memory, settings, log), charges) };
}

test("told to stop, it stops the loop, then saves the scores", async () => {
  const { loop, stop, log, mailbox, saved, done } = play();
  stop.resolve("SIGTERM");
  await Bun.sleep(0);
  expect(saved).toEqual([]);
  loop.resolve({ state: "stopped" });
  expect(await done).toBe(0);
  expect(mailbox.stopping).toBe(true);
  expect(saved).toEqual(["scores"]);
  expect(log.lines[0]).toBe("info: stopping: SIGTERM");
  expect(log.lines.at(-1)).toBe("info: stopped");
});

test("a loop that dies is said why, and its scores are not saved", async () => {
  const { loop, log, saved, done } = play();
  loop.resolve({ state: "died", reason: "out of luck" });
  expect(await done).toBe(1);
  expect(saved).toEqual([]);
  expect(log.lines.at(-1)).toBe("error: the loop ended: out of luck");
});

test("a loop that does not stop is not waited for", async () => {
  const { stop, log, done } = play();
  stop.resolve("SIGINT");
  expect(await done).toBe(1);
  expect(log.lines.at(-1)).toBe("error: the loop ended: it did not stop within 5000 ms");
});

test("a loop that stands still is said", async () => {
  const { loop, stop, log, done } = play();
  const end = performance.now() + 20_000;
  while (!log.lines.includes("warn: the loop has not turned since the last line") && performance.now() < end) {
    await Bun.sleep(10);
  }
  stop.resolve("SIGINT");
  loop.resolve({ state: "stopped" });
  expect(await done).toBe(0);
  expect(log.lines).toContain("warn: the loop has not turned since the last line");
});

test("signals are told in a line each, and end nothing", async () => {
  const { loop, stop, log, told, done } = play();
  told[0].ignored("SIGUSR1");
  told[0].reload();
  stop.resolve("SIGTERM");
  loop.resolve({ state: "stopped" });
  expect(await done).toBe(0);
  expect(log.lines[0]).toStartWith("warn: SIGUSR1 means nothing to qos, and is ignored");
  expect(log.lines).toContain("info: SIGHUP: lists and stakes are read again");
  expect(log.lines).toContain("info: no lists and no stakes are configured: there is nothing to read");
});
