import { expect, test } from "bun:test";
import { HOPELESS, HOPELESS_UNKNOWN, LIFTED_GOOD_MIN } from "../../../src/rank/evidence/constants.ts";
import { Knowledge } from "../../../src/rank/evidence/knowledge.ts";
import { Look } from "../../../src/rank/evidence/look.ts";
import { Worth } from "../../../src/rank/evidence/worth.ts";
import { Arena } from "../../../src/shape/arena.ts";
import { arenaLayout } from "../../../src/shape/layout.ts";
import { GOOD } from "../../../src/shape/node-layout.ts";
import { smallLayout } from "./rig.ts";

function make() {
  const layout = arenaLayout({ ...smallLayout, evidenceSets: 64 });
  const arena = Arena.reserve(layout.bytes);
  const knowledge = new Knowledge(arena, layout);
  return { table: knowledge.table, worth: new Worth(arena, knowledge) };
}

function lookAt(known: number, pGood: number, pLands: number): Look {
  const look = new Look();
  look.known = known;
  look.pGood = pGood;
  look.pLands = pLands;
  return look;
}

test("an unknown sender is hopeless sooner than one that is known, each at its own bound", () => {
  const { table, worth } = make();
  const known = table.findOrAdd(1, 3, 0);
  const isHopeless = (node: number, lands: number): boolean => worth.isHopeless(lookAt(node, 1, lands));
  expect(HOPELESS).toBeLessThan(HOPELESS_UNKNOWN);
  expect([isHopeless(known, HOPELESS), isHopeless(known, 0.999 * HOPELESS)]).toEqual([false, true]);
  expect([isHopeless(0, HOPELESS_UNKNOWN), isHopeless(0, 0.999 * HOPELESS_UNKNOWN)]).toEqual([false, true]);
});

test("a forger is told by its own record, never by its class", () => {
  const { table, worth } = make();
  const known = table.findOrAdd(1, 3, 0);
  expect([worth.isForger(lookAt(0, 0, 1)), worth.isForger(lookAt(known, 0, 1))]).toEqual([false, false]);
  table.counts[known + GOOD] = 1;
  expect([worth.isForger(lookAt(known, 0, 1)), worth.isForger(lookAt(known, HOPELESS, 1))]).toEqual([true, false]);
});

test("a packet is not lifted where every second signature fails, nor where hardly anything lands", () => {
  const { table, worth } = make();
  const known = table.findOrAdd(1, 3, 0);
  expect(worth.mayBeLifted(lookAt(known, LIFTED_GOOD_MIN, 0.5))).toBe(true);
  expect(worth.mayBeLifted(lookAt(known, 0.999 * LIFTED_GOOD_MIN, 0.5))).toBe(false);
  expect(worth.mayBeLifted(lookAt(known, 1, 0.999 * HOPELESS))).toBe(false);
  expect(worth.mayBeLifted(lookAt(0, 1, 0.999 * HOPELESS_UNKNOWN))).toBe(false);
});
