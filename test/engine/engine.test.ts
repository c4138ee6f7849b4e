// The engine against the slow one (slow-engine.ts): the same random history gives the same packets out, in the same order,
// and the same numbers; and the law holds between packets.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { PACKETS_PER_TURN } from "../../src/engine/settings.ts";
import { CONFIRMED_CHANNEL, FAILED_CHANNEL, OUTCOME_CHANNEL, smallCapacities } from "../../src/shape/channels.ts";
import { STAT, STATISTICS, type StatisticName } from "../../src/shape/statistics.ts";
import { Random } from "../tools/random.ts";
import { corpus, type Rig, rig, salted } from "./rig.ts";
import { SlowEngine, type SlowPacket } from "./slow-engine.ts";

interface Golden {
  readonly fee: string;
  readonly cus: number;
}

const golden = readFileSync(new URL("../fixtures/vectors/transactions.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Golden);

const SETTINGS = {
  queueHolds: 255,
  metas: 512,
  recent: 128,
  maxSend: 100,
  maxAgeMs: 1_000,
  maxIps: 24,
  maxSigners: 20,
};

/** One of 40 senders, a fifth of them IPv6 hosts of a shared /64, or IPv4 in IPv6's clothes. */
function senderOf(number: number): { bytes: number[]; key: string } {
  const host = number % 40;
  if (host < 32) return { bytes: [10, 0, 1, host], key: `10.0.1.${host}` };
  if (host < 36) {
    const prefix = host % 2;
    return { bytes: [0x20, 1, 0xd, 0xb8, 0, 0, 0, prefix, ...new Array(7).fill(0), host], key: `v6:${prefix}` };
  }
  return { bytes: [...new Array(10).fill(0), 255, 255, 10, 0, 1, host - 36], key: `10.0.1.${host - 36}` };
}

class Duel {
  readonly fast: Rig;
  readonly slow = new SlowEngine(SETTINGS);
  readonly known: { packet: SlowPacket; bytes: Uint8Array; hash: Uint8Array; ip: number[] }[] = [];
  readonly ids = new Map<string, string>();
  made = 0;
  now = 0;

  constructor() {
    this.fast = rig({
      targetPps: SETTINGS.maxSend * 10,
      batchIntervalMs: 100,
      maxAgeMs: SETTINGS.maxAgeMs,
      layout: {
        queueCapacity: SETTINGS.queueHolds + 1,
        partialMetas: SETTINGS.metas,
        recentSignatures: SETTINGS.recent,
        maxIps: SETTINGS.maxIps,
        maxSigners: SETTINGS.maxSigners,
      },
    });
  }

  fresh(channel: number, random: () => number): void {
    const number = this.made++;
    const transaction = Math.floor(random() * corpus.length);
    const bytes = salted(corpus[transaction], number);
    const sender = senderOf(Math.floor(random() * 1_000));
    const wrong = random();
    const verdict =
      wrong < 0.02 ? "malformed" : wrong < 0.04 ? "nonIpv4" : wrong < 0.06 ? "size" : wrong < 0.08 ? "discard" : "ok";
    const packet: SlowPacket = {
      id: `${number}`,
      ip: sender.key,
      payer: payerOf(bytes),
      signature: foldOf(bytes.subarray(1, 65)),
      fee: Number(golden[transaction].fee),
      computeUnits: golden[transaction].cus,
      verdict,
    };
    this.ids.set(Buffer.from(bytes).toString("hex") + sender.key, packet.id);
    this.fast.send(channel, {
      payload: verdict === "malformed" ? bytes.subarray(0, bytes.length - 1) : bytes,
      ip: sender.bytes,
      ...(verdict === "size" ? { size: 1_233 } : {}),
      ...(verdict === "nonIpv4" ? { tag: 2 } : {}),
      ...(verdict === "discard" ? { flags: 1 } : {}),
    });
    this.slow.packet(packet, this.now);
    if (verdict === "ok") this.known.push({ packet, bytes, hash: this.hashOf(bytes, sender.bytes), ip: sender.bytes });
  }

  /** The packet hash, by the oracle's words: the kernel's own tests hold it against @node-rs/xxhash. */
  hashOf(bytes: Uint8Array, ip: readonly number[]): Uint8Array {
    const { arena, kernel, layout, scratchAt } = this.fast.parts;
    arena.u8.fill(0, scratchAt, scratchAt + 1_264);
    arena.u8.set(bytes, scratchAt);
    arena.view.setUint32(scratchAt + 1_232, bytes.length, true);
    arena.u8[scratchAt + 1_240] = ip.length === 16 ? 1 : 0;
    arena.u8.set(ip, scratchAt + 1_241);
    kernel.digest(scratchAt, 1, 1_264, scratchAt + 4_096, layout.contextAt);
    return arena.u8.slice(scratchAt + 4_096, scratchAt + 4_104);
  }

  step(random: () => number): void {
    const what = random();
    const some = this.known[Math.floor(random() * this.known.length)];
    if (what < 0.7 || some === undefined) {
      const channel = Math.floor(random() * 4);
      if (random() < 0.2 && some !== undefined) {
        this.fast.send(channel, { payload: some.bytes, ip: some.ip });
        this.slow.packet(some.packet, this.now);
      } else this.fresh(channel, random);
    } else if (what < 0.95) {
      const recent = this.known[this.known.length - 1 - Math.floor(random() * Math.min(600, this.known.length))];
      const nanos = random() < 0.5 ? 0 : 1 + Math.floor(random() * 1_000_000);
      const outcome = new Uint8Array(16);
      outcome.set(recent.hash);
      new DataView(outcome.buffer).setBigUint64(8, BigInt(nanos), true);
      this.fast.sendBytes(OUTCOME_CHANNEL, outcome);
      this.slow.outcome(recent.packet.id, nanos);
    } else if (what < 0.98) {
      this.fast.sendBytes(CONFIRMED_CHANNEL, some.bytes.slice(1, 65));
      this.slow.confirmed(some.packet.signature);
    } else {
      this.fast.send(FAILED_CHANNEL, { payload: some.bytes, ip: some.ip });
      this.slow.failed(some.packet.ip);
    }
    this.turn();
  }

  /** Everything that lies in the rings is taken before the next step, so that the order is the same in both. */
  turn(): void {
    this.fast.settle(this.now);
    this.slow.transmit(this.now);
  }

  /** Time passes, and a transmit is due before anything else comes. */
  pass(ms: number): void {
    this.now += ms;
    this.turn();
  }

  compare(): void {
    const law = this.fast.law(this.now);
    expect(law.accounted).toBe(law.total);
    const names: StatisticName[] = STATISTICS.map((row) => row.name).filter((name) => name in this.slow.counters);
    for (const name of names) expect([name, this.fast.count(name)]).toEqual([name, this.slow.counters[name]]);
    expect(this.fast.count("queued")).toBe(this.slow.queued);
  }
}

/** A signature's key (wire.md, 9): what the recent filter tells signatures apart by. */
function foldOf(signature: Uint8Array): string {
  const key: number[] = [];
  for (let j = 0; j < 8; j++) key.push(signature.subarray(8 * j, 8 * j + 8).reduce((a, b) => a ^ b, 0));
  return Buffer.from(key).toString("hex");
}

function payerOf(bytes: Uint8Array): string {
  const signatures = bytes[0];
  const message = 1 + 64 * signatures;
  const header = message + ((bytes[message] & 0x80) === 0 ? 0 : 1);
  return Buffer.from(bytes.subarray(header + 4, header + 36)).toString("hex");
}

describe("engine", () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    test(`a random history is the slow engine's: seed ${seed}`, () => {
      const dice = new Random(seed);
      const random = (): number => dice.unit();
      const duel = new Duel();
      const out: string[] = [];
      for (let i = 0; i < 6_000; i++) {
        duel.step(random);
        if (i % 400 === 0) duel.pass(100 + Math.floor(random() * 150));
        if (i % 1_000 === 0) duel.pass(1_500); // everything queued is too old now
        for (const packet of duel.fast.received()) out.push(idOf(duel, packet));
        if (i % 500 === 0) duel.compare();
      }
      duel.compare();
      expect(duel.fast.count("modelUpdates")).toBeGreaterThan(1);
      expect(duel.fast.count("expired")).toBeGreaterThan(0);
      expect(duel.fast.count("recentlyProcessedQueued")).toBeGreaterThan(0);
      expect(duel.fast.count("leakedPriority")).toBeGreaterThan(0);
      expect(out).toEqual(duel.slow.sent);
    });
  }

  test("each source has a budget for a turn, and the next turn goes on", () => {
    const r = rig({ layout: { queueCapacity: 4_096 } });
    for (let n = 0; n < 600; n++) r.sendUnique(1, n);
    expect(r.engine.turn(0)).toBeGreaterThan(0);
    expect(r.count("totalPackets")).toBe(PACKETS_PER_TURN);
    r.engine.turn(0);
    expect(r.count("totalPackets")).toBe(2 * PACKETS_PER_TURN);
    r.settle(0);
    expect(r.count("totalPackets")).toBe(600);
  });

  test("a flood of feedback does not hold up the packets", () => {
    const r = rig();
    for (let n = 0; n < 700; n++) r.sendBytes(OUTCOME_CHANNEL, new Uint8Array(16).fill(n));
    for (let n = 0; n < 700; n++) r.sendBytes(CONFIRMED_CHANNEL, new Uint8Array(64).fill(n));
    for (let n = 0; n < 700; n++) r.send(FAILED_CHANNEL, { payload: corpus[0] });
    r.sendUnique(0, 1);
    r.engine.turn(0);
    expect(r.count("totalPackets")).toBe(1);
    expect(r.count("unknownOutcomes")).toBeLessThan(700);
    r.settle(0);
    expect(r.count("unknownOutcomes")).toBe(700);
    expect(r.count("recentSignaturesReceived")).toBe(700);
    expect(r.count("sigverifyFeedback")).toBe(700);
  });

  test("every attached channel is beaten every turn, the output as its producer", () => {
    const r = rig();
    const { arena, layout } = r.parts;
    const beats = () =>
      layout.channels.map((region, id) => Number(arena.u64[(region.at + (id === 7 ? 256 : 384)) / 8]));
    const before = beats();
    for (let turn = 0; turn < 5; turn++) r.engine.turn(turn);
    expect(beats()).toEqual(before.map((beat) => beat + 5));
  });

  test("what is lapped or torn has no effect, and is counted by channel", () => {
    const r = rig({ layout: { channelCapacities: smallCapacities(16, { output: 1_024 }) } });
    for (let n = 0; n < 50; n++) r.sendUnique(0, n);
    r.settle(0);
    const { tpu_to_qos: channel } = r.snapshot(0).channels;
    expect(channel!.received + channel!.lapped).toBe(50);
    expect(channel!.received).toBe(12); // capacity less a burst
    expect(r.count("totalPackets")).toBe(12);
    expect(channel!.tail).toBe(50);
    expect(channel!.depth).toBe(0);
  });

  test("a channel that leaves and comes back keeps its numbers, and starts at its tail", () => {
    const r = rig();
    const { mailbox } = r.engine;
    for (let n = 0; n < 5; n++) r.sendUnique(0, n);
    r.settle(0);
    mailbox.setChannelState(0, 3);
    r.settle(0);
    expect(mailbox.channelState(0)).toBe(0);
    for (let n = 5; n < 9; n++) r.sendUnique(0, n);
    r.settle(0);
    expect(r.count("totalPackets")).toBe(5);
    mailbox.setChannelState(0, 1);
    r.settle(0);
    r.sendUnique(0, 9);
    r.settle(0);
    expect(r.count("totalPackets")).toBe(6);
    expect(r.snapshot(0).channels.tpu_to_qos!.received).toBe(6);
  });

  test("without an output the queue fills and keeps the best", () => {
    const r = rig({ layout: { queueCapacity: 64 } });
    r.engine.mailbox.setChannelState(7, 3);
    for (let n = 0; n < 300; n++) r.sendUnique(0, n);
    r.settle(0);
    r.settle(1_000);
    expect(r.count("bankingTransmissions")).toBe(0);
    expect(r.snapshot(1_000).counters.queued).toBe(63);
    expect(r.count("leakedPriority")).toBe(300 - 63);
  });

  test("the target may change while it runs", () => {
    const r = rig({ targetPps: 100 });
    for (let n = 0; n < 100; n++) r.sendUnique(0, n);
    r.settle(0);
    expect(r.received().length).toBe(10);
    r.engine.mailbox.setTargetPps(300);
    for (let ms = 10; ms <= 100; ms += 10) r.settle(ms);
    expect(r.received().length).toBe(30);
  });

  test("IPv6 senders are counted, or refused where they are to be dropped", () => {
    const v6 = [0x20, 1, 0xd, 0xb8, ...new Array(12).fill(1)];
    const taken = rig();
    taken.sendUnique(0, 1, v6);
    taken.settle(0);
    expect([taken.count("ipv6Packets"), taken.count("bankingTransmissions")]).toEqual([1, 1]);
    const dropped = rig({ kernel: { ipv6: "drop" } });
    dropped.sendUnique(0, 1, v6);
    dropped.settle(0);
    expect([dropped.count("nonIpv4"), dropped.count("bankingTransmissions")]).toEqual([1, 0]);
  });

  test("a statistic has one word of its own", () => {
    expect(new Set(Object.values(STAT)).size).toBe(STATISTICS.length);
  });
});

const SENDER_BYTES = 1_241;

function idOf(duel: Duel, packet: Uint8Array): string {
  const view = new DataView(packet.buffer);
  const size = view.getUint32(1_232, true);
  const tag = packet[1_240];
  const ip = [...packet.subarray(SENDER_BYTES, SENDER_BYTES + (tag === 1 ? 16 : 4))];
  const mapped = tag === 1 && ip.slice(0, 10).every((byte) => byte === 0);
  const key = tag === 0 ? ip.join(".") : mapped ? ip.slice(12).join(".") : `v6:${ip[7]}`;
  return duel.ids.get(Buffer.from(packet.subarray(0, size)).toString("hex") + key) ?? "unknown";
}
