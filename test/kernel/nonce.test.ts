// Durable nonces as Agave tells them (solana-svm-transaction 8.0.0, get_durable_nonce), and the tags of account and value.

import { describe, expect, test } from "bun:test";
import { NONCE_TAG_AT } from "../../src/shape/digest-layout.ts";
import { type Fields, newTransaction, oldTransaction, PAYER, PROGRAM } from "../oracle/build.ts";
import { corpus, DIGEST_AT, KernelRig } from "./rig.ts";

const rig = new KernelRig();
const NONCE = "44".repeat(32);
const OTHER = "55".repeat(32);
const SYSTEM = "00".repeat(32);
const KEYS = [PAYER, NONCE, PROGRAM, SYSTEM];
const ADVANCE = { program: 3, accounts: [1, 2, 0], data: [4, 0, 0, 0] };
const ELSE = { program: 2, accounts: [0], data: [9] };
const USUAL: Fields = { keys: KEYS, readonlyUnsigned: 2, instructions: [ADVANCE, ELSE] };

function tagOf(payload: Uint8Array, on = rig): number {
  expect(on.digest({ payload }).reason).toBe(0);
  return on.arena.view.getUint32(DIGEST_AT + NONCE_TAG_AT, true);
}

const VERSIONS = [
  ["legacy", (fields: Fields) => oldTransaction(fields), 69 + 32 * KEYS.length],
  ["v0", (fields: Fields) => oldTransaction({ ...fields, lookups: [] }), 70 + 32 * KEYS.length],
  ["v1", (fields: Fields) => newTransaction(fields), 8],
] as const;

describe.each(VERSIONS)("a durable nonce: %s", (_, build, blockhashAt) => {
  test("is its account and value, whoever pays and whatever else is done", () => {
    const tag = tagOf(build(USUAL));
    expect(tag).not.toBe(0);
    expect(tagOf(build({ ...USUAL, keys: [OTHER, NONCE, PROGRAM, SYSTEM] }))).toBe(tag);
    expect(tagOf(build({ ...USUAL, instructions: [ADVANCE] }))).toBe(tag);
    expect(tagOf(build({ ...USUAL, instructions: [{ ...ADVANCE, data: [4, 0, 0, 0, 7] }, ELSE] }))).toBe(tag);
    expect(tagOf(build({ ...USUAL, instructions: [{ ...ADVANCE, accounts: [1] }, ELSE, ADVANCE] }))).toBe(tag);
    expect(tagOf(build({ ...USUAL, keys: [PAYER, OTHER, PROGRAM, SYSTEM] }))).not.toBe(tag);
    for (const at of [0, 31]) {
      const changed = build(USUAL);
      changed[blockhashAt + at] ^= 1;
      expect(tagOf(changed)).not.toBe(tag);
    }
  });

  test("is none where Agave sees none", () => {
    const instructions = (...all: NonNullable<Fields["instructions"]>): number =>
      tagOf(build({ ...USUAL, instructions: all }));
    expect(instructions()).toBe(0);
    expect(instructions(ELSE, ADVANCE)).toBe(0); // not the first
    expect(instructions({ ...ADVANCE, program: 2 })).toBe(0); // another program
    expect(instructions({ ...ADVANCE, data: [4, 0, 0] })).toBe(0); // cut short
    for (const data of [
      [3, 0, 0, 0],
      [5, 0, 0, 0],
      [4, 1, 0, 0],
      [4, 0, 0, 1],
    ])
      expect(instructions({ ...ADVANCE, data })).toBe(0);
    expect(instructions({ ...ADVANCE, accounts: [] })).toBe(0);
    expect(instructions({ ...ADVANCE, accounts: [2, 1] })).toBe(0); // read-only
    expect(tagOf(build({ ...USUAL, readonlyUnsigned: 3 }))).toBe(0); // the nonce is read-only, too
    expect(instructions({ ...ADVANCE, accounts: [0, 1] })).not.toBe(0); // a writable signer
    const signed = { ...USUAL, signatures: 2, readonlySigned: 1 };
    expect(tagOf(build({ ...signed, instructions: [ADVANCE] }))).toBe(0); // a read-only signer
    expect(tagOf(build({ ...USUAL, signatures: 2 }))).not.toBe(0);
  });

  test("with many accounts is that of the first", () => {
    const accounts = [1, ...new Array(199).fill(0)];
    expect(tagOf(build({ ...USUAL, instructions: [{ ...ADVANCE, accounts }] }))).toBe(tagOf(build(USUAL)));
  });
});

test("an account behind a lookup table is no nonce", () => {
  const payload = oldTransaction({
    ...USUAL,
    lookups: [{ writable: [1, 2] }],
    instructions: [{ ...ADVANCE, accounts: [4] }],
  });
  expect(tagOf(payload)).toBe(0);
});

test("tags are keyed, and left out where payloads are", () => {
  const payload = oldTransaction(USUAL);
  const other = new KernelRig({ secret: new Uint8Array(32).fill(9) });
  expect(tagOf(payload, other)).not.toBe(tagOf(payload));
  expect(tagOf(payload, new KernelRig({ skipPayloads: true }))).toBe(0);
});

test("of mainnet's transactions few are on a durable nonce, and each change of any byte keeps the digest whole", () => {
  const tags = corpus().map((payload) => tagOf(payload));
  expect(tags.filter((tag) => tag !== 0).length).toBeLessThan(tags.length / 5);
  const payload = oldTransaction(USUAL);
  for (let at = 0; at < payload.length; at++) {
    for (const value of [0, 1, 127, 128, 255]) rig.digest({ payload: payload.with(at, value) });
  }
  expect(tagOf(payload)).toBe(tagOf(payload));
});
