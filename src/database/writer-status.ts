// The writer's numbers, in words of the arena: written by the writer thread alone, read by all that show them. Each word is a
// fact of its own, so plain loads and stores do.

import type { Arena } from "../shape/arena.ts";
import { WRITER_STATUS_BYTES } from "../shape/layout.ts";

/** `counter`: only grows; `gauge`: a present value. */
export const WRITER_STATISTICS = [
  { name: "rowsWritten", kind: "counter", unit: "rows", help: "rows that were new to the database" },
  { name: "recordsTaken", kind: "counter", unit: "records", help: "records taken from the loop's rings and kept" },
  { name: "sampledOut", kind: "counter", unit: "records", help: "records left out by sampling" },
  { name: "lappedOutcomes", kind: "counter", unit: "records", help: "outcomes that the writer was too slow to take" },
  { name: "lappedFates", kind: "counter", unit: "records", help: "fates that the writer was too slow to take" },
  { name: "spilled", kind: "counter", unit: "records", help: "records that went to the spill file" },
  { name: "replayed", kind: "counter", unit: "records", help: "records sent from the spill file" },
  { name: "dropped", kind: "counter", unit: "records", help: "records lost: no room in the spill file, or refused" },
  { name: "failures", kind: "counter", unit: "failures", help: "times the database failed or could not be reached" },
  { name: "connected", kind: "gauge", unit: "0 or 1", help: "whether the database takes rows now" },
  { name: "waiting", kind: "gauge", unit: "records", help: "records taken that wait, in memory and in the spill file" },
  { name: "spillBytes", kind: "gauge", unit: "bytes", help: "unsent bytes of the spill file" },
  { name: "lagMs", kind: "gauge", unit: "ms", help: "for how long some batch has been waiting, without a break" },
  { name: "lastWriteMs", kind: "gauge", unit: "ms", help: "what the last batch took" },
] as const;

export type WriterStatisticName = (typeof WRITER_STATISTICS)[number]["name"];
export type WriterNumbers = Readonly<Record<WriterStatisticName, number>>;

const WORDS = WRITER_STATISTICS.length;
if (WORDS * 8 > WRITER_STATUS_BYTES) throw new Error("the writer's numbers have too little room");

/** Shows the writer's present numbers. */
export function publishWriterNumbers(arena: Arena, at: number, numbers: WriterNumbers): void {
  WRITER_STATISTICS.forEach(({ name }, i) => {
    arena.f64[at / 8 + i] = numbers[name];
  });
}

export function readWriterNumbers(arena: Arena, at: number): WriterNumbers {
  return Object.fromEntries(WRITER_STATISTICS.map(({ name }, i) => [name, arena.f64[at / 8 + i]])) as WriterNumbers;
}
