// The main thread's side of the channels, with the test as the loop.

import { afterEach, describe, expect, test } from "bun:test";
import { closeSync, existsSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { createChannel } from "../../src/channel/files.ts";
import { CHANNEL_ABSENT, CHANNEL_ATTACHED, CHANNEL_LEAVING, CHANNEL_OFFERED } from "../../src/engine/mailbox.ts";
import type { Snapshot } from "../../src/engine/status.ts";
import { CONSUMER_HEARTBEAT_AT, TAIL_AT } from "../../src/shape/channel-header.ts";
import { CHANNELS, OUTCOME_CHANNEL, OUTPUT_CHANNEL } from "../../src/shape/channels.ts";
import { PACKET_LAYOUTS } from "../../src/shape/packet-layouts.ts";
import { Channels } from "../../src/sidecar/channel-files.ts";
import { MemoryLog, type SmallMemory, smallMemory } from "./parts.ts";
import { Peer, TPU } from "./peer.ts";
import { freshPrefix } from "./sidecar-process.ts";

const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const undo of cleanup.splice(0).reverse()) undo();
});

interface Stage {
  readonly peer: Peer;
  readonly memory: SmallMemory;
  readonly log: MemoryLog;
  readonly channels: Channels;
  /** What the loop would do with the mailbox. */
  turn(): void;
  states(): number[];
}

function stage(seed?: bigint): Stage {
  const peer = new Peer(freshPrefix());
  const memory = smallMemory();
  const log = new MemoryLog();
  const channels = new Channels({ ...memory, place: { pages: "standard", prefix: peer.prefix }, log, seed });
  cleanup.push(() => peer.close());
  cleanup.push(() => channels.closeAll());
  const { mailbox } = memory;
  return {
    peer,
    memory,
    log,
    channels,
    turn: () => {
      for (let id = 0; id < CHANNELS.length; id++) {
        const state = mailbox.channelState(id);
        if (state === CHANNEL_OFFERED) mailbox.setChannelState(id, CHANNEL_ATTACHED);
        if (state === CHANNEL_LEAVING) mailbox.setChannelState(id, CHANNEL_ABSENT);
      }
    },
    states: () => CHANNELS.map((_, id) => mailbox.channelState(id)),
  };
}

/** A picture of the loop in which one channel's tail is behind its head. */
function behind(id: number): Snapshot {
  const channels = Object.fromEntries(CHANNELS.map(({ name }, other) => [name, { depth: other === id ? -5 : 0 }]));
  return { channels } as unknown as Snapshot;
}

test("a channel that is made again with another packet layout is refused: the sidecar must be started again", () => {
  const { peer, channels, states, turn, log } = stage();
  peer.open(TPU);
  channels.openAll({});
  channels.offerAll();
  turn();
  rmSync(peer.path(TPU));
  const { bytes, capacities } = PACKET_LAYOUTS.large;
  createChannel(peer.path(TPU), { capacity: capacities.packets, elementBytes: bytes });
  for (let look = 0; look < 3; look++) {
    channels.look(null);
    turn();
  }
  expect(states()[TPU]).toBe(CHANNEL_ABSENT);
  const said = log.lines.filter((line) => line.includes("it has packets of --packet-layout large, and this is agave2"));
  expect(said).toEqual([expect.stringContaining("a sidecar takes another layout when it is started again")]);
});

describe("at the start", () => {
  test("opens what is there, creates the output, offers nothing before it is told to", () => {
    const { peer, channels, states, turn } = stage();
    peer.open(TPU);
    expect(channels.openAll({})).toBeUndefined();
    expect(channels.absent(() => true)).toHaveLength(6);
    expect(states()).toEqual(Array(8).fill(CHANNEL_ABSENT));
    channels.offerAll();
    turn();
    expect(states()[TPU]).toBe(CHANNEL_ATTACHED);
    expect(states()[OUTPUT_CHANNEL]).toBe(CHANNEL_ATTACHED);
    expect(states().filter((state) => state === CHANNEL_ATTACHED)).toHaveLength(2);
  });

  test("says what is wrong with a channel and touches nothing", () => {
    const { peer, channels } = stage();
    writeFileSync(peer.path(OUTCOME_CHANNEL), "x".repeat(1_000));
    expect(channels.openAll({})).toStartWith(`${peer.path(OUTCOME_CHANNEL)} is not a channel`);
  });

  test("two sidecars do not share an output", () => {
    const { peer, channels } = stage();
    expect(channels.openAll({})).toBeUndefined();
    const place = { pages: "standard" as const, prefix: peer.prefix };
    const second = new Channels({ ...smallMemory(), place, log: new MemoryLog(), seed: 1n });
    expect(second.openAll({})).toMatch(new RegExp(`in use: process ${process.pid} `));
    second.closeAll();
  });

  test("a seed that is given is stored, a standing one is taken over, else one is drawn", () => {
    const given = stage(77n);
    given.peer.open(OUTCOME_CHANNEL);
    given.peer.seed = 5n;
    given.channels.openAll({});
    expect([given.channels.seed, given.peer.seed]).toEqual([77n, 77n]);
    const standing = stage();
    standing.peer.open(OUTCOME_CHANNEL);
    standing.peer.seed = 2n ** 64n - 1n;
    standing.channels.openAll({});
    expect([standing.channels.seed, standing.peer.seed]).toEqual([2n ** 64n - 1n, 2n ** 64n - 1n]);
    const drawn = stage();
    drawn.peer.open(OUTCOME_CHANNEL);
    drawn.channels.openAll({});
    expect(drawn.channels.seed).not.toBe(0n);
    expect(drawn.peer.seed).toBe(drawn.channels.seed);
    // A given zero is a seed like any other.
    const zero = stage(0n);
    zero.peer.open(OUTCOME_CHANNEL);
    zero.peer.seed = 5n;
    zero.channels.openAll({});
    expect(zero.peer.seed).toBe(0n);
  });
});

