import { describe, expect, test } from "bun:test";
import {
  drawScreen,
  lawHolds,
  type Moment,
  plainLine,
  rateOf,
  short,
  summarise,
  whole,
} from "../../src/demo/screen.ts";
import { type DemoStatistics, parseStatistics } from "../../src/demo/statistics.ts";

const senders = (...names: string[]) => names.map((sender, index) => ({ sender, score: 10 ** (6 - 2 * index) }));

function statistics(counters: Record<string, number>, door: number | null = 12.5): DemoStatistics {
  return {
    sidecar: { pid: 77, uptimeMs: 4_000, model: "ip-signer" },
    counters: { totalPackets: 0, bankingTransmissions: 0, queued: 0, completed: 0, included: 0, ...counters },
    queue: { door },
    senders: {
      ips: { known: 3, top: senders("10.0.0.1", "10.0.0.2"), bottom: senders("10.9.9.9") },
      payers: { known: 1, top: senders(`Payer${"x".repeat(40)}`), bottom: [] },
    },
  };
}

function moment(before: Record<string, number>, now: Record<string, number>, door?: number | null): Moment {
  return {
    before: { statistics: statistics(before), atMs: 3_000 },
    now: { statistics: statistics(now, door), atMs: 3_500 },
    elapsedMs: 2_000,
    totalMs: 15_000,
  };
}

const FLOW = moment(
  { totalPackets: 1_000, duplicatePackets: 100, bankingTransmissions: 500 },
  { totalPackets: 21_000, duplicatePackets: 9_100, failedView: 400, bankingTransmissions: 4_500, queued: 7_000 },
);

describe("numbers", () => {
  test("are written for people", () => {
    expect(whole(1_234_567.8)).toBe("1,234,568");
    expect([0, 0.001, 0.5, 12.345, 999, 1.5e7].map(short)).toEqual(["0", "1.0e-3", "0.500", "12.3", "999", "1.5e+7"]);
  });

  test("a rate is a second's worth between two readings", () => {
    expect(rateOf(FLOW, "totalPackets")).toBe(40_000);
    expect(rateOf(FLOW, "failedView")).toBe(800); // absent before
    expect(rateOf(FLOW, "expired")).toBe(0);
    expect(rateOf({ before: FLOW.now, now: FLOW.now }, "totalPackets")).toBe(0);
    expect(rateOf({ before: FLOW.now, now: { ...FLOW.before, atMs: 9_000 } }, "totalPackets")).toBe(0); // restarted
  });
});

describe("the picture", () => {
  test("shows the flow, what was not sent, and the senders", () => {
    expect(drawScreen(FLOW, 40, 79)).toEqual([
      "qos demo: sidecar (process 77), 2 of 15 s",
      "",
      "  in         40,000 packets/s  ####################################",
      "  out         8,000 packets/s  #######.............................",
      "  queue       7,000 packets    enters: a score above 12.5",
      "  back            0 outcomes/s, 0 included so far",
      "",
      "  not sent on                  packets/s        in all",
      "  failedView                         800           400",
      "  duplicatePackets                18,000         9,100",
      "",
      "  best addresses                score   worst addresses               score",
      "  10.0.0.1                     1.0e+6   10.9.9.9                     1.0e+6",
      "  10.0.0.2                     10,000",
      ...["", "", ""],
      "",
      "  best fee payers               score   worst fee payers              score",
      "  Payerxxxxxxxxxxxxxxxxx..     1.0e+6",
      ...["", "", "", ""],
    ]);
  });

  test("says that the queue takes anything while it has room", () => {
    expect(drawScreen(moment({}, {}, null), 40, 79)[4]).toEndWith("enters: any score");
  });

  test("fits every terminal", () => {
    for (let height = 1; height <= 40; height += 1) {
      for (const width of [10, 40, 79, 200]) {
        const lines = drawScreen(FLOW, height, width);
        expect(lines.length).toBeLessThanOrEqual(height);
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
      }
    }
    expect(drawScreen(FLOW, 23, 79).join("\n")).toContain("best fee payers"); // 80x24 shows all parts
  });
});

test("a plain line tells the same", () => {
  expect(plainLine(FLOW)).toBe(
    "  2 s; in 40,000/s; out 8,000/s; queue 7,000; not sent: failedView 400, duplicatePackets 9,100; " +
      "best 10.0.0.1, worst 10.9.9.9",
  );
});

describe("the summary", () => {
  test("checks the law", () => {
    const whole = statistics({ totalPackets: 100, failedView: 10, bankingTransmissions: 60, queued: 30 });
    expect(lawHolds(whole)).toBe(true);
    expect(summarise(whole)).toContain("  every packet is accounted for");
    expect(summarise(whole)).toContain("  failedView                            10   10.0 %");
    const short = statistics({ totalPackets: 101, failedView: 10, bankingTransmissions: 60, queued: 30 });
    expect(lawHolds(short)).toBe(false);
    expect(summarise(short).join("\n")).toContain("THE SUM IS WRONG");
  });

  test("of nothing divides by nothing", () => {
    expect(summarise(statistics({})).join("\n")).not.toContain("NaN");
  });
});

test("a statistics file of another shape is not taken", () => {
  const good = statistics({ failedView: 1 });
  expect(parseStatistics(JSON.parse(JSON.stringify(good)))).toEqual(good);
  for (const bad of [null, 1, "x", [], {}, { ...good, counters: { totalPackets: "1" } }, { ...good, senders: {} }])
    expect(parseStatistics(bad)).toBeUndefined();
});
