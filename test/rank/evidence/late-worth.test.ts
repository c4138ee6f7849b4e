import { expect, test } from "bun:test";
import { STALE_AFTER_MS, STALE_HALF_LIFE_MS } from "../../../src/rank/evidence/constants.ts";
import { lateWorth } from "../../../src/rank/evidence/late-worth.ts";

test("a packet is worth all of it until it is late, then half as much with each half-life, and never nothing", () => {
  for (const age of [-5, 0, STALE_AFTER_MS]) expect(lateWorth(age)).toBe(1);
  expect(lateWorth(STALE_AFTER_MS + STALE_HALF_LIFE_MS)).toBe(0.5);
  expect(lateWorth(STALE_AFTER_MS + 3 * STALE_HALF_LIFE_MS)).toBe(0.125);
  expect(lateWorth(1e12)).toBeGreaterThan(0);
  let before = 1;
  for (let age = 0; age < 3_000; age++) {
    expect(lateWorth(age)).toBeLessThanOrEqual(before);
    before = lateWorth(age);
  }
});
