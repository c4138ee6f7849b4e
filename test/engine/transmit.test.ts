import { expect, test } from "bun:test";
import { SENDS_PER_TURN, TRANSMIT_INTERVAL_MS } from "../../src/engine/settings.ts";
import { type Rig, rig } from "./rig.ts";

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
  const one = rig();
  const first = SENDS_PER_TURN + 44;
  queueBehindTransmit(one, first);
  const now = 1_000 + TRANSMIT_INTERVAL_MS;
  one.engine.turn(now); // orders them
  one.engine.turn(now);
  expect(one.received().length).toBe(SENDS_PER_TURN);
  for (let i = 0; i < 20; i++) one.sendUnique(i % 4, 5_000 + i);
  one.settle(now);
  expect(one.received().length).toBe(first - SENDS_PER_TURN);
  expect(one.engine.queue.size).toBe(20);
  one.settle(now + TRANSMIT_INTERVAL_MS);
  expect(one.received().length).toBe(20);
});
