import { expect, test } from "bun:test";
import { base58 } from "@scure/base";
import { Random } from "../../src/simulator/random.ts";
import {
  LEGACY_LIMIT_AT,
  LEGACY_MESSAGE_AT,
  LEGACY_PAYER_AT,
  LEGACY_PRICE_AT,
  NONCE_ACCOUNT_AT,
  NONCE_SHIFT_BYTES,
  NONCE_VALUE_AT,
  NUMBER_BYTES,
  nonceTemplate,
  V0_VERSION_BYTE,
  wireTemplate,
} from "../../src/simulator/wire-template.ts";

const BUDGET = base58.decode("ComputeBudget111111111111111111111111111111");

test.each(["legacy", "v0"] as const)("the offsets are where the fields are: %s", (version) => {
  const random = new Random(1n, "templates");
  for (let i = 0; i < 50; i++) {
    const { bytes } = wireTemplate(version, random);
    const shift = version === "v0" ? 1 : 0;
    expect(bytes[0]).toBe(1);
    if (version === "v0") expect(bytes[LEGACY_MESSAGE_AT]).toBe(V0_VERSION_BYTE);
    expect([...bytes.slice(LEGACY_MESSAGE_AT + shift, LEGACY_PAYER_AT + shift)]).toEqual([1, 0, 2, 4]);
    const keysAt = LEGACY_PAYER_AT + shift;
    expect(bytes.slice(keysAt + 64, keysAt + 96).toHex()).toBe(BUDGET.toHex());
    // Instruction data: the kind right in front of the number.
    expect([...bytes.slice(LEGACY_LIMIT_AT + shift - 4, LEGACY_LIMIT_AT + shift)]).toEqual([2, 0, 5, 2]);
    expect([...bytes.slice(LEGACY_PRICE_AT + shift - 4, LEGACY_PRICE_AT + shift)]).toEqual([2, 0, 9, 3]);
    // The last instruction's data reaches to the end, and has room for the number.
    const lengthAt = LEGACY_PRICE_AT + shift + 8 + 4;
    const dataBytes = bytes[lengthAt];
    expect(dataBytes).toBeGreaterThanOrEqual(NUMBER_BYTES);
    expect(lengthAt + 1 + dataBytes + shift).toBe(bytes.length);
    expect(bytes.length).toBeLessThan(1_232);
  }
});

test("a template on a durable nonce: its fields are where they are said to be", () => {
  const random = new Random(1n, "templates");
  for (let i = 0; i < 50; i++) {
    const { bytes } = nonceTemplate(random);
    expect([...bytes.slice(LEGACY_MESSAGE_AT, LEGACY_PAYER_AT)]).toEqual([1, 0, 4, 7]);
    expect(NONCE_ACCOUNT_AT).toBe(LEGACY_PAYER_AT + 2 * 32);
    expect(NONCE_VALUE_AT).toBe(LEGACY_PAYER_AT + 7 * 32);
    expect(bytes.slice(LEGACY_PAYER_AT + 3 * 32, LEGACY_PAYER_AT + 4 * 32).toHex()).toBe(BUDGET.toHex());
    const sysvar = bytes.slice(LEGACY_PAYER_AT + 6 * 32, LEGACY_PAYER_AT + 7 * 32);
    expect(base58.encode(sysvar)).toBe("SysvarRecentB1ockHashes11111111111111111111");
    const limitAt = LEGACY_LIMIT_AT + NONCE_SHIFT_BYTES;
    const priceAt = LEGACY_PRICE_AT + NONCE_SHIFT_BYTES;
    expect([...bytes.slice(limitAt - 4, limitAt)]).toEqual([3, 0, 5, 2]);
    expect([...bytes.slice(priceAt - 4, priceAt)]).toEqual([3, 0, 9, 3]);
    const lengthAt = priceAt + 8 + 4;
    expect(lengthAt + 1 + bytes[lengthAt]).toBe(bytes.length);
    expect(bytes.length).toBeLessThan(1_232);
  }
});
