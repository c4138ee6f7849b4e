// XXH3 against another implementation of it, at every length that a packet can have and beyond.

import { describe, expect, test } from "bun:test";
import { xxh3 } from "@node-rs/xxhash";
import { packetHashSecret } from "../../src/kernel/secret.ts";
import { CONTEXT_AT, DIGEST_AT, FREE_AT, KernelRig } from "./rig.ts";

const SEEDS = [0n, 420n, 1n << 32n, 0x8000000000000000n, (1n << 64n) - 1n];
const LENGTH_MAX = 1_264;

describe("XXH3-64 with a secret", () => {
  const rig = new KernelRig();
  for (let i = 0; i < 8_192; i++) rig.arena.u8[FREE_AT + i] = (i * 167 + (i >> 3) * 59 + 11) & 255;

  const check = (length: number, secret: Uint8Array, offset: number): void => {
    const bytes = rig.arena.u8.slice(FREE_AT + offset, FREE_AT + offset + length);
    rig.kernel.hash(FREE_AT + offset, length, CONTEXT_AT, DIGEST_AT);
    const got = rig.u64(DIGEST_AT);
    const expected = xxh3.xxh64WithSecret(bytes, secret);
    if (got !== expected) throw new Error(`${length} bytes at ${offset}: ${got} is not ${expected}`);
  };

  for (const seed of SEEDS) {
    test(`is right for every length up to ${LENGTH_MAX}, seed ${seed}`, () => {
      rig.configure({ xxhashSeed: seed });
      const secret = packetHashSecret(seed);
      for (let length = 0; length <= LENGTH_MAX; length++) check(length, secret, length % 17);
      expect(secret.length).toBe(192);
    });
  }

  test("is right around the ends of blocks of 1024 bytes", () => {
    rig.configure({ xxhashSeed: 7n });
    const secret = packetHashSecret(7n);
    for (const middle of [1_024, 2_048, 3_072, 4_096]) {
      for (let length = middle - 70; length <= middle + 70; length++) check(length, secret, 3);
    }
  });
});

test("the secret is the default one, its words moved by the seed up and down", () => {
  const plain = new DataView(packetHashSecret(0n).buffer);
  const keyed = new DataView(packetHashSecret(0xfedcba9876543210n).buffer);
  const moves = Array.from({ length: 24 }, (_, word) =>
    BigInt.asIntN(64, keyed.getBigUint64(word * 8, true) - plain.getBigUint64(word * 8, true)),
  );
  const step = BigInt.asIntN(64, 0xfedcba9876543210n);
  expect(moves).toEqual(Array.from({ length: 24 }, (_, word) => (word % 2 === 0 ? step : -step)));
});
