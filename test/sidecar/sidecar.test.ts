// Whole sidecars in processes of their own, with this process as the validator.

import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CONFIRMED_CHANNEL, FAILED_CHANNEL, OUTCOME_CHANNEL, OUTPUT_CHANNEL } from "../../src/shape/channels.ts";
import { corpus, salted } from "../engine/rig.ts";
import { Peer, removeChannels, TPU } from "./peer.ts";
import { freshPrefix, lawOf, SidecarProcess, until } from "./sidecar-process.ts";

const peers: Peer[] = [];
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});

/** A validator with these channels open. */
function validator(ids: readonly number[]): Peer {
  const peer = new Peer(freshPrefix());
  peers.push(peer);
  for (const id of ids) peer.open(id);
  return peer;
}

const ALL_INPUTS = [0, 1, 2, 3, FAILED_CHANNEL, OUTCOME_CHANNEL, CONFIRMED_CHANNEL];

/** The layout of the validator's packets, for starts without a channel that says it. */
const NAMED = ["--packet-layout", "agave2"];

/** Waits until everything sent has come out, and gives it. */
async function collect(peer: Peer, count: number): Promise<Uint8Array[]> {
  const packets: Uint8Array[] = [];
  await until(`${count} packets out`, () => {
    packets.push(...peer.received());
    return packets.length >= count;
  });
  return packets;
}

describe("a run", () => {
  test("takes packets, sends them on unchanged, and its numbers add up", async () => {
    const peer = validator(ALL_INPUTS);
    await using sidecar = new SidecarProcess(peer.prefix, ["--xxhash-seed", "420"]);
    await sidecar.reads(peer, TPU);
    peer.open(OUTPUT_CHANNEL);
    const sent = corpus.slice(0, 300);
    for (const [i, payload] of sent.entries()) peer.send(i % 4, payload, [10, 0, 0, i % 7]);
    for (let id = 0; id < 4; id++) peer.sync(id);
    const packets = await collect(peer, sent.length);
    const key = (payload: Uint8Array): string => Buffer.from(payload).toString("base64");
    const sizeOf = (packet: Uint8Array): number => Number(new DataView(packet.buffer).getBigUint64(1232, true));
    expect(packets.map((packet) => key(packet.subarray(0, sizeOf(packet)))).sort()).toEqual(sent.map(key).sort());
    expect(await sidecar.stop()).toBe(0);
    const stats = sidecar.stats();
    const [total, accounted] = lawOf(stats);
    expect([total, accounted]).toEqual([sent.length, sent.length]);
    expect(stats.counters.bankingTransmissions).toBe(sent.length);
    for (let id = 0; id < 4; id++) {
      const { state, received, lapped, tail } = Object.values(stats.channels)[id];
      expect([state, received + lapped]).toEqual(["attached", tail]);
    }
    expect(Object.keys(stats.channels)).toHaveLength(8);
    expect(sidecar.log).toContain("stopping: SIGTERM");
  });

  test("ends by itself after --duration, and by SIGINT", async () => {
    const peer = validator([TPU]);
    await using timed = new SidecarProcess(peer.prefix, ["--duration", "300ms"]);
    expect(await timed.ended()).toBe(0);
    expect(timed.log).toContain("its time is over");
    await using interrupted = new SidecarProcess(peer.prefix);
    await interrupted.reads(peer, TPU);
    interrupted.kill("SIGINT");
    expect(await interrupted.ended()).toBe(0);
    expect(lawOf(interrupted.stats())).toEqual([0, 0]);
  });

  test("beats every attached channel, also while others are awaited, and joins those as they appear", async () => {
    const peer = validator([OUTCOME_CHANNEL]);
    await using sidecar = new SidecarProcess(peer.prefix, ["--xxhash-seed", "7", ...NAMED]);
    await sidecar.reads(peer, OUTCOME_CHANNEL);
    await sidecar.says(/waiting for the first packet channel/);
    peer.open(OUTPUT_CHANNEL);
    await sidecar.reads(peer, OUTPUT_CHANNEL);
    peer.open(TPU);
    await sidecar.reads(peer, TPU);
    await sidecar.says(/tpu_to_qos joined/);
    peer.send(TPU, corpus[0]);
    peer.sync(TPU);
    expect(await collect(peer, 1)).toHaveLength(1);
    expect(await sidecar.stop()).toBe(0);
  });

  test("hostile packets are counted and end nothing", async () => {
    const peer = validator(ALL_INPUTS);
    await using sidecar = new SidecarProcess(peer.prefix);
    await sidecar.reads(peer, TPU);
    const garbage = new Uint8Array(1232).map((_, i) => (i * 151) & 255);
    for (let i = 0; i < 200; i++) peer.send(TPU, garbage.subarray(0, i * 6), [1, 2, 3, i]);
    for (let i = 0; i < 50; i++) peer.send(FAILED_CHANNEL, garbage.subarray(0, i), [1, 2, 3, i]);
    for (let i = 0; i < 50; i++) peer.sendOutcome(BigInt(i), 2n ** 63n + BigInt(i));
    for (const id of [TPU, FAILED_CHANNEL, OUTCOME_CHANNEL]) peer.sync(id);
    peer.open(OUTPUT_CHANNEL);
    peer.send(TPU, corpus[1]);
    peer.sync(TPU);
    expect(await collect(peer, 1)).toHaveLength(1);
    expect(await sidecar.stop()).toBe(0);
    const stats = sidecar.stats();
    const [total, accounted] = lawOf(stats);
    expect([total, accounted]).toEqual([201, 201]);
    expect(stats.counters.failedView + stats.counters.failedSanitize).toBe(200);
    expect(stats.counters.sigverifyFeedback).toBe(50);
    expect(stats.counters.unknownOutcomes).toBe(50);
  });
});

