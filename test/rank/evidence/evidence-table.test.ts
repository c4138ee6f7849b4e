import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { loadKernel } from "../../../src/kernel/kernel.ts";
import { BAD_MAX, BLAME_HALF_LIFE_MS, GOOD_MAX, HALF_LIFE_MS } from "../../../src/rank/evidence/constants.ts";
import { DECAY_STEP_MS } from "../../../src/rank/evidence/decay.ts";
import { EvidenceTable } from "../../../src/rank/evidence/evidence-table.ts";
import { LandingRecords } from "../../../src/rank/evidence/landing-record.ts";
import { Arena } from "../../../src/shape/arena.ts";
import { arenaLayout } from "../../../src/shape/layout.ts";
import * as node from "../../../src/shape/node-layout.ts";
import { EVIDENCE_WAYS } from "../../../src/shape/node-layout.ts";
import { smallLayout } from "./rig.ts";

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

function makeTable(sets: number) {
  const layout = arenaLayout({ ...smallLayout, evidenceSets: sets });
  const arena = Arena.reserve(layout.bytes);
  return new EvidenceTable(arena, layout.evidence);
}

describe("how much is known", () => {
  test("a payer's misses are all its evidence", () => {
    for (const [misses, blame, evidence] of [
      [1, 0.7, 0.7],
      [1, 1, 1],
      [4, 1, 4],
    ]) {
      const table = makeTable(1);
      const payer = table.findOrAdd(1, 11, 0, node.KIND_PAYER, 0);
      const landings = new LandingRecords(table.counts);
      for (let i = 0; i < misses; i++) {
        table.counts[payer + node.MISSED] += blame;
        landings.missed(payer, 1, blame, 0);
      }
      expect(table.counts[payer + node.TURNED]).toBeGreaterThan(0);
      expect(table.payerEvidence(payer)).toBeCloseTo(evidence, 6);
    }
  });

  test("an address's is what its signatures and its landings say, and not what strangers below it did", () => {
    const table = makeTable(1);
    const at = table.findOrAdd(1, 11, 0, node.KIND_ADDRESS, 0);
    for (let column = 0; column < node.DECAYING_COLUMNS; column++) table.counts[at + column] = 2 ** column;
    expect(table.addressEvidence(at)).toBe(1 + 2 + 16 + 32);
  });

  test("a payer that may have turned leaves a full set before an address that is known as well", () => {
    const table = makeTable(1);
    for (let i = 0; i < EVIDENCE_WAYS - 1; i++) {
      const at = table.findOrAdd(i, 2 * i + 1, 0, node.KIND_ADDRESS, 0);
      table.counts[at + node.GOOD] = 2;
    }
    const payer = table.findOrAdd(70, 701, 0, node.KIND_PAYER, 0);
    table.counts[payer + node.MISSED] = 1;
    table.counts[payer + node.TURNED] = 9;
    table.findOrAdd(80, 801, 0);
    expect(table.find(70, 701)).toBe(0);
  });
});

test("the kernel's touches load the nodes that the table finds", () => {
  const sets = 4;
  const layout = arenaLayout({ ...smallLayout, evidenceSets: sets });
  const arena = Arena.reserve(layout.bytes + 4_096);
  const kernel = loadKernel(arena);
  const idsAt = layout.bytes;
  // Touches go by the tag alone: no two keys share one.
  const distinct = fc.uniqueArray(fc.tuple(word, word), {
    minLength: 1,
    maxLength: 16,
    selector: ([, high]) => high | 1,
  });
  fc.assert(
    fc.property(distinct, (keys) => {
      arena.u8.fill(0, layout.evidence.tagsAt, layout.evidence.tagsAt + sets * node.TAG_SET_BYTES);
      const table = new EvidenceTable(arena, layout.evidence);
      let expected = 0;
      for (const [i, [low, high]] of keys.entries()) {
        // Half of them are known. A node's first byte is all that a touch reads of it.
        if (i % 2 === 0) arena.u8[table.findOrAdd(low, high, 0) * 4] = i + 1;
      }
      for (const [i, [low, high]] of keys.entries()) {
        arena.i32.set([low, high], idsAt / 4 + 2 * i);
        const at = table.find(low, high);
        if (at !== 0) expected += arena.u8[at * 4];
      }
      expect(table.touchNodes(kernel, idsAt, 8, keys.length)).toBe(expected);
    }),
  );
});

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
        table.counts[at + node.GOOD] = GOOD_MAX;
        table.counts[at + node.BAD] = BAD_MAX;
        let now = 0;
        for (const pause of pauses) {
          now += pause;
          table.settle(at, now);
        }
        table.settle(at, now);
        // Each settling may fall short of the truth by a step.
        const least = (now - (pauses.length + 1) * DECAY_STEP_MS) / HALF_LIFE_MS;
        expect(table.counts[at + node.GOOD]).toBeGreaterThanOrEqual(GOOD_MAX * 2 ** (-now / HALF_LIFE_MS) * 0.9999);
        expect(table.counts[at + node.GOOD]).toBeLessThanOrEqual(GOOD_MAX * Math.min(1, 2 ** -least) * 1.0001);
        expect(table.counts[at + node.BAD]).toBeGreaterThanOrEqual(BAD_MAX * 2 ** (-now / BLAME_HALF_LIFE_MS) * 0.9999);
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
  expect(() => new EvidenceTable(Arena.reserve(layout.bytes), layout.evidence)).toThrow("3 sets");
});
