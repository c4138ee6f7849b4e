import { expect, test } from "bun:test";
import fc from "fast-check";
import { RecentMedian } from "../../src/rank/recent-median.ts";

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

test("is 0 at first, and the upper median of the last 512 after each 128", () => {
  const score = fc.oneof(fc.constantFrom(0, 1, Number.MAX_VALUE), fc.double({ min: 0, noNaN: true }));
  fc.assert(
    fc.property(fc.array(score, { minLength: 128, maxLength: 1_300 }), (scores) => {
      const median = new RecentMedian();
      expect(median.value).toBe(0);
      scores.forEach((value, i) => {
        median.add(value);
        if ((i + 1) % 128 !== 0) return;
        const last = sorted(scores.slice(Math.max(0, i + 1 - 512), i + 1));
        expect(median.value).toBe(last[last.length >>> 1]);
      });
    }),
    { seed: 8, numRuns: 50 },
  );
});

test("stands on what there is before that", () => {
  const median = new RecentMedian();
  median.add(5);
  expect(median.value).toBe(5);
  for (const value of [1, 2, 2]) median.add(value);
  expect(median.value).toBe(2);
});
