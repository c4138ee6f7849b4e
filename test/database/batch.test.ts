import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Batch, batchBytes, decodeBatch, encodeBatch, encodedBytes } from "../../src/database/batch.ts";
import { fateRows, rowsOf, transactionRows } from "../../src/database/rows.ts";
import { RECORD_BYTES, RECORD_END_AT } from "../../src/shape/record-layout.ts";
import { batchOf } from "./rig.ts";

const rowsBatch = (text: string): Batch => ({
  kind: "statistics",
  session: "session",
  host: "hôte",
  wallOffsetMs: 1.5,
  count: 1,
  payload: Buffer.from(text),
});

describe("a batch as bytes", () => {
  test("comes back as it was", () => {
    for (const batch of [batchOf("transactions", 3), batchOf("fates", 1), rowsBatch("[{}]")]) {
      const bytes = encodeBatch(batch);
      expect(encodedBytes(bytes)).toBe(bytes.length);
      const back = decodeBatch(bytes);
      expect({ ...back, payload: [...(back?.payload ?? [])] }).toEqual({ ...batch, payload: [...batch.payload] });
      expect(batchBytes(batch)).toBeWithin(bytes.length - 2, bytes.length + 1);
    }
  });

  test("is refused where any one byte is another", () => {
    const bytes = encodeBatch(rowsBatch('[{"name":"x"}]'));
    for (let i = 0; i < bytes.length; i++) {
      const damaged = bytes.slice();
      damaged[i] ^= 0x10;
      expect(decodeBatch(damaged)).toBeUndefined();
    }
  });

  test("is refused where it is cut short, too long or anything else", () => {
    const bytes = encodeBatch(rowsBatch("[]"));
    for (let length = 0; length < bytes.length; length++)
      expect(decodeBatch(bytes.subarray(0, length))).toBeUndefined();
    expect(decodeBatch(Buffer.concat([bytes, Buffer.alloc(1)]))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => decodeBatch(noise) === undefined),
      { seed: 7, numRuns: 500 },
    );
  });
});

describe("rows", () => {
  test("of outcomes say what the record says, in the world's time", () => {
    const batch = batchOf("transactions", 3, "abc", 50);
    const [first, second] = transactionRows(batch);
    expect(first).toEqual({
      session: "abc",
      sequence: 0,
      completedUs: (batch.wallOffsetMs + 1_000) * 1_000,
      host: "host",
      packetHash: `00000032${(Math.imul(51, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0")}`,
      signatureKey: "0000000000000033",
      ip: "10.0.0.50",
      payer: "11111111111111111111111111111111",
      feeLamports: 5_050,
      computeUnits: 1_000,
      score: 12.5,
      arrivalUs: (batch.wallOffsetMs + 960) * 1_000,
      transmitUs: (batch.wallOffsetMs + 984) * 1_000,
      included: true,
      failedSignature: false,
      executionNs: 100_000,
    });
    expect(second).toMatchObject({ included: false, executionNs: 0, sequence: 1 });
  });

  test("of fates have the factors where the packet was scored", () => {
    const [row] = fateRows(batchOf("fates", 1));
    expect(row).toMatchObject({
      ending: "bankingTransmissions",
      channel: "tpu_to_qos",
      door: 0.5,
      ipScore: 2,
      payerScore: 3,
    });
  });

  test("are storable whatever bytes a record holds", () => {
    const storable = (value: unknown): boolean =>
      value === null ||
      typeof value === "boolean" ||
      (typeof value === "string" && value.length < 100) ||
      (typeof value === "number" && Number.isFinite(value));
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: RECORD_BYTES, maxLength: RECORD_BYTES }),
        fc.integer({ min: 0, max: 20 }),
        fc.constantFrom("transactions" as const, "fates" as const),
        (payload, end, kind) => {
          payload[RECORD_END_AT] = end;
          const batch = { kind, session: "s", host: "h", wallOffsetMs: 0, count: 1, payload };
          for (const row of rowsOf(batch)) {
            for (const value of Object.values(row)) expect(storable(value)).toBe(true);
          }
        },
      ),
      { seed: 11, numRuns: 2_000 },
    );
  });

  test("that are no rows are a problem of the batch", () => {
    expect(() => rowsOf(rowsBatch("{}"))).toThrow("cannot be read");
    expect(() => rowsOf(rowsBatch("[{"))).toThrow("cannot be read");
  });
});
