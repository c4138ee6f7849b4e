// Every reason once: its code, its name, its verdict, and a packet that is refused for it.

import { describe, expect, test } from "bun:test";
import * as codes from "../../src/shape/reason-codes.ts";
import { REASONS, reasonOf, verdictOf } from "../../src/wire/reasons.ts";
import { KernelRig } from "../kernel/rig.ts";
import { type LookupFields, newTransaction, oldTransaction, PAYER, PROGRAM } from "../oracle/build.ts";

const BOUNDS = /_(FIRST|LAST)$/;
const named = Object.entries(codes).filter(([name]) => !BOUNDS.test(name));

describe("the table", () => {
  test("has each code once", () => {
    expect(REASONS.map(({ code }) => code).sort((a, b) => a - b)).toEqual(
      named.map(([, code]) => code).sort((a, b) => a - b),
    );
    expect(new Set(REASONS.map(({ code }) => code)).size).toBe(REASONS.length);
    expect(REASONS.every(({ help }) => help.length > 0)).toBe(true);
  });

  test("names codes as they are named in the sources", () => {
    for (const [name, code] of named) expect(reasonOf(code).name).toBe(name.replace("REASON_", ""));
    expect(reasonOf(200).name).toBe("REASON_200");
  });

  test("keeps each kind in its range", () => {
    for (const [name, code] of named) {
      const kind = name.split("_")[0];
      const verdict = kind === "MALFORMED" ? "malformed" : kind === "UNSANITARY" ? "unsanitary" : undefined;
      expect(verdictOf(code)).toBe(verdict ?? (kind === "NEVER" || code === 0 ? "ok" : "refused"));
    }
  });
});

const EMPTY_OLD = 1 + 64 + 3 + 1 + 64 + 32 + 1;
const good = oldTransaction({ instructions: [{ accounts: [0], data: [1] }] });
const v0 = (lookups: LookupFields[] = [], lookupCount = lookups.length): Uint8Array =>
  oldTransaction({ lookups, lookupCount });
const lookup: LookupFields = { writable: [1], readonly: [2] };
const v1 = newTransaction({ mask: 4, config: [9], instructions: [{ accounts: [0], data: [1] }] });
const cut = (bytes: Uint8Array, by: number): Uint8Array => bytes.slice(0, bytes.length - by);
const to = (bytes: Uint8Array, length: number): Uint8Array => bytes.slice(0, length);
const keys = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => (i + 16).toString(16).padStart(2, "0").repeat(32));
const changed = (bytes: Uint8Array, at: number, value: number): Uint8Array => bytes.with(at, value);

