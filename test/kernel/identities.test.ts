import { describe, expect, test } from "bun:test";
import { IDENTITY_ID_WORD, Identities } from "../../src/rank/identities.ts";
import * as D from "../../src/shape/digest-layout.ts";
import { IDENTITY_BYTES, IDENTITY_PLACES, IDENTITY_WAYS } from "../../src/shape/identity-layout.ts";
import { CONTEXT_AT, DIGEST_AT, KernelRig, PACKET_AT } from "./rig.ts";

const TABLE_AT = 1 << 20;
const PAYLOAD = new Uint8Array(200);

/** A kernel with a table of identities, and what it says of packets. */
function world(packetLayout: "agave2" | "agave4" | "large" = "agave4") {
  const rig = new KernelRig({ packetLayout, identitiesAt: TABLE_AT });
  const identities = new Identities(rig.arena, { identitiesAt: TABLE_AT });
  const digest = (key: ArrayLike<number>, port = 9_000): { word: number; has: boolean; key: string; id: number } => {
    rig.writePacket(PACKET_AT, { payload: PAYLOAD, port });
    const { remoteKeyAt } = rig.shape;
    if (remoteKeyAt !== undefined) rig.arena.u8.set(Array.from(key), PACKET_AT + remoteKeyAt);
    rig.digestAgain();
    const place = identities.of(DIGEST_AT);
    return {
      word: rig.arena.view.getUint16(DIGEST_AT + D.PORT_COPY_AT, true),
      has: (rig.arena.u8[DIGEST_AT + D.TRAITS_AT] & D.TRAIT_IDENTITY) !== 0,
      key: place === 0 ? "" : rig.arena.u8.slice(4 * place, 4 * place + 32).toHex(),
      id: place === 0 ? 0 : rig.arena.i32[place + IDENTITY_ID_WORD],
    };
  };
  return { rig, identities, digest };
}

const keyOf = (n: number): Uint8Array => {
  const key = new Uint8Array(32).fill(7);
  new DataView(key.buffer).setUint32(4 * (n % 8), n + 1);
  return key;
};

describe.each(["agave4", "large"] as const)("an identity in layout %s", (layout) => {
  test("is named in the port's place, the same one each time, whatever the port", () => {
    const { digest } = world(layout);
    const first = digest(keyOf(1), 1_000);
    expect(first).toMatchObject({ has: true, key: keyOf(1).toHex() });
    expect(digest(keyOf(2))).toMatchObject({ has: true, key: keyOf(2).toHex() });
    expect(digest(keyOf(1), 2_000)).toEqual(first);
  });

  test("is missing where the key is all zero: then the port is the port", () => {
    const { digest } = world(layout);
    expect(digest(new Uint8Array(32), 4_242)).toEqual({ word: 4_242, has: false, key: "", id: 0 });
    for (let at = 0; at < 32; at++) {
      const key = new Uint8Array(32);
      key[at] = 1;
      expect(digest(key)).toMatchObject({ has: true, key: key.toHex() });
    }
  });
});

test("a layout without identities has none", () => {
  expect(world("agave2").digest(keyOf(1), 4_242)).toEqual({ word: 4_242, has: false, key: "", id: 0 });
});

test("without a table there are none either", () => {
  const { rig, digest } = world();
  rig.configure({ packetLayout: "agave4" });
  expect(digest(keyOf(1), 77)).toMatchObject({ word: 77, has: false });
});

test("ten thousand identities are told apart, and nothing is written outside of the table", () => {
  const { rig, digest } = world();
  const before = rig.arena.u8.slice(TABLE_AT - 64, TABLE_AT);
  const words = new Set<number>();
  for (let n = 0; n < 10_000; n++) words.add(digest(keyOf(n)).word);
  expect(words.size).toBe(10_000);
  const end = TABLE_AT + IDENTITY_PLACES * IDENTITY_BYTES;
  expect(rig.arena.u8.slice(TABLE_AT - 64, TABLE_AT)).toEqual(before);
  expect(rig.arena.u8.slice(end, end + 64)).toEqual(new Uint8Array(64));
});

test("a full set gives up the identity that was not seen for longest, and a digest that waited meanwhile names nobody", () => {
  const { rig, identities, digest } = world();
  const [first, second, ...others] = sameSet(digest, IDENTITY_WAYS + 1);
  const newest = others.pop()!;
  const keep = (at: number): void => void rig.arena.u8.copyWithin(at, DIGEST_AT, DIGEST_AT + D.DIGEST_BYTES);
  const before = digest(second);
  keep(DIGEST_AT + 256);
  for (const key of others) digest(key);
  digest(first);
  keep(DIGEST_AT + 512);
  expect(digest(newest).key).toBe(newest.toHex());
  expect(identities.of(DIGEST_AT + 512)).not.toBe(0);
  expect(identities.of(DIGEST_AT + 256)).toBe(0);
  // It comes again, and is itself again: its id is that of its key, not of its place.
  expect(digest(second)).toMatchObject({ key: before.key, id: before.id });
});

/** Identities that meet in one set. */
function sameSet(digest: (key: Uint8Array) => { id: number }, count: number): Uint8Array[] {
  const sets = new Map<number, Uint8Array[]>();
  for (let n = 0; ; n++) {
    const key = keyOf(n);
    const set = digest(key).id & (IDENTITY_PLACES / IDENTITY_WAYS - 1);
    const keys = sets.get(set) ?? [];
    keys.push(key);
    sets.set(set, keys);
    if (keys.length === count) return keys;
  }
}

test("a copy whose identity was exchanged is not the digest's packet", () => {
  const { rig, digest } = world();
  digest(keyOf(1));
  const { bytes, payloadMaxBytes, remoteKeyAt } = rig.shape;
  const fill = (): number =>
    rig.kernel.fillSlot(2 << 20, PACKET_AT, 200, payloadMaxBytes, bytes, DIGEST_AT, CONTEXT_AT);
  expect(fill()).toBe(1);
  rig.arena.u8[PACKET_AT + remoteKeyAt! + 31] ^= 1;
  expect(fill()).toBe(0);
  rig.arena.u8.fill(0, PACKET_AT + remoteKeyAt!, PACKET_AT + remoteKeyAt! + 32);
  expect(fill()).toBe(0);
  digest(new Uint8Array(32));
  expect(fill()).toBe(1);
  rig.arena.u8.set(keyOf(1), PACKET_AT + remoteKeyAt!);
  expect(fill()).toBe(0);
});
