import { expect, test } from "bun:test";
import { Misses } from "../../../src/rank/evidence/misses.ts";

test("what is kept comes back as it was, up to the places that there are", () => {
  const misses = new Misses();
  const words = Int32Array.from({ length: 70_000 }, (_, i) => i * 7);
  let pushed = 0;
  for (; !misses.isFull; pushed++) {
    misses.push(words, pushed, pushed / 2, pushed / 100_000, pushed % 2 === 0, pushed % 3 === 0, pushed % 6);
  }
  expect(misses.count).toBe(pushed);
  for (const i of [0, 1, 2, pushed - 1]) {
    expect([0, 1, 2, 3].map((word) => misses.id(i, word))).toEqual([0, 1, 2, 3].map((word) => (i + word) * 7));
    expect([misses.prices[i], misses.chances[i]]).toEqual([i / 2, i / 100_000]);
    expect([misses.wasUnknown[i], misses.wasFreshPayer[i]]).toEqual([i % 2 === 0 ? 1 : 0, i % 3 === 0 ? 1 : 0]);
    expect(misses.unknownClass[i]).toBe(i % 6);
  }
  misses.count = 0;
  expect(misses.isFull as boolean).toBe(false);
});
