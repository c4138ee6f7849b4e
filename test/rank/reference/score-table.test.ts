import { describe, expect, test } from "bun:test";
import { loadKernel } from "../../../src/kernel/kernel.ts";
import { ScoreReader } from "../../../src/rank/reference/score-reader.ts";
import { ScoreTable } from "../../../src/rank/reference/score-table.ts";
import { DIGEST_BYTES, IP_ID_AT, IP_KEY_AT, TRAIT_IPV6 } from "../../../src/shape/digest-layout.ts";
import { randomOf } from "../../tools/random.ts";
import { makeTables, NaiveTable, type Tables } from "../tables.ts";

const rising = (a: number, b: number): number => a - b;

function makeTable(limit: number, spread = true) {
  const tables: Tables = makeTables(limit, 4, spread);
  const table = new ScoreTable(tables.arena, tables.layout.ips);
  const kernel = loadKernel(tables.arena);
  const idAt = (key: number): number => tables.write({ ip: key, payer: 0 }) + IP_ID_AT;
  return {
    ...tables,
    table,
    idAt,
    keyAt: tables.at + IP_KEY_AT,
    region: tables.layout.ips,
    reader: new ScoreReader(tables.arena, tables.layout.ips),
    gather: (key: number, value: number, traits = 0): void => {
      table.touch(kernel, idAt(key), DIGEST_BYTES, 1);
      table.gather(tables.at + IP_ID_AT, tables.at + IP_KEY_AT, traits, value);
    },
  };
}

/** A value's distribution decides what the sorted column goes through: ties, runs, zeros, extremes. */
const VALUES: Record<string, (random: number) => number> = {
  spread: (random) => (random % 1_000_000) / 997,
  "few different": (random) => random % 3,
  "all equal": () => 2.5,
  "zeros and extremes": (random) => [0, 0, Number.MIN_VALUE, 1e-300, 1, 1e20, 1e120][random % 7],
};

