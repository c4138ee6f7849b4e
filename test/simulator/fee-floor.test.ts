import { describe, expect, test } from "bun:test";
import { FeeFloor } from "../../src/simulator/fee-floor.ts";
import { traceOf } from "./rig.ts";

/** Transactions of rising fee, each for the same CUs. */
const trace = traceOf(Array.from({ length: 300 }, (_, i) => ({ feeLamports: 5_000 + 1_000 * i, askedUnits: 20_000 })));
const held = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

describe("a fee floor", () => {
  test("is there once 99 of 100 places are taken, and gone below 95", () => {
    const floor = new FeeFloor(trace, 100);
    expect([...floor.hold(held(10, 98))]).not.toContain(1);
    expect(floor.admits(0, true)).toBe(true);
    floor.hold(held(10, 99));
    expect(floor.admits(9, true)).toBe(false);
    floor.hold(held(10, 95));
    expect(floor.admits(9, true)).toBe(false);
    floor.hold(held(10, 94));
    expect(floor.admits(9, true)).toBe(true);
  });

  test("is the least that is held: what pays as much is turned away, what pays more is not", () => {
    const floor = new FeeFloor(trace, 100);
    floor.hold(held(10, 100));
    expect([9, 10, 11].map((id) => floor.admits(id, true))).toEqual([false, false, true]);
  });

  test("lets the least go for want of a place", () => {
    const floor = new FeeFloor(trace, 100);
    const leaves = floor.hold([...held(50, 60), ...held(0, 50)]);
    expect([...leaves].map((one, i) => (one === 1 ? i : -1)).filter((i) => i >= 0)).toEqual(held(60, 10));
    expect([10, 11].map((id) => floor.admits(id, true))).toEqual([false, true]);
  });

  test("leaves what does not parse to the signature check", () => {
    const floor = new FeeFloor(trace, 100);
    floor.hold(held(100, 100));
    expect(floor.admits(0, false)).toBe(true);
  });

  test("is the leader's part of the fee by the cost that is asked for, and knows nothing else", () => {
    const cheap = traceOf([
      { feeLamports: 5_000, askedUnits: 1_000 },
      { feeLamports: 50_000, askedUnits: 1_400_000 },
      { feeLamports: 5_000, askedUnits: 1_000, traits: 0 },
      { feeLamports: 5_001, askedUnits: 1_000, traits: 0 },
    ]);
    const floor = new FeeFloor(cheap, 1);
    // 2,500 lamports for 18,704 CUs are more for a CU than 47,500 for 1,417,704.
    expect([...floor.hold([0, 1])]).toEqual([0, 1]);
    expect([0, 1, 2, 3].map((id) => floor.admits(id, true))).toEqual([false, false, false, true]);
  });
});
