// The loop's thread as the main thread sees it: what it is told at its start, and how it ends. Everything in between goes
// through the arena: the loop never returns to its event loop.

import type { SidecarSettings } from "../../settings/sidecar-settings.ts";
import type { LayoutOptions } from "../../shape/layout.ts";
import type { SavedScores } from "../scores/checkpoint.ts";

/** What the thread is started with: enough to build everything. */
export interface LoopStart {
  readonly memory: WebAssembly.Memory;
  readonly layout: LayoutOptions;
  readonly settings: SidecarSettings;
}

/** What makes it turn, once the channels are open and the kernel's context is written. */
export interface LoopGo {
  /** What the model begins with. */
  readonly scores: SavedScores | undefined;
}

/** What the thread says at its end. */
export type LoopEnd = { readonly state: "stopped" } | { readonly state: "died"; readonly reason: string };

/** Everything that is ever said to the thread. */
export type LoopMessage = { readonly start: LoopStart } | { readonly build: true } | { readonly go: LoopGo };

/**
 * The thread: it begins before the main thread has loaded what `qos run` needs, gets ready while the channels are opened,
 * and turns from `go` on.
 */
export class LoopThread {
  /** Resolves when the thread has ended, however that came; never rejects. */
  readonly ended: Promise<LoopEnd>;
  readonly #worker: Worker;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<LoopEnd>();
    this.ended = promise;
    // The web's Worker: node:worker_threads costs either thread 4 ms of loading.
    this.#worker = new Worker(new URL("./loop-worker.ts", import.meta.url));
    this.#worker.onmessage = ({ data }: MessageEvent<LoopEnd>) => resolve(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      resolve({ state: "died", reason: event.message });
    };
    this.#worker.addEventListener("close", () => resolve({ state: "died", reason: "its thread ended" }));
  }

  /** Has it load its kernel and make ready to warm up. */
  prepare(start: LoopStart): void {
    this.#say({ start });
  }

  /** Has it build its engine: files may not be laid over the arena's tables any more. */
  build(): void {
    this.#say({ build: true });
  }

  go(go: LoopGo): void {
    this.#say({ go });
  }

  #say(message: LoopMessage): void {
    this.#worker.postMessage(message);
  }
}