describe("score table", () => {
  for (const [name, makeValue] of Object.entries(VALUES)) {
    for (const [limit, keys, spread] of [
      [1, 4, true],
      [2, 6, true],
      [5, 8, false],
      [16, 40, true],
      [33, 60, false],
      [64, 64, true],
    ] as const) {
      test(`as the rules say: values ${name}, limit ${limit}, ${keys} keys${spread ? "" : " in one slot"}`, () => {
        const { table, idAt, gather, reader } = makeTable(limit, spread);
        const naive = new NaiveTable(limit);
        const random = randomOf(limit * 7 + keys);
        for (let round = 0; round < 60; round++) {
          const transactions = random() % 402;
          // A few keys often (fresh), the others here and there.
          for (let i = 0; i < transactions; i++) {
            const key = random() % (random() % 2 === 0 ? Math.ceil(keys / 4) : keys);
            const shifted = round % 3 === 0 ? keys - 1 - key : key;
            const value = makeValue(random());
            gather(shifted, value);
            naive.gather(shifted, value);
            // A candidate's key scores the median until it has entered.
            if (i % 50 === 0) expect(table.score(idAt(shifted))).toBe(naive.score(shifted));
          }
          table.update();
          const excess = naive.update();
          expect(table.size).toBe(naive.scores.size - excess);
          const stays = naive.pruned(excess);
          for (const [key, score] of [...naive.scores]) {
            if (table.has(idAt(key))) expect(table.score(idAt(key))).toBe(score);
            else naive.scores.delete(key);
          }
          expect([...naive.scores.values()].sort(rising)).toEqual(stays);
          for (let i = random() % 12; i > 0; i--) {
            const key = random() % keys;
            table.blame(idAt(key));
            naive.blame(key);
            expect(table.median).toBe(naive.median());
          }
          for (let key = 0; key < keys; key++) expect(table.score(idAt(key))).toBe(naive.score(key));
          expect(reader.read()).toBe(true);
          const rows = Array.from({ length: reader.size }, (_, row) => reader.score(row));
          expect(rows.sort(rising)).toEqual([...naive.scores.values()].sort(rising));
        }
      });
    }
  }

  test("an empty table's median is 1, of two scores it is their mean, of three the middle one", () => {
    const { table, idAt, keyAt } = makeTable(8);
    expect(table.score(idAt(1))).toBe(1);
    expect(table.restore(idAt(1), keyAt, 0, 10)).toBe(true);
    expect(table.score(idAt(9))).toBe(10);
    table.restore(idAt(2), keyAt, 0, 4);
    expect(table.score(idAt(9))).toBe(7);
    table.restore(idAt(3), keyAt, 0, 5);
    expect(table.score(idAt(9))).toBe(5);
    expect([1, 2, 3].map((key) => table.score(idAt(key)))).toEqual([10, 4, 5]);
  });

  test("four transactions make no fresh score, five do; the median is the one before the update", () => {
    const { table, idAt, gather, keyAt } = makeTable(8);
    table.restore(idAt(1), keyAt, 0, 10);
    table.restore(idAt(2), keyAt, 0, 20);
    for (let i = 0; i < 4; i++) for (const key of [1, 3]) gather(key, 100);
    for (let i = 0; i < 5; i++) for (const key of [2, 4]) gather(key, 100 + i);
    table.update();
    expect(table.score(idAt(1))).toBe(0.95 * 10 + 0.05 * 15);
    expect(table.score(idAt(2))).toBe(0.95 * 20 + 0.05 * 102);
    expect(table.has(idAt(3))).toBe(false);
    expect(table.score(idAt(4))).toBe(102);
    expect(table.size).toBe(3);
  });

  test("a batch is forgotten after its update", () => {
    const { table, idAt, gather } = makeTable(8);
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 3; i++) gather(1, 5); // six in two batches
      table.update();
      expect(table.has(idAt(1))).toBe(false);
    }
  });

  test("401 transactions of 401 new keys find room, and leave no trace", () => {
    const { table, idAt, gather } = makeTable(4);
    for (let round = 0; round < 20; round++) {
      for (let key = 0; key < 401; key++) gather(round * 401 + key, 5);
      table.update();
      expect(table.size).toBe(0);
    }
    for (let key = 0; key < 401 * 20; key++) expect(table.has(idAt(key))).toBe(false);
  });

  test("a batch that never ends is bounded", () => {
    const { table, idAt, gather } = makeTable(4);
    for (let key = 0; key < 5_000; key++) for (let i = 0; i < 5; i++) gather(key, 8);
    table.update();
    expect(table.size).toBe(4);
    expect(table.median).toBe(8);
    gather(1, 1);
    table.update();
    expect(table.score(idAt(99_999))).toBe(8);
  });

  test("a prune keeps the best and the worst", () => {
    const { table, idAt, gather, keyAt, reader } = makeTable(4);
    for (const score of [1, 2, 1_000, 2_000]) table.restore(idAt(score), keyAt, 0, score);
    for (const key of [501, 502, 503]) for (let i = 0; i < 5; i++) gather(key, key);
    table.update();
    expect(table.pruned).toBe(3);
    reader.read();
    expect(reader.best(9).map((row) => new DataView(reader.key(row).buffer).getUint32(0, true))).toEqual([
      2000, 1000, 2, 1,
    ]);
  });

  test("feedback blames only who has a score", () => {
    const { table, idAt, keyAt, gather } = makeTable(8);
    table.restore(idAt(1), keyAt, 0, 50);
    table.blame(idAt(2));
    gather(3, 4); // a candidate
    table.blame(idAt(3));
    expect([table.size, table.median]).toEqual([1, 50]);
    table.blame(idAt(1));
    expect(table.score(idAt(1))).toBe(50 * 0.01);
    for (let i = 0; i < 300; i++) table.blame(idAt(1));
    expect(table.score(idAt(1))).toBe(0);
  });

  test("restores refuse what is no score, a key twice, and more than the limit", () => {
    const { table, idAt, keyAt, gather } = makeTable(2);
    for (const score of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      expect(table.restore(idAt(1), keyAt, 0, score)).toBe(false);
    }
    expect(table.restore(idAt(1), keyAt, 0, -0)).toBe(true);
    expect(Object.is(table.score(idAt(1)), 0)).toBe(true);
    expect(table.restore(idAt(1), keyAt, 0, 3)).toBe(false);
    gather(7, 1);
    expect(table.restore(idAt(2), keyAt, 0, 3)).toBe(false); // within a batch
    table.update();
    expect(table.restore(idAt(2), keyAt, 0, 3)).toBe(true);
    expect(table.restore(idAt(3), keyAt, 0, 3)).toBe(false);
    table.clear();
    expect([table.size, table.median, table.has(idAt(1))]).toEqual([0, 1, false]);
  });

  test("refuses an index that is too small", () => {
    const { arena, region } = makeTable(8);
    expect(() => new ScoreTable(arena, { ...region, slotCount: 512 })).toThrow("512");
    expect(() => new ScoreTable(arena, { ...region, slotCount: 1_500 })).toThrow("1500");
  });
});

