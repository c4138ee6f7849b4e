// A thread that updates a score table without pause, new keys driving out old ones, until it is told to stop.

import { ScoreTable } from "../../src/rank/reference/score-table.ts";
import { Arena } from "../../src/shape/arena.ts";
import type { ScoreTableRegion } from "../../src/shape/layout.ts";

interface Order {
  readonly memory: WebAssembly.Memory;
  readonly region: ScoreTableRegion;
  readonly stopWord: number;
}

const SCRATCH_AT = 1_024; // the arena's first page is nobody's

declare const self: Worker;
self.onmessage = ({ data }: MessageEvent<Order>) => {
  const { memory, region, stopWord } = data;
  const arena = new Arena(memory);
  const table = new ScoreTable(arena, region);
  table.clear();
  self.postMessage("started");
  for (let round = 0; Atomics.load(arena.i32, stopWord) === 0; round++) {
    for (let i = 0; i < 400; i++) {
      const key = round * 7 + (i % 40);
      arena.i32[SCRATCH_AT / 4] = Math.imul(key + 1, 0x9e3779b1);
      arena.i32[SCRATCH_AT / 4 + 1] = key;
      arena.i32[SCRATCH_AT / 4 + 2] = key;
      arena.i32[SCRATCH_AT / 4 + 3] = key;
      table.gather(SCRATCH_AT, SCRATCH_AT + 8, 0, key % 1000);
    }
    table.update();
  }
  process.exit(0);
};
