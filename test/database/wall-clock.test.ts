import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { WallClock } from "../../src/database/wall-clock.ts";

const WALL = Date.UTC(2026, 0, 2);

describe("the world's clock", () => {
  test("knows nothing before the first reading", () => {
    expect(new WallClock().offsetMs).toBeNaN();
  });

  test("comes near the truth from readings that are up to 5 ms old", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 60, maxLength: 300 }), (ages) => {
        const clock = new WallClock();
        ages.forEach((age, i) => {
          clock.read(i * 10 - age, WALL + i * 10, i * 10);
        });
        const error = clock.offsetMs - WALL;
        expect(error).toBeGreaterThanOrEqual(-1e-3);
        expect(error).toBeLessThanOrEqual(Math.max(...ages) + 1e-3);
        // Within the first window it is the best of all readings.
        if (ages.length <= 100) expect(error).toBeLessThanOrEqual(Math.min(...ages) + 1e-3);
      }),
      { seed: 5, numRuns: 200 },
    );
  });

  for (const stepMs of [3_600_000, -3_600_000]) {
    test(`follows a clock that is set by ${stepMs} ms within two seconds`, () => {
      const clock = new WallClock();
      for (let ms = 0; ms < 5_000; ms += 10) clock.read(ms, WALL + ms, ms);
      expect(clock.offsetMs).toBe(WALL);
      for (let ms = 5_000; ms < 7_100; ms += 10) clock.read(ms, WALL + ms + stepMs, ms);
      expect(clock.offsetMs).toBe(WALL + stepMs);
    });
  }
});
