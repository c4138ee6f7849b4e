// Both fee rules: what the chain charged, each clause of the rules, and exact arithmetic against BigInt.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { KernelSettings } from "../../src/kernel/context.ts";
import * as D from "../../src/shape/digest-layout.ts";
import * as R from "../../src/shape/reason-codes.ts";
import {
  type InstructionFields,
  type LookupFields,
  newTransaction,
  oldTransaction,
  PAYER,
  PROGRAM,
  u32,
  u64,
} from "../oracle/build.ts";
import { BUILTINS, COMPUTE_BUDGET, NOT_BUILTINS, PRECOMPILES, read } from "../oracle/transaction.ts";
import { corpusLines, type Digest, KernelRig } from "./rig.ts";

const rig = new KernelRig();
const U64_MAX = (1n << 64n) - 1n;

function pay(payload: Uint8Array, settings: Partial<KernelSettings> = {}): Digest {
  rig.configure(settings);
  const found = rig.digest({ payload });
  expect(found.reason).toBe(0);
  expect(found.fee).toBe(Number(found.lamports));
  expect((found.traits & D.TRAIT_NEVER) !== 0).toBe(found.never !== 0);
  if (found.never !== 0) expect(found.lamports).toBe(0n);
  const rule = { feeModel: settings.feeModel ?? "chain", preSimd0170: settings.preSimd0170 ?? false } as const;
  const expected = read(payload, rule);
  if (expected.verdict !== "ok") throw new Error("the transaction is not good");
  const { lamports, computeUnits, price, never } = expected;
  expect({ ...found, never: found.never !== 0 }).toMatchObject({ lamports, computeUnits, price, never });
  return found;
}

/** Keys: fee payer, compute budget, some program. */
const KEYS = [PAYER, COMPUTE_BUDGET, PROGRAM];
const budget = (...data: number[]): InstructionFields => ({ program: 1, data });
const limit = (units: number): InstructionFields => budget(2, ...u32(units));
const price = (micro: bigint): InstructionFields => budget(3, ...u64(micro));
const plain: InstructionFields = { program: 2 };
const build = (...instructions: InstructionFields[]): Uint8Array => oldTransaction({ keys: KEYS, instructions });

describe("what the chain charged on mainnet", () => {
  const lines = corpusLines();
  const right = (settings: Partial<KernelSettings>): number =>
    lines.filter(({ tx, fee }) => pay(Uint8Array.fromBase64(tx), settings).lamports === BigInt(fee)).length;

  test("is the chain's rule with the default limits of that time, for all 602", () => {
    expect(right({ preSimd0170: true })).toBe(602);
  });

  test("is the chain's rule with today's default limits for 587", () => {
    expect(right({})).toBe(587);
  });

  test("is the reference's rule for 314", () => {
    expect(right({ feeModel: "reference" })).toBe(314);
  });
});

