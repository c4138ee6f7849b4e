import { expect, test } from "bun:test";
import { mix32, Random } from "../../src/simulator/random.ts";

const words = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.word());

test("the same seed and stream give the same words, another gives others", () => {
  const first = words(new Random(7n, "a"), 100);
  expect(words(new Random(7n, "a"), 100)).toEqual(first);
  for (const other of [new Random(8n, "a"), new Random(7n, "b"), new Random(7n + 2n ** 32n, "a")]) {
    expect(words(other, 100)).not.toEqual(first);
  }
});

test("a fork does not depend on how often its parent was thrown", () => {
  const parent = new Random(1n, "x");
  const early = words(parent.fork("part"), 10);
  words(parent, 1_000);
  expect(words(parent.fork("part"), 10)).toEqual(early);
});

test("mix32 is a bijection", () => {
  const seen = new Set<number>();
  for (let i = 0; i < 100_000; i++) {
    const mixed = mix32(i * 42_949);
    expect(mixed >>> 0).toBe(mixed);
    seen.add(mixed);
  }
  expect(seen.size).toBe(100_000);
});

test("distributions have their means", () => {
  const random = new Random(3n, "means");
  const mean = (draw: () => number): number => {
    let sum = 0;
    for (let i = 0; i < 200_000; i++) sum += draw();
    return sum / 200_000;
  };
  expect(mean(() => random.unit())).toBeCloseTo(0.5, 2);
  expect(mean(() => random.normal())).toBeCloseTo(0, 1);
  expect(mean(() => random.normal() ** 2)).toBeCloseTo(1, 1);
  expect(mean(() => random.poisson(3))).toBeCloseTo(3, 1);
  expect(mean(() => random.poisson(60)) / 60).toBeCloseTo(1, 2);
  expect(mean(() => random.logNormal(100, 0.5)) / 100).toBeCloseTo(1, 1);
  expect(random.poisson(0)).toBe(0);
});

test("below stays below", () => {
  const random = new Random(4n, "below");
  const seen = new Set(Array.from({ length: 1_000 }, () => random.below(7)));
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
});
