import { expect, test } from "bun:test";
import { generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import { RecordedSignatures } from "../../src/simulator/recorded-signatures.ts";

interface Built {
  readonly payload: Uint8Array;
  readonly signatures: number;
  readonly signatureAt: number;
  readonly keysAt: number;
}

const PAIRS = Array.from({ length: 3 }, () => generateKeyPairSync("ed25519"));
const rawKey = (i: number): Buffer => PAIRS[i].publicKey.export({ format: "der", type: "spki" }).subarray(-32);

/** A message with the signers' keys in it, and the signatures in front of it or behind. */
function built(signatures: number, message: "behind" | "in front", head: number, tail: number): Built {
  const keys = Array.from({ length: signatures }, (_, i) => rawKey(i));
  const text = Buffer.concat([Buffer.alloc(head, 3), ...keys, Buffer.alloc(tail, 5)]);
  const signed = Array.from({ length: signatures }, (_, i) => sign(null, text, PAIRS[i].privateKey));
  if (message === "in front") {
    return {
      payload: Uint8Array.from(Buffer.concat([text, ...signed])),
      signatures,
      signatureAt: text.length,
      keysAt: head,
    };
  }
  const payload = Uint8Array.from(Buffer.concat([Buffer.of(signatures), ...signed, text]));
  return { payload, signatures, signatureAt: 1, keysAt: 1 + 64 * signatures + head };
}

test("all signatures are checked, wherever the message lies, and any changed byte of either is found", () => {
  const checks = new RecordedSignatures();
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom("behind" as const, "in front" as const),
      fc.nat(20),
      fc.nat(60),
      fc.nat(),
      fc.integer({ min: 0, max: 7 }),
      (signatures, message, head, tail, place, bit) => {
        const one = built(signatures, message, head + 1, tail);
        expect(checks.areGood(one.payload, one)).toBe(true);
        const first = message === "behind" ? 1 : 0; // the count of signatures is no part of the message
        const at = first + (place % (one.payload.length - first));
        one.payload[at] ^= 1 << bit;
        expect(checks.areGood(one.payload, one)).toBe(false);
      },
    ),
    { seed: 11, numRuns: 150 },
  );
});
