// What records cost the loop, and how many a database takes.
//
//   bun test/bench/database.ts            all of it, a table
//   bun test/bench/database.ts --json     one JSON line each
//   bun test/bench/database.ts --small    few rounds: only shows that it runs
//
// The loop: one history (fresh packets, transmits, outcomes) through engines that tell nothing, outcomes, outcomes and fates,
// a round each in turn, in the thread's own CPU time. The databases: whole batches through the real sinks, wall time; a
// PostgreSQL server of the test's own (no fsync), if one is installed. `sum` is the same in every run.

import { mkdtempSync, rmSync } from "node:fs";
import { threadCpuNanos } from "../../ffi/thread.ts";
import { openSink } from "../../src/database/sink.ts";
import type { Location } from "../../src/settings/database-location.ts";
import { postgresLocation } from "../../src/settings/database-location.ts";
import { OUTCOME_CHANNEL } from "../../src/shape/channels.ts";
import { HASH_AT } from "../../src/shape/digest-layout.ts";
import { noPostgres, Postgres } from "../database/postgres.ts";
import { batchOf } from "../database/rig.ts";
import { corpus, type Rig, rig, salted } from "../engine/rig.ts";

const small = process.argv.includes("--small");
const json = process.argv.includes("--json");
const ROUNDS = small ? 4 : 300;
const PACKETS = 400;
const BATCH = 4_096;
const BATCHES = small ? 2 : 24;

function report(name: string, value: number, unit: string, sum: number): void {
  if (json) console.log(JSON.stringify({ name, value: Number(value.toFixed(1)), unit, sum }));
  else console.log(`${name.padEnd(44)} ${value.toFixed(1).padStart(10)} ${unit}   sum ${sum}`);
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

interface Runner {
  readonly name: string;
  readonly one: Rig;
  readonly nanos: number[];
  readonly sent: number[];
}

const layouts = {
  "no records": {},
  "outcomes (a database)": { outcomeRecords: 65_536 },
  "outcomes and fates": { outcomeRecords: 65_536, fateRecords: 65_536 },
};

function playRound({ one, nanos, sent }: Runner, round: number): void {
  const { arena, kernel, layout, scratchAt } = one.parts;
  for (let i = 0; i < PACKETS; i++) {
    const number = round * PACKETS + i;
    one.send(i & 3, {
      payload: salted(corpus[number % corpus.length], number),
      ip: [10, 0, number % 7, number % 251],
    });
  }
  const startNanos = threadCpuNanos();
  one.settle(round * 200);
  one.settle(round * 200 + 100);
  let spent = threadCpuNanos() - startNanos;
  const packets = one.received();
  sent.push(packets.length);
  for (const packet of packets) {
    arena.u8.set(packet, scratchAt);
    kernel.digest(scratchAt, 1, layout.channels[0].elementBytes, scratchAt + 4_096, layout.contextAt);
    const outcome = new Uint8Array(16);
    outcome.set(arena.u8.subarray(scratchAt + 4_096 + HASH_AT, scratchAt + 4_104 + HASH_AT));
    new DataView(outcome.buffer).setUint32(8, 50_000 + round, true);
    one.sendBytes(OUTCOME_CHANNEL, outcome);
  }
  const outcomesNanos = threadCpuNanos();
  one.settle(round * 200 + 101);
  spent += threadCpuNanos() - outcomesNanos;
  nanos.push(spent / PACKETS);
}

function benchLoop(): void {
  const runners = Object.entries(layouts).map(
    ([name, layout]): Runner => ({
      name,
      one: rig({ layout: { ...layout, queueCapacity: 1_024 } }),
      nanos: [],
      sent: [],
    }),
  );
  for (let round = 0; round < ROUNDS; round++) for (const runner of runners) playRound(runner, round);
  const settled = Math.floor(ROUNDS / 3); // the compiler's rounds before
  for (const { name, nanos, sent } of runners) {
    const sum = sent.reduce((total, count) => (total * 31 + count) % 2 ** 32, 0);
    report(`loop, ${name}`, median(nanos.slice(settled)), "ns a packet, its transmit and outcome", sum);
  }
}

async function benchSink(name: string, location: Location): Promise<void> {
  for (const kind of ["transactions", "fates"] as const) {
    const batches = Array.from({ length: BATCHES }, (_, i) => batchOf(kind, BATCH, `session-${i}`, i * BATCH));
    const sink = await openSink(location);
    let written = 0;
    const rates: number[] = [];
    for (const batch of batches) {
      const startMs = performance.now();
      written += await sink.insert(batch);
      rates.push((BATCH * 1_000) / (performance.now() - startMs));
    }
    await sink.close();
    report(`${name}, ${kind}`, median(rates), "rows/s", written);
  }
}

benchLoop();
const folder = mkdtempSync("/tmp/qos-bench-");
try {
  await benchSink("SQLite", { kind: "sqlite", path: `${folder}/bench.db` });
  if (noPostgres === undefined) {
    const postgres = await Postgres.start();
    try {
      const location = postgresLocation(await postgres.database());
      if (location !== undefined) await benchSink("PostgreSQL", location);
    } finally {
      await postgres.remove();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
