import { expect, test } from "bun:test";
import { SENDS_PER_TURN } from "../../src/engine/settings.ts";
import { type Rig, rig } from "./rig.ts";

const INTERVAL_MS = 100;

/** Queues packets at a time when nothing is sent yet: right behind a transmit. */
function queueBehindTransmit(one: Rig, count: number): void {
  one.sendUnique(0, 0);
  one.settle(1_000);
  expect(one.received().length).toBe(1);
  for (let i = 0; i < count; i++) one.sendUnique(i % 4, 1 + i);
  one.settle(1_001);
  expect(one.engine.queue.size).toBe(count);
}

test("what arrives while a batch is sent in slices waits for the next one: the order within a batch holds", () => {
  const one = rig({ batchIntervalMs: INTERVAL_MS });
  const first = SENDS_PER_TURN + 44;
  queueBehindTransmit(one, first);
  const now = 1_000 + INTERVAL_MS;
  one.engine.turn(now); // orders them
  one.engine.turn(now);
  expect(one.received().length).toBe(SENDS_PER_TURN);
  for (let i = 0; i < 20; i++) one.sendUnique(i % 4, 5_000 + i);
  one.settle(now);
  expect(one.received().length).toBe(first - SENDS_PER_TURN);
  expect(one.engine.queue.size).toBe(20);
  one.settle(now + INTERVAL_MS);
  expect(one.received().length).toBe(20);
});

test("a batch goes out in slices, and also in a lull", () => {
  const r = rig({ batchIntervalMs: INTERVAL_MS, layout: { queueCapacity: 4_096, partialMetas: 8_192 } });
  r.engine.mailbox.setPaused(true);
  for (let n = 0; n < 700; n++) r.sendUnique(2, n);
  r.settle(0);
  expect(r.received().length).toBe(0);
  r.engine.mailbox.setPaused(false);
  r.sendUnique(2, 700);
  expect(r.engine.turn(100)).toBe(1); // this many are ordered in a turn of their own, which takes none in
  expect(r.snapshot(100).counters.queued).toBe(700);
  expect(r.engine.turn(100)).toBe(SENDS_PER_TURN + 1);
  expect(r.snapshot(100).counters.queued).toBe(701 - SENDS_PER_TURN);
  r.settle(100);
  expect(r.received().length).toBe(700);
  r.settle(199);
  expect(r.received().length).toBe(0);
  r.settle(200); // no packet arrives at this tick
  expect(r.received().length).toBe(1);
});