describe("signals", () => {
  test("a second one ends it at once", async () => {
    const peer = validator([TPU]);
    await using sidecar = new SidecarProcess(peer.prefix);
    await sidecar.reads(peer, TPU);
    // Stopped, so that both wait for it together: it could be through with an orderly end before the second otherwise.
    sidecar.kill("SIGSTOP");
    sidecar.kill("SIGINT");
    sidecar.kill("SIGTERM");
    sidecar.kill("SIGCONT");
    expect(await sidecar.ended()).toBe(130);
  });

  test("stopped and continued, it goes on where it was", async () => {
    const peer = validator([TPU]);
    await using sidecar = new SidecarProcess(peer.prefix);
    await sidecar.reads(peer, TPU);
    peer.open(OUTPUT_CHANNEL);
    sidecar.kill("SIGSTOP");
    for (let i = 0; i < 100; i++) peer.send(TPU, salted(corpus[6], i));
    peer.sync(TPU);
    sidecar.kill("SIGCONT");
    expect(await collect(peer, 100)).toHaveLength(100);
    expect(await sidecar.stop()).toBe(0);
  });

  test("lapped while it was stopped, it counts what it lost and goes on", async () => {
    const peer = validator([TPU]);
    await using sidecar = new SidecarProcess(peer.prefix);
    await sidecar.reads(peer, TPU);
    sidecar.kill("SIGSTOP");
    const sent = 70_000;
    for (let i = 0; i < sent; i++) peer.send(TPU, salted(corpus[7], i));
    peer.sync(TPU);
    const beats = peer.heartbeat(TPU);
    sidecar.kill("SIGCONT");
    await until("it to have read on", () => peer.heartbeat(TPU) > beats + 200);
    expect(await sidecar.stop()).toBe(0);
    const stats = sidecar.stats();
    const { received, lapped, tail } = stats.channels.tpu_to_qos;
    expect([received + lapped, tail]).toEqual([sent, sent]);
    expect(lapped).toBeGreaterThan(30_000);
    expect(lawOf(stats)).toEqual([received, received]);
  });
});

