import { describe, expect, test } from "bun:test";
import { closingLines, plainLine, sidecarLines, timeText, validatorLines } from "../../src/demo/summary.ts";
import type { Summary } from "../../src/simulator/summary.ts";
import { moment, picture } from "./moment.ts";

const summary: Summary = {
  traffic: "agents",
  seed: "1",
  ms: 15_000,
  sent: 100,
  sentPerSecond: 7,
  sentByChannel: {},
  delivered: 50,
  deliveredAfterEnd: 0,
  kept: 50,
  unfinished: false,
  foreign: 0,
  repeated: 0,
  lapped: 0,
  overflowed: 0,
  failed: 0,
  included: 40,
  expired: 0,
  notIncluded: 10,
  waiting: 0,
  lamports: 3.5e9,
  honestLamports: 3.48e9,
  arrivalOrderLamports: 2e9,
  declaredFeeLamports: 3e9,
  feeFloorLamports: 2e9,
  interrupted: false,
};

test("a plain line is of rates alone", () => {
  expect(plainLine(moment(), 2_000)).toBe("  2 s  in 40,000/s  refused or dropped 18,800/s  out 8,000/s  queue 7,000");
});

test("the time says when nothing more comes", () => {
  expect(timeText(2_000, 15_000)).toBe("2 of 15 s");
  expect(timeText(16_000, 15_000)).toBe("16 s, the sidecar empties its queue");
});

describe("what is left to read", () => {
  test("checks the law", () => {
    const whole = picture({ totalPackets: 100, failedView: 10, bankingTransmissions: 60, queued: 30 });
    expect(sidecarLines(whole)).toContain("  every packet is accounted for");
    expect(sidecarLines(whole)).toContain("  failedView                            10   10.0 %");
    const short = picture({ totalPackets: 101, failedView: 10, bankingTransmissions: 60, queued: 30 });
    expect(sidecarLines(short).join("\n")).toContain("THE SUM IS WRONG");
    expect(sidecarLines(picture({})).join("\n")).not.toContain("NaN");
  });

  test("has what the validator says, and closes with what it was good for, whichever way it went", () => {
    expect(validatorLines(summary).join("\n")).toContain("of honest senders 3,480,000,000");
    expect(closingLines(summary)).toEqual([
      "qos earned 3.48 SOL from honest senders: 1.74 x what arrival order would have,",
      "and 1.16 x what the highest declared fees would have",
    ]);
    expect(closingLines({ ...summary, honestLamports: 1e9 })[0]).toContain("0.50 x what arrival order");
    expect(closingLines({ ...summary, arrivalOrderLamports: 0 })).toEqual(["qos earned 3.48 SOL from honest senders"]);
  });
});
