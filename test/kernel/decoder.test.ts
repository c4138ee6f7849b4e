// The decoder: what single transactions say, in words.

import { describe, expect, test } from "bun:test";
import { base58 } from "@scure/base";
import { TransactionDecoder } from "../../src/kernel/decoder.ts";
import { MALFORMED_EMPTY, MALFORMED_OVERSIZED, NEVER_BUDGET_TWICE } from "../../src/shape/reason-codes.ts";
import { newTransaction, oldTransaction, PAYER, u32, u64 } from "../oracle/build.ts";
import { COMPUTE_BUDGET } from "../oracle/transaction.ts";
import { corpus, hex16, KernelRig } from "./rig.ts";

const options = { feeModel: "chain", preSimd0170: false, packetLayout: "agave2" } as const;

describe("a decoder", () => {
  const keys = [PAYER, COMPUTE_BUDGET];
  const priced = [{ data: [2, ...u32(50_000)] }, { data: [3, ...u64((1n << 60n) + 1n)] }];

  test("gives exact numbers", () => {
    const decoder = new TransactionDecoder(options);
    expect(decoder.decode(oldTransaction({ keys, instructions: priced, lookups: [] }))).toMatchObject({
      version: 0,
      feePayer: base58.encode(Uint8Array.fromHex(PAYER)),
      signatures: 1,
      computeUnitLimit: 50_000,
      computeUnitPrice: (1n << 60n) + 1n,
      fee: 5_000n + (50_000n * ((1n << 60n) + 1n) + 999_999n) / 1_000_000n,
      never: 0,
    });
    const twice = decoder.decode(oldTransaction({ keys, instructions: [...priced, ...priced] }));
    expect(twice).toMatchObject({ fee: 0n, never: NEVER_BUDGET_TWICE, version: "legacy" });
    expect(decoder.decode(newTransaction())).toMatchObject({ version: 1, computeUnitPrice: 0n });
  });

  test("gives the first signature, whose folded words are its key, of each version", () => {
    const decoder = new TransactionDecoder(options);
    const signature = Uint8Array.from({ length: 128 }, (_, i) => (i * 37 + 11) & 255);
    const fold = (text: string): string => {
      const bytes = base58.decode(text);
      const groups = [7, 6, 5, 4, 3, 2, 1, 0].map((group) => bytes.subarray(8 * group, 8 * group + 8));
      return Buffer.from(groups.map((octets) => octets.reduce((sum, octet) => sum ^ octet, 0))).toString("hex");
    };
    for (const payload of [...corpus(), newTransaction()]) {
      const found = decoder.decode(payload);
      if (typeof found === "number") throw new Error(`reason ${found}`);
      expect(fold(found.signature)).toBe(found.signatureKey);
    }
    const signed = newTransaction();
    const { signatures } = decoder.decode(signed) as { signatures: number };
    signed.set(signature.subarray(0, 64 * signatures), signed.length - 64 * signatures);
    expect(decoder.decode(signed)).toMatchObject({ signature: base58.encode(signature.slice(0, 64)) });
  });

  test("says the reason where there is no transaction, and goes on", () => {
    const decoder = new TransactionDecoder(options);
    expect(decoder.decode(new Uint8Array(0))).toBe(MALFORMED_EMPTY);
    expect(decoder.decode(new Uint8Array(1_233))).toBe(MALFORMED_OVERSIZED);
    expect(decoder.decode(new Uint8Array(100_000))).toBe(MALFORMED_OVERSIZED);
    expect(decoder.decode(corpus()[0])).toMatchObject({ fee: 5_000n });
  });

  for (const packetLayout of ["agave2", "agave4"] as const) {
    test(`gives the packet hash of any sender, ${packetLayout}`, () => {
      const xxhashSeed = (1n << 64n) - 7n;
      const decoder = new TransactionDecoder({ ...options, packetLayout, xxhashSeed });
      const rig = new KernelRig({ xxhashSeed });
      for (const octets of [Uint8Array.of(1, 2, 3, 4), Uint8Array.from({ length: 16 }, (_, i) => i * 11)]) {
        const payload = corpus()[3];
        const { hash, signatureKey } = rig.digest({ payload, octets });
        const expected = { packetHash: hex16(hash), signatureKey: hex16(signatureKey) };
        expect(decoder.decode(payload, octets)).toMatchObject(expected);
      }
    });
  }
});
