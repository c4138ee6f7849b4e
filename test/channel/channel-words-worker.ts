// A thread that counts a tail up, one by one, by the kernel's store or by JavaScript's, and says when it is done.

import { AtomicWords } from "../../src/channel/channel-words.ts";
import { loadKernel } from "../../src/kernel/kernel.ts";
import { Arena } from "../../src/shape/arena.ts";

export interface TailJob {
  readonly memory: WebAssembly.Memory;
  readonly at: number;
  readonly first: number;
  readonly last: number;
  readonly byKernel: boolean;
}

declare const self: Worker;

self.onmessage = ({ data: { memory, at, first, last, byKernel } }: MessageEvent<TailJob>) => {
  const arena = new Arena(memory);
  const tails = byKernel ? loadKernel(arena) : new AtomicWords(arena);
  for (let tail = first; tail <= last; tail++) tails.storeTail(at, tail);
  postMessage("done");
};
