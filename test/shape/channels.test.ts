// The channels' table: ids by name, and lists of ids by kind.

import { expect, test } from "bun:test";
import {
  CHANNEL,
  CHANNELS,
  CONFIRMED_CHANNEL,
  FAILED_CHANNEL,
  INPUT_CHANNELS,
  OUTCOME_CHANNEL,
  OUTPUT_CHANNEL,
  PACKET_CHANNELS,
  smallCapacities,
} from "../../src/shape/channels.ts";

test("an id is the place of the channel's name, and names are told apart", () => {
  for (const [id, { name }] of CHANNELS.entries()) expect(CHANNEL[name]).toBe(id);
  expect(new Set(CHANNELS.map(({ name }) => name)).size).toBe(CHANNELS.length);
});

test("every channel belongs to one list", () => {
  const single = [FAILED_CHANNEL, OUTCOME_CHANNEL, CONFIRMED_CHANNEL];
  expect(CHANNELS[OUTCOME_CHANNEL].name).toBe("sch_to_qos");
  expect([...PACKET_CHANNELS, ...single].sort()).toEqual([...INPUT_CHANNELS]);
  expect([...INPUT_CHANNELS, OUTPUT_CHANNEL].sort()).toEqual(CHANNELS.map((_, id) => id));
});

test("small capacities are by kind", () => {
  const capacities = smallCapacities(4, { packets: 16 });
  expect(capacities.length).toBe(CHANNELS.length);
  expect([capacities[CHANNEL.re2_to_qos], capacities[CHANNEL.qos_to_sig]]).toEqual([16, 4]);
});
