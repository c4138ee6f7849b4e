// The writer's thread. It shares the arena and nothing else: if it dies, the loop goes on, and its numbers stand still.

import { tryLock } from "../../ffi/shared-memory.ts";
import { nameThread } from "../../ffi/thread.ts";
import { Arena } from "../shape/arena.ts";
import { arenaLayout } from "../shape/layout.ts";
import { openSink } from "./sink.ts";
import { Writer } from "./writer.ts";
import type { WriterMessage, WriterOrder, WriterStart } from "./writer-thread.ts";

const THREAD_NAME = "qos-database";

declare const self: Worker;

const post = (message: WriterMessage): void => self.postMessage(message);
let writer: Writer | undefined;

self.onmessage = ({ data }: MessageEvent<WriterOrder>) => {
  if ("stop" in data) writer?.stop();
  else writer = start(data.start);
};

function start({ memory, layout, settings }: WriterStart): Writer {
  nameThread(THREAD_NAME);
  const made = new Writer(new Arena(memory), arenaLayout(layout), settings, {
    open: openSink,
    tryLock: (descriptor) => tryLock(descriptor, settings.spillPath),
    say: (level, message) => post({ kind: "said", level, message }),
    wallMs: () => Date.now(),
    nowMs: () => performance.now(),
  });
  void made.run().then(() => post({ kind: "ended" }));
  return made;
}
