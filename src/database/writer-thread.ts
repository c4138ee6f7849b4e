// The writer's thread as the main thread sees it.

import { Worker } from "node:worker_threads";
import type { LayoutOptions } from "../layout.ts";
import type { WriterSettings } from "./writer.ts";

/** What the thread is started with. */
export interface WriterStart {
  readonly memory: WebAssembly.Memory;
  readonly layout: LayoutOptions;
  readonly settings: WriterSettings;
}

/** What it says. */
export type WriterMessage =
  | { readonly kind: "said"; readonly level: "info" | "warn"; readonly message: string }
  | { readonly kind: "ended" };

/** A writer that does not end by then never will: it ends by itself well before. */
const STOP_LIMIT_MS = 6_000;

export interface WriterThread {
  /** Lets it write what is left; the loop must have ended. Resolves when it has, or never will; never rejects. */
  stop(): Promise<void>;
}

/** @param say gets the thread's sentences for the log */
export function startWriter(start: WriterStart, say: (level: "info" | "warn", message: string) => void): WriterThread {
  const ended = Promise.withResolvers<void>();
  const worker = new Worker(new URL("./writer-worker.ts", import.meta.url), { workerData: start });
  worker.on("message", (message: WriterMessage) => {
    if (message.kind === "said") say(message.level, message.message);
    else ended.resolve();
  });
  worker.on("error", (error) => {
    say("warn", `the database's writer died: ${error instanceof Error ? error.message : String(error)}`);
    ended.resolve();
  });
  worker.on("exit", () => ended.resolve());
  return {
    stop: async () => {
      worker.postMessage("stop");
      const limit = setTimeout(() => ended.resolve(), STOP_LIMIT_MS);
      await ended.promise;
      clearTimeout(limit);
      await worker.terminate();
    },
  };
}
