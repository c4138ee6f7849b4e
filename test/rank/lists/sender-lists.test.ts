import { expect, test } from "bun:test";
import fc from "fast-check";
import { Identities } from "../../../src/rank/identities.ts";
import {
  LIST_ALLOW,
  LIST_DENY,
  type ListedPayer,
  type ListedPrefix,
  SenderLists,
} from "../../../src/rank/lists/sender-lists.ts";
import { IP_KEY_AT, META_BYTES, PAYER_KEY_AT, TRAIT_IPV6, TRAITS_AT } from "../../../src/shape/digest-layout.ts";
import { LIST_HEADER_BYTES, LIST_SLOT_BYTES } from "../../../src/shape/layout.ts";
import { IdentityRig } from "../evidence/rig.ts";

const SLOTS = 64;
const TABLE_AT = META_BYTES;

/** A buffer with room for one digest, and a table behind it. */
function listsOf(prefixes: readonly ListedPrefix[], payers: readonly ListedPayer[]) {
  const buffer = new ArrayBuffer(TABLE_AT + LIST_HEADER_BYTES + SLOTS * LIST_SLOT_BYTES);
  new Uint8Array(buffer).fill(0xa5, TABLE_AT); // as an outdated table would
  SenderLists.build(prefixes, payers, { buffer, at: TABLE_AT, slotCount: SLOTS });
  const lists = new SenderLists(buffer, TABLE_AT, SLOTS);
  const digest = new Uint8Array(buffer, 0, META_BYTES);
  return (octets: Uint8Array, payer: Uint8Array): number => {
    digest.fill(0);
    digest.set(octets, IP_KEY_AT);
    digest[TRAITS_AT] = octets.length === 8 ? TRAIT_IPV6 : 0;
    digest.set(payer, PAYER_KEY_AT);
    return lists.verdict(0);
  };
}

const bitsOf = (octets: Uint8Array): string =>
  Array.from(octets, (octet) => octet.toString(2).padStart(8, "0")).join("");

/** Few different octets, so that prefixes meet addresses. */
const octets = (length: number) =>
  fc
    .array(fc.constantFrom(0, 1, 2, 127, 128, 255), { minLength: length, maxLength: length })
    .map((a) => Uint8Array.from(a));
const address = fc.oneof(octets(4), octets(8));
const payer = fc.constantFrom(0, 1, 2, 3).map((seed) => new Uint8Array(32).fill(7).fill(seed, 28));
const verdict = fc.constantFrom(LIST_DENY, LIST_ALLOW);
const prefix = address.chain((one) => fc.record({ octets: fc.constant(one), bits: fc.nat(one.length * 8), verdict }));

test("a sender has the verdicts of every prefix that it lies in and of its payer, and no others", () => {
  fc.assert(
    fc.property(
      fc.array(prefix, { maxLength: 24 }),
      fc.array(fc.record({ key: payer, verdict }), { maxLength: 8 }),
      fc.array(fc.tuple(address, payer), { minLength: 1, maxLength: 8 }),
      (prefixes, payers, senders) => {
        const look = listsOf(prefixes, payers);
        for (const [ip, key] of senders) {
          let expected = 0;
          for (const one of prefixes) {
            const inside = bitsOf(ip).startsWith(bitsOf(one.octets).slice(0, one.bits));
            if (inside && one.octets.length === ip.length) expected |= one.verdict;
          }
          for (const one of payers) if (Buffer.from(one.key).equals(key)) expected |= one.verdict;
          expect(look(ip, key)).toBe(expected);
        }
      },
    ),
    { seed: 8, numRuns: 300 },
  );
});

test("empty lists say nothing, and too many entries are refused", () => {
  const look = listsOf([], []);
  expect(look(Uint8Array.of(10, 0, 0, 1), new Uint8Array(32))).toBe(0);
  const many = Array.from({ length: SLOTS / 2 + 1 }, (_, i) => ({
    octets: Uint8Array.of(10, 0, 0, i),
    bits: 32,
    verdict: LIST_DENY,
  }));
  expect(() => listsOf(many, [])).toThrow(RangeError);
  expect(() => new SenderLists(new ArrayBuffer(8_192), 0, 3)).toThrow(RangeError);
});

test("all prefix lengths at once", () => {
  const prefixes = Array.from({ length: 31 }, (_, bits) => ({
    octets: Uint8Array.of(255, 255, 255, 255),
    bits: bits + 2,
    verdict: bits + 2 === 32 ? LIST_ALLOW : LIST_DENY,
  }));
  const look = listsOf(prefixes, []);
  const key = new Uint8Array(32);
  expect(look(Uint8Array.of(255, 255, 255, 255), key)).toBe(LIST_ALLOW | LIST_DENY);
  expect(look(Uint8Array.of(192, 0, 0, 0), key)).toBe(LIST_DENY);
  expect(look(Uint8Array.of(128, 0, 0, 0), key)).toBe(0);
});

test("a listed key is that of a fee payer or of a staked peer's identity", () => {
  const rig = new IdentityRig();
  const { arena, layout } = rig;
  const at = arena.u8.length - (LIST_HEADER_BYTES + SLOTS * LIST_SLOT_BYTES);
  const key = rig.key(5);
  SenderLists.build([], [{ key, verdict: LIST_DENY }], { buffer: arena.buffer, at, slotCount: SLOTS });
  const lists = new SenderLists(arena.buffer, at, SLOTS, new Identities(arena, layout));
  expect(lists.verdict(rig.digest({ payer: 1 }))).toBe(0);
  expect(lists.verdict(rig.digest({ payer: 1, identity: 4 }))).toBe(0);
  expect(lists.verdict(rig.digest({ payer: 1, identity: 5 }))).toBe(LIST_DENY);
  const digest = rig.digest({ payer: 1 });
  arena.u8.set(key, digest + PAYER_KEY_AT);
  expect(lists.verdict(digest)).toBe(LIST_DENY);
});