describe("an output that the sidecar created", () => {
  const output = (peer: Peer) => peer.path(OUTPUT_CHANNEL);
  /** Opens, lets others come, and closes. @returns whether the file is still there */
  function stays(come: (peer: Peer, channels: Channels) => void): boolean {
    const { peer, channels } = stage(1n);
    expect(channels.openAll({})).toBeUndefined();
    come(peer, channels);
    channels.closeAll();
    const there = existsSync(output(peer));
    rmSync(output(peer), { force: true });
    return there;
  }

  test("is removed at the end where nobody came: a mistyped prefix leaves nothing", () => {
    expect(stays(() => undefined)).toBe(false);
  });

  test("stays where an input was there, the consumer beat, or somebody else made it again", () => {
    const overwrite = (path: string, at: number, value: bigint) => {
      const fd = openSync(path, "r+");
      writeSync(fd, new BigUint64Array([value]), 0, 8, at);
      closeSync(fd);
    };
    expect(
      stays((peer, channels) => {
        peer.open(TPU);
        channels.look(null);
      }),
    ).toBe(true);
    expect(stays((peer) => overwrite(output(peer), CONSUMER_HEARTBEAT_AT, 1n))).toBe(true);
    expect(stays((peer) => overwrite(output(peer), TAIL_AT, 1n))).toBe(true);
    expect(
      stays((peer) => {
        rmSync(output(peer));
        writeFileSync(output(peer), "another's");
      }),
    ).toBe(true);
  });

  test("that was there before stays", () => {
    const { peer, channels } = stage(1n);
    createChannel(output(peer), { capacity: 32_768, elementBytes: 1264 });
    expect(channels.openAll({})).toBeUndefined();
    channels.closeAll();
    expect(existsSync(output(peer))).toBe(true);
    rmSync(output(peer));
  });
});

describe("later", () => {
  function running(seed = 9n): Stage {
    const all = stage(seed);
    all.peer.open(TPU);
    expect(all.channels.openAll({})).toBeUndefined();
    all.channels.offerAll();
    all.turn();
    return all;
  }

  test("a channel that appears is offered, with the seed in it", () => {
    const { peer, channels, states, log, turn } = running();
    expect(channels.look(null)).toBe(false);
    expect(states()[OUTCOME_CHANNEL]).toBe(CHANNEL_ABSENT);
    peer.open(OUTCOME_CHANNEL);
    channels.look(null);
    expect(states()[OUTCOME_CHANNEL]).toBe(CHANNEL_OFFERED);
    expect(peer.seed).toBe(9n);
    channels.look(null); // the loop has not come to it yet
    turn();
    expect(states()[OUTCOME_CHANNEL]).toBe(CHANNEL_ATTACHED);
    expect(log.lines.filter((line) => line.includes("sch_to_qos joined"))).toHaveLength(1);
  });

  test("a channel created again leaves the loop first, and only then its memory", () => {
    const { peer, channels, states, turn, memory } = running();
    const at = memory.layout.channels[TPU].at / 8;
    peer.send(TPU, new Uint8Array(10));
    peer.sync(TPU);
    peer.remove(TPU);
    peer.open(TPU);
    expect(channels.look(null)).toBe(true);
    expect(states()[TPU]).toBe(CHANNEL_LEAVING);
    expect(memory.arena.u64[at]).toBe(1n); // the old file is still mapped
    expect(channels.look(null)).toBe(true);
    turn();
    expect(channels.look(null)).toBe(false);
    expect(states()[TPU]).toBe(CHANNEL_OFFERED);
    expect(memory.arena.u64[at]).toBe(0n); // the new one is
  });

  test("a channel that is gone is let go of, said once, and awaited", () => {
    const { peer, channels, states, turn, log } = running();
    peer.remove(TPU);
    channels.look(null);
    turn();
    for (let i = 0; i < 3; i++) channels.look(null);
    expect(states()[TPU]).toBe(CHANNEL_ABSENT);
    expect(log.lines.filter((line) => line.includes("is gone"))).toHaveLength(1);
    expect(log.faults.detached).toMatchObject({ tpu_to_qos: 1, fwd_to_qos: 0 });
  });

  test("a tail behind the head, and a file cut short, are reasons to join anew", () => {
    const { peer, channels, states, turn, log } = running();
    expect(channels.look(behind(TPU))).toBe(true);
    turn();
    channels.look(null);
    expect(states()[TPU]).toBe(CHANNEL_OFFERED);
    turn();
    truncateSync(peer.path(TPU), 4_096);
    channels.look(null);
    turn();
    channels.look(null);
    channels.look(null);
    expect(states()[TPU]).toBe(CHANNEL_ABSENT);
    expect(log.lines.filter((line) => line.includes("was cut short to 4096 bytes"))).toHaveLength(1);
    expect(log.lines.filter((line) => line.includes("has 4096 bytes"))).toHaveLength(1);
  });

  test("the output is created again where it was removed", () => {
    const { peer, channels, states, turn } = running();
    peer.remove(OUTPUT_CHANNEL);
    channels.look(behind(OUTPUT_CHANNEL));
    turn();
    channels.look(null);
    expect([states()[OUTPUT_CHANNEL], existsSync(peer.path(OUTPUT_CHANNEL))]).toEqual([CHANNEL_OFFERED, true]);
  });
});
