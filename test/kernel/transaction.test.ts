// The parser against the golden verdicts of the reference and against an independent parser.

import { describe, expect, test } from "bun:test";
import { verdictOf } from "../../src/wire/reasons.ts";
import { compact, newTransaction, oldTransaction, u16 } from "../oracle/build.ts";
import { COMPUTE_BUDGET, type FeeRule, read } from "../oracle/transaction.ts";
import { SIZE_AT } from "../tools/agave-packet.ts";
import { Random } from "../tools/random.ts";
import { corpus, hex16, KernelRig, type Mutation, PACKET_AT, vectors } from "./rig.ts";

const transactions = corpus();

interface Golden {
  readonly tx: number;
  readonly fee: string;
  readonly cus: number;
  readonly sigs: number;
  readonly key: string;
  readonly hash: string;
}

describe("golden vectors of the reference", () => {
  const rig = new KernelRig({ feeModel: "reference" });

  test("602 transactions of mainnet", () => {
    const all = vectors<Golden>("transactions");
    for (const { tx, fee, cus, sigs, key, hash } of all) {
      const found = rig.digest({ payload: transactions[tx], octets: [10, 20, tx >> 8, tx & 255] });
      expect({
        tx,
        reason: found.reason,
        fee: found.lamports.toString(),
        cus: found.computeUnits,
        sigs: found.signatureCount,
        key: hex16(found.signatureKey),
        hash: hex16(found.hash),
      }).toEqual({ tx, reason: 0, fee, cus, sigs, key, hash });
      expect(found.fee).toBe(Number(fee));
    }
    expect(all.length).toBe(602);
  });

  test("12,000 mutated ones", () => {
    const counts: Record<string, number> = {};
    for (const { tx, ops, verdict } of vectors<Mutation>("mutations")) {
      const payload = mutate(transactions[tx], ops);
      // What starts with 0x81 is v1, which the reference does not know.
      const rule: FeeRule = { feeModel: "reference", preSimd0170: false };
      const expected = payload[0] === 0x81 ? read(payload, rule).verdict : verdict;
      const found = rig.digest({ payload, garbage: 0x81 });
      const got = verdictOf(found.reason);
      if (typeof expected === "string") {
        const name = { view: "malformed", sanitize: "unsanitary" }[expected as "view"] ?? expected;
        expect({ tx, ops, got }).toEqual({ tx, ops, got: name as typeof got });
      } else {
        const { lamports, computeUnits, signatureCount, signatureKey } = found;
        const good = { cus: computeUnits, fee: lamports.toString(), key: hex16(signatureKey), sigs: signatureCount };
        expect({ tx, ops, got, ...good }).toEqual({ tx, ops, got: "ok", ...expected });
      }
      counts[got] = (counts[got] ?? 0) + 1;
    }
    expect(counts).toEqual({ malformed: 6_332, unsanitary: 1_927, ok: 3_741 });
  });
});

function mutate(original: Uint8Array, ops: Mutation["ops"]): Uint8Array {
  let bytes = original.slice();
  for (const [name, first, second] of ops) {
    if (name === "set") bytes[first] = second ?? 0;
    else if (name === "truncate") bytes = bytes.slice(0, first);
    else if (bytes.length < 1_232) bytes = Uint8Array.of(...bytes, first);
  }
  return bytes;
}

