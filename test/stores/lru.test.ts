import { describe, expect, test } from "bun:test";
import { CACHE_LINE_BYTES } from "../../src/shape/layout.ts";
import { STORE_HINT_AT, STORE_POSITION_AT } from "../../src/shape/store-layout.ts";
import { Lru } from "../../src/stores/lru.ts";
import { randomOf } from "../tools/random.ts";
import { MIXES, makeStore } from "./store.ts";

const NODE_BYTES = 32;
const LINKS_AT = 8;

/** The oracle: a Map remembers the order of insertion. */
class NaiveLru {
  readonly keys = new Map<number, number>();
  evicted = 0;

  constructor(readonly capacity: number) {}

  /** @returns the key that had to go, or -1 */
  insert(key: number, node: number): number {
    let victim = -1;
    if (this.keys.size === this.capacity) {
      victim = this.keys.keys().next().value!;
      this.keys.delete(victim);
      this.evicted += 1;
    }
    this.keys.set(key, node);
    return victim;
  }

  refresh(key: number): void {
    const node = this.keys.get(key)!;
    this.keys.delete(key);
    this.keys.set(key, node);
  }
}

interface Habit {
  readonly keys: number;
  /** Of 16: chance that a known key is refreshed, that it is removed, that victims are touched. */
  readonly refresh: number;
  readonly remove: number;
  readonly touch: number;
}

const HABITS: Record<string, Habit> = {
  "mostly fresh keys": { keys: 1_000_000, refresh: 16, remove: 0, touch: 8 },
  "mostly known keys": { keys: 2, refresh: 12, remove: 2, touch: 4 },
  "few more keys than room": { keys: 1.25, refresh: 14, remove: 1, touch: 2 },
  removals: { keys: 3, refresh: 2, remove: 14, touch: 6 },
  "no hint is ever used": { keys: 4, refresh: 8, remove: 1, touch: 0 },
};