describe("the seed", () => {
  test("given, it stands in the scheduler's channel, exact, and is never printed", async () => {
    const peer = validator([OUTCOME_CHANNEL]);
    const seed = 18_446_744_073_709_551_557n;
    await using sidecar = new SidecarProcess(peer.prefix, NAMED, { QOS_XXHASH_SEED: `${seed}` });
    await sidecar.reads(peer, OUTCOME_CHANNEL);
    expect(peer.seed).toBe(seed);
    await sidecar.stop();
    expect(sidecar.log + readFileSync(sidecar.statsPath, "utf8")).not.toContain(`${seed}`);
  });

  test("from a file; not given, the standing one stays, else one is drawn", async () => {
    const peer = validator([OUTCOME_CHANNEL]);
    const file = join(import.meta.dir, `../../node_modules/.cache/${peer.prefix}seed`);
    await Bun.write(file, " 420\n");
    await using given = new SidecarProcess(peer.prefix, ["--xxhash-seed-file", file, ...NAMED]);
    await given.reads(peer, OUTCOME_CHANNEL);
    await Bun.file(file).delete();
    expect(peer.seed).toBe(420n);
    await given.stop();
    await using standing = new SidecarProcess(peer.prefix, NAMED);
    await standing.reads(peer, OUTCOME_CHANNEL);
    expect(peer.seed).toBe(420n);
    await standing.stop();
    peer.seed = 0n;
    await using drawn = new SidecarProcess(peer.prefix, NAMED);
    await drawn.reads(peer, OUTCOME_CHANNEL);
    expect(peer.seed).not.toBe(0n);
    expect(peer.seed).not.toBe(420n);
    await drawn.stop();
  });

  test("is stored again when the channel is created again", async () => {
    const peer = validator([TPU, OUTCOME_CHANNEL]);
    await using sidecar = new SidecarProcess(peer.prefix, ["--xxhash-seed", "99"]);
    await sidecar.reads(peer, OUTCOME_CHANNEL);
    peer.remove(OUTCOME_CHANNEL);
    peer.open(OUTCOME_CHANNEL);
    expect(peer.seed).toBe(0n);
    await sidecar.reads(peer, OUTCOME_CHANNEL);
    expect(peer.seed).toBe(99n);
    await sidecar.says(/sch_to_qos (was created again|is gone)/);
    await sidecar.stop();
  });
});

describe("refusals", () => {
  test("a second sidecar, which is told who the first is", async () => {
    const peer = validator([TPU]);
    await using first = new SidecarProcess(peer.prefix);
    await first.reads(peer, TPU);
    await using second = new SidecarProcess(peer.prefix);
    expect(await second.ended()).toBe(1);
    expect(second.log).toContain(`process ${first.pid} is its producer already`);
    await first.reads(peer, TPU);
    expect(await first.stop()).toBe(0);
  });

  test("--no-wait without the required channels names them", async () => {
    const peer = validator([0, 1]);
    await using sidecar = new SidecarProcess(peer.prefix, ["--no-wait"]);
    expect(await sidecar.ended()).toBe(1);
    expect(sidecar.log).toContain(`not there: ${peer.prefix}sig_to_qos, ${peer.prefix}sch_to_qos;`);
    peer.open(FAILED_CHANNEL);
    peer.open(OUTCOME_CHANNEL);
    await using complete = new SidecarProcess(peer.prefix, ["--no-wait", "--duration", "100ms"]);
    expect(await complete.ended()).toBe(0);
  });

  test("a file that is not a channel stays untouched", async () => {
    const prefix = freshPrefix();
    const path = `/dev/shm/${prefix}tpu_to_qos`;
    writeFileSync(path, "somebody's notes");
    try {
      await using sidecar = new SidecarProcess(prefix);
      expect(await sidecar.ended()).toBe(1);
      expect(sidecar.log).toContain(`qos: ${path} `);
      expect(readFileSync(path, "utf8")).toBe("somebody's notes");
    } finally {
      removeChannels(prefix);
    }
  });

  test("a core that is not there, a stake file that is not there", async () => {
    const prefix = freshPrefix();
    try {
      await using core = new SidecarProcess(prefix, ["--cpu", "1023"]);
      expect(await core.ended()).toBe(1);
      expect(core.log).toMatch(/--cpu 1023: this process may use the cores [\d, ]+ only/);
      await using stakes = new SidecarProcess(prefix, [
        "--model",
        "ip-signer-stake",
        "--stake-file",
        `/nowhere/${prefix}`,
        ...NAMED,
      ]);
      expect(await stakes.ended()).toBe(1);
      expect(stakes.log).toContain(`--stake-file /nowhere/${prefix}: stakes cannot be read`);
    } finally {
      removeChannels(prefix);
    }
  });

  test("statistics that cannot be written are said once and end nothing", async () => {
    const peer = validator([TPU]);
    await using blocked = new SidecarProcess(peer.prefix, ["--duration", "700ms", "--stats-interval", "100ms"]);
    await Bun.$`chmod 000 ${blocked.folder}; rm -rf ${blocked.folder}`.quiet();
    expect(await blocked.ended()).toBe(0);
    expect(blocked.log.match(/statistics cannot be written/g)).toHaveLength(1);
  });
});

