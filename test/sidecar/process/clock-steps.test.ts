import { expect, test } from "bun:test";
import fc from "fast-check";
import { ClockSteps } from "../../../src/sidecar/process/clock-steps.ts";

const NOON = 1_700_000_000_000;

test("a clock that is only disciplined makes no step, however long it goes on", () => {
  const clock = new ClockSteps();
  for (let second = 0; second < 100_000; second++) {
    expect(clock.look(NOON + second * 1_000 * 1.0005, second * 1_000)).toBe(0);
  }
});

test("each setting is one step, of its size", () => {
  const sizes = fc.array(fc.integer({ min: -1e9, max: 1e9 }).filter((ms) => Math.abs(ms) > 500));
  fc.assert(
    fc.property(sizes, (steps) => {
      const clock = new ClockSteps();
      let offsetMs = NOON;
      let nowMs = 0;
      expect(clock.look(offsetMs, nowMs)).toBe(0);
      for (const step of steps) {
        nowMs += 1_000;
        expect(clock.look(offsetMs + nowMs, nowMs)).toBe(0);
        offsetMs += step;
        nowMs += 1_000;
        expect(clock.look(offsetMs + nowMs, nowMs)).toBe(step);
      }
    }),
  );
});
