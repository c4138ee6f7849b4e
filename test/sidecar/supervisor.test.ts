// How a run ends, with the test as the loop.

import { afterEach, expect, test } from "bun:test";
import { Engine } from "../../src/engine/engine.ts";
import { loadKernel } from "../../src/kernel/kernel.ts";
import { Channels } from "../../src/sidecar/channel-files.ts";
import { openModel } from "../../src/sidecar/models.ts";
import type { StateFile } from "../../src/sidecar/scores/state-file.ts";
import { type Supervised, supervise } from "../../src/sidecar/supervisor.ts";
import type { LoopEnd } from "../../src/sidecar/threads/loop-thread.ts";
import { MemoryLog, settingsFor, smallMemory } from "./parts.ts";
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
  const parts: Supervised = {
    settings,
    version: "1",
    previous: undefined,
    startedAt: new Date(0),
    startedMs: performance.now(),
    log,
    memory,
    mailbox,
    channels,
    stakes: undefined,
    lists: undefined,
    state,
    database: undefined,
    fates: undefined,
    loop: loop.promise,
    stop: stop.promise,
  };
  return { parts, loop, stop, log, mailbox, saved, done: supervise(parts) };
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