describe("restarts", () => {
  test("a sidecar that was killed leaves nothing that is in the next one's way", async () => {
    const peer = validator(ALL_INPUTS);
    await using first = new SidecarProcess(peer.prefix, ["--xxhash-seed", "5"]);
    await first.reads(peer, TPU);
    peer.open(OUTPUT_CHANNEL);
    first.kill("SIGKILL");
    expect(await first.ended()).toBeNull();
    peer.send(TPU, salted(corpus[2], 1)); // nobody is there: lost, as it must be
    peer.sync(TPU);
    await using second = new SidecarProcess(peer.prefix);
    await second.reads(peer, TPU);
    expect(peer.seed).toBe(5n);
    peer.send(TPU, salted(corpus[2], 2));
    peer.sync(TPU);
    const packets = await collect(peer, 1);
    expect(packets).toHaveLength(1);
    expect(await second.stop()).toBe(0);
    expect(second.stats().counters.totalPackets).toBe(1);
  });

  test("a producer that is killed and comes back is read on, and a lap is counted", async () => {
    const peer = validator([]);
    const start = () => {
      const program = join(import.meta.dir, "flood-program.ts");
      return Bun.spawn([process.execPath, program, peer.prefix], { stdout: "pipe", stderr: "inherit" });
    };
    const first = start();
    await until("the first producer", () => Bun.file(peer.path(TPU)).size > 0);
    await using sidecar = new SidecarProcess(peer.prefix, ["--stats-interval", "100ms"]);
    const taken = (): number => {
      try {
        return sidecar.stats().counters.totalPackets;
      } catch {
        return 0; // not written yet
      }
    };
    await until("packets of the first producer", () => taken() > 100);
    first.kill("SIGKILL");
    await first.exited;
    const before = taken();
    const second = start();
    try {
      await until("packets of the second producer", () => taken() > before + 1_000);
    } finally {
      second.kill("SIGKILL");
      await second.exited;
    }
    expect(await sidecar.stop()).toBe(0);
    const [total, accounted] = lawOf(sidecar.stats());
    expect(total).toBe(accounted);
  });

  test("a channel that is removed and created again under the sidecar is joined anew", async () => {
    const peer = validator([TPU, OUTCOME_CHANNEL]);
    await using sidecar = new SidecarProcess(peer.prefix);
    await sidecar.reads(peer, TPU);
    peer.open(OUTPUT_CHANNEL);
    peer.send(TPU, salted(corpus[3], 1));
    peer.sync(TPU);
    await collect(peer, 1);
    peer.remove(TPU);
    peer.open(TPU);
    await sidecar.reads(peer, TPU);
    peer.send(TPU, salted(corpus[3], 2));
    peer.sync(TPU);
    expect(await collect(peer, 1)).toHaveLength(1);
    // The output too: it is ours to create.
    peer.remove(OUTPUT_CHANNEL);
    await until("a new output", () => {
      try {
        peer.open(OUTPUT_CHANNEL);
        return true;
      } catch {
        return false;
      }
    });
    await sidecar.reads(peer, OUTPUT_CHANNEL);
    peer.send(TPU, salted(corpus[3], 3));
    peer.sync(TPU);
    expect(await collect(peer, 1)).toHaveLength(1);
    await sidecar.stop();
    const { tpu_to_qos, qos_to_sig, sch_to_qos } = sidecar.stats().channels;
    expect([tpu_to_qos!.detached, qos_to_sig!.detached, sch_to_qos!.detached]).toEqual([1, 1, 0]);
    expect(await sidecar.stop()).toBe(0);
    expect(sidecar.stats().counters.bankingTransmissions).toBe(3);
    expect(sidecar.stats().channels.tpu_to_qos.received).toBe(3);
  });

  test("a producer that begins again in the same file is joined anew", async () => {
    const peer = validator([TPU]);
    await using sidecar = new SidecarProcess(peer.prefix);
    await sidecar.reads(peer, TPU);
    peer.open(OUTPUT_CHANNEL);
    for (let i = 0; i < 10; i++) peer.send(TPU, salted(corpus[4], i));
    peer.sync(TPU);
    await collect(peer, 10);
    const region = peer.layout.channels[TPU];
    Atomics.store(peer.arena.u64, region.at / 8, 0n);
    peer.leave(TPU);
    peer.open(TPU);
    // Joined anew, and only then beaten by the new reader: elements that are published before it has joined are not read.
    await sidecar.says(/tpu_to_qos began again at a lower position[\s\S]*tpu_to_qos joined/);
    await sidecar.reads(peer, TPU);
    peer.send(TPU, salted(corpus[4], 100));
    peer.sync(TPU);
    await collect(peer, 1);
    expect(await sidecar.stop()).toBe(0);
  });
});
