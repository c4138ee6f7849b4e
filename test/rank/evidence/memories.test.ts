import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Arena } from "../../../src/arena.ts";
import { PRESENCE_WINDOW_MS } from "../../../src/rank/evidence/constants.ts";
import { Newcomers } from "../../../src/rank/evidence/newcomers.ts";
import { PayloadMemory } from "../../../src/rank/evidence/payload-memory.ts";
import { Presence } from "../../../src/rank/evidence/presence.ts";
import { UnknownClass } from "../../../src/rank/evidence/unknown-class.ts";
import { IP_ID_AT } from "../../../src/wire/digest-layout.ts";

const LINE_BYTES = 64;
const region = (lines: number) => ({ at: 65_536, lines });
const arena = (lines: number) => Arena.reserve(65_536 + lines * LINE_BYTES + 65_536);

describe("payloads", () => {
  test("up to a line's length all are kept, as in a Map", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer(), fc.integer({ min: 1 })), { maxLength: 40 }), (puts) => {
        const memory = new PayloadMemory(arena(1), region(1));
        const known = new Map<number, number>();
        for (const [word, value] of puts) {
          const high = word | 1; // the lowest bit is no part of the key
          if (!known.has(high) && known.size === 8) continue;
          memory.put(0, word, value);
          known.set(high, value);
          for (const [key, kept] of known) expect(memory.find(0, key)).toBe(kept);
        }
      }),
    );
  });

  test("the newest is always found, whatever came before", () => {
    const memory = new PayloadMemory(arena(4), region(4));
    for (let i = 1; i < 10_000; i++) {
      memory.put(i, Math.imul(i, 0x9e3779b1), i);
      expect(memory.find(i, Math.imul(i, 0x9e3779b1))).toBe(i);
    }
  });
});

describe("presence", () => {
  test("counts windows, not packets", () => {
    const presence = new Presence(arena(1), region(1));
    for (let window = 1; window <= 5; window++) for (let i = 0; i < 9; i++) presence.note(3, 33, window);
    expect(presence.windows(3, 33)).toBe(5);
    expect(presence.windows(3, 34)).toBe(0);
  });

  test("who keeps coming stays under a flood of who comes once", () => {
    const presence = new Presence(arena(1), region(1));
    for (let window = 1; window <= 3; window++) presence.note(0, 33, window);
    for (let i = 0; i < 1_000; i++) presence.note(0, 1_000 + i, 4 + (i >> 3));
    expect(presence.windows(0, 33)).toBe(3);
  });
});

describe("the quota", () => {
  function quota(candidates: readonly (readonly [address: number, windows: number, worth: number])[], places: number) {
    const memory = arena(64);
    const newcomers = new Newcomers(memory, region(64));
    const at = 65_536 + 64 * LINE_BYTES;
    const show = (address: number): number => {
      memory.i32[(at + IP_ID_AT) >>> 2] = address;
      memory.i32[(at + IP_ID_AT + 4) >>> 2] = Math.imul(address, 0x85ebca6b);
      return at;
    };
    for (const [address, windows] of candidates) {
      for (let i = 1; i <= windows; i++) newcomers.note(show(address), i * PRESENCE_WINDOW_MS);
    }
    newcomers.begin(places);
    for (const [place, [address, , worth]] of candidates.entries()) newcomers.consider(show(address), place, worth);
    const chosen: number[] = [];
    for (let place = newcomers.next(); place >= 0; place = newcomers.next()) chosen.push(place);
    return chosen;
  }

  test("takes those seen in most windows first, then those worth most, and no more than its places", () => {
    const candidate = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.double({ min: 0, max: 9, noNaN: true }));
    fc.assert(
      fc.property(fc.array(candidate, { maxLength: 24 }), fc.integer({ min: 0, max: 30 }), (rows, places) => {
        const candidates = rows.map(([windows, worth], i) => [i + 1, windows, worth] as const);
        const rank = (i: number): number => candidates[i][1] + candidates[i][2] / (1 + candidates[i][2]);
        const expected = [...candidates.keys()].map(rank).sort((a, b) => b - a);
        const chosen = quota(candidates, places).map(rank);
        expect(chosen.sort((a, b) => b - a)).toEqual(expected.slice(0, places));
      }),
    );
  });

  test("takes one packet of an address, its best", () => {
    expect(
      quota(
        [
          [7, 1, 1],
          [7, 1, 5],
          [7, 1, 3],
        ],
        3,
      ),
    ).toEqual([1]);
  });
});

test("the unknown as a class: learns within a few hundred, forgets, stays a probability", () => {
  const unknown = new UnknownClass();
  const before = unknown.pGood;
  for (let i = 0; i < 400; i++) unknown.signature(false, i);
  expect(unknown.pGood).toBeLessThan(0.03);
  expect(unknown.pGood).toBeGreaterThan(0);
  for (let i = 0; i < 2_000; i++) unknown.signature(true, 400 + i);
  expect(unknown.pGood).toBeGreaterThan(0.9);
  unknown.signature(true, 10_000_000);
  expect(Math.abs(unknown.pGood - before)).toBeLessThan(0.05);
  for (let i = 0; i < 400; i++) unknown.landing(0, 1, 10_000_000 + i);
  expect(unknown.pLands).toBeLessThan(0.03);
  unknown.work(600_000, 100_000);
  expect(unknown.nanosPerUnit).toBe(6);
  unknown.work(0, 0);
  expect(unknown.nanosPerUnit).toBeCloseTo(6, 9);
});
