import { describe, expect, test } from "bun:test";
import { type Stake, StakeTable } from "../../../src/rank/lists/stake-table.ts";
import { Arena } from "../../../src/shape/arena.ts";
import { TRAIT_IPV6, TRAIT_STAKED } from "../../../src/shape/digest-layout.ts";
import { STAKE_HEADER_BYTES, STAKE_SLOT_BYTES } from "../../../src/shape/layout.ts";
import { randomOf } from "../../tools/random.ts";

function stake(low: number, high: number, lamports: number, ipv6 = false): Stake {
  const key = new Uint8Array(8);
  const view = new DataView(key.buffer);
  view.setInt32(0, low, true);
  view.setInt32(4, high, true);
  return { key, ipv6, lamports };
}

describe("stake table", () => {
  test("5,000 stakes, of both kinds, and as many that are not there", () => {
    const random = randomOf(9);
    const stakes = Array.from({ length: 5_000 }, (_, i) => {
      const ipv6 = i % 3 === 0;
      return stake(random() | 0, ipv6 ? random() | 0 : 0, random() * 1_000, ipv6);
    });
    const table = StakeTable.build(stakes);
    const total = stakes.reduce((sum, { lamports }) => sum + lamports, 0);
    expect(table.total).toBe(total);
    for (const { key, ipv6, lamports } of stakes) {
      const view = new DataView(key.buffer);
      const [low, high] = [view.getInt32(0, true), view.getInt32(4, true)];
      const traits = TRAIT_STAKED | (ipv6 ? TRAIT_IPV6 : 0);
      expect(table.factor(low, high, traits)).toBe((lamports + total) / total);
      expect(table.factor(low, high, traits ^ TRAIT_IPV6)).toBe(1);
      expect(table.factor(low, ~high, traits)).toBe(1);
    }
  });

  test("an address that occurs twice has the sum", () => {
    const table = StakeTable.build([stake(1, 0, 10), stake(1, 0, 5)]);
    expect(table.factor(1, 0, 0)).toBe(2);
  });

  test("is built into a part of an arena that held another, and adopted from there", () => {
    const slotCount = 8;
    const arena = Arena.reserve(STAKE_HEADER_BYTES + slotCount * STAKE_SLOT_BYTES + 64);
    const place = { buffer: arena.buffer, at: 64, slotCount };
    StakeTable.build([stake(1, 0, 10), stake(2, 0, 10), stake(3, 3, 10, true)], 40, place);
    StakeTable.build([stake(2, 0, 7), stake(4, 0, 7)], 70, place);
    const table = new StakeTable(arena.buffer, 64, slotCount);
    expect(table.total).toBe(70);
    expect([1, 2, 3, 4].map((low) => table.factor(low, 0, 0))).toEqual([1, 77 / 70, 1, 77 / 70]);
    expect(() =>
      StakeTable.build(
        Array.from({ length: 5 }, (_, i) => stake(i, 0, 1)),
        1,
        place,
      ),
    ).toThrow("5 stakes");
  });

  test("refuses what is no stake", () => {
    for (const lamports of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      expect(() => StakeTable.build([stake(1, 0, lamports)])).toThrow(RangeError);
      expect(() => StakeTable.build([], lamports)).toThrow(RangeError);
    }
    expect(() => StakeTable.build([stake(1, 0, 1e308), stake(2, 0, 1e308)])).toThrow(RangeError);
    expect(() => new StakeTable(new ArrayBuffer(1_000), 0, 12)).toThrow("12");
  });
});