/** One packet for each reason of structure and of sanity. */
const PACKETS: Record<string, Uint8Array[]> = {
  MALFORMED_EMPTY: [new Uint8Array(0)],
  MALFORMED_SIGNATURE_COUNT: [
    oldTransaction({ signatureCount: 0 }),
    oldTransaction({ signatureCount: 13 }),
    changed(good, 0, 0x80),
    changed(v1, 0, 0x82),
  ],
  MALFORMED_SIGNATURES: [to(good, 64), to(good, 1), cut(v1, 1)],
  MALFORMED_VERSION: [to(good, 65), oldTransaction({ prefix: 0x81, lookups: [] }), changed(v0(), 65, 0xff)],
  MALFORMED_HEADER: [to(good, 67), to(v0(), 66)],
  MALFORMED_KEY_COUNT: [to(good, 68), oldTransaction({ keyCount: 0 }), oldTransaction({ keyCount: 39 })],
  MALFORMED_KEYS: [to(good, 100), oldTransaction({ keyCount: 38 }), newTransaction({ keyCount: 255 })],
  MALFORMED_BLOCKHASH: [to(good, 69 + 64 + 31), to(good, 69 + 64)],
  MALFORMED_INSTRUCTION_COUNT: [to(good, 69 + 64 + 32), changed(to(good, EMPTY_OLD), EMPTY_OLD - 1, 0x81)],
  MALFORMED_INSTRUCTIONS: [oldTransaction({ instructionCount: 1 }), oldTransaction({ instructionCount: 411 })],
  MALFORMED_PROGRAM_INDEX: [Uint8Array.of(...changed(to(good, EMPTY_OLD), EMPTY_OLD - 1, 2), 1, 0, 3, 1, 1, 1)],
  MALFORMED_ACCOUNT_COUNT: [
    Uint8Array.of(...changed(to(good, EMPTY_OLD), EMPTY_OLD - 1, 1), 1, 0x80, 0),
    Uint8Array.of(...changed(to(good, EMPTY_OLD), EMPTY_OLD - 1, 1), 1, 0x80, 0x80, 1),
  ],
  MALFORMED_ACCOUNTS: [changed(good, EMPTY_OLD + 1, 9)],
  MALFORMED_DATA_LENGTH: [Uint8Array.of(...changed(to(good, EMPTY_OLD), EMPTY_OLD - 1, 1), 1, 1, 0)],
  MALFORMED_DATA: [changed(good, EMPTY_OLD + 3, 2)],
  MALFORMED_LOOKUP_COUNT: [cut(v0(), 1), v0([], 32), v0([], 0x81)],
  MALFORMED_LOOKUPS: [v0([], 1), v0([{}]), v0([{}, {}]), v0([], 31)],
  MALFORMED_LOOKUP_KEY: [Uint8Array.of(...v0([{ writable: new Uint8Array(40) }], 2), 0)],
  MALFORMED_WRITABLE_COUNT: [Uint8Array.of(...v0([], 1), ...new Uint8Array(32), 0x80, 0, 0)],
  MALFORMED_WRITABLE_INDEXES: [Uint8Array.of(...v0([], 1), ...new Uint8Array(32), 9, 0, 0)],
  MALFORMED_READONLY_COUNT: [Uint8Array.of(...v0([], 1), ...new Uint8Array(32), 2, 0, 0)],
  MALFORMED_READONLY_INDEXES: [Uint8Array.of(...v0([], 1), ...new Uint8Array(32), 1, 0, 1)],
  MALFORMED_TRAILING_BYTES: [Uint8Array.of(...good, 0), Uint8Array.of(...v0([lookup]), 7), Uint8Array.of(...v1, 1)],
  MALFORMED_PREFIX: [to(v1, 1), to(v1, 41)],
  MALFORMED_CONFIG_MASK: [
    newTransaction({ mask: 1, config: [1] }),
    newTransaction({ mask: 2, config: [1] }),
    newTransaction({ mask: 32, config: [1] }),
    newTransaction({ mask: 0x80000000, config: [1] }),
  ],
  MALFORMED_CONFIG_VALUES: [to(newTransaction({ mask: 4, config: [1] }), 42 + 64 + 3)],
  MALFORMED_INSTRUCTION_HEADERS: [newTransaction({ instructionCount: 255 })],
  MALFORMED_INSTRUCTION_PAYLOADS: [newTransaction({ instructions: [{ data: [1] }] }).with(42 + 64 + 3, 255)],
  UNSANITARY_SIGNATURE_COUNT: [oldTransaction({ required: 0 }), oldTransaction({ required: 2 })],
  UNSANITARY_KEY_COUNT: [oldTransaction({ signatures: 3 }), newTransaction({ signatures: 3 })],
  UNSANITARY_READONLY_SIGNED: [oldTransaction({ readonlySigned: 1 }), newTransaction({ readonlySigned: 255 })],
  UNSANITARY_READONLY_UNSIGNED: [oldTransaction({ readonlyUnsigned: 2 }), newTransaction({ readonlyUnsigned: 2 })],
  UNSANITARY_ACCOUNT_TOTAL: [v0([{ writable: new Uint8Array(200), readonly: new Uint8Array(55) }])],
  UNSANITARY_PROGRAM_INDEX: [
    oldTransaction({ instructions: [{ program: 0 }] }),
    oldTransaction({ instructions: [{ program: 1 }, { program: 2 }] }),
    oldTransaction({ lookups: [lookup], instructions: [{ program: 2 }] }),
    oldTransaction({ keys: [PAYER], instructions: [{ program: 1 }] }),
    newTransaction({ instructions: [{ program: 255 }] }),
  ],
  UNSANITARY_ACCOUNT_INDEX: [
    oldTransaction({ instructions: [{ accounts: [0, 1, 2] }] }),
    oldTransaction({ instructions: [{ accounts: [...new Uint8Array(20), 2, ...new Uint8Array(20)] }] }),
    oldTransaction({ instructions: [{ accounts: [...new Uint8Array(16), 255] }] }),
    oldTransaction({ lookups: [lookup], instructions: [{ accounts: [4] }] }),
    newTransaction({ instructions: [{}, { accounts: [2] }] }),
  ],
  UNSANITARY_EMPTY_LOOKUP: [v0([{}, lookup, lookup])],
  UNSANITARY_HEAP_SIZE: [
    newTransaction({ mask: 16, config: [0] }),
    newTransaction({ mask: 16, config: [31 * 1024] }),
    newTransaction({ mask: 24, config: [1, 257 * 1024] }),
    newTransaction({ mask: 16, config: [32_769] }),
  ],
  UNSANITARY_SIGNATURE_LIMIT: [newTransaction({ signatures: 0 }), newTransaction({ signatures: 13, keys: keys(4) })],
  UNSANITARY_KEY_LIMIT: [newTransaction({ keys: keys(65) })],
  UNSANITARY_SIZE_LIMIT: [
    oldTransaction({ instructions: [{ data: new Uint8Array(1_232 - EMPTY_OLD - 3) }] }),
    oldTransaction({ lookups: [lookup], instructions: [{ data: new Uint8Array(3_000) }] }),
    oldTransaction({ required: 2, instructions: [{ data: new Uint8Array(2_000) }] }),
  ],
  UNSANITARY_INSTRUCTION_LIMIT: [newTransaction({ instructions: new Array(65).fill({}) })],
};