describe("the chain's rule", () => {
  test("takes budgets wherever they stand", () => {
    const found = pay(build(...new Array(20).fill(plain), limit(100_000), price(10_000_000n)));
    expect(found).toMatchObject({ computeUnits: 100_000, price: 10_000_000n, lamports: 1_005_000n });
  });

  test("rounds the priority fee up", () => {
    expect(pay(build(limit(1), price(1n))).lamports).toBe(5_001n);
    expect(pay(build(limit(1_000_000), price(1n))).lamports).toBe(5_001n);
    expect(pay(build(limit(1_000_001), price(1n))).lamports).toBe(5_002n);
    expect(pay(build(limit(0), price(U64_MAX))).lamports).toBe(5_000n);
  });

  test("ignores bytes behind a budget's number", () => {
    expect(pay(build(budget(2, ...u32(50_000), 9, 9), budget(3, ...u64(2_000_000n), 1))).lamports).toBe(105_000n);
  });

  test("caps the limit at 1,400,000", () => {
    expect(pay(build(limit(1_400_001), price(1_000_000n)))).toMatchObject({ computeUnits: 1_400_000 });
    expect(pay(build(limit(0xffffffff), price(1_000_000n))).lamports).toBe(1_405_000n);
    expect(pay(build(...new Array(8).fill(plain), price(0n))).computeUnits).toBe(1_400_000);
    expect(pay(build(...new Array(6).fill(plain), price(0n))).computeUnits).toBe(1_203_000);
  });

  test("gives built-in programs 3,000 units where no limit is set, all others 200,000", () => {
    for (const id of BUILTINS) {
      const keys = [PAYER, id];
      expect(pay(oldTransaction({ keys, instructions: [{}] })).computeUnits).toBe(3_000);
    }
    for (const id of NOT_BUILTINS) {
      expect(pay(oldTransaction({ keys: [PAYER, id], instructions: [{}] })).computeUnits).toBe(200_000);
    }
  });

  test("compares all bytes of a program's id", () => {
    for (const id of [...BUILTINS, ...PRECOMPILES]) {
      for (let at = 0; at < 32; at++) {
        const near = Uint8Array.fromHex(id);
        near[at] ^= 1;
        const payload = oldTransaction({ keys: [PAYER, near.toHex()], instructions: [{ data: [3] }] });
        expect(pay(payload)).toMatchObject({ computeUnits: 200_000, lamports: 5_000n, never: 0 });
      }
    }
  });

  test("counted 200,000 for each but the compute-budget instructions before SIMD-0170", () => {
    const keys = [PAYER, COMPUTE_BUDGET, BUILTINS[4]];
    const payload = oldTransaction({ keys, instructions: [price(1_000_000n), plain, plain] });
    expect(pay(payload).computeUnits).toBe(9_000);
    expect(pay(payload, { preSimd0170: true })).toMatchObject({ computeUnits: 400_000, lamports: 405_000n });
  });

  test("charges for the transaction's signatures and those that precompiles check", () => {
    expect(pay(oldTransaction({ signatures: 2 })).lamports).toBe(10_000n);
    for (const id of PRECOMPILES) {
      const instructions = [{ data: [3, 0, 0] }, { data: [] }, { data: [255] }];
      expect(pay(oldTransaction({ keys: [PAYER, id], instructions })).lamports).toBe(5_000n * 259n);
    }
  });

  test("holds the sum at 2^64 - 1", () => {
    expect(pay(build(limit(1_400_000), price(U64_MAX))).lamports).toBe(U64_MAX);
    expect(pay(build(limit(1_000_000), price(U64_MAX))).lamports).toBe(U64_MAX);
    expect(pay(build(limit(1_000_000), price(U64_MAX - 5_000n))).lamports).toBe(U64_MAX);
    expect(pay(build(limit(1_000_000), price(U64_MAX - 5_001n))).lamports).toBe(U64_MAX - 1n);
    expect(pay(build(limit(1_000_001), price(U64_MAX - 1n))).lamports).toBe(U64_MAX);
  });
});

