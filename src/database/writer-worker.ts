// The writer's thread. It shares the arena and nothing else: if it dies, the loop goes on, and its numbers stand still.

import { parentPort, workerData } from "node:worker_threads";
import { tryLock } from "../../ffi/shared-memory.ts";
import { nameThread } from "../../ffi/thread.ts";
import { Arena } from "../arena.ts";
import { arenaLayout } from "../layout.ts";
import { openSink } from "./sink.ts";
import { Writer } from "./writer.ts";
import type { WriterMessage, WriterStart } from "./writer-thread.ts";

const THREAD_NAME = "qos-database";

const { memory, layout, settings } = workerData as WriterStart;
const post = (message: WriterMessage): void => parentPort?.postMessage(message);

nameThread(THREAD_NAME);
const writer = new Writer(new Arena(memory), arenaLayout(layout), settings, {
  open: openSink,
  tryLock: (descriptor) => tryLock(descriptor, settings.spillPath),
  say: (level, message) => post({ kind: "said", level, message }),
  wallMs: () => Date.now(),
  nowMs: () => performance.now(),
});
parentPort?.on("message", () => writer.stop());
await writer.run();
post({ kind: "ended" });
parentPort?.close();
