import { expect, test } from "bun:test";
import { BlockRoom } from "../../../src/rank/evidence/block-room.ts";
import {
  BALANCE_MIN,
  ROOM_GROWTH,
  ROOM_MARGIN,
  ROOM_WINDOW_MS as WINDOW_MS,
} from "../../../src/rank/evidence/constants.ts";

/** A window in which so much was included, and of the likely landers' cheapest so many were left out. */
function pass(room: BlockRoom, nowMs: number, nanos: number, leftOut: number): number {
  room.included(nanos);
  for (let i = 0; i < 50; i++) room.market.note(1, 1, i >= leftOut);
  room.advance(nowMs + WINDOW_MS);
  return nowMs + WINDOW_MS;
}

test("the room is unknown while nobody is left out, and then what was included", () => {
  const room = new BlockRoom();
  room.advance(0);
  let now = pass(room, 0, 1e6, 0);
  expect(room.nanosPerMs).toBe(Number.POSITIVE_INFINITY);
  expect(room.roomOf(100)).toBe(Number.POSITIVE_INFINITY);
  now = pass(room, now, 4e8, 25);
  expect(room.nanosPerMs).toBeCloseTo(4e8 / WINDOW_MS, 6);
  expect(room.roomOf(100)).toBeCloseTo((4e10 / WINDOW_MS) * (1 + ROOM_MARGIN), 3);
});

test("it grows while it limits what is sent and nobody is left out, and never falls by idleness", () => {
  const room = new BlockRoom();
  room.advance(0);
  let now = pass(room, 0, 4e8, 25);
  const learned = room.nanosPerMs;
  now = pass(room, now, 1, 0);
  expect(room.nanosPerMs).toBe(learned);
  room.spent(0, 50);
  now = pass(room, now, 1, 0);
  expect(room.nanosPerMs).toBeCloseTo(learned * ROOM_GROWTH, 6);
  now = pass(room, now, 2e8, 50);
  expect(room.nanosPerMs).toBeLessThan(learned);
});

test("the balance moves towards the budget that ran out, within its bounds", () => {
  const room = new BlockRoom();
  room.spent(0, 50);
  expect(room.balance).toBe(1); // no room known: packets are all that costs
  room.advance(0);
  pass(room, 0, 4e8, 25);
  for (let i = 0; i < 100; i++) room.spent(0, 50);
  expect(room.balance).toBe(BALANCE_MIN);
  for (let i = 0; i < 100; i++) room.spent(50, 0);
  expect(room.balance).toBe(1);
  room.spent(0, 0);
  room.spent(50, 50);
  expect(room.balance).toBe(1);
});

test("who stops landing does not make blocks look full: the room stays near what blocks took", () => {
  const room = new BlockRoom();
  room.advance(0);
  let now = pass(room, 0, 4e8, 0);
  for (let i = 0; i < 5; i++) now = pass(room, now, 1e8, 50);
  expect(room.nanosPerMs).toBeGreaterThan((0.75 * 4e8) / WINDOW_MS);
  expect(room.nanosPerMs).toBeLessThanOrEqual(4e8 / WINDOW_MS);
});

test("a long silence teaches nothing", () => {
  const room = new BlockRoom();
  room.advance(0);
  room.included(4e8);
  for (let i = 0; i < 50; i++) room.market.note(1, 1, false);
  room.advance(100 * WINDOW_MS);
  expect(room.nanosPerMs).toBe(Number.POSITIVE_INFINITY);
});

test("the first full block need not wait for its window's end, if it is plain", () => {
  const room = new BlockRoom();
  room.advance(0);
  pass(room, 0, 4e8, 0);
  for (let i = 0; i < 100; i++) room.market.note(1, 1, i % 4 === 0);
  room.refresh();
  expect(room.nanosPerMs).toBeCloseTo(4e8 / WINDOW_MS, 6); // what the window before took

  const unsure = new BlockRoom();
  unsure.advance(0);
  pass(unsure, 0, 4e8, 0);
  for (let i = 0; i < 20; i++) unsure.market.note(1, 1, i >= 6);
  unsure.refresh();
  expect(unsure.nanosPerMs).toBe(Number.POSITIVE_INFINITY);

  const empty = new BlockRoom();
  for (let i = 0; i < 100; i++) empty.market.note(1, 1, false);
  empty.refresh();
  expect(empty.nanosPerMs).toBe(Number.POSITIVE_INFINITY); // nothing to measure by
});
