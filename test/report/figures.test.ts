// The report against sums made by hand, over both engines; and its forms for people and programs.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import type { Batch } from "../../src/database/batch.ts";
import { openReader } from "../../src/database/reader.ts";
import { rowsOf } from "../../src/database/rows.ts";
import { openSink } from "../../src/database/sink.ts";
import type { FateRow, TransactionRow } from "../../src/database/tables.ts";
import { csvOf } from "../../src/report/csv.ts";
import { delaysOf, endingsOf, type Report, readReport, stepOf } from "../../src/report/figures.ts";
import { rankCorrelation } from "../../src/report/rank-correlation.ts";
import { TABLE_NAMES, tablesOf } from "../../src/report/tables.ts";
import { type Location, postgresLocation } from "../../src/settings/database-location.ts";
import { noPostgres, Postgres } from "../database/postgres.ts";
import { batchOf } from "../database/rig.ts";

const folder = fs.mkdtempSync("/tmp/qos-report-");
let postgres: Postgres | undefined;
beforeAll(async () => {
  if (noPostgres === undefined) postgres = await Postgres.start();
}, 60_000);
afterAll(async () => {
  await postgres?.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

const DAY_US = 86_400_000_000;
const BEGIN_US = Date.UTC(2026, 0, 2) * 1_000;

/** Two days of two hosts. */
const batches: readonly Batch[] = [0, 1].flatMap((day) => {
  const of = (kind: "transactions" | "fates", host: string): Batch => {
    const batch = batchOf(kind, 400, `${host}-${day}`, day * 37);
    return { ...batch, host, wallOffsetMs: BEGIN_US / 1_000 + (day * DAY_US) / 1_000 };
  };
  return [of("transactions", "one"), of("fates", "one"), of("transactions", "two")];
});
const session = (name: string, host: string, day: number): object => ({
  session: name,
  startedUs: BEGIN_US + day * DAY_US,
  host,
  version: "1",
  settings: "{}",
  transactionsShare: 1,
  fatesShare: 0.5,
});
const plain = (kind: Batch["kind"], rows: readonly object[]): Batch => ({
  kind,
  session: "x",
  host: "x",
  wallOffsetMs: 0,
  count: rows.length,
  payload: Buffer.from(JSON.stringify(rows)),
});
const others = [
  plain("session", [session("one-0", "one", 0), session("two-1", "two", 1)]),
  plain("statistics", [
    { session: "one-0", host: "one", atUs: BEGIN_US + 1, name: "totalPackets", value: 100 },
    { session: "one-0", host: "one", atUs: BEGIN_US + 2, name: "totalPackets", value: 350 },
    { session: "two-1", host: "two", atUs: BEGIN_US + DAY_US, name: "totalPackets", value: 5 },
    { session: "two-1", host: "two", atUs: BEGIN_US + DAY_US + 9, name: "totalPackets", value: 12 },
  ]),
];
const transactions = batches.filter(({ kind }) => kind === "transactions").flatMap(rowsOf) as TransactionRow[];
const fates = batches.filter(({ kind }) => kind === "fates").flatMap(rowsOf) as FateRow[];

async function filled(location: Location): Promise<Location> {
  const sink = await openSink(location);
  for (const batch of [...batches, ...others]) await sink.insert(batch);
  await sink.close();
  return location;
}

async function report(location: Location, options: Partial<Parameters<typeof readReport>[1]> = {}): Promise<Report> {
  const reader = await openReader(location);
  try {
    return await readReport(reader, { fromMs: undefined, toMs: undefined, host: undefined, top: 7, ...options });
  } finally {
    await reader.close();
  }
}

/** Sums by hand. */
function byHand(rows: readonly TransactionRow[], key: "ip" | "payer") {
  const lines = new Map<string, { outcomes: number; included: number; earned: number; wasted: number }>();
  for (const row of rows) {
    const line = lines.get(row[key]) ?? { outcomes: 0, included: 0, earned: 0, wasted: 0 };
    line.outcomes += 1;
    if (row.included) {
      line.included += 1;
      line.earned += row.feeLamports;
    } else line.wasted += 1;
    lines.set(row[key], line);
  }
  return lines;
}

const ENGINES: readonly (readonly [string, boolean, () => Promise<Location>])[] = [
  ["SQLite", false, async () => ({ kind: "sqlite", path: `${folder}/${Math.random()}.db` })],
  [
    "PostgreSQL (needs postgresql)",
    noPostgres !== undefined,
    async () => postgresLocation((await postgres?.database()) ?? "") ?? { kind: "sqlite", path: "" },
  ],
];

for (const [name, skip, fresh] of ENGINES) {
  // skipped if no server is installed: the name says (needs ...)
  describe.skipIf(skip)(`a report over ${name}`, () => {
    let location: Location;
    beforeAll(async () => {
      location = await filled(await fresh());
    }, 60_000);

    test("sums what is there", async () => {
      const { totals, sessions, host } = await report(location);
      const included = transactions.filter((row) => row.included);
      expect(totals).toEqual({
        outcomes: transactions.length,
        included: included.length,
        failed: 0,
        earned: included.reduce((sum, row) => sum + row.feeLamports, 0),
        executionMs: included.length / 10,
        packetsIn: 257,
        packetsOut: 0,
      });
      expect(sessions.map((one) => [one.session, one.fatesShare])).toEqual([
        ["one-0", 0.5],
        ["two-1", 0.5],
      ]);
      expect(host).toBeNull();
    });

    test("names who earns and who wastes most, in order", async () => {
      const { earners, wasters } = await report(location);
      for (const key of ["ip", "payer"] as const) {
        const lines = [...byHand(transactions, key)].map(([sender, line]) => ({ sender, ...line }));
        const found =
          key === "ip"
            ? { earned: earners.ips, wasted: wasters.ips }
            : { earned: earners.payers, wasted: wasters.payers };
        for (const order of ["earned", "wasted"] as const) {
          const expected = lines.map((line) => line[order]).sort((a, b) => b - a);
          expect(found[order].map((line) => line[order])).toEqual(expected.slice(0, 7).filter((value) => value > 0));
          for (const line of found[order])
            expect(line).toMatchObject(lines.find(({ sender }) => sender === line.sender) ?? {});
        }
      }
    });

    test("keeps to a range and a host", async () => {
      const fromMs = BEGIN_US / 1_000 + 86_400_000;
      const second = transactions.filter((row) => row.completedUs >= fromMs * 1_000);
      expect((await report(location, { fromMs })).totals.outcomes).toBe(second.length);
      expect((await report(location, { toMs: fromMs })).totals.outcomes).toBe(transactions.length - second.length);
      const two = await report(location, { host: "two" });
      expect(two.totals.outcomes).toBe(transactions.filter((row) => row.host === "two").length);
      expect(two.endings).toEqual([]);
      expect((await report(location, { host: "'; DROP TABLE qos_fates; --" })).totals.outcomes).toBe(0);
    });

    test("follows the value over time", async () => {
      const { overTime } = await report(location);
      expect(overTime.stepSeconds).toBe(900);
      expect(overTime.steps.reduce((sum, step) => sum + step.outcomes, 0)).toBe(transactions.length);
      expect(overTime.steps.map(({ time }) => time)).toEqual(["2026-01-02T00:00:00.000Z", "2026-01-03T00:00:00.000Z"]);
    });

    test("ranks scores by tenths", async () => {
      const { tenths } = (await report(location)).calibration;
      const sorted = [...transactions].sort((a, b) => a.score - b.score);
      const size = sorted.length / 10;
      expect(tenths.map((one) => one.outcomes)).toEqual(Array(10).fill(size));
      for (const [i, tenth] of tenths.entries()) {
        const rows = sorted.slice(i * size, (i + 1) * size);
        expect(tenth.lowest).toBe(rows[0]?.score ?? -1);
        expect(tenth.highest).toBe(rows.at(-1)?.score ?? -1);
      }
      const value = transactions.reduce((sum, row) => sum + (row.included ? row.feeLamports / row.computeUnits : 0), 0);
      expect(tenths.reduce((sum, one) => sum + one.value * size, 0)).toBeCloseTo(value, 6);
    });

    test("tells delays, prices and endings", async () => {
      const { delays, prices, endings } = await report(location);
      expect(delays).toEqual({
        p50Ms: 24,
        p90Ms: 24,
        p99Ms: 24,
        longestMs: 24,
        bands: [{ fromMs: 16, toMs: 32, outcomes: transactions.length }],
      });
      // Of one-0 a half was saved; of one-1 no session says how much.
      const [halved, whole] = ["one-0", "one-1"].map((id) => fates.filter((row) => row.session === id).length);
      expect(endings).toEqual([{ ending: "bankingTransmissions", packets: 2 * halved + whole, saved: fates.length }]);
      const one = prices.find(({ sender }) => sender === "10.0.0.60");
      const own = fates.filter((row) => row.ip === "10.0.0.60").map((row) => row.price ?? 0);
      expect(one).toMatchObject({ packets: own.length, sent: own.length });
      expect(one?.in).toBeCloseTo(own.reduce((sum, price) => sum + price, 0) / own.length, 6);
      expect(one?.out).toBeCloseTo(one?.in ?? 0, 6);
    });

    test("of an empty database says so", async () => {
      const empty = await fresh();
      await (await openSink(empty)).close();
      const found = await report(empty);
      expect(found.totals).toMatchObject({ outcomes: 0, earned: 0 });
      expect(found.delays.p50Ms).toBeNull();
      expect(found.calibration.rankCorrelation).toBeNull();
      expect(tablesOf(found).map((one) => one.name)).toEqual([...TABLE_NAMES]);
      expect(found.rows).toBeNull();
      expect(found.from).toStartWith(new Date().toISOString().slice(0, 10)); // and not 1970
    });

    test("knows which hosts there are, and from when to when its rows are", async () => {
      const { rows, hosts } = await report(location);
      expect(hosts).toEqual(["one", "two"]);
      expect(rows?.first).toStartWith("2026-01-02T00:00:00");
      expect(rows?.last).toStartWith("2026-01-03T00:00:0");
      expect((await report(location, { host: "nope" })).rows).toBeNull();
    });
  });
}

describe("reading", () => {
  test("a file that is not there makes none", async () => {
    const path = `${folder}/absent.db`;
    expect(report({ kind: "sqlite", path })).rejects.toThrow(/there is no database/);
    expect(fs.existsSync(path)).toBe(false);
  });

  test("a database without our tables is refused", async () => {
    const path = `${folder}/empty.db`;
    fs.writeFileSync(path, "");
    expect(report({ kind: "sqlite", path })).rejects.toThrow("version 0");
  });
});

describe("small parts", () => {
  test("Spearman's correlation", () => {
    const rising = Array.from({ length: 50 }, (_, i) => i);
    expect(
      rankCorrelation(
        rising,
        rising.map((x) => x ** 3),
      ),
    ).toBeCloseTo(1, 12);
    expect(
      rankCorrelation(
        rising,
        rising.map((x) => -x),
      ),
    ).toBeCloseTo(-1, 12);
    // Ties share their ranks: worked by hand from the definition, 10 pairs.
    expect(rankCorrelation([1, 2, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 2, 3, 4, 5, 6, 7, 8, 8])).toBeCloseTo(0.98773, 4);
    expect(rankCorrelation([1, 2], [1, 2])).toBeNull();
    expect(rankCorrelation(Array(20).fill(1), rising.slice(0, 20))).toBeNull();
  });

  test("steps of time are round and not too many", () => {
    for (const span of [1, 60, 3_600, 86_400, 30 * 86_400, 4_000 * 86_400]) {
      expect(span / (stepOf(span * 1e6) / 1e6)).toBeLessThanOrEqual(120);
    }
    expect(stepOf(3_600e6)).toBe(30e6);
  });

  test("endings are scaled by the share that each run saved of them", () => {
    const row = (
      session: string,
      ending: string,
      packets: number,
      transactions_share: unknown,
      fates_share: unknown,
    ) => ({
      session,
      ending,
      packets,
      transactions_share,
      fates_share,
    });
    expect(
      endingsOf([
        row("a", "transmitted", 1_492, 1, 0.01),
        row("a", "failed-signature", 1_617, 1, 0.01), // saved by the outcomes' share
        row("b", "bankingTransmissions", 8, 0.5, 0.5),
        row("b", "failed-signature", 3, 0.1, 0.5),
        row("lost", "transmitted", 7, null, null),
      ]),
    ).toEqual([
      { ending: "bankingTransmissions", packets: 149_200 + 16 + 7, saved: 1_507 },
      { ending: "failedSignature", packets: 1_617 + 6, saved: 1_620 },
    ]);
  });

  test("delays by bands that double", () => {
    const { bands, p50Ms, p99Ms } = delaysOf([
      [0, 5],
      [1, 1],
      [3, 2],
      [100, 2],
    ]);
    expect(bands).toEqual([
      { fromMs: 0, toMs: 1, outcomes: 5 },
      { fromMs: 1, toMs: 2, outcomes: 1 },
      { fromMs: 2, toMs: 4, outcomes: 2 },
      { fromMs: 64, toMs: 128, outcomes: 2 },
    ]);
    expect([p50Ms, p99Ms]).toEqual([0, 100]);
  });

  test("CSV quotes what needs it and hands no formula to a spreadsheet", () => {
    const text = csvOf([
      {
        name: "totals",
        title: "",
        head: ["a", "b"],
        rows: [
          ['x"y', 1],
          ["=1+1", 2],
          ["p,q", -3],
          ["line\nend", 0],
        ],
      },
      { name: "delays", title: "", head: ["c"], rows: [] },
    ]);
    expect(text).toBe('table,a,b\ntotals,"x""y",1\ntotals,\'=1+1,2\ntotals,"p,q",-3\ntotals,"line\nend",0\n\ntable,c');
  });
});