describe("each refusal of the parser", () => {
  const rig = new KernelRig({ packetLayout: "large" });
  const structural = named.filter(([, code]) => code >= 16 && code < 96 && code !== codes.MALFORMED_LINE);
  for (const [name, code] of structural) {
    if (name === "MALFORMED_BASE64" || name === "MALFORMED_OVERSIZED") continue; // no packet: `qos decode` only
    test(name, () => {
      expect(PACKETS[name]).toBeDefined();
      for (const payload of PACKETS[name]) {
        expect(payload.length).toBeLessThanOrEqual(4_096);
        // What lies behind the packet's end would make it longer and better.
        expect(reasonOf(rig.digest({ payload, garbage: 1 }).reason)).toEqual(reasonOf(code));
      }
    });
  }

  test("leaves alone what stands just within the rules", () => {
    const accepted = [
      good,
      v1,
      v0(),
      v0([lookup]),
      oldTransaction({ signatures: 12, keys: keys(12) }),
      oldTransaction({ keys: keys(34) }),
      v0([{ writable: new Uint8Array(200), readonly: new Uint8Array(54) }]),
      oldTransaction({
        lookups: [{ writable: new Uint8Array(254) }],
        instructions: [{ accounts: [255] }, { accounts: [0, 254] }],
      }),
      newTransaction({ signatures: 1, keys: keys(33) }),
      newTransaction({ instructions: new Array(64).fill({ accounts: [0, 1] }) }),
      newTransaction({ mask: 16, config: [256 * 1024] }),
      oldTransaction({ signatures: 2, readonlySigned: 1, keys: [PAYER, PROGRAM] }),
      oldTransaction({ readonlyUnsigned: 1 }),
      oldTransaction({ instructions: [{ data: new Uint8Array(1_232 - EMPTY_OLD - 4) }] }),
      newTransaction({ keys: keys(64) }),
    ];
    for (const payload of accepted) expect(reasonOf(rig.digest({ payload }).reason)).toEqual(reasonOf(0));
  });
});
