import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { showerOf } from "../../../src/cli/channels/elements.ts";
import { toJson } from "../../../src/cli/output.ts";
import { CHANNELS, elementBytes } from "../../../src/shape/channels.ts";
import type { PacketLayout } from "../../../src/shape/packet-layouts.ts";
import { SIZE_AT } from "../../tools/agave-packet.ts";

describe("elements in words", () => {
  for (const layout of ["agave2", "agave4"] as const satisfies PacketLayout[]) {
    for (const kind of ["packets", "outcomes", "confirmed", "failed", "output"] as const) {
      test(`${kind} of ${layout}: any bytes give one line of text and one of JSON`, () => {
        const spec = CHANNELS.find((channel) => channel.kind === kind) as (typeof CHANNELS)[number];
        const bytes = elementBytes(spec, layout);
        const show = showerOf(kind, { packetLayout: layout, seed: 420n });
        // a size that is right now and then, so that payloads are reached
        const sizes = fc.option(fc.nat(1_300), { nil: undefined });
        fc.assert(
          fc.property(
            fc.nat(),
            fc.uint8Array({ minLength: bytes, maxLength: bytes }),
            sizes,
            (index, element, size) => {
              if (size !== undefined && bytes > SIZE_AT) {
                new DataView(element.buffer).setBigUint64(SIZE_AT, BigInt(size), true);
              }
              const { fields, text } = show(index, element);
              expect(text).toStartWith(`${index}  `);
              expect(text).not.toContain("\n");
              expect(JSON.parse(toJson(fields)).index).toBe(index);
            },
          ),
          { seed: 7, numRuns: 200 },
        );
      });
    }
  }

  test("an element is read where it lies in a larger buffer", () => {
    const buffer = new Uint8Array(64).fill(0xff);
    buffer.set([1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0], 24);
    const { fields } = showerOf("outcomes", { packetLayout: "agave2", seed: undefined })(5, buffer.subarray(24, 40));
    expect(fields).toEqual({ index: 5, packetHash: "0000000000000001", executionNanos: 2n, included: true });
  });
});
