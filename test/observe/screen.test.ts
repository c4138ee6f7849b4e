import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Snapshot } from "../../src/engine/status.ts";
import type { Board } from "../../src/observe/board.ts";
import { Faults } from "../../src/observe/faults.ts";
import type { Moment } from "../../src/observe/moments.ts";
import {
  age,
  alarms,
  compact,
  SORTS,
  score,
  screen,
  standsStillMs,
  type View,
  waterfall,
  whyBelowTarget,
} from "../../src/observe/screen.ts";
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
  stillMs: 0,
  isStopped: false,
  fates: new Map([
    ["10.0.0.3", { packets: 40, sent: 10 }],
    ["66.6.6.6", { packets: 4_000, sent: 0 }],
  ]),
});

const view: View = { columns: 80, rows: 24, colour: false, paused: false, sort: "best", kind: "ips" };

/** A moment with some of a channel's numbers grown by so much. */
function channelMoment(id: string, grown: Record<string, number>, more: Partial<Board> = {}): Moment {
  const one = moment(more);
  const channels = { ...one.now.snapshot.channels, [id]: { ...one.now.snapshot.channels[id], ...grown } };
  return { ...one, now: { ...one.now, snapshot: { ...one.now.snapshot, channels } } };
}

describe("what is wrong stands on top, and is seen without colour", () => {
  test("faults, with their names", () => {
    const faults = { ...board.faults, clockSteps: 2, stateFailures: 1 };
    for (const size of [{}, { columns: 120, rows: 40 }, { columns: 200, rows: 50 }]) {
      const lines = screen(moment({ faults, detached: { tpu_to_qos: 7 } }), { ...view, ...size });
      expect(lines[1]).toBe("! FAULTS clockSteps 2, stateFailures 1");
      expect(lines.find((line) => line.includes(" tpu_to_qos"))).toMatch(/ 7 {2,}now/);
      expect(screen(moment(), { ...view, ...size }).join("\n")).not.toContain("!");
    }
  });

  test("packets that are being lost, and a validator that is silent", () => {
    const lost = channelMoment(
      "tpu_to_qos",
      { lapped: 50, received: 1_000 },
      { heartbeatAgeMs: { qos_to_sig: 12_000 } },
    );
    expect(alarms(lost)).toEqual(["LOSING 100/s on tpu_to_qos", "SILENT qos_to_sig 12 s"]);
    const lines = screen(lost, view);
    expect(lines[1]).toBe("! LOSING 100/s on tpu_to_qos  ! SILENT qos_to_sig 12 s");
    expect(lines.find((line) => line.startsWith("!tpu_to_qos"))).toBeDefined();
    expect(lines.find((line) => line.startsWith("!qos_to_sig"))).toMatch(/12 S$/);
    const past = channelMoment("tpu_to_qos", { lapped: 50 });
    const before = { ...past.now, board: past.before.board };
    expect(alarms({ ...past, before })).toEqual([]); // it was lost before
  });

  test("a loop that stands still, by its page or by this process's own clock", () => {
    expect(standsStillMs(moment())).toBe(0);
    expect(standsStillMs({ ...moment(), stillMs: 999 })).toBe(0);
    expect(screen({ ...moment(), stillMs: 4_000 }, view)[0]).toStartWith("LOOP STANDS STILL 4 s  qos");
    const stopped = { ...moment(), stillMs: 4_000, isStopped: true };
    expect(screen(stopped, view)[0]).toStartWith("PROCESS STOPPED (SIGSTOP) 4 s  qos");
  });

  test("less than the target goes out: why", () => {
    const at = (counters: Partial<Snapshot["counters"]>, more: Partial<Board> = {}) => {
      const one = moment({ targetPps: 8_000, ...more });
      const snapshot = { ...one.now.snapshot, counters: { ...one.now.snapshot.counters, ...counters } };
      return whyBelowTarget({ ...one, now: { ...one.now, snapshot } });
    };
    expect(at({ bankingTransmissions: 4_050 })).toBe("");
    expect(at({ bankingTransmissions: 3_700, transmits: 5, withheld: 535, queued: 16_000 })).toBe(
      "below target: the model holds 107 back each transmit, which it expects to fail",
    );
    expect(at({ bankingTransmissions: 3_700, transmits: 5, queued: 16_000 })).toBe("");
    expect(at({ bankingTransmissions: 200, transmits: 5, queued: 20 })).toBe("below target: all that comes is sent on");
    expect(at({}, { paused: true })).toBe("nothing goes out: paused by qos ctl");
  });
});

