import { describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ALL_SCENARIOS,
  averageOf,
  playRow,
  rowFile,
  type ScoreRow,
  scoreboard,
  scoreLines,
} from "../../../src/cli/simulations/scoreboard.ts";
import { loadScenario } from "../../../src/simulator/load-scenario.ts";
import type { Measures } from "../../../src/simulator/measures.ts";

const LIMIT_MS = 120_000;

const measures = (value: number | undefined, isolatedAfterMs: number | undefined): Measures => ({
  honestLamports: 1,
  value,
  arrivalOrderValue: 0.25,
  declaredFeeValue: 0.5,
  feeFloorValue: 0.35,
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
  otherRhythmValue: value - 0.05,
});

describe("a line", () => {
  test("is the mean over the seeds, and the worst time to isolation", () => {
    const line = averageOf([row(1, 0.9, 400), row(2, 1, 800)]);
    expect(line).toMatchObject({
      scenario: "some",
      isolatedMs: 800,
      arrivalOrder: 0.25,
      declaredFee: 0.5,
      feeFloor: 0.35,
      newcomers: null,
    });
    expect(line.value.evidence).toBeCloseTo(0.95, 12);
    expect(line.value["reference, stalling"]).toBeCloseTo(0.3, 12);
    expect(line.otherRhythm).toBeCloseTo(0.9, 12);
    expect(averageOf([{ scenario: "some", seed: "1", players: row(1, 0.9, 400).players }]).otherRhythm).toBeNull();
  });

  test("says never where one seed's attackers were never isolated", () => {
    const line = averageOf([row(1, 0.9, 400), row(2, 1, undefined)]);
    expect(line.isolatedMs).toBeNull();
    expect(scoreLines([line])).toEqual([
      "scenario  evidence  reference  stalling  arrival  declared  floor  rhythm  waste  attackers  paying  isolated  beyond  newcomers  p50 ms  p99 ms",
      "some      .95       .40        .30       .25      .50       .35    .90     .10    .04        .01     never     0.2 s   -          50      150",
      "mean      .95       .40        .30       .25      .50       .35    .90     .10                                                    50      150",
    ]);
  });
});

test(
  "a row plays each model on the same traffic, and the evidence model earns more than the others where there is an attack",
  () => {
    const scenario = { ...loadScenario("never-included"), durationSeconds: 3 };
    const { players, seed, otherRhythmValue } = playRow(scenario, 3n);
    expect(seed).toBe("3");
    const { evidence, reference } = players;
    expect(evidence.arrivalOrderValue).toBe(reference.arrivalOrderValue);
    expect(evidence.value).toBeGreaterThan(0.75);
    expect(evidence.value).toBeGreaterThan(2 * reference.value!);
    expect(evidence.value).toBeGreaterThan(2 * evidence.declaredFeeValue!);
    expect(evidence.value).toBeGreaterThan(2 * evidence.feeFloorValue!);
    expect(otherRhythmValue).toBeGreaterThan(0.75);
    expect(otherRhythmValue).not.toBe(evidence.value);
  },
  LIMIT_MS,
);

test("all scenarios that come with qos are on the board", () => {
  expect(ALL_SCENARIOS).toContain("adaptive");
  expect(ALL_SCENARIOS.length).toBeGreaterThanOrEqual(14);
});

describe("kept rows", () => {
  const board = async (folder: string): Promise<{ scenarios: { value: { evidence: number } }[]; notes: string[] }> => {
    const printed: unknown[] = [];
    const notes: string[] = [];
    const out = {
      line: () => {},
      note: (text: string) => notes.push(text),
      json: (value: unknown) => printed.push(value),
    };
    const names = ["overload", "bursts"];
    const options = { names, first: 1n, seeds: 2, durationMs: 100, jobs: 3, rows: folder, json: true };
    await scoreboard(options, out as never);
    return { ...(printed[0] as { scenarios: { value: { evidence: number } }[] }), notes };
  };

  test(
    "are taken as they are, and the others are played and kept",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "qos-rows-"));
      try {
        const kept = (name: string, seed: number, value: number): void =>
          writeFileSync(
            join(folder, rowFile(name, BigInt(seed), 100)),
            JSON.stringify({ ...row(seed, value, 0), scenario: name }),
          );
        for (const seed of [1, 2]) kept("overload", seed, 0.4);
        kept("bursts", 1, 0.5);
        const first = await board(folder);
        expect(first.scenarios[0].value.evidence).toBeCloseTo(0.4, 9);
        expect(first.notes).toHaveLength(4);
        expect(readdirSync(folder).sort()).toEqual([
          "bursts-1-100ms.json",
          "bursts-2-100ms.json",
          "overload-1-100ms.json",
          "overload-2-100ms.json",
        ]);
        expect((await board(folder)).scenarios).toEqual(first.scenarios);
        kept("bursts", 2, 0.5);
        writeFileSync(join(folder, rowFile("overload", 1n, 100)), "{}");
        expect(board(folder)).rejects.toThrow("is not a row of overload");
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    LIMIT_MS,
  );

  test("a file's name is no way out of the folder", () => {
    expect(rowFile("../my scenario.toml", 7n, undefined)).toBe("___my_scenario_toml-7-own.json");
  });
});
