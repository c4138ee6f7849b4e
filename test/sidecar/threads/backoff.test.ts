import { expect, test } from "bun:test";
import { Backoff, PATIENT_TURNS, SLEEP_MAX_MS } from "../../../src/sidecar/threads/backoff.ts";

test("an idle loop goes on at first, then sleeps longer and longer, up to a bound", () => {
  const backoff = new Backoff();
  for (let i = 0; i < PATIENT_TURNS; i++) expect(backoff.after(0)).toBe(0);
  const sleeps = Array.from({ length: 8 }, () => backoff.after(0));
  expect(sleeps).toEqual([1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 1, 1, 1]);
  expect(Math.max(...sleeps)).toBe(SLEEP_MAX_MS);
});

test("work starts it over", () => {
  const backoff = new Backoff();
  for (let i = 0; i < PATIENT_TURNS + 5; i++) backoff.after(0);
  expect(backoff.after(3)).toBe(0);
  for (let i = 0; i < PATIENT_TURNS; i++) expect(backoff.after(0)).toBe(0);
  expect(backoff.after(0)).toBe(1 / 16);
});
