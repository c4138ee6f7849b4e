import { describe, expect, test } from "bun:test";
import { ALL_SCENARIOS, averageOf, playRow, type ScoreRow, scoreLines } from "../../src/cli/scoreboard.ts";
import { loadScenario } from "../../src/simulator/load-scenario.ts";
import type { Measures } from "../../src/simulator/measures.ts";

const LIMIT_MS = 120_000;

const measures = (value: number | undefined, isolatedAfterMs: number | undefined): Measures => ({
  honestLamports: 1,
  value,
  arrivalOrderValue: 0.25,
  declaredFeeValue: 0.5,
  waste: 0.1,
  attack: { shares: [], windowMs: 200, share: 0.04, isolatedAfterMs },
  beyondPaying: { payingShare: 0.01, isolatedAfterMs: 200 },
  newcomers: undefined,
  delays: { p50Ms: 50, p99Ms: 150 },
});

const row = (seed: number, value: number, isolatedAfterMs: number | undefined): ScoreRow => ({
  scenario: "some",
  seed: `${seed}`,
  players: {
    evidence: measures(value, isolatedAfterMs),
    reference: measures(0.4, 0),
    "reference, stalling": measures(0.3, 0),
  },
});

describe("a line", () => {
  test("is the mean over the seeds, and the worst time to isolation", () => {
    const line = averageOf([row(1, 0.9, 400), row(2, 1, 800)]);
    expect(line).toMatchObject({
      scenario: "some",
      isolatedMs: 800,
      arrivalOrder: 0.25,
      declaredFee: 0.5,
      newcomers: null,
    });
    expect(line.value.evidence).toBeCloseTo(0.95, 12);
    expect(line.value["reference, stalling"]).toBeCloseTo(0.3, 12);
  });

  test("says never where one seed's attackers were never isolated", () => {
    const line = averageOf([row(1, 0.9, 400), row(2, 1, undefined)]);
    expect(line.isolatedMs).toBeNull();
    expect(scoreLines([line])).toEqual([
      "scenario  evidence  reference  stalling  arrival  declared  waste  attackers  paying  isolated  beyond  newcomers  p50 ms  p99 ms",
      "some      .95       .40        .30       .25      .50       .10    .04        .01     never     0.2 s   -          50      150",
      "mean      .95       .40        .30       .25      .50       .10                                                    50      150",
    ]);
  });
});

test(
  "a row plays each model on the same traffic, and the evidence model earns more than the others where there is an attack",
  () => {
    const scenario = { ...loadScenario("never-included"), durationSeconds: 3 };
    const { players, seed } = playRow(scenario, 3n);
    expect(seed).toBe("3");
    const { evidence, reference } = players;
    expect(evidence.arrivalOrderValue).toBe(reference.arrivalOrderValue);
    expect(evidence.value).toBeGreaterThan(0.75);
    expect(evidence.value).toBeGreaterThan(2 * reference.value!);
    expect(evidence.value).toBeGreaterThan(2 * evidence.declaredFeeValue!);
  },
  LIMIT_MS,
);

test("all scenarios that come with qos are on the board", () => {
  expect(ALL_SCENARIOS).toContain("adaptive");
  expect(ALL_SCENARIOS.length).toBeGreaterThanOrEqual(14);
});
