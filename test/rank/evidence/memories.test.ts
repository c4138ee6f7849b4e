import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PRESENCE_FADES_WINDOWS, PRESENCE_WINDOW_MS } from "../../../src/rank/evidence/constants.ts";
import { Newcomers } from "../../../src/rank/evidence/newcomers.ts";
import { PayloadMemory } from "../../../src/rank/evidence/payload-memory.ts";
import { Presence } from "../../../src/rank/evidence/presence.ts";
import { UnknownClass } from "../../../src/rank/evidence/unknown-class.ts";
import { Arena } from "../../../src/shape/arena.ts";
import { IP_ID_AT } from "../../../src/shape/digest-layout.ts";

const LINE_BYTES = 64;
const region = (lines: number) => ({ at: 65_536, lines });
const arena = (lines: number) => Arena.reserve(65_536 + lines * LINE_BYTES + 65_536);

describe("payloads", () => {
  const key = (i: number): [number, number] => [i, Math.imul(i + 1, 0x9e3779b1) | 1];
  const tag = PayloadMemory.tagOf;

  test("what is found is what was kept, never another's", () => {
    const step = fc.tuple(fc.constantFrom("add", "send"), fc.integer({ min: 0, max: 60 }), fc.integer());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const memory = new PayloadMemory(arena(2), region(2));
        const known = new Map<number, { sender: number; sent: boolean }>();
        for (const [what, i, id] of steps) {
          const [low, high] = key(i);
          const found = memory.find(low, high);
          if (what === "send") memory.markSent(low, high, tag(id));
          else if (found === 0) memory.add(low, high, tag(id));
          const before = found === 0 ? undefined : known.get(i);
          known.set(i, { sender: before?.sender ?? tag(id), sent: what === "send" || before?.sent === true });
          for (const [other, { sender, sent }] of known) {
            const now = memory.find(...key(other));
            if (other === i) expect(now).not.toBe(0);
            if (now !== 0) expect([PayloadMemory.senderOf(now), PayloadMemory.wasSent(now)]).toEqual([sender, sent]);
          }
        }
      }),
    );
  });

  test("what was sent outlives a flood of what is only seen", () => {
    const memory = new PayloadMemory(arena(64), region(64));
    const kept = { sent: 0, seen: 0 };
    for (let i = 0; i < 128; i++) {
      memory.markSent(...key(i), tag(1));
      memory.add(...key(i + 128), tag(1));
    }
    for (let i = 1_000; i < 1_400; i++) memory.add(...key(i), tag(2));
    for (let i = 0; i < 128; i++) {
      if (memory.find(...key(i)) !== 0) kept.sent += 1;
      if (memory.find(...key(i + 128)) !== 0) kept.seen += 1;
    }
    expect(kept.sent).toBeGreaterThan(2 * kept.seen);
  });
});

describe("presence", () => {
  /** The high word of an id, of which the upper 24 bits count. */
  const id = (n: number): number => n << 8;

  test("counts windows, not packets", () => {
    const presence = new Presence(arena(1), region(1));
    for (let window = 1; window <= 5; window++) for (let i = 0; i < 9; i++) presence.note(3, id(33), window);
    expect(presence.windows(3, id(33))).toBe(5);
    expect(presence.windows(3, id(34))).toBe(0);
  });

  test("who keeps coming stays under a flood of who comes once", () => {
    const presence = new Presence(arena(1), region(1));
    for (let window = 1; window <= 3; window++) presence.note(0, id(33), window);
    for (let i = 0; i < 1_000; i++) presence.note(0, id(1_000 + i), 4 + (i >> 3));
    expect(presence.windows(0, id(33))).toBe(3);
  });

  test("a packet of an earlier window is no new one, and of those seen once the oldest leaves", () => {
    const presence = new Presence(arena(1), region(1));
    for (const window of [7, 6, 7, 5]) presence.note(0, id(33), window);
    expect(presence.windows(0, id(33))).toBe(1);
    for (let i = 1; i <= 7; i++) presence.note(0, id(100 + i), 7 + i);
    presence.note(0, id(200), 20);
    expect(presence.windows(0, id(33))).toBe(0);
    for (let i = 1; i <= 7; i++) expect(presence.windows(0, id(100 + i))).toBe(1);
  });

  test("who has not come back for long makes room", () => {
    const presence = new Presence(arena(1), region(1));
    for (let window = 1; window <= 3; window++) presence.note(0, id(33), window);
    for (let i = 0; i < 100; i++) presence.note(0, id(1_000 + i), 3 + 10 * PRESENCE_FADES_WINDOWS + i);
    expect(presence.windows(0, id(33))).toBe(0);
  });

  test("counts no further than it has room to, and never into the id", () => {
    const presence = new Presence(arena(1), region(1));
    for (let window = 1; window <= 1_000; window++) presence.note(0, id(33), window);
    expect(presence.windows(0, id(33))).toBe(255);
    expect(presence.windows(0, id(34))).toBe(0);
  });

  // Windows of 100 ms: 16 bits of them are 1.8 hours, 31 bits 6.8 years.
  for (const start of [2 ** 16 - 3, 2 ** 31 - 3, 2 ** 32 - 3]) {
    test(`counts on over window ${start + 3}, and an address is seen anew however long it was away`, () => {
      const presence = new Presence(arena(1), region(1));
      for (let i = 0; i < 6; i++) presence.note(0, id(33), start + i);
      expect(presence.windows(0, id(33))).toBe(6);
      presence.note(0, id(33), start + 2); // an earlier one
      expect(presence.windows(0, id(33))).toBe(6);
      for (const later of [2 ** 15, 2 ** 16, 2 ** 16 + 2 ** 15, 315_360_000])
        presence.note(0, id(33), start + 6 + later);
      expect(presence.windows(0, id(33))).toBe(10);
    });
  }
});