describe("least recently used", () => {
  for (const [mixName, mixOf] of Object.entries(MIXES)) {
    for (const [habitName, habit] of Object.entries(HABITS)) {
      test(`as a Map does it: ${habitName}, mixes ${mixName}`, () => {
        const sizes = [
          [1, 2],
          [2, 4],
          [4, 8],
          [7, 4],
          [16, 64],
          [64, 16],
        ] as const;
        // Touches are numbered in 32 bits that wrap: at a million a second after 72 minutes.
        const starts = mixName === "spread" ? [0, 2 ** 31 - 100, 2 ** 32 - 100] : [0];
        for (const [capacity, log, start] of sizes.flatMap(([nodes, hints]) =>
          starts.map((at) => [nodes, hints, at]),
        )) {
          const { arena, region, kernel, scratchAt } = makeStore(capacity, NODE_BYTES, log);
          const lru = new Lru(arena, region, { key: 0, links: LINKS_AT }, kernel);
          for (const word of [STORE_POSITION_AT, STORE_HINT_AT]) arena.i32[(region.stateAt + word) >>> 2] = start | 0;
          const find = (key: number): number => {
            arena.i32.set([key, ~key, mixOf(key)], scratchAt >>> 2);
            return lru.find(scratchAt, scratchAt + 8);
          };
          const naive = new NaiveLru(capacity);
          const insert = (key: number): number => {
            const node = lru.insert(mixOf(key));
            arena.i32[(region.nodesAt >>> 2) + node * 8] = key;
            arena.i32[(region.nodesAt >>> 2) + node * 8 + 1] = ~key;
            return node;
          };
          const random = randomOf(capacity * 31 + log);
          const keys = Math.max(2, Math.ceil(habit.keys < 1_000 ? habit.keys * capacity : habit.keys));
          for (let step = 0; step < 3_000; step++) {
            const key = random() % keys;
            if (random() % 16 < habit.touch) lru.touchVictims(random() % 20);
            const node = find(key);
            lru.touch(scratchAt + 8, 4, 1);
            expect(node).toBe(naive.keys.get(key) ?? -1);
            if (node < 0) {
              const victim = naive.insert(key, insert(key));
              if (victim >= 0) expect(find(victim)).toBe(-1);
            } else {
              const dice = random() % 16;
              if (dice < habit.refresh) {
                lru.refresh(node);
                naive.refresh(key);
              } else if (dice < habit.refresh + habit.remove) {
                lru.remove(node);
                naive.keys.delete(key);
                expect(find(key)).toBe(-1);
              }
            }
            expect(lru.size).toBe(naive.keys.size);
            expect(lru.evicted).toBe(naive.evicted);
          }
          // The whole order, read off by pushing everything out.
          const order = [...naive.keys.keys()];
          const nodes = [...naive.keys.values()];
          for (let fresh = -1; lru.size < capacity; fresh--) {
            expect(nodes).not.toContain(insert(fresh));
          }
          for (let i = 0; i < order.length; i++) {
            lru.touchVictims(1);
            expect(insert(10_000_000 + i)).toBe(nodes[i]);
            expect(find(order[i])).toBe(-1);
          }
        }
      });
    }
  }

  test("starting touches nothing but the store's words", () => {
    const { arena, region, kernel } = makeStore(64, NODE_BYTES);
    new Lru(arena, region, { key: 0, links: LINKS_AT }, kernel);
    arena.u8.fill(0, region.stateAt, region.stateAt + CACHE_LINE_BYTES);
    expect(arena.u8.every((byte) => byte === 0)).toBe(true);
  });

  test("keeps to its own nodes, buckets and log, whatever is asked of it", () => {
    const { arena, region, kernel, scratchAt } = makeStore(16, NODE_BYTES);
    const lru = new Lru(arena, region, { key: 0, links: LINKS_AT }, kernel);
    const random = randomOf(3);
    for (let step = 0; step < 1_000; step++) {
      arena.i32.set([step, 0, random()], scratchAt >>> 2);
      lru.touchVictims(random() % 40);
      lru.insert(arena.i32[(scratchAt >>> 2) + 2]);
      if (step % 3 === 0) lru.remove(random() % lru.size);
    }
    arena.u8.fill(0, region.nodesAt, region.nodesAt + region.capacity * NODE_BYTES);
    arena.u8.fill(0, region.bucketsAt, scratchAt + 16);
    expect(arena.u8.every((byte) => byte === 0)).toBe(true);
  });

  test("touches a table's rows through the mixes that stand in slots", () => {
    const { arena, region, kernel, scratchAt } = makeStore(64, NODE_BYTES);
    const lru = new Lru(arena, region, { key: 0, links: LINKS_AT }, kernel);
    // Slot 3's mix stands at scratch + 64 + 3 * 16; its bucket's first tag's low byte is what the touch reads.
    arena.i32[(scratchAt + 64 + 48) >>> 2] = 5;
    arena.i32[scratchAt >>> 2] = 3;
    arena.u8[region.bucketsAt + 5 * CACHE_LINE_BYTES] = 77;
    expect(lru.touchThrough(scratchAt, 1, scratchAt + 64, 16)).toBe(77);
    arena.i32[scratchAt >>> 2] = 2;
    expect(lru.touchThrough(scratchAt, 1, scratchAt + 64, 16)).toBe(0);
  });

  test("refuses a region that is no store", () => {
    const { arena, region, kernel } = makeStore(64, NODE_BYTES);
    const open = (change: Partial<typeof region>) => () =>
      new Lru(arena, { ...region, ...change }, { key: 0, links: LINKS_AT }, kernel);
    expect(open({ touchLogEntries: 100 })).toThrow("100");
    expect(open({ bucketCount: 8 })).toThrow("8 buckets");
    expect(open({ bucketCount: 24 })).toThrow("24 buckets");
    expect(open({ nodeBytes: 24 })).toThrow("24 bytes");
    expect(open({ bucketsAt: region.bucketsAt + 32 })).toThrow("cache line");
  });
});
