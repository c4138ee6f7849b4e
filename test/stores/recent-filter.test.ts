import { describe, expect, test } from "bun:test";
import { RECENT_NODE_BYTES } from "../../src/shape/layout.ts";
import { RecentFilter } from "../../src/stores/recent-filter.ts";
import { randomOf } from "../tools/random.ts";
import { makeStore } from "./store.ts";

function makeFilter(capacity: number) {
  const store = makeStore(capacity, RECENT_NODE_BYTES);
  const filter = new RecentFilter(store.arena, store.region, store.kernel);
  const keyAt = store.scratchAt;
  const mixAt = store.scratchAt + 8;
  const write = (key: number): void => {
    const words = store.arena.i32;
    words[keyAt >>> 2] = key;
    words[(keyAt >>> 2) + 1] = key ^ 0x5555;
    words[mixAt >>> 2] = Math.imul(key, 0x9e3779b1);
    words[(mixAt >>> 2) + 1] = Math.imul(key, 0x85ebca6b);
  };
  return {
    filter,
    store,
    has: (key: number): boolean => {
      write(key);
      filter.lru.touch(mixAt, 16, 1);
      return filter.has(keyAt, mixAt);
    },
    put: (key: number): void => {
      write(key);
      filter.put(keyAt, mixAt);
    },
  };
}

describe("recent filter", () => {
  test("looking a key up does not refresh it, putting it in again does", () => {
    const { filter, has, put } = makeFilter(4);
    for (const key of [1, 2, 3, 4]) put(key);
    expect(has(1)).toBe(true);
    put(2);
    put(5); // 1 is the oldest, looked up or not
    put(6); // then 3, since 2 was put in again
    expect([1, 2, 3, 4, 5, 6].map(has)).toEqual([false, true, false, true, true, true]);
    expect([filter.size, filter.evicted]).toEqual([4, 2]);
  });

  test("holds what a Map of the last keys holds", () => {
    for (const capacity of [4, 16, 64]) {
      const { filter, has, put } = makeFilter(capacity);
      const naive = new Set<number>();
      const random = randomOf(capacity);
      for (let step = 0; step < 5_000; step++) {
        const key = random() % (2 * capacity);
        expect(has(key)).toBe(naive.has(key));
        if (random() % 2 === 0) continue;
        if (random() % 8 === 0) filter.lru.touchVictims(16);
        put(key);
        naive.delete(key);
        naive.add(key);
        if (naive.size > capacity) naive.delete(naive.keys().next().value!);
        expect(filter.size).toBe(naive.size);
      }
    }
  });

  test("the key 0 is a key", () => {
    const { store, filter } = makeFilter(4);
    const at = store.scratchAt + 64; // 16 zero bytes
    expect(filter.has(at, at + 8)).toBe(false);
    filter.put(at, at + 8);
    expect(filter.has(at, at + 8)).toBe(true);
  });

  test("refuses nodes of another size", () => {
    const { arena, region, kernel } = makeStore(8, 64);
    expect(() => new RecentFilter(arena, region, kernel)).toThrow("32");
  });
});