describe("the quota", () => {
  function quota(
    candidates: readonly (readonly [address: number, windows: number, worth: number])[],
    places: number,
    once = 0,
  ) {
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
    newcomers.begin(places, once);
    for (const [place, [address, , worth]] of candidates.entries()) newcomers.consider(show(address), place, worth);
    const chosen: number[] = [];
    for (let place = newcomers.next(); place >= 0; place = newcomers.next()) chosen.push(place);
    return chosen;
  }

  test("takes those seen in most windows first, then those worth most, and no more than its places", () => {
    const candidate = fc.tuple(fc.integer({ min: 2, max: 6 }), fc.double({ min: 0, max: 9, noNaN: true }));
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
          [7, 2, 1],
          [7, 2, 5],
          [7, 2, 3],
        ],
        3,
      ),
    ).toEqual([1]);
  });

  test("takes one packet of an address, its best, also where addresses share a mark and leave one another", () => {
    const candidate = fc.tuple(fc.nat(7), fc.nat(9)); // a line of the presence holds eight
    fc.assert(
      fc.property(fc.array(candidate, { maxLength: 40 }), fc.integer({ min: 1, max: 12 }), (rows, places) => {
        // Addresses that are equal in all low bits, whatever the number of marks.
        const addresses = rows.map(([sender]) => 5 + sender * 0x0100_0000);
        const times = new Map<number, number>();
        for (const address of addresses) times.set(address, 2);
        const candidates = rows.map(([, worth], i) => [addresses[i], times.get(addresses[i])!, worth] as const);
        const best = new Map<number, number>();
        for (const [address, , worth] of candidates) best.set(address, Math.max(best.get(address) ?? 0, worth));
        const expected = [...best.values()].sort((a, b) => b - a).slice(0, places);
        const chosen = quota(candidates, places);
        expect(new Set(chosen.map((place) => addresses[place])).size).toBe(chosen.length);
        expect(chosen.map((place) => candidates[place][2]).sort((a, b) => b - a)).toEqual(expected);
      }),
    );
  });

  test("who was seen once has places of its own, drawn by lot, one an address", () => {
    const rows = Array.from({ length: 40 }, (_, i) => [1 + (i >> 1), 1, i] as const);
    const chosen = quota([[99, 3, 0], ...rows], 4, 3);
    expect(chosen).toHaveLength(4);
    expect(chosen).toContain(0);
    expect(new Set(chosen.slice(1).map((place) => (place - 1) >> 1)).size).toBe(3);
    expect(quota(rows, 4, 0)).toEqual([]);
  });

  test("parts of a place are saved up", () => {
    const memory = arena(64);
    const newcomers = new Newcomers(memory, region(64));
    let places = 0;
    for (let transmit = 0; transmit < 12; transmit++) {
      newcomers.begin(0.5, 0.25);
      newcomers.consider(65_536 + 64 * LINE_BYTES, 0, 1);
      while (newcomers.next() >= 0) places += 1;
    }
    expect(places).toBe(3);
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
