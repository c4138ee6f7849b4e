// The packet layouts' table: what each row must be, and that the kernel has room for the largest.

import { expect, test } from "bun:test";
import { CHANNELS, capacityOf, elementBytes, PACKET_CHANNELS } from "../../src/shape/channels.ts";
import * as context from "../../src/shape/context-layout.ts";
import { FIELD_FLAGS_AT, FIELD_REMOTE_KEY_AT, PUBKEY_BYTES } from "../../src/shape/packet-layout.ts";
import {
  layoutOfBytes,
  PACKET_LAYOUT_NAMES,
  PACKET_LAYOUTS,
  PACKET_MAX_BYTES,
  PAYLOAD_MAX_BYTES,
  USUAL_PACKET_LAYOUT,
} from "../../src/shape/packet-layouts.ts";
import { INSTRUCTION_MIN_BYTES } from "../../src/shape/transaction-limits.ts";

test.each(PACKET_LAYOUT_NAMES)(
  "%s: its fields fit, vectors copy it, its channels' capacities are powers of two",
  (name) => {
    const shape = PACKET_LAYOUTS[name];
    const end = shape.hasRemoteKey ? FIELD_REMOTE_KEY_AT + PUBKEY_BYTES : FIELD_FLAGS_AT + 1;
    expect(shape.bytes).toBeGreaterThanOrEqual(shape.payloadMaxBytes + end);
    expect(shape.bytes % 16).toBe(0);
    // The payload's keyed hash reads whole vectors of 32 bytes, so up to 31 bytes behind the payload.
    expect(shape.bytes).toBeGreaterThanOrEqual(Math.ceil(shape.payloadMaxBytes / 32) * 32);
    expect(shape.sizeAt % 8).toBe(0);
    expect(layoutOfBytes(shape.bytes)).toBe(name);
    for (const spec of CHANNELS) {
      expect(Math.log2(capacityOf(spec, name)) % 1).toBe(0);
      expect(elementBytes(spec, name)).toBeGreaterThan(0);
    }
    for (const id of PACKET_CHANNELS) expect(elementBytes(CHANNELS[id], name)).toBe(shape.bytes);
  },
);

test("Agave's layouts are those of its packets (wire.md, 6)", () => {
  const { agave2, agave4 } = PACKET_LAYOUTS;
  const fields = { sizeAt: 1232, addressTagAt: 1240, addressAt: 1241, portAt: 1258, flagsAt: 1260 };
  expect(agave2).toMatchObject({ ...fields, bytes: 1264, payloadMaxBytes: 1232 });
  expect(agave2.remoteKeyAt).toBeUndefined();
  expect(agave4).toMatchObject({ ...fields, bytes: 1296, payloadMaxBytes: 1232, remoteKeyAt: 1261 });
  expect(USUAL_PACKET_LAYOUT).toBe("large");
  expect(layoutOfBytes(1_000)).toBeUndefined();
});

test("large is agave4 with a longer payload: all that stands behind it is moved by as much", () => {
  const { agave4, large } = PACKET_LAYOUTS;
  const moved = 4_096 - 1_232;
  expect(moved).toBe(2_864);
  for (const field of [
    "bytes",
    "payloadMaxBytes",
    "sizeAt",
    "addressTagAt",
    "addressAt",
    "portAt",
    "flagsAt",
  ] as const) {
    expect(large[field]).toBe(agave4[field] + moved);
  }
  expect(large.remoteKeyAt).toBe((agave4.remoteKeyAt ?? 0) + moved);
  expect(large).toMatchObject({ bytes: 4_160, sizeAt: 4_096, addressTagAt: 4_104, addressAt: 4_105, portAt: 4_122 });
  expect(large).toMatchObject({ flagsAt: 4_124, remoteKeyAt: 4_125, payloadMaxBytes: 4_096 });
  const capacities = CHANNELS.map((spec) => capacityOf(spec, "large"));
  expect(capacities).toEqual([16_384, 16_384, 16_384, 16_384, 16_384, 32_768, 1_048_576, 16_384]);
});

test("the kernel's context has room for the largest layout", () => {
  expect(PACKET_MAX_BYTES).toBe(Math.max(...Object.values(PACKET_LAYOUTS).map(({ bytes }) => bytes)));
  expect(context.PAYLOAD_KEYS_BYTES).toBeGreaterThanOrEqual(Math.ceil(PAYLOAD_MAX_BYTES / 32) * 32);
  const instructions = Math.floor(PAYLOAD_MAX_BYTES / INSTRUCTION_MIN_BYTES);
  expect(context.INSTRUCTION_NOTES_BYTES).toBeGreaterThanOrEqual(instructions * context.INSTRUCTION_NOTE_BYTES);
  expect(context.NOTE_DATA_AT_MASK).toBeGreaterThanOrEqual(PAYLOAD_MAX_BYTES);
  expect(2 ** (32 - context.NOTE_DATA_BYTES_SHIFT)).toBeGreaterThan(PAYLOAD_MAX_BYTES);
});
