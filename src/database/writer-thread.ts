// The writer's thread as the main thread sees it.

import type { LayoutOptions } from "../shape/layout.ts";
import type { WriterSettings } from "./writer.ts";

/** What the thread is started with. */
export interface WriterStart {
  readonly memory: WebAssembly.Memory;
  readonly layout: LayoutOptions;
  readonly settings: WriterSettings;
}

/** Everything that is ever said to the thread. */
export type WriterOrder = { readonly start: WriterStart } | { readonly stop: true };

/** What it says. */
export type WriterMessage =
  | { readonly kind: "said"; readonly level: "info" | "warn"; readonly message: string }
  | { readonly kind: "ended" };

/** A writer that does not end by then never will: it ends by itself well before. */
const STOP_MAX_MS = 6_000;

export interface WriterThread {
  /** Lets it write what is left; the loop must have ended. Resolves when it has, or never will; never rejects. */
  stop(): Promise<void>;
}

/** @param say gets the thread's sentences for the log */
export function startWriter(start: WriterStart, say: (level: "info" | "warn", message: string) => void): WriterThread {
  const ended = Promise.withResolvers<void>();
  const worker = new Worker(new URL("./writer-worker.ts", import.meta.url));
  const order = (message: WriterOrder): void => worker.postMessage(message);
  worker.onmessage = ({ data }: MessageEvent<WriterMessage>) => {
    if (data.kind === "said") say(data.level, data.message);
    else ended.resolve();
  };
  worker.onerror = (event) => {
    event.preventDefault();
    say("warn", `the database's writer died, and the sidecar goes on without it: ${event.message}`);
    ended.resolve();
  };
  worker.addEventListener("close", () => ended.resolve());
  order({ start });
  return {
    stop: async () => {
      order({ stop: true });
      const limit = setTimeout(() => ended.resolve(), STOP_MAX_MS);
      await ended.promise;
      clearTimeout(limit);
      worker.terminate();
    },
  };
}