/** Transactions that have every part: lookups, budgets, a precompile, v1's config. */
const SEEDS: readonly { readonly name: string; readonly bytes: Uint8Array }[] = [
  { name: "a vote", bytes: transactions[0] },
  { name: "a short v0 transaction", bytes: shortest((bytes) => bytes[1 + 64 * bytes[0]] === 0x80) },
  {
    name: "v0 with two lookups and budgets",
    bytes: oldTransaction({
      keys: ["11".repeat(32), COMPUTE_BUDGET, "33".repeat(32)],
      instructions: [
        { program: 1, data: [2, 1, 2, 0, 0] },
        { program: 1, data: [3, 9, 9, 9, 9, 9, 0, 0, 0] },
        { program: 2, accounts: [0, 1, 2, 3, 4, 5], data: [1, 2, 3] },
      ],
      lookups: [{ writable: [1, 2], readonly: [3] }, { writable: [9] }],
    }),
  },
  {
    name: "two signatures, read-only keys",
    bytes: oldTransaction({
      signatures: 2,
      readonlySigned: 1,
      readonlyUnsigned: 1,
      keys: ["11".repeat(32), "12".repeat(32), "13".repeat(32), "14".repeat(32)],
      instructions: [{ program: 3, accounts: [0, 1, 2] }],
    }),
  },
  {
    name: "v1 with every config value",
    bytes: newTransaction({
      mask: 31,
      config: [7, 0, 300_000, 65_536, 32_768],
      instructions: [{ accounts: [0, 1], data: [5, 6, 7] }, { data: [8] }],
    }),
  },
  {
    name: "v1 of 2,300 bytes, 65 of whose keys would be too many",
    bytes: newTransaction({
      mask: 4,
      config: [90_000],
      keys: Array.from({ length: 60 }, (_, i) => (i + 1).toString(16).padStart(2, "0").repeat(32)),
      instructions: [{ program: 59, accounts: [0, 58], data: new Uint8Array(200).fill(3) }],
    }),
  },
  { name: "v1 without", bytes: newTransaction({ signatures: 2, instructions: [{ accounts: [1] }] }) },
];

function shortest(which: (bytes: Uint8Array) => boolean): Uint8Array {
  return transactions.filter(which).reduce((best, bytes) => (bytes.length < best.length ? bytes : best));
}

describe("against an independent parser", () => {
  const rules: FeeRule[] = [
    { feeModel: "chain", preSimd0170: false },
    { feeModel: "reference", preSimd0170: false },
  ];
  const rigs = rules.map((rule) => new KernelRig({ ...rule, packetLayout: "large" }));

  /** Compares verdict, fee, units and price of what lies at PACKET_AT of one rig. */
  const compare = (which: number, bytes: Uint8Array, what: () => string): string => {
    const rig = rigs[which];
    rig.digestAgain();
    const expected = read(bytes, rules[which]);
    const got = verdictOf(rig.reason);
    let same: boolean = got === expected.verdict;
    if (same && expected.verdict === "ok") {
      same =
        rig.lamports === expected.lamports &&
        rig.computeUnits === expected.computeUnits &&
        rig.price === expected.price &&
        (rig.never !== 0) === expected.never;
    }
    if (!same) throw new Error(`${what()}: reason ${rig.reason}, expected ${Bun.inspect(expected)}`);
    return got;
  };

  for (const { name, bytes } of SEEDS) {
    test(`every truncation of ${name}`, () => {
      for (let length = 0; length <= bytes.length; length++) {
        const part = bytes.slice(0, length);
        for (const which of [0, 1]) {
          // Behind the end the rest still lies there: it must not be read.
          rigs[which].writePacket(PACKET_AT, { payload: bytes, size: BigInt(length) });
          const verdict = compare(which, part, () => `${length} bytes`);
          expect(verdict).toBe(length === bytes.length ? "ok" : "malformed");
        }
      }
    });

    // A long one in some of the values, which fall differently on each byte.
    const step = bytes.length > 1_000 ? 37 : 1;
    test(`every byte of ${name}, in all its 255 other values`, () => {
      const changed = bytes.slice();
      const verdicts = new Set<string>();
      rigs.forEach((rig) => {
        rig.writePacket(PACKET_AT, { payload: bytes });
      });
      for (let at = 0; at < bytes.length; at++) {
        for (let flip = 1 + (at % step); flip < 256; flip += step) {
          const which = flip & 1;
          changed[at] = bytes[at] ^ flip;
          rigs[which].arena.u8[PACKET_AT + at] = changed[at];
          verdicts.add(compare(which, changed, () => `byte ${at} is ${changed[at]}`));
        }
        changed[at] = bytes[at];
        for (const rig of rigs) rig.arena.u8[PACKET_AT + at] = bytes[at];
      }
      expect([...verdicts].sort()).toEqual(["malformed", "ok", "unsanitary"]);
    }, 60_000);
  }

  test("random changes of several bytes of real transactions", () => {
    const dice = new Random(12_345);
    const random = (below: number): number => dice.below(below);
    const counts: Record<string, number> = {};
    for (let round = 0; round < 20_000; round++) {
      const bytes = transactions[random(transactions.length)].slice();
      const from = 1 + 64 * bytes[0];
      for (let changes = 1 + random(3); changes > 0; changes--) bytes[from + random(bytes.length - from)] = random(256);
      rigs[round & 1].writePacket(PACKET_AT, { payload: bytes, garbage: random(256) });
      const verdict = compare(round & 1, bytes, () => `round ${round}`);
      counts[verdict] = (counts[verdict] ?? 0) + 1;
    }
    expect(Object.keys(counts).sort()).toEqual(["malformed", "ok", "unsanitary"]);
  });

  test("random bytes, of any length, trap nothing", () => {
    let state = 99n;
    for (let round = 0; round < 5_000; round++) {
      const bytes = new Uint8Array(round % 4_097);
      for (let i = 0; i < bytes.length; i++) {
        state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
        bytes[i] = Number(state >> 56n);
        if (i > 200) break;
      }
      if (bytes.length > 0) bytes[0] = round % 3 === 0 ? 0x81 : 1;
      rigs[0].writePacket(PACKET_AT, { payload: bytes });
      compare(0, bytes, () => `round ${round}`);
    }
    expect(rigs[0].reason).toBeGreaterThan(0);
  });
});

