import { expect, test } from "bun:test";
import { TokenBucket, WAITING_BURST_MS } from "../../src/engine/token-bucket.ts";

const BURST_MS = 100;

/** A bucket of 1,000 packets/s that is full at the time 0. */
function bucket(): TokenBucket {
  const one = new TokenBucket(1_000, BURST_MS);
  one.fill(0, false);
  expect(one.tokens).toBe(BURST_MS);
  return one;
}

test("it is filled as time passes, up to the burst", () => {
  const one = bucket();
  one.tokens = 0;
  one.fill(1, false);
  expect(one.tokens).toBe(1);
  one.fill(1, false);
  expect(one.tokens).toBe(1);
  one.fill(1.5, false);
  expect(one.tokens).toBe(1.5);
  one.fill(BURST_MS - 1, false);
  expect(one.tokens).toBe(BURST_MS - 1);
  one.fill(BURST_MS + 1, false);
  expect(one.tokens).toBe(BURST_MS);
  one.fill(1e12, false);
  expect(one.tokens).toBe(BURST_MS);
});

test("while packets wait less is saved up, and what was saved up before is kept", () => {
  const one = bucket();
  one.fill(10, true);
  expect(one.tokens).toBe(BURST_MS);
  one.tokens = WAITING_BURST_MS + 5;
  one.fill(20, true);
  expect(one.tokens).toBe(WAITING_BURST_MS + 5);
  one.tokens = WAITING_BURST_MS - 1;
  one.fill(30, true);
  expect(one.tokens).toBe(WAITING_BURST_MS);
});

test("a burst that is shorter than what is saved while packets wait bounds that, too", () => {
  const one = new TokenBucket(1_000, 5);
  for (const waits of [false, true]) {
    one.tokens = 0;
    one.fill(waits ? 200 : 100, waits);
    expect(one.tokens).toBe(5);
  }
});

test("a clock that stands still or steps back fills nothing", () => {
  const one = bucket();
  one.tokens = 3;
  one.fill(0, false);
  one.fill(-50, false);
  expect(one.tokens).toBe(3);
});

test("the lowest target sends a packet at a time, and no more often than it says", () => {
  const one = new TokenBucket(10, 1);
  one.fill(0, false);
  expect(one.tokens).toBe(1);
  one.tokens -= 1;
  one.fill(99, true);
  expect(one.tokens).toBeLessThan(1);
  one.fill(100, true);
  expect(one.tokens).toBe(1);
});

test("a lower target takes away what is saved up beyond its burst, a higher one gives nothing at once", () => {
  const one = bucket();
  one.setTargetPps(500);
  expect(one.tokens).toBe(BURST_MS / 2);
  one.setTargetPps(2_000);
  expect(one.tokens).toBe(BURST_MS / 2);
  expect(one.of(10)).toBe(20);
});
