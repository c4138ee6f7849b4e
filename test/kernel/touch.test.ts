import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { loadKernel } from "../../src/kernel/kernel.ts";
import { Arena } from "../../src/shape/arena.ts";

const WORDS_AT = 1_024;
const BETWEEN_AT = 8_192;
const TABLE_AT = 16_384;
const ROWS = 64;

const arena = Arena.reserve(131_072);
const kernel = loadKernel(arena);
for (let i = 0; i < arena.u8.length; i++) arena.u8[i] = Math.imul(i, 0x9e3779b1) >>> 24;
// A set's tag has its lowest bit set.
for (let row = 0; row < 32; row++) arena.u32[TABLE_AT / 4 + row] |= 1;
const everything = arena.u8.slice(TABLE_AT);

describe("touches", () => {
  const strides = fc.constantFrom(4, 16, 192);
  const rowSizes = fc.constantFrom(1, 16, 64, 128);
  const words = fc.array(fc.nat(0xffff_ffff), { maxLength: 16 });

  test("read the first byte of each word's row, and write nothing", () => {
    fc.assert(
      fc.property(words, strides, rowSizes, (values, stride, rowBytes) => {
        let expected = 0;
        for (const [i, value] of values.entries()) {
          arena.u32[(WORDS_AT + i * stride) / 4] = value;
          expected += arena.u8[TABLE_AT + (value & (ROWS - 1)) * rowBytes];
        }
        expect(kernel.touchRows(WORDS_AT, stride, values.length, TABLE_AT, ROWS - 1, rowBytes)).toBe(expected);
      }),
    );
    expect(arena.u8.slice(TABLE_AT)).toEqual(everything);
  });

  test("go through a table between, whose rows name those of the second", () => {
    fc.assert(
      fc.property(words, strides, rowSizes, (values, stride, rowBytes) => {
        let expected = 0;
        for (const [i, value] of values.entries()) {
          arena.u32[(WORDS_AT + i * stride) / 4] = value;
          const row = arena.u32[(BETWEEN_AT + (value & 31) * 8) / 4];
          expected += arena.u8[TABLE_AT + (row & (ROWS - 1)) * rowBytes];
        }
        const touched = kernel.touchRowsThrough(
          WORDS_AT,
          stride,
          values.length,
          BETWEEN_AT,
          31,
          8,
          TABLE_AT,
          ROWS - 1,
          rowBytes,
        );
        expect(touched).toBe(expected);
      }),
    );
    expect(arena.u8.slice(TABLE_AT)).toEqual(everything);
  });

  test("read the node that a set of eight has for an id, directly and through a table", () => {
    const SETS = 4;
    const tagsAt = TABLE_AT;
    const nodesAt = TABLE_AT + SETS * 32;
    const tags = Array.from({ length: SETS * 8 }, (_, row) => arena.u32[tagsAt / 4 + row]);
    const id = fc.tuple(fc.nat(0xffff_ffff), fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(...tags)));
    fc.assert(
      fc.property(fc.array(id, { maxLength: 16 }), strides, (ids, stride) => {
        let expected = 0;
        for (const [i, [low, high]] of ids.entries()) {
          arena.u32.set([low, high], (WORDS_AT + i * Math.max(stride, 8)) / 4);
          const set = low & (SETS - 1);
          const way = tags.slice(8 * set, 8 * set + 8).indexOf((high | 1) >>> 0);
          if (way >= 0) expected += arena.u8[nodesAt + (8 * set + way) * 64];
        }
        const step = Math.max(stride, 8);
        expect(kernel.touchNodes(WORDS_AT, step, ids.length, tagsAt, SETS - 1, nodesAt)).toBe(expected);
        for (let i = 0; i < ids.length; i++) arena.u32[BETWEEN_AT / 4 + i] = i;
        const through = kernel.touchNodesThrough(BETWEEN_AT, ids.length, WORDS_AT, step, tagsAt, SETS - 1, nodesAt);
        expect(through).toBe(expected);
      }),
    );
    expect(arena.u8.slice(TABLE_AT)).toEqual(everything);
  });
});
