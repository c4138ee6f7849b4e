// The loop's thread as the main thread sees it: what it is told at its start, and how it ends. Everything in between goes
// through the arena: the loop never returns to its event loop.

import { Worker } from "node:worker_threads";
import type { LayoutOptions } from "../layout.ts";
import type { SavedScores } from "./checkpoint.ts";
import type { SidecarSettings } from "./settings.ts";

/** What the thread is started with. */
export interface LoopStart {
  readonly memory: WebAssembly.Memory;
  readonly layout: LayoutOptions;
  readonly settings: Pick<SidecarSettings, "model" | "targetPps" | "maxAgeMs" | "idle" | "cpu">;
  /** What the model begins with. */
  readonly scores: SavedScores | undefined;
}

/** What the thread says at its end. */
export type LoopEnd = { readonly state: "stopped" } | { readonly state: "died"; readonly reason: string };

/**
 * Starts the loop.
 * @returns resolves when the thread has ended, however that came; never rejects
 */
export function startLoop(start: LoopStart): Promise<LoopEnd> {
  const { promise, resolve } = Promise.withResolvers<LoopEnd>();
  const worker = new Worker(new URL("./loop-worker.ts", import.meta.url), { workerData: start });
  worker.on("message", (end: LoopEnd) => resolve(end));
  worker.on("error", (error) =>
    resolve({ state: "died", reason: error instanceof Error ? error.message : String(error) }),
  );
  worker.on("exit", (code) => resolve({ state: "died", reason: `its thread ended with code ${code}` }));
  return promise;
}
