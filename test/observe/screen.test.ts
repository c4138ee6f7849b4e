import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Snapshot } from "../../src/engine/status.ts";
import type { Board } from "../../src/observe/board.ts";
import { Faults } from "../../src/observe/faults.ts";
import { age, compact, type Moment, SORTS, score, screen, type View, waterfall } from "../../src/observe/screen.ts";
import type { SidecarPicture } from "../../src/observe/status-reader.ts";
import { STATISTICS } from "../../src/shape/statistics.ts";

import { rig } from "../engine/rig.ts";

const made = rig();
const empty = made.snapshot(1);

const board: Board = {
  version: "1.2.3+abc",
  pid: 4_711,
  startedMs: Date.now() - 90_000,
  writtenMs: Date.now(),
  prefix: "a_",
  model: "evidence",
  packetLayout: "agave2",
  targetPps: 1_000_000,
  paused: false,
  heartbeatAgeMs: { tpu_to_qos: 100 },
  loopAgeMs: 10,
  updates: [{ atMs: 0, updates: 2, outcomes: 800, included: 600 }],
  senders: {
    ips: { known: 30, top: rows("10.0.0.", 10, 5), bottom: rows("66.0.0.", 10, 0.001) },
    payers: { known: 3, top: rows("payer", 3, 1), bottom: rows("payer", 3, 1) },
  },
  database: null,
  faults: new Faults().counts,
  detached: {},
  ended: null,
};

function rows(name: string, count: number, best: number) {
  return Array.from({ length: count }, (_, i) => ({ sender: `${name}${i}`, score: best / (i + 1) }));
}

const picture = (counters: Partial<Snapshot["counters"]>, more: Partial<Board> = {}): SidecarPicture => ({
  snapshot: { ...empty, counters: { ...empty.counters, ...counters } },
  board: { ...board, ...more },
});

const moment = (more: Partial<Board> = {}): Moment => ({
  before: picture({ totalPackets: 100, failedView: 10, bankingTransmissions: 50 }),
  now: picture({ totalPackets: 300, failedView: 60, bankingTransmissions: 150, queued: 90 }, more),
  elapsedMs: 500,
  fates: new Map([
    ["10.0.0.3", { packets: 40, sent: 10 }],
    ["66.6.6.6", { packets: 4_000, sent: 0 }],
  ]),
});

const view: View = { columns: 80, rows: 24, colour: false, paused: false, sort: "best", kind: "ips" };

test("faults are there when there are some, with their names where there is room", () => {
  const faults = { ...board.faults, clockSteps: 2, stateFailures: 1 };
  const more = { faults, detached: { tpu_to_qos: 7 } };
  const narrow = screen(moment(more), view);
  expect(narrow.find((line) => line.startsWith("queue 90"))).toEndWith("  faults 3");
  expect(narrow.find((line) => line.startsWith("tpu_to_qos"))).toMatch(/ 7 {2}now$/);
  expect(screen(moment(), view).join("\n")).not.toContain("faults");
  const wide = screen(moment(more), { ...view, columns: 160, rows: 50 }).join("\n");
  expect(wide).toContain("faults  clockSteps 2, stateFailures 1");
});

test("the waterfall is a second's worth, and shares of what came in", () => {
  const { taken, ends, sent } = waterfall(moment());
  expect([taken.perSecond, sent.perSecond, sent.share, sent.total]).toEqual([400, 200, 0.5, 150]);
  expect(ends.find(({ name }) => name === "failedView")).toMatchObject({ perSecond: 100, share: 0.25, total: 60 });
  expect(ends).toHaveLength(STATISTICS.filter(({ kind }) => kind === "end").length - 1);
  expect(waterfall({ ...moment(), elapsedMs: 0 }).taken.perSecond).toBe(0);
});

describe("the screen", () => {
  test("at 80x24 has the flow, the channels and senders", () => {
    const lines = screen(moment(), view);
    expect(lines).toHaveLength(24);
    expect(lines[0]).toStartWith("qos 1.2.3 a_  pid 4711");
    expect(lines.find((line) => line.startsWith("in "))).toMatch(/^in +400 +300$/);
    expect(lines.find((line) => line.includes("failedView"))).toMatch(/100 +25\.0% +60$/);
    expect(lines.find((line) => line.startsWith("out "))).toMatch(/200 +50\.0% +150$/);
    for (const name of ["tpu_to_qos", "qos_to_sig", "best of 30 addresses", "10.0.0.0"]) {
      expect(lines.some((line) => line.startsWith(name))).toBe(true);
    }
    expect(lines.at(-1)).toStartWith("q quit");
  });

  test("fits every terminal, with and without colour, sorted by anything", () => {
    const views = fc.record({
      columns: fc.integer({ min: 40, max: 220 }),
      rows: fc.integer({ min: 10, max: 70 }),
      colour: fc.boolean(),
      paused: fc.boolean(),
      sort: fc.constantFrom(...SORTS),
      kind: fc.constantFrom("ips" as const, "payers" as const),
    });
    fc.assert(
      fc.property(views, (one) => {
        const lines = screen(moment(), one);
        expect(lines.length).toBeLessThanOrEqual(one.rows);
        for (const line of lines) {
          // biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes are what is taken out
          const plain = line.replaceAll(/\u001b\[[\d;]*m/g, "");
          expect(plain.length).toBeLessThanOrEqual(one.columns);
          if (!one.colour) expect(line).toBe(plain);
        }
      }),
      { seed: 8, numRuns: 300 },
    );
  });

  test("sorts senders, and says what they sent", () => {
    const find = (one: Partial<View>, start: string) =>
      screen(moment(), { ...view, rows: 40, ...one }).find((line) => line.startsWith(start));
    expect(find({}, "10.0.0.3")).toMatch(/1\.25 +40 +25\.0%$/);
    expect(find({ sort: "worst" }, "66.0.0.0")).toBeDefined();
    expect(find({ sort: "packets" }, "66.6.6.6")).toMatch(/4,000 +0\.0%$/);
    expect(find({ kind: "payers" }, "payer0")).toBeDefined();
  });

  test("says at once what is wrong", () => {
    expect(screen(moment({ paused: true }), view)[0]).toStartWith("PAUSED BY qos ctl");
    expect(screen(moment({ loopAgeMs: 60_000 }), view)[0]).toStartWith("LOOP STANDS STILL 60 s");
    expect(screen(moment(), { ...view, paused: true }).at(-1)).toEndWith("[screen paused]");
  });
});

test("numbers are short", () => {
  expect([0, 999, 99_999, 123_456, 1_234_567, 5e9, 1e20].map(compact)).toEqual([
    "0",
    "999",
    "99,999",
    "123k",
    "1.23M",
    "5.00G",
    "1.0e+20",
  ]);
  expect([0, 1.23456, 1e-7, 1e9, Number.NEGATIVE_INFINITY, null].map(score)).toEqual([
    "0",
    "1.235",
    "1.00e-7",
    "1.00e+9",
    "none",
    "none",
  ]);
  expect([null, 10, 5_000, 600_000, 1e8].map(age)).toEqual(["never", "now", "5 s", "10 min", "28 h"]);
});
