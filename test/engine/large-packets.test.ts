// Large packets through a whole engine: each comes out with its payload's used bytes and its fields as it went in, small
// ones between them, and nothing is copied that means nothing.

import { expect, test } from "bun:test";
import { PACKET_CHANNELS } from "../../src/shape/channels.ts";
import { PACKET_LAYOUTS } from "../../src/shape/packet-layouts.ts";
import { newTransaction } from "../oracle/build.ts";
import { corpus, rig } from "./rig.ts";

const { bytes, sizeAt, addressAt, portAt, flagsAt, remoteKeyAt = 0 } = PACKET_LAYOUTS.large;
const OVERHEAD = newTransaction({ instructions: [{ data: [] }] }).length;
const COUNT = 600;

/** A packet's element: a v1 transaction of so many bytes, or one of the corpus, and garbage behind it. */
function elementOf(number: number): Uint8Array {
  const size = OVERHEAD + ((number * 977) % (4_097 - OVERHEAD));
  const data = Uint8Array.from({ length: size - OVERHEAD }, (_, i) => number * 31 + i * 7);
  const payload =
    number % 3 === 0
      ? corpus[number % corpus.length]
      : newTransaction({ mask: 3, config: [number, 1], instructions: [{ data }] });
  const element = new Uint8Array(bytes).fill(0xa5);
  element.set(payload.subarray(0, sizeAt));
  const view = new DataView(element.buffer);
  view.setBigUint64(sizeAt, BigInt(Math.min(payload.length, sizeAt)), true);
  element[sizeAt + 8] = 0;
  element.set([10, 0, number >> 8, number & 255], addressAt);
  view.setUint16(portAt, number, true);
  element[flagsAt] = 0x80;
  element.fill(number, remoteKeyAt, remoteKeyAt + 32);
  return element;
}

const keyOf = (element: Uint8Array): number => new DataView(element.buffer, element.byteOffset).getUint16(portAt, true);

test("they come out byte for byte, and the law is exact", () => {
  const engine = rig({ layout: { packetLayout: "large" }, kernel: { packetLayout: "large" } });
  const sent = new Map<number, Uint8Array>();
  for (let number = 0; number < COUNT; number++) {
    const element = elementOf(number);
    sent.set(number, element);
    engine.sendBytes(PACKET_CHANNELS[number % PACKET_CHANNELS.length], element);
  }
  engine.settle(1);
  engine.settle(1_000);
  const received = engine.received();
  expect(received.length).toBeGreaterThan(COUNT / 2);
  let large = 0;
  for (const element of received) {
    const original = sent.get(keyOf(element));
    if (original === undefined) throw new Error(`packet ${keyOf(element)} came out twice, or was never sent`);
    sent.delete(keyOf(element));
    const used = Number(new DataView(original.buffer).getBigUint64(sizeAt, true));
    if (used > 1_232) large += 1;
    expect(element.subarray(0, used)).toEqual(original.subarray(0, used));
    expect(element.subarray(sizeAt)).toEqual(original.subarray(sizeAt));
    // What lies behind the used bytes was not copied, but for the rest of a vector.
    const unused = element.subarray(Math.ceil(used / 16) * 16, sizeAt);
    expect(unused.every((byte) => byte === 0)).toBe(true);
  }
  expect(large).toBeGreaterThan(100);
  expect(engine.law(2_000)).toEqual({ total: COUNT, accounted: COUNT });
});
