// A thread that loads the kernel over an arena that it is sent, hashes what it is told to, and says when it is done.

import { loadKernel } from "../../src/kernel/kernel.ts";
import { Arena } from "../../src/shape/arena.ts";

export interface HashJob {
  readonly memory: WebAssembly.Memory;
  readonly at: number;
  readonly length: number;
  readonly secretAt: number;
  readonly outAt: number;
}

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<HashJob>) => {
  loadKernel(new Arena(data.memory)).hash(data.at, data.length, data.secretAt, data.outAt);
  postMessage("done");
};
