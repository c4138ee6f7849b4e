import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BAD_MOST, BLAME_HALF_LIFE_MS, GOOD_MOST, HALF_LIFE_MS } from "../../../src/rank/evidence/constants.ts";
import { DECAY_STEP_MS } from "../../../src/rank/evidence/decay.ts";
import * as node from "../../../src/rank/evidence/evidence-table.ts";
import { Arena } from "../../../src/shape/arena.ts";
import { arenaLayout, EVIDENCE_WAYS } from "../../../src/shape/layout.ts";
import { smallLayout } from "./rig.ts";

function makeTable(sets: number) {
  const layout = arenaLayout({ ...smallLayout, evidenceSets: sets });
  const arena = Arena.reserve(layout.bytes);
  return new node.EvidenceTable(arena, layout.evidence);
}

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

test("a key is found after it was added and not before, whatever else is there: as in a Map", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { maxLength: EVIDENCE_WAYS }), (keys) => {
      // No more keys than one set holds: nobody leaves.
      const table = makeTable(1);
      const known = new Map<string, number>();
      for (const [low, high] of keys) {
        const name = `${low} ${high | 1}`; // a tag is never 0: its lowest bit is no part of the key
        expect(table.find(low, high)).toBe(known.get(name) ?? 0);
        const at = table.findOrAdd(low, high, 5);
        expect(at).toBe(known.get(name) ?? at);
        expect([...known].some(([other, place]) => place === at && other !== name)).toBe(false);
        known.set(name, at);
        expect(table.size).toBe(known.size);
      }
      expect(table.evicted).toBe(0);
      expect(table.problem()).toBeUndefined();
    }),
  );
});

test("a flood of fresh keys never pushes out those with a record", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: EVIDENCE_WAYS - 1 }), fc.integer(), fc.boolean(), (proven, seed, good) => {
      const table = makeTable(4);
      const keys: [number, number][] = [];
      for (let set = 0; set < 4; set++) {
        for (let i = 0; i < proven; i++) {
          const key: [number, number] = [set + 4 * (i + 1), Math.imul(i + 1, 0x9e3779b1)];
          const at = table.findOrAdd(key[0], key[1], 0);
          table.counts[at + (good ? node.GOOD : node.BAD)] = 3;
          keys.push(key);
        }
      }
      let state = seed | 1;
      for (let i = 0; i < 5_000; i++) {
        state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + i;
        const fresh = table.findOrAdd(state, Math.imul(state, 0x297a2d39), 1_000);
        table.counts[fresh + node.BAD] = 1; // each was judged once
      }
      for (const [low, high] of keys) expect(table.find(low, high)).not.toBe(0);
      expect(table.size).toBe(4 * EVIDENCE_WAYS);
      expect(table.evicted).toBeGreaterThan(4_000);
      expect(table.problem()).toBeUndefined();
    }),
    { numRuns: 20 },
  );
});

test("a record that has faded makes room", () => {
  const table = makeTable(1);
  const old = table.findOrAdd(1, 11, 0);
  table.counts[old + node.GOOD] = 4;
  for (let i = 0; i < EVIDENCE_WAYS - 1; i++) {
    const at = table.findOrAdd(2 + i, 100 + 2 * i, 10 * HALF_LIFE_MS);
    table.counts[at + node.GOOD] = 1;
  }
  table.findOrAdd(99, 999, 10 * HALF_LIFE_MS);
  expect([table.find(1, 11), table.size, table.evicted]).toEqual([0, EVIDENCE_WAYS, 1]);
});

test("an evicted node's counts are not inherited", () => {
  const table = makeTable(1);
  for (let i = 0; i < EVIDENCE_WAYS; i++) table.counts[table.findOrAdd(i, 2 * i + 1, 0) + node.IN_FLIGHT] = 7;
  const at = table.findOrAdd(77, 7_777, 0);
  for (let column = 0; column <= node.NANOS_PER_UNIT; column++) expect(table.counts[at + column]).toBe(0);
});

describe("decay", () => {
  test("credit halves in its half-life, blame in its own, in whatever steps", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 40 }), (pauses) => {
        const table = makeTable(1);
        const at = table.findOrAdd(1, 1, 0);
        table.counts[at + node.GOOD] = GOOD_MOST;
        table.counts[at + node.BAD] = BAD_MOST;
        let now = 0;
        for (const pause of pauses) {
          now += pause;
          table.settle(at, now);
        }
        table.settle(at, now);
        // Each settling may fall short of the truth by a step.
        const least = (now - (pauses.length + 1) * DECAY_STEP_MS) / HALF_LIFE_MS;
        expect(table.counts[at + node.GOOD]).toBeGreaterThanOrEqual(GOOD_MOST * 2 ** (-now / HALF_LIFE_MS) * 0.9999);
        expect(table.counts[at + node.GOOD]).toBeLessThanOrEqual(GOOD_MOST * Math.min(1, 2 ** -least) * 1.0001);
        expect(table.counts[at + node.BAD]).toBeGreaterThanOrEqual(
          BAD_MOST * 2 ** (-now / BLAME_HALF_LIFE_MS) * 0.9999,
        );
        expect(table.problem()).toBeUndefined();
      }),
    );
  });

  test("time that stands still or jumps far leaves counts that are counts", () => {
    const table = makeTable(1);
    const at = table.findOrAdd(1, 1, 1_000);
    table.counts[at + node.GOOD] = 5;
    table.settle(at, 1_000);
    table.settle(at, 0);
    expect(table.counts[at + node.GOOD]).toBe(5);
    table.settle(at, 2 ** 31 - 1);
    expect(table.counts[at + node.GOOD]).toBe(0);
  });
});

test("a table of no power of two is refused", () => {
  const layout = arenaLayout({ ...smallLayout, evidenceSets: 3 });
  expect(() => new node.EvidenceTable(Arena.reserve(layout.bytes), layout.evidence)).toThrow("3 sets");
});
