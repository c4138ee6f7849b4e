// The warm-up plays every path of the loop: so many rounds as fit, with packets that come out at the other end.

import { expect, test } from "bun:test";
import { warmUp } from "../../src/engine/warm-up.ts";
import { rig } from "./rig.ts";

test("it drives an engine of its own through transmits until the time is up", () => {
  const { options } = rig().parts;
  let now = 0;
  const done = warmUp(options, () => now++, 20);
  expect(done.rounds).toBe(20);
  expect(done.sent).toBeGreaterThan(20 * 50);
});
