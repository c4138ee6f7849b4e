// What the collector keeps of two rings that show the same transactions.

import { expect, test } from "bun:test";
import type { Batch } from "../../src/database/batch.ts";
import { Collector } from "../../src/database/collector.ts";
import { rowsOf } from "../../src/database/rows.ts";
import { Rig, SMALL } from "./rig.ts";

const COUNT = 500;

test("of a transaction all fates and its outcome are in the sample, or none", () => {
  const rig = new Rig({ ...SMALL, outcomeRecords: 2_048, fateRecords: 4_096 });
  const batches: Batch[] = [];
  const settings = {
    session: "s",
    host: "h",
    transactionsShare: 0.25,
    fatesShare: 0.25,
    scoresIntervalMs: 1e9,
    statisticsIntervalMs: 1e9,
  };
  const collector = new Collector(rig.arena, rig.layout, settings, (batch) => batches.push(batch));
  for (let number = 0; number < COUNT; number++) rig.transmitted(number);
  for (let number = COUNT - 1; number >= 0; number--) rig.outcome(number);
  rig.turn();
  collector.finish(Date.UTC(2026, 0, 2), rig.now);
  const hashesOf = (kind: string): unknown[] =>
    batches
      .filter((batch) => batch.kind === kind)
      .flatMap((batch) => rowsOf(batch).map((row) => Reflect.get(row, "packetHash")));
  const outcomes = hashesOf("transactions");
  const fates = hashesOf("fates");
  expect(outcomes.length).toBeWithin(COUNT / 8, COUNT / 2);
  expect(new Set(outcomes).size).toBe(outcomes.length);
  expect(fates.length).toBe(2 * outcomes.length);
  expect(new Set(fates)).toEqual(new Set(outcomes));
  expect(collector.taken + collector.sampledOut).toBe(3 * COUNT);
});
