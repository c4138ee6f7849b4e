// The packet hash: golden values of the reference, and the hash in place against the hash of a copy.

import { describe, expect, test } from "bun:test";
import { xxh3 } from "@node-rs/xxhash";
import { packetHashSecret } from "../../src/kernel/secret.ts";
import { oldTransaction, u64 } from "../oracle/build.ts";
import { CONTEXT_AT, DIGEST_AT, FREE_AT, hex16, KernelRig, vectors } from "./rig.ts";

interface HashVector {
  readonly seed: string;
  readonly size: number;
  readonly ip: number[];
  readonly hash: string;
}

test("equals the reference's for every golden vector", () => {
  const rig = new KernelRig();
  const all = vectors<HashVector>("packet-hash");
  for (const { seed, size, ip, hash } of all) {
    const payload = Array.from({ length: size }, (_, i) => (131 * i + 7) & 255);
    const bytes = [...payload, ...u64(BigInt(size)), ...ip];
    rig.configure({ xxhashSeed: BigInt(seed) });
    rig.arena.u8.set(bytes, FREE_AT);
    rig.kernel.hash(FREE_AT, bytes.length, CONTEXT_AT, DIGEST_AT);
    expect(hex16(rig.u64(DIGEST_AT))).toBe(hash);
  }
  expect(all.length).toBe(858);
});

describe("in place", () => {
  const rig = new KernelRig();
  const smallest = oldTransaction({ instructions: [{}] }).length;
  const senders = [
    { name: "IPv4", octets: [203, 0, 113, 77] },
    { name: "IPv6", octets: [32, 1, 13, 184, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] },
  ];
  for (const { name, octets } of senders) {
    test(`is that of payload, size and octets, for every size, from ${name}`, () => {
      const secret = packetHashSecret(420n);
      let sizes = 0;
      for (let data = 0; data <= 1_232 - smallest; data++) {
        const filler = Array.from({ length: data }, (_, i) => (i * 31 + data) & 255);
        const payload = oldTransaction({ instructions: [{ data: filler }] });
        if (payload.length > 1_232) continue;
        const { reason, hash } = rig.digest({ payload, octets, garbage: 0xa5 });
        const expected = xxh3.xxh64WithSecret(
          Uint8Array.from([...payload, ...u64(BigInt(payload.length)), ...octets]),
          secret,
        );
        if (reason !== 0 || hash !== expected) throw new Error(`size ${payload.length}: reason ${reason}, ${hash}`);
        sizes += 1;
      }
      expect(sizes).toBeGreaterThan(1_050);
    });
  }
});
