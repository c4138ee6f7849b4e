// XXH3-64 with a secret, every length that a packet hash can have and the longest elements too, against the C code behind
// @node-rs/xxhash.

import { expect, test } from "bun:test";
import { xxh3 } from "@node-rs/xxhash";
import { loadKernel } from "../../src/kernel/kernel.ts";
import { packetHashSecret } from "../../src/kernel/secret.ts";
import { Arena } from "../../src/shape/arena.ts";
import { Random } from "../tools/random.ts";

const LENGTH_MAX = 4_160;
const SEEDS = [0n, 1n, 420n, 0x0123456789abcdefn, 2n ** 63n, 2n ** 64n - 1n];
const SECRET_AT = 65_536;
const OUT_AT = SECRET_AT + 256;
const BYTES_AT = OUT_AT + 256;

const arena = Arena.reserve(BYTES_AT + 65_536);
const kernel = loadKernel(arena);

test(`lengths 0 to ${LENGTH_MAX} under ${SEEDS.length} seeds, at several alignments`, () => {
  const random = new Random(1);
  const different: string[] = [];
  for (const seed of SEEDS) {
    const secret = packetHashSecret(seed);
    arena.u8.set(secret, SECRET_AT);
    for (let i = 0; i < LENGTH_MAX + 64; i++) arena.u8[BYTES_AT + i] = random.below(256);
    for (let length = 0; length <= LENGTH_MAX; length++) {
      const at = BYTES_AT + (length % 17);
      kernel.hash(at, length, SECRET_AT, OUT_AT);
      const ours = arena.view.getBigUint64(OUT_AT, true);
      const theirs = xxh3.xxh64WithSecret(Buffer.from(arena.u8.slice(at, at + length)), Buffer.from(secret));
      if (ours !== theirs) different.push(`length ${length}, seed ${seed}`);
    }
  }
  expect(different).toEqual([]);
});