test("the waterfall is a second's worth, and shares of what came in", () => {
  const { taken, ends, sent } = waterfall(moment());
  expect([taken.perSecond, sent.perSecond, sent.share, sent.total]).toEqual([400, 200, 0.5, 150]);
  expect(ends.find(({ name }) => name === "failedView")).toMatchObject({ perSecond: 100, share: 0.25, total: 60 });
  expect(ends).toHaveLength(STATISTICS.filter(({ kind }) => kind === "end").length - 1);
  expect(waterfall({ ...moment(), elapsedMs: 0 }).taken.perSecond).toBe(0);
});

describe("the screen", () => {
  test("at 80x24 has the flow, the queue before idle channels, the busy channels, and senders", () => {
    const one = channelMoment("tpu_to_qos", { received: 100, lapped: 12_456 });
    const lines = screen(one, view);
    expect(lines).toHaveLength(24);
    expect(lines[0]).toStartWith("qos 1.2.3 a_  pid 4711");
    expect(lines.find((line) => line.startsWith("in "))).toMatch(/^in +400 +300$/);
    expect(lines.find((line) => line.includes("failedView"))).toMatch(/100 +25\.0% +60$/);
    expect(lines.find((line) => line.startsWith("out "))).toMatch(/200 +50\.0% +150$/);
    expect(lines.find((line) => line.startsWith("queue 90"))).toMatch(
      /^queue 90 {2}door \S+ {2}turn p99 \S+ us, longest/,
    );
    expect(lines.find((line) => line.startsWith("!tpu_to_qos"))).toMatch(/ 200 +12,456 +0 +0 +now$/);
    expect(lines.some((line) => line.startsWith(" qos_to_sig"))).toBe(true); // idle, and there is room
    for (const name of ["best of 30 addresses", "10.0.0.0", "10.0.0.1", "10.0.0.2"]) {
      expect(lines.some((line) => line.startsWith(name))).toBe(true);
    }
    expect(lines.at(-1)).toStartWith("q quit");
  });

  test("has the queue's line at every size from 80x16 on, whatever ends there are and whatever is wrong", () => {
    const many = Object.fromEntries(STATISTICS.map(({ name }) => [name, 1e9]));
    const faults = Object.fromEntries(Object.keys(board.faults).map((name) => [name, 1e6])) as Board["faults"];
    const one = moment({ faults, heartbeatAgeMs: { tpu_to_qos: 9_000, qos_to_sig: 9_000 } });
    const full = {
      ...one,
      now: { ...one.now, snapshot: { ...one.now.snapshot, counters: { ...one.now.snapshot.counters, ...many } } },
    };
    for (let rows = 16; rows <= 60; rows++) {
      for (const columns of [80, 100, 143, 144, 200]) {
        const lines = screen(full, { ...view, rows, columns });
        expect(lines.some((line) => line.startsWith("queue 1.00G"))).toBe(true);
        expect(lines.some((line) => line.startsWith("out "))).toBe(true);
        expect(lines[1]).toStartWith("! SILENT");
        if (rows !== 24 || columns !== 80) continue;
        expect(lines.some((line) => line.startsWith("!tpu_to_qos"))).toBe(true);
        expect(lines.find((line) => line.includes(" idle: "))).toContain("sig_to_qos");
      }
    }
  });

  test("keeps its columns apart, however large the numbers are", () => {
    for (const value of [9_999, 10_000, 99_999, 123_456, 999_949, 9.99e9, 9.99e14]) {
      const board = { detached: { tpu_to_qos: 9_999 } };
      const lines = screen(channelMoment("tpu_to_qos", { received: value, lapped: value, depth: value }, board), view);
      const cells = lines
        .find((line) => line.includes("tpu_to_qos") && line.includes("9,999"))
        ?.trim()
        .split(/\s+/);
      const shown = compact(value);
      expect(cells?.slice(2)).toEqual([compact(2 * value), shown, shown, "9,999", "now"]);
    }
  });

  test("at 200x50 has both ends of the senders, and fills the screen", () => {
    const lines = screen(moment(), { ...view, columns: 200, rows: 50 });
    const heads = lines.find((line) => line.startsWith("best of 30"));
    expect(heads).toContain("worst of 30 addresses");
    expect(lines.find((line) => line.startsWith("10.0.0.9"))).toContain("66.0.0.9");
    expect(lines.find((line) => line.startsWith("packets"))).toContain("channel ");
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
          expect(plain.length, line).toBeLessThanOrEqual(one.columns);
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
  expect([999_499, 999_500, 999_999, 9.999e8, 9.996e11].map(compact)).toEqual([
    "999k",
    "1.00M",
    "1.00M",
    "1.00G",
    "1.00T",
  ]);
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
  expect([null, 10, 5_000, 600_000, 1e8, 2e10].map(age)).toEqual(["never", "now", "5 s", "10 min", "28 h", "231 days"]);
});
