// Laps at the worst moments: between the digest and its check, and between that check and the copy. A packet that may be
// torn has no effect at all: it is in no statistic but its channel's, in no store, in no queue.

import { expect, test } from "bun:test";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { burstOf } from "../../src/shape/channel-header.ts";
import { smallCapacities } from "../../src/shape/channels.ts";
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
  const { queue } = r.engine;
  const claim = queue.claim.bind(queue);
  let overtake = 3;
  queue.claim = () => {
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
