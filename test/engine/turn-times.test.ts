// Histograms: every bucket holds what lies between its bounds, and the summary never understates.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { bucketEndUs, bucketOf, HISTOGRAM_WORDS, record, summarise } from "../../src/engine/turn-times.ts";

test("a time lies below its bucket's end and not below the end of the one before", () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 2 ** 26 - 1, noNaN: true }), (us) => {
      const bucket = bucketOf(us);
      expect(us).toBeLessThan(bucketEndUs(bucket));
      if (bucket > 0) expect(us).toBeGreaterThanOrEqual(bucketEndUs(bucket - 1));
    }),
  );
});

test("what no bucket is made for goes into the first or the last", () => {
  expect(bucketOf(0)).toBe(0);
  expect(bucketOf(-5)).toBe(0);
  expect(bucketOf(Number.NaN)).toBe(0);
  expect(bucketOf(2 ** 40)).toBe(HISTOGRAM_WORDS - 3);
});

test("a summary counts all, keeps the longest, and bounds the quantiles from above by at most a quarter", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 200 }), (times) => {
      const words = new Float64Array(HISTOGRAM_WORDS + 7);
      for (const us of times) record(words, 7, us);
      const summary = summarise([...words.subarray(7)]);
      const sorted = times.toSorted((a, b) => a - b);
      const median = sorted[Math.ceil(0.5 * times.length) - 1];
      expect(summary.count).toBe(times.length);
      expect(summary.longestUs).toBe(sorted.at(-1)!);
      expect(summary.meanUs).toBeCloseTo(times.reduce((a, b) => a + b) / times.length, 6);
      expect(summary.p50Us).toBeGreaterThanOrEqual(median);
      expect(summary.p50Us).toBeLessThanOrEqual(median * 1.25);
    }),
  );
});

test("an empty histogram summarises to zeros", () => {
  expect(summarise(new Array(HISTOGRAM_WORDS).fill(0))).toEqual({
    count: 0,
    meanUs: 0,
    p50Us: 0,
    p99Us: 0,
    p999Us: 0,
    longestUs: 0,
  });
});
