// A small engine over plain memory for the tests, and packets of the real transactions to put into it.

import { readFileSync } from "node:fs";
import { type PlainEngine, type PlainEngineOptions, plainEngine } from "../../src/engine/plain.ts";
import { lawOf, readStatus, type Snapshot } from "../../src/engine/status.ts";
import type { KernelSettings } from "../../src/kernel/context.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { IpSigner } from "../../src/rank/reference/ip-signer.ts";
import { OUTPUT_CHANNEL, smallCapacities } from "../../src/shape/channels.ts";
import type { LayoutOptions } from "../../src/shape/layout.ts";
import { STAT, type StatisticName } from "../../src/shape/statistics.ts";
import {
  ADDRESS_AT,
  ADDRESS_TAG_AT,
  ADDRESS_TAG_IPV4,
  ADDRESS_TAG_IPV6,
  FLAGS_AT,
  PORT_AT,
  SIZE_AT,
} from "../tools/agave-packet.ts";

const CORPUS = new URL("../fixtures/corpus/mainnet-254170887.jsonl", import.meta.url).pathname;

/** The 602 transactions of the corpus, in order. */
export const corpus: readonly Uint8Array[] = readFileSync(CORPUS, "utf8")
  .trim()
  .split("\n")
  .map((line) => Uint8Array.from(Buffer.from((JSON.parse(line) as { tx: string }).tx, "base64")));

export interface RigOptions {
  readonly layout?: Partial<LayoutOptions>;
  readonly kernel?: Partial<KernelSettings>;
  readonly targetPps?: number;
  readonly maxAgeMs?: number;
  readonly burstMs?: number;
  /** Absent: packets are sent all the time. */
  readonly batchIntervalMs?: number | undefined;
  readonly votes?: "score" | "first";
  readonly model?: PlainEngineOptions["model"];
  readonly wrapKernel?: (kernel: Kernel) => Kernel;
}

const SMALL_CHANNELS = smallCapacities(1_024, { output: 65_536 });

/** An engine with small stores and a fixed secret. */
export function rig(options: RigOptions = {}): Rig {
  return new Rig(
    plainEngine({
      layout: {
        packetLayout: "agave2",
        maxIps: 1_000,
        maxSigners: 1_000,
        partialMetas: 4_096,
        recentSignatures: 4_096,
        queueCapacity: 1_024,
        channelCapacities: SMALL_CHANNELS,
        ...options.layout,
      },
      context: {
        xxhashSeed: 420n,
        secret: new Uint8Array(32).fill(9),
        feeModel: "reference",
        ipv6: "64",
        ...options.kernel,
      },
      engine: {
        targetPps: options.targetPps ?? 1_000_000,
        maxAgeMs: options.maxAgeMs ?? 60_000,
        votes: options.votes ?? "score",
        ...(options.burstMs === undefined ? {} : { burstMs: options.burstMs }),
        ...(options.batchIntervalMs === undefined ? {} : { batchIntervalMs: options.batchIntervalMs }),
      },
      model: options.model ?? ((arena, layout) => new IpSigner(arena, layout)),
      scratchBytes: 8_192,
      ...(options.wrapKernel === undefined ? {} : { wrapKernel: options.wrapKernel }),
    }),
  );
}

export interface PacketParts {
  readonly payload: Uint8Array;
  readonly ip?: readonly number[];
  readonly size?: number;
  readonly tag?: number;
  readonly port?: number;
  readonly flags?: number;
}

export class Rig {
  constructor(readonly parts: PlainEngine) {}

  get engine() {
    return this.parts.engine;
  }

