import { expect, test } from "bun:test";
import fc from "fast-check";
import { editDistance, nearest } from "../../src/settings/nearest.ts";

test("the distance counts inserts, deletes, changes and swaps", () => {
  const table: [string, string, number][] = [
    ["", "", 0],
    ["", "abc", 3],
    ["run", "rnu", 1],
    ["run", "runs", 1],
    ["run", "ru", 1],
    ["run", "rum", 1],
    ["kitten", "sitting", 3],
  ];
  for (const [a, b, distance] of table) expect(editDistance(a, b)).toBe(distance);
});

test("the distance is symmetric, 0 for equals only, and never above the longer text", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});

test("only what is near is suggested", () => {
  const flags = ["--target-pps", "--max-ips", "--max-age", "--idle"];
  expect(nearest("--target-pp", flags)).toBe("--target-pps");
  expect(nearest("--targetpps", flags)).toBe("--target-pps");
  expect(nearest("--taregt-pps", flags)).toBe("--target-pps");
  expect(nearest("--max-ip", flags)).toBe("--max-ips");
  expect(nearest("--banana-split", flags)).toBeUndefined();
  expect(nearest("x", ["run", "init"])).toBeUndefined();
});
