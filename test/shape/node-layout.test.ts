import { expect, test } from "bun:test";
import * as node from "../../src/shape/node-layout.ts";

const columns: Readonly<Record<string, number>> = { ...node };
const SHARED = ["LANDED", "MISSED", "NANOS", "ASKED", "IN_FLIGHT", "P_LANDS", "NANOS_PER_UNIT", "STAMP", "ID_LOW"];
const ADDRESS = ["GOOD", "BAD", "FRESH_GOOD", "FRESH_BAD", "FRESH_LANDED", "FRESH_MISSED", "P_GOOD"];
const PAYER = ["TURNED", "USUALLY_LANDED", "USUALLY_MISSED", "DOUBT"];

test("in each of the two shapes every column has a place of its own within the node", () => {
  for (const own of [ADDRESS, PAYER]) {
    const places = [...SHARED, ...own].map((name) => columns[name]);
    expect(new Set(places).size).toBe(places.length);
    expect(places.every((place) => place >= 0 && place < node.NODE_WORDS)).toBe(true);
  }
});

test("what fades stands in pairs, credit before blame; estimates do not fade", () => {
  for (const [credit, blame] of [
    [node.GOOD, node.BAD],
    [node.FRESH_GOOD, node.FRESH_BAD],
    [node.LANDED, node.MISSED],
    [node.FRESH_LANDED, node.FRESH_MISSED],
  ]) {
    expect([credit % 2, blame, blame < node.DECAYING_COLUMNS]).toEqual([0, credit + node.BLAME, true]);
  }
  // A payer's own columns are all forgotten as blame is.
  for (const name of ["TURNED", "USUALLY_LANDED", "USUALLY_MISSED"]) expect(columns[name] % 2).toBe(1);
  for (const name of ["P_GOOD", "P_LANDS", "DOUBT", "NANOS_PER_UNIT"]) {
    expect(columns[name]).toBeGreaterThanOrEqual(node.DECAYING_COLUMNS);
  }
});

test("sizes agree with one another", () => {
  expect(2 ** node.WAYS_SHIFT).toBe(node.EVIDENCE_WAYS);
  expect(2 ** node.NODE_SHIFT).toBe(node.NODE_WORDS);
  expect(4 * node.NODE_WORDS).toBe(node.NODE_BYTES);
  expect(4 * node.EVIDENCE_WAYS).toBe(node.TAG_SET_BYTES);
  expect(node.ADDRESS_KEY_BYTES).toBeLessThanOrEqual(node.NODE_KEY_BYTES);
});