  /** Writes one packet and publishes it. The unused bytes hold garbage, as in a real ring. */
  send(channel: number, packet: PacketParts): void {
    const { arena, producers, layout } = this.parts;
    const producer = producers[channel];
    const at = producer.reserve();
    const ip = packet.ip ?? [10, 0, 0, 1];
    arena.u8.fill(0xa5, at, at + layout.channels[channel].elementBytes);
    arena.u8.set(packet.payload, at);
    arena.view.setBigUint64(at + SIZE_AT, BigInt(packet.size ?? packet.payload.length), true);
    arena.u8[at + ADDRESS_TAG_AT] = packet.tag ?? (ip.length === 16 ? ADDRESS_TAG_IPV6 : ADDRESS_TAG_IPV4);
    arena.u8.set(ip, at + ADDRESS_AT);
    arena.view.setUint16(at + PORT_AT, packet.port ?? 8_000, true);
    arena.u8[at + FLAGS_AT] = packet.flags ?? 0;
    producer.commit();
    producer.sync();
  }

  /** Sends a corpus transaction whose first signature is made unique by a number. */
  sendUnique(channel: number, number: number, ip?: readonly number[]): void {
    this.send(channel, {
      payload: salted(corpus[number % corpus.length], number),
      ...(ip === undefined ? {} : { ip }),
    });
  }

  /** Writes raw elements of another channel. */
  sendBytes(channel: number, bytes: Uint8Array): void {
    const { arena, producers } = this.parts;
    arena.u8.set(bytes, producers[channel].reserve());
    producers[channel].commit();
    producers[channel].sync();
  }

  /** A remaining meta for a packet as it came out. @param nanos of execution; 0: not included */
  outcomeOf(packet: Uint8Array, nanos: number): Uint8Array {
    const { arena, kernel, layout, scratchAt } = this.parts;
    arena.u8.set(packet, scratchAt);
    kernel.digest(scratchAt, 1, layout.channels[0].elementBytes, scratchAt + 4_096, layout.contextAt);
    const bytes = new Uint8Array(16);
    bytes.set(arena.u8.subarray(scratchAt + 4_096, scratchAt + 4_104));
    new DataView(bytes.buffer).setBigUint64(8, BigInt(nanos), true);
    return bytes;
  }

  /** Takes everything out of the output channel. */
  received(): Uint8Array[] {
    const { arena, output } = this.parts;
    const packets: Uint8Array[] = [];
    for (let count = output.readable(1_000); count > 0; count = output.readable(1_000)) {
      for (let i = 0; i < count; i++) {
        const at = output.addressOf(i);
        packets.push(arena.u8.slice(at, at + this.parts.layout.channels[OUTPUT_CHANNEL].elementBytes));
      }
      output.take(count);
    }
    return packets;
  }

  /** Turns until nothing moves any more. */
  settle(now: number): void {
    for (let turn = 0; this.engine.turn(now) > 0; turn++) if (turn > 100_000) throw new Error("the engine never rests");
  }

  snapshot(now: number): Snapshot {
    this.engine.publish(now);
    return readStatus(this.parts.arena.buffer, this.parts.layout.statusAt)!;
  }

  count(name: StatisticName): number {
    return this.engine.status.words[STAT[name]];
  }

  /** The two sides of the law (shape/statistics.ts). */
  law(now: number): { total: number; accounted: number } {
    return lawOf(this.snapshot(now).counters);
  }
}

/** A copy with a number XORed into the first signature's first eight bytes. */
export function salted(transaction: Uint8Array, number: number): Uint8Array {
  const copy = transaction.slice();
  const view = new DataView(copy.buffer);
  const salt = BigInt.asUintN(64, (BigInt(number) + 1n) * 0x9e3779b97f4a7c15n);
  view.setBigUint64(1, view.getBigUint64(1, true) ^ salt, true);
  if (copy[0] >= 0x80) return copy; // v1
  // The blockhash as well: it may be a durable nonce's value, of which one transaction can land.
  const messageAt = 1 + 64 * copy[0];
  const keysAt = messageAt + (copy[messageAt] >= 0x80 ? 5 : 4);
  const blockhashAt = keysAt + 32 * copy[keysAt - 1];
  if (blockhashAt + 8 > copy.length) return copy; // no transaction
  view.setBigUint64(blockhashAt, view.getBigUint64(blockhashAt, true) ^ salt, true);
  return copy;
}