describe("what the chain never includes", () => {
  const sized = ({ writable, readonly }: { writable: number; readonly: number }): LookupFields => ({
    writable: new Uint8Array(writable),
    readonly: new Uint8Array(readonly),
  });
  const many = (count: number): InstructionFields => ({ program: 2, accounts: new Uint8Array(count) });
  const cases: readonly [string, number, Uint8Array][] = [
    ["two limits", R.NEVER_BUDGET_TWICE, build(limit(1), plain, limit(1))],
    ["two prices", R.NEVER_BUDGET_TWICE, build(price(1n), price(2n))],
    ["two heap sizes", R.NEVER_BUDGET_TWICE, build(budget(1, ...u32(32_768)), budget(1, ...u32(32_768)))],
    ["two loaded-data limits", R.NEVER_BUDGET_TWICE, build(budget(4, ...u32(1)), budget(4, ...u32(1)))],
    ["kind 0", R.NEVER_BUDGET_UNKNOWN, build(budget(0, ...u64(1n)))],
    ["kind 5", R.NEVER_BUDGET_UNKNOWN, build(budget(5, ...u64(1n)))],
    ["kind 255", R.NEVER_BUDGET_UNKNOWN, build(budget(255))],
    ["no data", R.NEVER_BUDGET_CUT_SHORT, build(budget())],
    ["a short heap size", R.NEVER_BUDGET_CUT_SHORT, build(budget(1, 0, 128, 0))],
    ["a short limit", R.NEVER_BUDGET_CUT_SHORT, build(budget(2, 1, 1, 1))],
    ["a short price", R.NEVER_BUDGET_CUT_SHORT, build(budget(3, 1, 1, 1, 1, 1, 1, 1))],
    ["a short loaded-data limit", R.NEVER_BUDGET_CUT_SHORT, build(budget(4))],
    ["a heap below 32 KiB", R.NEVER_HEAP_SIZE, build(budget(1, ...u32(31 * 1024)))],
    ["a heap above 256 KiB", R.NEVER_HEAP_SIZE, build(budget(1, ...u32(257 * 1024)))],
    ["a heap beside the KiB", R.NEVER_HEAP_SIZE, build(budget(1, ...u32(32_769)))],
    ["a loaded-data limit of 0", R.NEVER_LOADED_DATA_LIMIT, build(budget(4, ...u32(0)))],
    ["65 instructions", R.NEVER_INSTRUCTION_LIMIT, build(...new Array(65).fill(plain))],
    ["256 accounts in one", R.NEVER_ACCOUNT_LIMIT, build(plain, many(256))],
    ["a key twice", R.NEVER_DUPLICATE_KEY, oldTransaction({ keys: [PAYER, PROGRAM, PROGRAM] })],
    ["the payer as an account", R.NEVER_DUPLICATE_KEY, oldTransaction({ keys: [PAYER, PROGRAM, PAYER] })],
    ["a key twice in v0", R.NEVER_DUPLICATE_KEY, oldTransaction({ keys: [PAYER, PAYER], lookups: [] })],
    ["a key twice in v1", R.NEVER_DUPLICATE_KEY, newTransaction({ keys: [PAYER, PROGRAM, PROGRAM] })],
    [
      "129 accounts to lock",
      R.NEVER_LOCK_LIMIT,
      oldTransaction({ lookups: [{ writable: 100, readonly: 27 }].map(sized) }),
    ],
    [
      "230 accounts to lock",
      R.NEVER_LOCK_LIMIT,
      oldTransaction({ lookups: [{ writable: 100, readonly: 128 }].map(sized) }),
    ],
  ];
  for (const [name, reason, payload] of cases) {
    test(`${name}`, () => {
      const found = pay(payload);
      expect(found).toMatchObject({ never: reason, lamports: 0n, fee: 0 });
      expect(pay(payload, { feeModel: "reference" })).toMatchObject({ never: 0 });
      expect(rig.lamports).toBeGreaterThan(0n);
    });
  }

  test("is not what stands just within the limits", () => {
    for (const payload of [
      build(budget(1, ...u32(32 * 1024)), limit(1), price(1n), budget(4, ...u32(1))),
      build(budget(1, ...u32(256 * 1024))),
      build(...new Array(64).fill(plain)),
      build(many(255)),
      oldTransaction({ lookups: [sized({ writable: 100, readonly: 26 })] }),
    ]) {
      expect(pay(payload).never).toBe(0);
    }
  });
});

