// Laps of the channels that come back: what their producer overwrote while it was read is not believed.

import { expect, test } from "bun:test";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { burstOf } from "../../src/shape/channel-header.ts";
import { CHANNELS, CONFIRMED_CHANNEL, OUTCOME_CHANNEL } from "../../src/shape/channels.ts";
import { type Rig, rig } from "./rig.ts";

const CAPACITY = 64;
const REACH = CAPACITY - burstOf(CAPACITY);
const TORN = 5;
const GROUP = 16;

/**
 * An engine whose producer of a channel runs ahead while the kernel reads a first group from it.
 * @param wrap the kernel, with a call that runs the race behind its own work
 */
function racing(channel: number, wrap: (kernel: Kernel, race: () => void) => Kernel): Rig {
  let r: Rig | undefined;
  let raced = false;
  const race = (): void => {
    const producer = r?.parts.producers[channel];
    if (raced || producer === undefined) return;
    raced = true;
    producer.tail += REACH - GROUP + TORN;
    producer.sync();
  };
  const capacities = CHANNELS.map((_, id) => (id === channel ? CAPACITY : 1_024));
  r = rig({
    layout: { channelCapacities: capacities },
    wrapKernel: (kernel) => wrap(kernel, race),
  });
  return r;
}

test("outcomes that were overwritten while they were read are thrown away, and nothing is learned from them", () => {
  const r = racing(OUTCOME_CHANNEL, (kernel, race) => ({
    ...kernel,
    digestOutcomes: (...args) => {
      kernel.digestOutcomes(...args);
      race();
    },
  }));
  for (let n = 0; n < GROUP; n++) r.sendUnique(0, n);
  r.settle(0);
  const sent = r.received();
  expect(sent).toHaveLength(GROUP);
  for (const packet of sent) r.sendBytes(OUTCOME_CHANNEL, r.outcomeOf(packet, 1_000));
  r.engine.turn(1);
  const channel = r.snapshot(1).channels[CHANNELS[OUTCOME_CHANNEL].name];
  expect(channel.torn).toBe(TORN);
  expect(r.count("included")).toBe(GROUP - TORN);
  // Behind the sixteen stand zeros: outcomes of no packet.
  expect(channel.received).toBe(r.count("included") + r.count("unknownOutcomes"));
});

test("confirmed signatures that were overwritten while they were read are not remembered", () => {
  const r = racing(CONFIRMED_CHANNEL, (kernel, race) => ({
    ...kernel,
    digestSignatures: (...args) => {
      kernel.digestSignatures(...args);
      race();
    },
  }));
  for (let n = 0; n < GROUP; n++) r.sendBytes(CONFIRMED_CHANNEL, Uint8Array.of(n + 1, ...new Uint8Array(63)));
  r.engine.turn(0);
  const channel = r.snapshot(0).channels[CHANNELS[CONFIRMED_CHANNEL].name];
  expect(channel.torn).toBe(TORN);
  expect(channel.received).toBe(r.count("recentSignaturesReceived"));
  // Those of the sixteen that were whole, and the zeros behind them, which are one signature.
  expect(r.engine.recent.size).toBe(GROUP - TORN + 1);
});
