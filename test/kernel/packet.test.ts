// From packet to digest: the metadata's refusals in their order, both layouts, senders of both families, and no trace of
// bytes that mean nothing.

import { describe, expect, test } from "bun:test";
import { xxh3 } from "@node-rs/xxhash";
import { packetHashSecret } from "../../src/kernel/secret.ts";
import { PAYLOAD_ROOM_AT } from "../../src/shape/context-layout.ts";
import * as D from "../../src/shape/digest-layout.ts";
import * as R from "../../src/shape/reason-codes.ts";
import { newTransaction, oldTransaction, PAYER, u64 } from "../oracle/build.ts";
import * as P from "../tools/agave-packet.ts";
import { CONTEXT_AT, corpus, DIGEST_AT, FREE_AT, KernelRig, PACKET_AT, type PacketFields } from "./rig.ts";

const rig = new KernelRig();
const payload = oldTransaction({ instructions: [{ accounts: [0], data: [1, 2, 3] }] });
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 9, 8, 7, 6];
const SIX = [32, 1, 13, 184, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

describe("a good packet's digest", () => {
  test("has every field of a legacy transaction", () => {
    const flags = P.FLAG_SIMPLE_VOTE | P.FLAG_STAKED | P.FLAG_FORWARDED;
    const found = rig.digest({ payload, octets: [1, 2, 3, 4], port: 8_001, flags });
    expect(found).toMatchObject({
      reason: 0,
      ipKey: 0x04030201n,
      payerKey: PAYER,
      fee: 5_000,
      lamports: 5_000n,
      computeUnits: 200_000,
      price: 0n,
      traits: D.TRAIT_SIMPLE_VOTE | D.TRAIT_STAKED,
      never: 0,
      version: D.VERSION_LEGACY,
      signatureCount: 1,
      port: 8_001,
      flags,
      size: payload.length,
      payerOffset: 69,
      signatureOffset: 1,
    });
    const zeros = [rig.bytes(DIGEST_AT + D.DIGEST_SCRATCH_AT, 16), rig.bytes(DIGEST_AT + D.SCORE_AT, 16)];
    expect(zeros.map((bytes) => bytes.toHex())).toEqual(["00".repeat(16), "00".repeat(16)]);
  });

  test("has versions and offsets of v0 and v1", () => {
    const zero = rig.digest({ payload: oldTransaction({ signatures: 2, lookups: [] }) });
    expect(zero).toMatchObject({ version: D.VERSION_0, payerOffset: 1 + 128 + 1 + 4, signatureOffset: 1 });
    const one = newTransaction({ signatures: 2, mask: 4, config: [5] });
    expect(rig.digest({ payload: one })).toMatchObject({
      version: D.VERSION_1,
      payerOffset: 42,
      signatureOffset: one.length - 128,
      signatureCount: 2,
      payerKey: PAYER,
    });
  });

  test("has the first signature's key, 8 bytes XORed into each byte", () => {
    for (const bytes of [payload, newTransaction(), corpus()[17]]) {
      const found = rig.digest({ payload: bytes });
      const signature = bytes.subarray(found.signatureOffset, found.signatureOffset + 64);
      let key = 0n;
      for (let at = 63; at >= 0; at -= 8) {
        const byte = signature.subarray(at - 7, at + 1).reduce((folded, one) => folded ^ one, 0);
        key = (key << 8n) | BigInt(byte);
      }
      expect(found.signatureKey).toBe(key);
    }
  });
});

describe("refusals of the metadata", () => {
  const bad = { payload: Uint8Array.of(0), tag: 2, size: 1_233n, flags: P.FLAG_DISCARD };
  const steps: readonly [string, Partial<PacketFields>, number][] = [
    ["an unknown address tag comes first", {}, R.NON_IPV4],
    ["then a size above 1232", { tag: 0 }, R.INVALID_META_SIZE],
    ["then the discard flag", { tag: 0, size: 1n }, R.INVALID_PACKET_DATA],
    ["then the structure", { tag: 0, size: 1n, flags: 0 }, R.MALFORMED_SIGNATURE_COUNT],
  ];
  for (const [name, fields, reason] of steps) {
    test(name, () => expect(rig.digest({ ...bad, ...fields }).reason).toBe(reason));
  }

  test("any tag but 0 and 1 is no address, and leaves the digest empty", () => {
    for (let tag = 2; tag < 256; tag++) {
      expect(rig.digest({ payload, tag, flags: 0xff, port: 77 }).reason).toBe(R.NON_IPV4);
      const rest = rig.bytes();
      rest[D.REASON_AT] = 0;
      expect(rest.every((byte) => byte === 0)).toBe(true);
    }
  });

  test("sizes are compared in all 64 bits", () => {
    for (const size of [1_233n, 1n << 32n, (1n << 32n) + 100n, 1n << 63n, (1n << 64n) - 1n]) {
      expect(rig.digest({ payload, size }).reason).toBe(R.INVALID_META_SIZE);
    }
    const data = new Uint8Array(1_232 - payload.length + 3); // the longer count takes a byte, accounts and data are gone
    const largest = oldTransaction({ instructions: [{ data }] });
    expect(largest.length).toBe(1_232);
    expect(rig.digest({ payload: largest, garbage: 255 }).reason).toBe(0);
  });

  test("keep the sender, and nothing of the payload", () => {
    const good = rig.digest({ payload, octets: SIX, port: 9, flags: P.FLAG_STAKED });
    for (const fields of [
      { payload, size: 5_000n, flags: P.FLAG_STAKED },
      { payload, flags: P.FLAG_STAKED | P.FLAG_DISCARD },
      { payload: payload.subarray(1), flags: P.FLAG_STAKED },
      { payload: oldTransaction({ required: 3 }), flags: P.FLAG_STAKED },
    ]) {
      const found = rig.digest({ ...fields, octets: SIX, port: 9 });
      expect(found.reason).toBeGreaterThan(0);
      const { ipId, ipKey, traits, port } = good;
      expect(found).toMatchObject({ ipId, ipKey, traits, port, flags: fields.flags });
      const nothing = { hash: 0n, hashMix: 0n, signatureKey: 0n, payerId: 0n, lamports: 0n, payloadMix: 0n };
      expect(found).toMatchObject(nothing);
      expect(found.payerKey).toBe("00".repeat(32));
    }
  });
});

describe("IPv6", () => {
  const hashOf = (octets: ArrayLike<number>): bigint =>
    xxh3.xxh64WithSecret(
      Uint8Array.from([...payload, ...u64(BigInt(payload.length)), ...Array.from(octets)]),
      packetHashSecret(420n),
    );

  test("senders go by their /64, and are hashed with all 16 octets", () => {
    const one = rig.digest({ payload, octets: SIX });
    const neighbour = rig.digest({ payload, octets: SIX.with(15, 99) });
    const other = rig.digest({ payload, octets: SIX.with(7, 99) });
    expect(one).toMatchObject({ reason: 0, traits: D.TRAIT_IPV6, hash: hashOf(SIX), ipKey: 0x0302_0100_b80d_0120n });
    expect(neighbour.ipId).toBe(one.ipId);
    expect(neighbour.ipKey).toBe(one.ipKey);
    expect(neighbour.hash).toBe(hashOf(SIX.with(15, 99)));
    expect(other.ipId).not.toBe(one.ipId);
  });

  test("::ffff:a.b.c.d is the IPv4 sender a.b.c.d in everything", () => {
    rig.digest({ payload, octets: MAPPED });
    const mapped = rig.bytes();
    rig.digest({ payload, octets: [9, 8, 7, 6] });
    expect(mapped).toEqual(rig.bytes());
    expect(rig.read().hash).toBe(hashOf([9, 8, 7, 6]));
  });

  test("addresses close to ::ffff:a.b.c.d are not", () => {
    for (let at = 0; at < 12; at++) {
      const found = rig.digest({ payload, octets: MAPPED.with(at, MAPPED[at] ^ 1) });
      expect(found.traits & D.TRAIT_IPV6).toBe(D.TRAIT_IPV6);
    }
  });

  test("is refused where it is to be dropped; an IPv4 sender in IPv6 clothes is not", () => {
    rig.configure({ ipv6: "drop" });
    expect(rig.digest({ payload, octets: SIX }).reason).toBe(R.NON_IPV4);
    expect(rig.digest({ payload, octets: SIX }).ipId).toBe(0n);
    expect(rig.digest({ payload, octets: MAPPED }).reason).toBe(0);
    expect(rig.digest({ payload, octets: [1, 2, 3, 4] }).reason).toBe(0);
    rig.configure();
  });
});

describe("bytes that mean nothing", () => {
  for (const [layout, packetBytes] of [
    ["agave2", P.AGAVE2_PACKET_BYTES],
    ["agave4", P.AGAVE4_PACKET_BYTES],
  ] as const) {
    test(`do not reach the digest, ${layout}`, () => {
      const packets: PacketFields[] = corpus()
        .filter((_, i) => i % 20 === 0)
        .map((bytes, i) => ({ payload: bytes, octets: i % 2 === 0 ? [1, 2, 3, i] : SIX, packetBytes }));
      packets.push({ payload: payload.subarray(3), packetBytes }, { payload, size: 9_999n, packetBytes });
      packets.push({ payload: newTransaction({ mask: 4, config: [3] }), packetBytes });
      for (const fields of packets) {
        const seen = new Set<string>();
        for (const garbage of [0, 1, 0x80, 0xff]) {
          rig.arena.u8.fill(garbage, DIGEST_AT, DIGEST_AT + D.DIGEST_BYTES);
          rig.arena.u8.fill(garbage, PACKET_AT + packetBytes, PACKET_AT + packetBytes + 64);
          rig.digest({ ...fields, garbage });
          seen.add(rig.bytes().toHex());
        }
        expect(seen.size).toBe(1);
      }
    });
  }
});

describe("groups", () => {
  for (const packetBytes of [P.AGAVE2_PACKET_BYTES, P.AGAVE4_PACKET_BYTES]) {
    test(`of packets of ${packetBytes} bytes are digested as one by one, packets left as they are`, () => {
      const transactions = corpus();
      const fieldsOf = (i: number): PacketFields => ({
        payload: i % 5 === 4 ? transactions[i].subarray(0, 90) : transactions[i * 31],
        octets: [10, 0, 0, i],
        size: i === 7 ? 1n << 40n : undefined!,
        garbage: 0x5a,
        packetBytes,
      });
      for (const count of [0, 1, 2, 15, 16]) {
        for (let i = 0; i < count; i++) rig.writePacket(FREE_AT + i * packetBytes, fieldsOf(i));
        const before = rig.bytes(FREE_AT, count * packetBytes + 64);
        rig.arena.u8.fill(0xcc, DIGEST_AT, DIGEST_AT + 17 * D.DIGEST_BYTES);
        rig.kernel.digest(FREE_AT, count, packetBytes, DIGEST_AT, CONTEXT_AT);
        const together = rig.bytes(DIGEST_AT, 17 * D.DIGEST_BYTES);
        expect(rig.bytes(FREE_AT, count * packetBytes + 64)).toEqual(before);
        for (let i = 0; i < count; i++) {
          rig.digest(fieldsOf(i));
          expect(together.slice(i * D.DIGEST_BYTES, (i + 1) * D.DIGEST_BYTES)).toEqual(rig.bytes());
        }
        expect(together.slice(count * D.DIGEST_BYTES).every((byte) => byte === 0xcc)).toBe(true);
      }
    });
  }
});

describe("large packets", () => {
  const large = new KernelRig({ packetLayout: "large" });
  const overhead = newTransaction({ instructions: [{ data: [] }] }).length;
  const ofBytes = (bytes: number): Uint8Array =>
    newTransaction({ instructions: [{ data: Uint8Array.from({ length: bytes - overhead }, (_, i) => 7 * i) }] });
  const hashOf = (bytes: Uint8Array, octets: ArrayLike<number>): bigint =>
    xxh3.xxh64WithSecret(
      Uint8Array.from([...bytes, ...u64(BigInt(bytes.length)), ...Array.from(octets)]),
      packetHashSecret(420n),
    );

  test("hold v1 transactions of up to 4096 bytes, hashed whole", () => {
    const mixes = new Set<bigint>();
    for (const bytes of [overhead, 1_232, 1_233, 2_048, 4_032, 4_095, 4_096]) {
      for (const octets of [[10, 0, 0, 1], SIX]) {
        const transaction = ofBytes(bytes);
        const found = large.digest({ payload: transaction, octets, garbage: 0x81, port: 9, flags: P.FLAG_STAKED });
        expect(found).toMatchObject({ reason: 0, size: bytes, version: D.VERSION_1, port: 9, payerKey: PAYER });
        expect(found.hash).toBe(hashOf(transaction, octets));
        mixes.add(found.payloadMix);
        // Each byte of data counts in both hashes, the last one, too.
        const changed = large.digest({ payload: transaction.with(bytes - 65, transaction[bytes - 65] ^ 1), octets });
        expect(bytes === overhead || changed.hash !== found.hash).toBe(true);
        mixes.add(changed.payloadMix);
      }
    }
    expect(mixes.size).toBe(2 * 7);
  });

  test("are refused above 4096 bytes, and in agave's layouts above 1232", () => {
    for (const size of [4_097n, 5_000n, 1n << 32n, (1n << 64n) - 1n]) {
      expect(large.digest({ payload: ofBytes(4_096), size }).reason).toBe(R.INVALID_META_SIZE);
    }
    const agave = new KernelRig({ packetLayout: "agave4" });
    expect(agave.digest({ payload: ofBytes(1_232) }).reason).toBe(0);
    expect(agave.digest({ payload: ofBytes(1_232), size: 1_233n }).reason).toBe(R.INVALID_META_SIZE);
  });

  test("say of small transactions what the other layouts say", () => {
    for (const bytes of corpus().filter((_, i) => i % 9 === 0)) {
      expect(large.digest({ payload: bytes, garbage: 0xff })).toEqual(rig.digest({ payload: bytes }));
    }
  });

  test("do not let bytes behind the size reach the digest", () => {
    for (const bytes of [200, 1_300, 4_090]) {
      const seen = new Set<string>();
      for (const garbage of [0, 0x81, 0xff]) {
        large.digest({ payload: ofBytes(bytes), octets: [1, 2, 3, 4], garbage });
        seen.add(large.bytes().toHex());
      }
      expect(seen.size).toBe(1);
    }
  });

  test("are copied without the unused end of their payloads", () => {
    const { bytes, sizeAt } = large.shape;
    for (const used of [0, 1, 15, 16, 17, 300, 4_080, 4_096, 5_000, 0xffffffff]) {
      large.arena.u8.fill(0xcc, FREE_AT, FREE_AT + bytes + 64);
      large.writePacket(PACKET_AT, { payload: ofBytes(4_096), octets: SIX, port: 4, garbage: 0x11 });
      large.kernel.copyPacket(FREE_AT, PACKET_AT, used, sizeAt, bytes);
      const copied = Math.min(Math.ceil(used / 16) * 16, sizeAt);
      expect(large.bytes(FREE_AT, copied)).toEqual(large.bytes(PACKET_AT, copied));
      expect(large.bytes(FREE_AT + sizeAt, bytes - sizeAt)).toEqual(large.bytes(PACKET_AT + sizeAt, bytes - sizeAt));
      expect(large.bytes(FREE_AT + copied, sizeAt - copied).every((byte) => byte === 0xcc)).toBe(true);
      expect(large.bytes(FREE_AT + bytes, 64).every((byte) => byte === 0xcc)).toBe(true);
    }
  });
});

test("the fields are found behind the payload, however long the layout's is", () => {
  const rig = new KernelRig(); // of its own: its context is changed
  const usual = rig.digest({ payload, octets: [10, 1, 2, 3], port: 77, flags: P.FLAG_STAKED });
  const room = 512;
  rig.arena.view.setUint32(CONTEXT_AT + PAYLOAD_ROOM_AT, room, true);
  const { u8 } = rig.arena;
  const fields = u8.slice(PACKET_AT + P.SIZE_AT, PACKET_AT + P.AGAVE2_PACKET_BYTES);
  u8.fill(0xee, PACKET_AT + payload.length, PACKET_AT + P.AGAVE2_PACKET_BYTES);
  u8.set(fields, PACKET_AT + room);
  rig.digestAgain(room + fields.length);
  expect(rig.read()).toEqual(usual);
  rig.arena.view.setBigUint64(PACKET_AT + room, BigInt(room + 1), true);
  rig.digestAgain(room + fields.length);
  expect(rig.reason).toBe(R.INVALID_META_SIZE);
});