describe("a key that stands twice", () => {
  const key = (number: number): Uint8Array =>
    Uint8Array.from({ length: 32 }, (_, i) => (Math.imul(number + 1, 0x9e3779b1) >>> (i & 24)) ^ (i * 29));
  const transaction = (keys: readonly Uint8Array[], version: "legacy" | 1): Uint8Array => {
    const texts = keys.map((one) => one.toHex());
    return version === 1 ? newTransaction({ keys: texts }) : oldTransaction({ keys: texts });
  };
  const COUNTS = Array.from({ length: 32 }, (_, i) => i + 2);

  test("is found among any number of keys, wherever the two stand", () => {
    for (const count of COUNTS) {
      const keys = Array.from({ length: count }, (_, i) => key(i));
      for (const version of ["legacy", 1] as const) {
        expect(rig.digest({ payload: transaction(keys, version) }).never).toBe(0);
        for (let first = 0; first < count; first++) {
          for (let second = first + 1; second < count; second++) {
            const payload = transaction(keys.with(second, keys[first]), version);
            if (rig.digest({ payload }).never !== R.NEVER_DUPLICATE_KEY)
              throw new Error(`${first}, ${second} of ${count}`);
          }
        }
      }
    }
  }, 60_000);

  test("is not one that differs in any single byte, even where all fingerprints are equal", () => {
    for (const count of [2, 7, 8, 9, 16, 20, 33]) {
      for (let at = 0; at < 32; at++) {
        const keys = Array.from({ length: count }, (_, i) => key(0).with(at, i));
        expect(rig.digest({ payload: transaction(keys, 1) }).never).toBe(0);
        const twice = keys.with(count - 1, keys[0]);
        expect(rig.digest({ payload: transaction(twice, 1) }).never).toBe(R.NEVER_DUPLICATE_KEY);
      }
    }
  });

  test("is none with the number of a masked lane as its fingerprint", () => {
    for (let count = 8; count < 16; count++) {
      const keys = Array.from({ length: count }, (_, i) => key(i));
      for (let lane = 0; lane < 8; lane++) {
        for (let i = 0; i < count; i++) {
          const changed = keys.with(i, keys[i].with(12, lane).with(13, 0));
          expect(rig.digest({ payload: transaction(changed, 1) }).never).toBe(0);
        }
      }
    }
  });
});

describe("the reference's rule", () => {
  const reference = { feeModel: "reference" } as const;

  test("reads only the first 8 instructions, whatever they are", () => {
    const seven = new Array(7).fill(plain);
    expect(pay(build(...seven, limit(9)), reference).computeUnits).toBe(9);
    expect(pay(build(...seven, plain, limit(9)), reference).computeUnits).toBe(200_000);
    expect(pay(build(limit(9), ...seven, price(1_000_000n)), reference).lamports).toBe(5_000n);
  });

  test("takes exact lengths only, and the first of each kind", () => {
    const found = pay(build(budget(2, 1, 1, 1, 1, 1), limit(7), limit(8), price(3_000_000n), price(1n)), reference);
    expect(found).toMatchObject({ computeUnits: 7, price: 3_000_000n, lamports: 5_021n });
    expect(pay(build(budget(3, ...u32(1)), budget(2, ...u64(1n))), reference).computeUnits).toBe(200_000);
  });

  test("rounds down, caps no limit, and lets the sum wrap", () => {
    expect(pay(build(limit(1), price(999_999n)), reference).lamports).toBe(5_000n);
    expect(pay(build(limit(0xffffffff), price(1_000_000n)), reference).lamports).toBe(5_000n + 0xffffffffn);
    expect(pay(build(limit(0xffffffff), price(U64_MAX)), reference).lamports).toBe(4_999n);
    expect(pay(build(limit(1_000_000), price(U64_MAX)), reference).lamports).toBe(4_999n);
  });

  test("knows no precompiles", () => {
    const payload = oldTransaction({ keys: [PAYER, PRECOMPILES[0]], instructions: [{ data: [4] }] });
    expect(pay(payload, reference).lamports).toBe(5_000n);
  });
});

