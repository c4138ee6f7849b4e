// Laps at the worst moments: between the digest and its check, and between that check and the copy. A packet that may be
// torn has no effect at all: it is in no statistic but its channel's, in no store, in no queue.

import { expect, test } from "bun:test";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { burstOf } from "../../src/shape/channel-header.ts";
import { smallCapacities } from "../../src/shape/channels.ts";
import { ADDRESS_AT, ADDRESS_TAG_AT, FLAGS_AT, PORT_AT, SIZE_AT } from "../tools/agave-packet.ts";
import { corpus, type Rig, rig, salted } from "./rig.ts";

const CAPACITY = 64;
const REACH = CAPACITY - burstOf(CAPACITY);
const small = { layout: { channelCapacities: smallCapacities(64, { packets: CAPACITY, output: 1_024 }) } };

/** The producer runs ahead by a number of elements, as if it had written them. */
function runAhead(r: Rig, elements: number): void {
  const producer = r.parts.producers[0];
  producer.tail += elements;
  producer.sync();
}

test("what the producer overwrote while it was digested is thrown away, the rest of the group is not", () => {
  let r: Rig | undefined;
  let ahead = 0;
  r = rig({
    ...small,
    wrapKernel: (kernel: Kernel): Kernel => ({
      ...kernel,
      digest: (...args: Parameters<Kernel["digest"]>) => {
        kernel.digest(...args);
        if (ahead > 0) runAhead(r!, ahead);
        ahead = 0;
      },
    }),
  });
  for (let n = 0; n < 16; n++) r.sendUnique(0, n);
  ahead = REACH - 16 + 5; // five of the sixteen are out of reach now
  r.engine.turn(0);
  const { tpu_to_qos: channel } = r.snapshot(0).channels;
  expect(channel!.torn).toBe(5);
  // The elements behind the sixteen hold zeros: no transactions.
  expect(r.count("totalPackets")).toBe(channel!.received);
  expect(channel!.received + channel!.lapped + channel!.depth).toBe(channel!.tail);
  expect(r.snapshot(0).counters.partialMetas).toBe(11);
  expect(r.received().length).toBe(11);
});

test("what the producer overwrote while it was copied never was", () => {
  const r = rig(small);
  const { slots } = r.engine.queue;
  const claim = slots.claim.bind(slots);
  let overtake = 3;
  slots.claim = () => {
    if (overtake > 0 && --overtake === 0) runAhead(r, REACH - 8 + 3); // the third packet is out of reach now
    return claim();
  };
  for (let n = 0; n < 8; n++) r.sendUnique(0, n);
  r.engine.turn(0);
  const { counters, channels } = r.snapshot(0);
  expect(channels.tpu_to_qos!.torn).toBe(1);
  expect(counters.partialMetas).toBe(7);
  const sent = r.received().map((packet) => packet.subarray(1, 9).toString());
  const expected = [0, 1, 3, 4, 5, 6, 7].map((n) => salted(corpus[n], n).subarray(1, 9).toString());
  expect(new Set(sent)).toEqual(new Set(expected));
  // The same packet, sent again, is new.
  r.sendUnique(0, 2);
  r.settle(0);
  expect(r.count("duplicatePackets")).toBe(0);
});

const FIELDS: readonly (readonly [what: string, at: number, bytes: readonly number[]])[] = [
  ["a size beyond the payload", SIZE_AT, [0x60, 0xea]],
  ["the size's upper word", SIZE_AT + 4, [1]],
  ["the discard flag", FLAGS_AT, [1]],
  ["another address", ADDRESS_AT, [11]],
  ["another kind of address", ADDRESS_TAG_AT, [1]],
  ["another port", PORT_AT, [1, 2]],
];

test.each(FIELDS)("what is exchanged in the ring between the check and the copy never was: %s", (_, at, bytes) => {
  const r = rig({
    wrapKernel: (kernel) => ({
      ...kernel,
      fillSlot(slot, packet, ...rest) {
        if (exchange) r!.parts.arena.u8.set(bytes, packet + at);
        exchange = false;
        return kernel.fillSlot(slot, packet, ...rest);
      },
    }),
  });
  let exchange = true;
  for (let n = 0; n < 4; n++) r.sendUnique(0, n);
  r.settle(0);
  const { counters, channels } = r.snapshot(0);
  expect([counters.totalPackets, counters.bankingTransmissions, channels.tpu_to_qos!.torn]).toEqual([3, 3, 1]);
  expect(counters.partialMetas).toBe(3);
  for (const packet of r.received()) expect(packet[FLAGS_AT] & 1).toBe(0);
});

test("senders of every kind pass that check: IPv4, IPv6, and IPv4 inside IPv6", () => {
  const r = rig();
  const v6 = [0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
  const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 9, 8, 7, 6];
  for (const [n, ip] of [[10, 1, 2, 3], v6, mapped].entries()) r.sendUnique(0, n, ip);
  r.settle(0);
  expect(r.received().length).toBe(3);
  expect(r.snapshot(0).channels.tpu_to_qos!.torn).toBe(0);
});
