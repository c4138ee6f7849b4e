// Keyed ids and mixes: the same wherever they are computed, different under another secret, apart from each other.

import { beforeEach, describe, expect, test } from "bun:test";
import * as D from "../../src/shape/digest-layout.ts";
import { oldTransaction } from "../oracle/build.ts";
import { CONTEXT_AT, corpus, DIGEST_AT, FREE_AT, KernelRig, PACKET_AT } from "./rig.ts";

const OTHER_SECRET = new Uint8Array(32).fill(99);
const rig = new KernelRig();
beforeEach(() => rig.configure());

function ipId(key: ArrayLike<number>, isIpv6: boolean): bigint {
  rig.arena.u8.set(key, FREE_AT);
  rig.kernel.ipId(FREE_AT, isIpv6 ? 1 : 0, DIGEST_AT, CONTEXT_AT);
  return rig.u64(DIGEST_AT);
}

function payerId(key: ArrayLike<number>): bigint {
  rig.arena.u8.set(key, FREE_AT);
  rig.kernel.payerId(FREE_AT, DIGEST_AT, CONTEXT_AT);
  return rig.u64(DIGEST_AT);
}

/** How unevenly the low bits of 64-bit values fill 256 cells, as chi squared; about 255 for random ones. */
function chiSquared(values: readonly bigint[]): number {
  const cells = new Array<number>(256).fill(0);
  for (const value of values) cells[Number(value & 255n)] += 1;
  const expected = values.length / cells.length;
  return cells.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe("ids", () => {
  test("of address and payer are those of a digest", () => {
    for (const octets of [
      [1, 2, 3, 4],
      [32, 1, 13, 184, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2],
    ]) {
      const found = rig.digest({ payload: corpus()[5], octets });
      const ipKey = rig.bytes(DIGEST_AT + D.IP_KEY_AT, 8);
      const payerKey = rig.bytes(DIGEST_AT + D.PAYER_KEY_AT, 32);
      expect(found.reason).toBe(0);
      expect(ipId(ipKey, octets.length === 16)).toBe(found.ipId);
      expect(payerId(payerKey)).toBe(found.payerId);
    }
  });

  test("depend on the secret", () => {
    const before = rig.digest({ payload: corpus()[5] });
    rig.configure({ secret: OTHER_SECRET });
    const after = rig.digest({ payload: corpus()[5] });
    for (const field of ["ipId", "payerId", "hashMix", "signatureMix", "payloadMix"] as const) {
      expect(after[field]).not.toBe(before[field]);
    }
    expect(after.hash).toBe(before.hash);
    expect(after.signatureKey).toBe(before.signatureKey);
  });

  test("of an IPv4 address and of the IPv6 network with the same bytes differ", () => {
    for (let i = 0; i < 1_000; i++) {
      const key = [i & 255, i >> 8, 7, 9, 0, 0, 0, 0];
      expect(ipId(key, true)).not.toBe(ipId(key, false));
    }
  });

  test("of neighbours are all different, spread evenly, and never 0", () => {
    const addresses: bigint[] = [];
    const networks: bigint[] = [];
    const payers: bigint[] = [];
    for (let i = 0; i < 20_000; i++) {
      addresses.push(ipId([10, i >> 16, (i >> 8) & 255, i & 255, 0, 0, 0, 0], false));
      networks.push(ipId([32, 1, 13, 184, 0, i >> 16, (i >> 8) & 255, i & 255], true));
      const key = new Uint8Array(32);
      key.set([i & 255, i >> 8], (i % 16) * 2);
      key[31] = i % 251;
      key[30] = 1 + (i % 16);
      payers.push(payerId(key));
    }
    for (const ids of [addresses, networks]) {
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).not.toContain(0n);
      expect(chiSquared(ids)).toBeLessThan(400);
    }
    expect(chiSquared(payers)).toBeLessThan(400);
  });

  test("of a payer change with each bit of the key", () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => i * 7);
    const ids = new Set([payerId(key)]);
    for (let bit = 0; bit < 256; bit++) {
      const other = key.slice();
      other[bit >> 3] ^= 1 << (bit & 7);
      ids.add(payerId(other));
    }
    expect(ids.size).toBe(257);
  });
});

describe("mixes", () => {
  test("of neighbouring hashes are spread evenly", () => {
    const mixes: bigint[] = [];
    for (let i = 0; i < 20_000; i++) {
      rig.arena.view.setBigUint64(FREE_AT, BigInt(i) << 20n, true);
      rig.arena.view.setBigUint64(FREE_AT + 8, 0n, true);
      rig.kernel.digestOutcomes(FREE_AT, 1, DIGEST_AT, CONTEXT_AT);
      mixes.push(rig.u64(DIGEST_AT + 8));
    }
    expect(new Set(mixes).size).toBe(mixes.length);
    expect(chiSquared(mixes)).toBeLessThan(400);
  });
});

describe("the payload's mix", () => {
  test("is the same from any sender, whatever the packet hash", () => {
    const payload = corpus()[9];
    const one = rig.digest({ payload, octets: [1, 1, 1, 1], garbage: 0x11 });
    const other = rig.digest({ payload, octets: [2, 2, 2, 2], garbage: 0xee, port: 7 });
    const six = rig.digest({ payload, octets: Array.from({ length: 16 }, (_, i) => 0x20 + i) });
    expect(new Set([one.payloadMix, other.payloadMix, six.payloadMix]).size).toBe(1);
    expect(new Set([one.hash, other.hash, six.hash]).size).toBe(3);
  });

  test("changes with each byte, at every remainder of its vectors", () => {
    const empty = oldTransaction({ instructions: [{}] }).length;
    for (let data = 0; data < 40; data++) {
      const payload = oldTransaction({ instructions: [{ data: new Uint8Array(data) }] });
      const mixes = new Set([rig.digest({ payload }).payloadMix]);
      // The signature and the instruction's data may hold anything.
      const places = [...Array(64).keys()].map((i) => 1 + i);
      for (let i = empty; i < payload.length; i++) places.push(i);
      for (const place of places) {
        rig.writePacket(PACKET_AT, { payload });
        rig.arena.u8[PACKET_AT + place] ^= 0x10;
        rig.digestAgain();
        mixes.add(rig.read().payloadMix);
      }
      expect(mixes.size).toBe(places.length + 1);
    }
  });

  test("tells payloads of zeros apart by their lengths", () => {
    const mixes = new Set<bigint>();
    for (let data = 0; data < 100; data++) {
      mixes.add(rig.digest({ payload: oldTransaction({ instructions: [{ data: new Uint8Array(data) }] }) }).payloadMix);
    }
    expect(mixes.size).toBe(100);
  });
});
