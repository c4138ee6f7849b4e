import { describe, expect, test } from "bun:test";
import { type ChannelLook, describeLook } from "../../../src/cli/channels/channel-look.ts";

const REPORT: ChannelLook = {
  channel: "qos_to_sig",
  path: "/dev/shm/qos_to_sig",
  from: "qos",
  to: "sigverify",
  capacity: 32_768,
  elementBytes: 1264,
  bytes: 41_422_848,
  mode: "0660",
  owner: "sol",
  group: "validator",
  tail: 2n ** 64n - 1n,
  head: 0n,
  producerHeartbeat: 77n,
  consumerHeartbeat: 0n,
  elementsPerSecond: 40_000,
  producerAlive: true,
  consumerAlive: false,
  lockedBy: 4711,
  seedStored: undefined,
};

describe("a channel's look", () => {
  test("says everything in a few lines", () => {
    expect(describeLook(REPORT)).toEqual([
      "channel   qos_to_sig, from qos to sigverify",
      "file      /dev/shm/qos_to_sig, 41422848 bytes, 0660 sol:validator",
      "elements  32768 of 1264 bytes",
      "tail      18446744073709551615 published, 40000/s",
      "producer  alive, heartbeat 77",
      "consumer  still, heartbeat 0",
      "locked by process 4711",
    ]);
  });

  test("speaks of the lock and of the seed only where there is something to say", () => {
    const lines = describeLook({ ...REPORT, lockedBy: undefined, seedStored: true });
    expect(lines).toHaveLength(7);
    expect(lines.at(-1)).toBe("seed      stored");
    expect(describeLook({ ...REPORT, lockedBy: undefined, seedStored: false }).at(-1)).toBe("seed      none");
  });
});