describe("compact-u16", () => {
  const rig = new KernelRig();
  const rule: FeeRule = { feeModel: "chain", preSimd0170: false };

  /** Where in a transaction of two keys the number stands that is tried. */
  const places: readonly { readonly name: string; readonly head: (instruction: number[]) => number[] }[] = [
    { name: "an account count", head: (number) => [1, 1, ...number] },
    { name: "a data length", head: (number) => [1, 1, 0, ...number] },
    { name: "an instruction count", head: (number) => number },
  ];
  const message = oldTransaction().slice(0, -1); // without the instruction count, 0

  for (const { name, head } of places) {
    test(`all 65,536 pairs of bytes as ${name} are read as the independent parser reads them`, () => {
      // Behind the pair follow zeros: accounts 0, empty data, and instructions of program 0.
      const bytes = Uint8Array.from([...message, ...head([0, 0]), ...new Uint8Array(90)]);
      const at = message.length + head([0, 0]).length - 2;
      rig.writePacket(PACKET_AT, { payload: bytes });
      for (let pair = 0; pair < 65_536; pair++) {
        bytes.set(u16(pair), at);
        rig.arena.u8.set(u16(pair), PACKET_AT + at);
        rig.digestAgain();
        if (verdictOf(rig.reason) !== read(bytes, rule).verdict) throw new Error(`${u16(pair)}: ${rig.reason}`);
      }
      expect(rig.reason).toBeGreaterThan(0);
    }, 60_000);
  }

  test("each length that fits is read exactly, in one byte or two, and no third byte is", () => {
    const most = 1_232 - message.length - 6;
    const twoBytes = (value: number): number[] => [(value & 127) | 128, value >> 7];
    for (let length = 0; length <= most; length++) {
      const filler = new Uint8Array(length);
      const build = (number: number[]): Uint8Array => Uint8Array.from([...message, 1, 1, 0, ...number, ...filler]);
      expect(rig.digest({ payload: build(compact(length)) }).reason).toBe(0);
      // A second byte of 0 is not the shortest way: refused.
      const long = verdictOf(rig.digest({ payload: build(twoBytes(length)) }).reason);
      expect(long).toBe(length < 128 ? "malformed" : "ok");
      const three = build([(length & 127) | 128, (length >> 7) | 128, 1]);
      expect(verdictOf(rig.digest({ payload: three }).reason)).toBe("malformed");
      rig.writePacket(PACKET_AT, { payload: build(compact(length)) });
      rig.arena.view.setBigUint64(PACKET_AT + SIZE_AT, BigInt(build(compact(length)).length - 1), true);
      rig.digestAgain();
      expect(verdictOf(rig.reason)).toBe("malformed");
    }
  });
});
