import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { decodeCheckpoint, encodeCheckpoint, type SavedScores } from "../../../src/sidecar/scores/checkpoint.ts";

const scores = fc.double({ noNaN: true, noDefaultInfinity: true });
const saved: fc.Arbitrary<SavedScores> = fc.nat(20).chain((rows) =>
  fc.record({
    model: fc.constantFrom("ip-signer", "ip-signer-stake"),
    tables: fc.tuple(
      fc.record({
        name: fc.constant("ips"),
        keyBytes: fc.constant(8),
        keys: fc.uint8Array({ minLength: rows * 8, maxLength: rows * 8 }),
        traits: fc.uint8Array({ minLength: rows, maxLength: rows }),
        scores: fc.array(scores, { minLength: rows, maxLength: rows }).map((list) => Float64Array.from(list)),
      }),
      fc.record({
        name: fc.constant("payers"),
        keyBytes: fc.constant(32),
        keys: fc.uint8Array({ minLength: rows * 32, maxLength: rows * 32 }),
        traits: fc.uint8Array({ minLength: rows, maxLength: rows }),
        scores: fc.array(scores, { minLength: rows, maxLength: rows }).map((list) => Float64Array.from(list)),
      }),
    ),
  }),
);

const SAMPLE: SavedScores = {
  model: "ip-signer",
  tables: [
    {
      name: "ips",
      keyBytes: 8,
      keys: Uint8Array.from({ length: 24 }, (_, i) => i),
      traits: Uint8Array.of(0, 1, 0),
      scores: Float64Array.of(1.5, 0, 1e-300),
    },
  ],
};

/** The same bytes with a right checksum, so that the checks behind it are reached. */
function resealed(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy.set(createHash("sha256").update(copy.subarray(0, -32)).digest(), copy.length - 32);
  return copy;
}

const reasonOf = (bytes: Uint8Array, model = "ip-signer"): string => {
  const decoded = decodeCheckpoint(bytes, model);
  return decoded.state === "bad" ? decoded.reason : "good";
};

test("what was saved is read back to the last bit", () => {
  fc.assert(
    fc.property(saved, (original) => {
      const decoded = decodeCheckpoint(encodeCheckpoint(original), original.model);
      expect(decoded).toEqual({ state: "good", scores: original });
    }),
  );
});

describe("refuses", () => {
  test("every file that was cut short", () => {
    const bytes = encodeCheckpoint(SAMPLE);
    for (let length = 0; length < bytes.length; length++) expect(reasonOf(bytes.subarray(0, length))).not.toBe("good");
  });

  test("every file with a changed byte", () => {
    const bytes = encodeCheckpoint(SAMPLE);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] ^= 1 + (at % 255);
      expect(reasonOf(changed)).not.toBe("good");
    }
  });

  test("another file, another version, another model, bytes behind its end", () => {
    const bytes = encodeCheckpoint(SAMPLE);
    expect(reasonOf(new Uint8Array(100))).toBe("it is not a checkpoint of scores");
    expect(reasonOf(new Uint8Array(0))).toBe("it has only 0 bytes");
    const newer = bytes.slice();
    newer[8] = 2;
    expect(reasonOf(resealed(newer))).toBe("its version is 2, and 1 is the one that is read");
    expect(reasonOf(bytes, "ip-signer-stake")).toBe('it is of the model "ip-signer", and this one is ip-signer-stake');
    const longer = new Uint8Array(bytes.length + 8);
    longer.set(bytes.subarray(0, -32));
    expect(reasonOf(resealed(longer))).toBe("8 bytes follow its tables");
  });

  test("a header that lies, whatever stands in it", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(255), (at, value) => {
        const bytes = encodeCheckpoint(SAMPLE);
        bytes[8 + (at % (bytes.length - 40))] = value;
        expect(["good", "bad"]).toContain(decodeCheckpoint(resealed(bytes), "ip-signer").state);
      }),
    );
    const header = (text: string): Uint8Array => {
      const bytes = new Uint8Array(16 + 8 * Math.ceil(text.length / 8) + 32);
      bytes.set(encodeCheckpoint(SAMPLE).subarray(0, 12));
      new DataView(bytes.buffer).setUint32(12, text.length, true);
      bytes.set(new TextEncoder().encode(text), 16);
      return resealed(bytes);
    };
    expect(reasonOf(header("null"))).toBe("its header is not one");
    expect(reasonOf(header('{"model":"ip-signer"}'))).toBe("its header is not one");
    for (const table of [
      "null",
      "{}",
      '{"name":"x","keyBytes":-1,"rows":1}',
      '{"name":"x","keyBytes":8,"rows":1e99}',
    ]) {
      expect(reasonOf(header(`{"model":"ip-signer","tables":[${table}]}`))).toBe("its header describes no tables");
    }
    expect(reasonOf(header('{"model":"ip-signer","tables":[{"name":"x","keyBytes":8,"rows":1000}]}'))).toBe(
      'its table "x" is cut short',
    );
    expect(reasonOf(header("{"))).toContain("JSON");
  });
});