describe("v1", () => {
  test("has its priority fee and limit in the config values", () => {
    const found = pay(newTransaction({ signatures: 2, mask: 0b00111, config: [7, 1, 300_000] }));
    expect(found).toMatchObject({ computeUnits: 300_000, price: 0n, lamports: 10_007n + (1n << 32n) });
    expect(pay(newTransaction()).computeUnits).toBe(0);
    expect(pay(newTransaction({ mask: 4, config: [2_000_000] })).computeUnits).toBe(1_400_000);
  });

  test("is charged alike with a loaded-data limit of 0 and without one", () => {
    expect(pay(newTransaction({ mask: 0b01011, config: [9, 0, 0] }))).toMatchObject({ lamports: 5_009n, never: 0 });
    expect(pay(newTransaction({ mask: 0b00011, config: [9, 0] }))).toMatchObject({ lamports: 5_009n, never: 0 });
  });

  test("holds the sum at 2^64 - 1, and the reference lets it wrap", () => {
    const payload = newTransaction({ mask: 3, config: [0xffffffff, 0xffffffff] });
    expect(pay(payload).lamports).toBe(U64_MAX);
    expect(pay(payload, { feeModel: "reference" }).lamports).toBe(4_999n);
  });

  test("counts the signatures of precompiles, and reads no compute-budget instructions", () => {
    const keys = [PAYER, COMPUTE_BUDGET, PRECOMPILES[2]];
    const instructions = [limit(5), price(U64_MAX), { program: 2, accounts: [0, 1], data: [2, 9] }, { program: 2 }];
    expect(pay(newTransaction({ keys, instructions }))).toMatchObject({ lamports: 15_000n, computeUnits: 0, never: 0 });
  });
});

describe("arithmetic", () => {
  const anyU64 = fc.oneof(
    fc.bigInt({ min: 0n, max: U64_MAX }),
    fc.bigInt({ min: 0n, max: 40n }).map((n) => 1n << n),
  );
  const anyU32 = fc.oneof(fc.nat(0xffffffff), fc.nat(2_000_000), fc.constantFrom(0xffffffff, 1_400_000, 1_000_000));

  for (const feeModel of ["chain", "reference"] as const) {
    test(`of the ${feeModel} rule is exact for all limits and prices`, () => {
      rig.configure({ feeModel });
      fc.assert(
        fc.property(anyU32, anyU64, fc.integer({ min: 1, max: 3 }), (units, micro, signatures) => {
          const keys = [PAYER, COMPUTE_BUDGET, PROGRAM, "44".repeat(32)];
          const payload = oldTransaction({ keys, signatures, instructions: [limit(units), price(micro)] });
          const found = rig.digest({ payload });
          if (found.reason === R.UNSANITARY_PROGRAM_INDEX) return;
          const product = BigInt(feeModel === "chain" ? Math.min(units, 1_400_000) : units) * micro;
          const base = 5_000n * BigInt(signatures);
          const floor = product / 1_000_000n;
          const ceiling = (product + 999_999n) / 1_000_000n;
          const capped = (sum: bigint): bigint => (sum > U64_MAX ? U64_MAX : sum);
          const expected = feeModel === "chain" ? capped(base + ceiling) : (base + capped(floor)) & U64_MAX;
          expect(found.lamports).toBe(expected);
          expect(found.fee).toBe(Number(expected));
        }),
        { seed: 7, numRuns: 4_000 },
      );
    });
  }

  test("of any mixture of instructions equals the independent rule", () => {
    const ids = [...BUILTINS, ...NOT_BUILTINS];
    const keys = [PAYER, ...ids.slice(0, 13)];
    const instruction = fc.record({
      program: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: keys.length - 1 })),
      data: fc.oneof(
        fc.uint8Array({ maxLength: 12 }).map((bytes) => [...bytes]),
        fc.tuple(fc.integer({ min: 1, max: 4 }), anyU64).map(([kind, value]) => [kind, ...u64(value)]),
      ),
    });
    fc.assert(
      fc.property(fc.array(instruction, { maxLength: 12 }), fc.boolean(), fc.boolean(), (instructions, pre, chain) => {
        pay(oldTransaction({ keys, instructions }), { preSimd0170: pre, feeModel: chain ? "chain" : "reference" });
      }),
      { seed: 8, numRuns: 2_000 },
    );
  });
});
