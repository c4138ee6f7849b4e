// The parser and both fee rules against the validator's own parser (crate agave-transaction-view: 2.1 for legacy and v0,
// 6.1 for v1): the same verdict class, the same fields, and fees from an independent reading of the crate's fields. And
// against its runtime (Agave 4.2.0): the same fees, limits and refusals of locks.

import { describe, expect, test } from "bun:test";
import { corpus } from "../engine/rig.ts";
import { makeCase } from "../fuzz/cases.ts";
import { Comparison } from "../fuzz/compare.ts";
import { rust } from "../fuzz/view-oracle.ts";
import { newTransaction } from "../oracle/build.ts";

const SEED = 1_000_000;
const CASES = 100_000;
const BATCH = 8_192;

if (!rust.ok) console.log(`skipped: ${rust.reason}`);

/** A well-formed transaction of version 1: one signature, three keys, a fee and a limit, one instruction. */
function version1(): Uint8Array {
  const word = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff, 0, 0];
  const key = (fill: number): number[] => Array.from({ length: 32 }, (_, i) => (i * fill) & 0xff);
  const instruction = [2, 2, 3, 0];
  const mask = [0b11111, 0, 0, 0];
  const values = [...word(1_000), ...word(0), ...word(50_000), ...word(65_535), 0, 0, 1, 0];
  const parts = [
    [0x81, 1, 0, 1],
    mask,
    key(3),
    [1, 3],
    key(5),
    key(7),
    key(11),
    values,
    instruction,
    [0, 1],
    [9, 9, 9],
  ];
  return Uint8Array.from([...parts.flat(), ...key(13), ...key(17)]);
}

/** A v1 transaction of 2,600 bytes: 64 keys, the config, three instructions. */
const largeVersion1 = (): Uint8Array =>
  newTransaction({
    mask: 0b01111,
    config: [1_000, 0, 50_000, 65_536],
    keys: Array.from({ length: 64 }, (_, i) => (i + 1).toString(16).padStart(2, "0").repeat(32)),
    instructions: [{ program: 63, accounts: [0, 62], data: new Uint8Array(256) }, { accounts: [61] }, { data: [1] }],
  });

const v0 = corpus.filter((tx) => tx[1 + 64 * tx[0]] === 0x80).sort((a, b) => a.length - b.length);
const legacy = corpus.filter((tx) => tx[1 + 64 * tx[0]] !== 0x80).sort((a, b) => a.length - b.length);
const SEEDS: readonly (readonly [string, Uint8Array])[] = [
  ["a small legacy transaction", legacy[0]],
  ["a legacy transaction of middle size", legacy[Math.floor(legacy.length / 2)]],
  ["a small v0 transaction", v0[0]],
  ["a v0 transaction with lookups, of middle size", v0[Math.floor(v0.length / 2)]],
  ["the largest v0 transaction", v0.at(-1)!],
  ["a v1 transaction", version1()],
  ["a large v1 transaction", largeVersion1()],
];

function compareAll(cases: Iterable<Uint8Array>): Comparison {
  const comparison = new Comparison();
  let batch: Uint8Array[] = [];
  for (const one of cases) {
    batch.push(one);
    if (batch.length < BATCH) continue;
    comparison.run(batch);
    batch = [];
  }
  comparison.run(batch);
  return comparison;
}

function* truncations(seed: Uint8Array): Generator<Uint8Array> {
  for (let length = 0; length <= seed.length; length++) yield seed.slice(0, length);
}

/** Every byte with every value; in a long one with some values, which fall differently on each byte. */
function* byteChanges(seed: Uint8Array): Generator<Uint8Array> {
  const step = seed.length <= 300 ? 1 : 29;
  for (let at = 0; at < seed.length; at++) {
    for (let value = at % step; value < 256; value += step) {
      const changed = seed.slice();
      changed[at] = value;
      yield changed;
    }
  }
}

describe.skipIf(!rust.ok)("the validator's parser (needs cargo)", () => {
  test(`${CASES} made-up transactions, well-formed and distorted`, () => {
    const comparison = compareAll(
      (function* () {
        for (let i = 0; i < CASES; i++) yield makeCase(SEED + i, corpus);
      })(),
    );
    expect(comparison.differences.slice(0, 3)).toEqual([]);
    const { cases, good, malformed, unsanitary, v1Good, never, refusedLater, largeGood, runtimeNever } =
      comparison.tally;
    expect(cases).toBe(CASES);
    // each class must be there in numbers, or nothing was tested
    for (const count of [good, malformed, unsanitary]) expect(count).toBeGreaterThan(CASES / 10);
    for (const count of [v1Good, never, refusedLater, largeGood, runtimeNever])
      expect(count).toBeGreaterThan(CASES / 1_000);
  }, 240_000);

  test("the real transactions", () => {
    const comparison = compareAll(corpus);
    expect(comparison.differences).toEqual([]);
    expect(comparison.tally).toMatchObject({ cases: 602, good: 602, refusedLater: 0 });
  });

  for (const [name, seed] of SEEDS) {
    test(`${name}: every truncation, every change of one byte`, () => {
      const comparison = compareAll(
        (function* () {
          yield* truncations(seed);
          yield* byteChanges(seed);
        })(),
      );
      expect(comparison.differences.slice(0, 3)).toEqual([]);
      expect(comparison.tally.good).toBeGreaterThan(0);
      expect(comparison.tally.malformed).toBeGreaterThan(seed.length - 1);
    }, 240_000);
  }
});
