// How old a packet may become: in the queue, and between two looks at the whole queue when it is sent.

import { expect, test } from "bun:test";
import { type Rig, rig } from "./rig.ts";

const MAX_AGE_MS = 1_000;

/** An engine that holds everything back, with three packets of the time 0. */
function waiting(): Rig {
  const r = rig({ maxAgeMs: MAX_AGE_MS });
  r.engine.mailbox.setPaused(true);
  r.engine.turn(0);
  for (let n = 0; n < 3; n++) r.sendUnique(0, n);
  r.engine.turn(0);
  expect(r.engine.queue.size).toBe(3);
  return r;
}

test("a packet leaves the queue when it is older than allowed, and not before", () => {
  const r = waiting();
  for (const now of [500, 900, MAX_AGE_MS]) {
    r.engine.turn(now);
    expect([r.engine.queue.size, r.count("expired")]).toEqual([3, 0]);
  }
  r.engine.turn(MAX_AGE_MS + 100);
  expect([r.engine.queue.size, r.count("expired")]).toEqual([0, 3]);
  expect(r.law(MAX_AGE_MS + 100)).toEqual({ total: 3, accounted: 3 });
});

test("one that became too old since the last look is not sent", () => {
  const r = waiting();
  r.engine.turn(MAX_AGE_MS); // the queue is looked at now, and not again for 100 ms
  r.engine.mailbox.setPaused(false);
  r.settle(MAX_AGE_MS + 50);
  expect(r.received()).toEqual([]);
  expect([r.count("bankingTransmissions"), r.count("expired")]).toEqual([0, 3]);
  expect(r.law(MAX_AGE_MS + 50)).toEqual({ total: 3, accounted: 3 });
});

test("one that is exactly as old as allowed is sent", () => {
  const r = waiting();
  r.engine.mailbox.setPaused(false);
  r.settle(MAX_AGE_MS);
  expect(r.received()).toHaveLength(3);
});