describe("score reader", () => {
  test("gives keys, kinds and scores; best and worst", () => {
    const { arena, table, idAt, keyAt, reader } = makeTable(8);
    for (const [key, traits, score] of [
      [1, 0, 5],
      [2, TRAIT_IPV6, 7],
      [3, 0, 7],
      [4, 0, 1],
    ] as const) {
      const id = idAt(key);
      arena.u8[keyAt + 7] = key;
      table.restore(id, keyAt, traits, score);
    }
    expect(reader.size).toBe(0);
    expect(reader.read()).toBe(true);
    expect(reader.size).toBe(4);
    expect(reader.best(3).map((row) => reader.key(row)[7])).toEqual([2, 3, 1]);
    expect(reader.worst(2).map((row) => reader.key(row)[7])).toEqual([4, 1]);
    expect(reader.best(0)).toEqual([]);
    expect(reader.best(99)).toHaveLength(4);
    expect(reader.isIpv6(reader.best(1)[0])).toBe(true);
    expect(reader.isIpv6(reader.worst(1)[0])).toBe(false);
    expect([...reader.key(0)]).toEqual([1, 0, 0, 0, 0, 0, 0, 1]);
  });

  test("takes no copy while rows move", () => {
    const { arena, table, idAt, keyAt, reader, region } = makeTable(8);
    table.restore(idAt(1), keyAt, 0, 5);
    expect(reader.read()).toBe(true);
    Atomics.add(arena.i32, region.stateAt / 4, 1); // as a loop that died within an update leaves it
    expect(reader.read()).toBe(false);
    expect(reader.size).toBe(0);
  });

  test("a size that cannot be is held at the rows", () => {
    const { arena, reader, region } = makeTable(8);
    arena.i32[region.stateAt / 4 + 1] = 1_000_000;
    expect(reader.read()).toBe(true);
    expect(reader.size).toBe(region.rows);
  });

  test("copies taken while another thread updates are whole", async () => {
    const { arena, table, idAt, keyAt, reader, region } = makeTable(64);
    for (let key = 0; key < 64; key++) table.restore(idAt(key), keyAt, 0, key);
    const stopWord = (region.touchedAt + 4 * 500) / 4; // far behind what these batches use
    const worker = new Worker(new URL("../score-writer.ts", import.meta.url).href);
    const started = new Promise((resolve) => {
      worker.onmessage = resolve;
    });
    worker.postMessage({ memory: arena.memory, region, stopWord });
    await started;
    let copies = 0;
    for (let i = 0; i < 3_000; i++) {
      if (!reader.read()) continue;
      copies += 1;
      // The writer keeps in every row: the key's number is in its first and its last four bytes, each key once.
      const seen = new Set<number>();
      for (let row = 0; row < reader.size; row++) {
        const key = new DataView(reader.key(row).buffer);
        expect(key.getUint32(0, true)).toBe(key.getUint32(4, true));
        seen.add(key.getUint32(0, true));
      }
      expect(seen.size).toBe(reader.size);
    }
    Atomics.store(arena.i32, stopWord, 1);
    await new Promise((resolve) => {
      worker.addEventListener("close", resolve);
    });
    expect(copies).toBeGreaterThan(0);
  });
});
