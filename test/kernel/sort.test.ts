// The queue's sort against Array.sort.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { sortScratchBytes } from "../../src/shape/sort-scratch.ts";
import { Random } from "../tools/random.ts";
import { KernelRig } from "./rig.ts";

const CAPACITY = 16_384;
const SCORES_AT = 65_536;
const SEQUENCES_AT = SCORES_AT + CAPACITY * 8;
const ORDER_AT = SEQUENCES_AT + CAPACITY * 8;
const SCRATCH_AT = ORDER_AT + CAPACITY * 4 + 64;

const rig = new KernelRig();
const { f64, u32, u8 } = rig.arena;

interface Entry {
  readonly score: number;
  readonly sequence: number;
}

function check(entries: readonly Entry[]): void {
  entries.forEach(({ score, sequence }, i) => {
    f64[SCORES_AT / 8 + i] = score;
    f64[SEQUENCES_AT / 8 + i] = sequence;
  });
  u32.fill(0xcccccccc, ORDER_AT / 4, ORDER_AT / 4 + entries.length + 1);
  const scratchEnd = SCRATCH_AT + sortScratchBytes(entries.length);
  u8.fill(0xdd, scratchEnd, scratchEnd + 64);
  rig.kernel.sortFalling(entries.length, SCORES_AT, SEQUENCES_AT, ORDER_AT, SCRATCH_AT);
  const expected = entries
    .map((entry, index) => ({ ...entry, index }))
    .sort((a, b) => b.score - a.score || a.sequence - b.sequence)
    .map(({ index }) => index);
  const got = u32.slice(ORDER_AT / 4, ORDER_AT / 4 + entries.length);
  if (Bun.deepEquals([...got], expected)) {
    expect(u32[ORDER_AT / 4 + entries.length]).toBe(0xcccccccc);
    expect(u8.subarray(scratchEnd, scratchEnd + 64).every((byte) => byte === 0xdd)).toBe(true);
    return;
  }
  throw new Error(`${entries.length} entries: ${Bun.inspect(entries.slice(0, 8))}`);
}

/** A shuffled range of sequences. */
function sequences(count: number, first: number, step = 1): number[] {
  const all = Array.from({ length: count }, (_, i) => first + i * step);
  const random = new Random(42);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}

describe("sortFalling", () => {
  const scoreOf: Record<string, (i: number) => number> = {
    "random scores": (i) => Math.exp(((i * 2_654_435_761) % 4_294_967_296) / 2e8),
    "equal scores": () => 1.5,
    "scores of 0": () => 0,
    "a few scores": (i) => (i * 31) % 7,
    "scores that differ in their last bits only": (i) => 1 + ((i * 7_919) % 16_384) * 2 ** -52,
    "a few such scores among others": (i) => (i % 50 === 0 ? 1 + (i % 700) * 2 ** -50 : 2 + i * 1.7),
    "scores of every size": (i) => 2 ** (((i * 37) % 2_000) - 1_000),
  };
  for (const [name, score] of Object.entries(scoreOf)) {
    for (const count of [1, 2, 3, 100, 16_383, 16_384]) {
      test(`${count} of ${name}`, () => {
        check(sequences(count, 1_000_000).map((sequence, i) => ({ score: score(i), sequence })));
      });
    }
  }

  test("sequences across powers of two, far apart, from 0, negative, and as large as they come", () => {
    const count = 1_000;
    const ranges: [number, number][] = [
      [0, 1],
      [2 ** 20 - 500, 1],
      [2 ** 32 - 500, 1],
      [2 ** 53 - count, 1],
      [-500, 1],
      [-(2 ** 52), 2 ** 43],
      [7, 4_194_304],
    ];
    for (const [first, step] of ranges) {
      check(sequences(count, first, step).map((sequence, i) => ({ score: i % 3, sequence })));
    }
  });

  test("nothing to sort writes nothing", () => check([]));

  test("extreme scores", () => {
    const scores = [0, 5e-324, 2.2250738585072014e-308, 1, Number.MAX_VALUE, Number.POSITIVE_INFINITY, 1 + 2 ** -52];
    check([...scores, ...scores].map((score, i) => ({ score, sequence: 100 - i })));
    check([-0, 0, -0, 0].map((score, i) => ({ score, sequence: 10 - i })));
  });

  test("any entries", () => {
    const entry = fc.record({
      score: fc.oneof(fc.double({ min: 0, noNaN: true }), fc.nat(4)),
      sequence: fc.oneof(fc.nat(50), fc.maxSafeInteger()),
    });
    const unique = fc.uniqueArray(entry, { maxLength: 200, selector: ({ sequence }) => sequence });
    fc.assert(fc.property(unique, check), { seed: 3, numRuns: 500 });
  });
});
