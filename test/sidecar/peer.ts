// The validator's side of a sidecar under test: over the real channel files, under a prefix of its own, in this process or
// (started as a program, below) in one that can be killed.

import { readdirSync, rmSync } from "node:fs";
import { Consumer } from "../../src/channel/consumer.ts";
import { type ChannelFile, joinConsumer, joinProducer } from "../../src/channel/files.ts";
import { ANYBODY } from "../../src/channel/owners.ts";
import { channelPath } from "../../src/channel/place.ts";
import { Producer } from "../../src/channel/producer.ts";
import { Arena } from "../../src/shape/arena.ts";
import { CONSUMER_HEARTBEAT_AT, PRODUCER_HEARTBEAT_AT } from "../../src/shape/channel-header.ts";
import { CHANNELS, OUTCOME_CHANNEL, OUTPUT_CHANNEL } from "../../src/shape/channels.ts";
import { type ArenaLayout, arenaLayout } from "../../src/shape/layout.ts";
import { loadSeed, storeSeed } from "../../src/sidecar/seed.ts";
import {
  ADDRESS_AT,
  ADDRESS_TAG_AT,
  ADDRESS_TAG_IPV4,
  ADDRESS_TAG_IPV6,
  PORT_AT,
  SIZE_AT,
} from "../tools/agave-packet.ts";

/** Channel ids by their names. */
export const idOf = (name: string): number => CHANNELS.findIndex((spec) => spec.name === name);
export const TPU = idOf("tpu_to_qos");

export class Peer {
  readonly arena: Arena;
  readonly layout: ArenaLayout;
  readonly #files: (ChannelFile | null)[] = CHANNELS.map(() => null);
  readonly #producers: (Producer | null)[] = CHANNELS.map(() => null);
  #output: Consumer | null = null;

  constructor(readonly prefix: string) {
    const options = {
      packetLayout: "agave2" as const,
      maxIps: 1,
      maxSigners: 1,
      partialMetas: 4,
      recentSignatures: 4,
      queueCapacity: 4,
    };
    this.layout = arenaLayout(options);
    this.arena = Arena.reserve(this.layout.bytes);
  }

  path(id: number): string {
    return channelPath({ pages: "standard", prefix: this.prefix }, CHANNELS[id].name);
  }

  /** Creates or joins a channel as its producer; the output as its consumer. */
  open(id: number): void {
    const region = this.layout.channels[id];
    const path = this.path(id);
    const result =
      id === OUTPUT_CHANNEL
        ? joinConsumer(this.arena, region, path, ANYBODY)
        : joinProducer(this.arena, region, path, { trust: ANYBODY });
    if (result.state !== "joined") throw new Error(`${this.path(id)}: ${JSON.stringify(result)}`);
    this.#files[id] = result.channel;
    if (id === OUTPUT_CHANNEL) {
      this.#output = new Consumer(this.arena, region.at, region.capacity, region.elementBytes);
      this.#output.join();
    } else {
      this.#producers[id] = new Producer(this.arena, region.at, region.capacity, region.elementBytes);
    }
  }

  /** Lets go of a channel; its file stays. */
  leave(id: number): void {
    this.#files[id]?.close();
    this.#files[id] = null;
    this.#producers[id] = null;
    if (id === OUTPUT_CHANNEL) this.#output = null;
  }

  /** Removes a channel's file and lets go of it. */
  remove(id: number): void {
    this.leave(id);
    rmSync(this.path(id), { force: true });
  }

  producer(id: number): Producer {
    const producer = this.#producers[id];
    if (producer === null) throw new Error(`${CHANNELS[id].name} is not open`);
    return producer;
  }

  /** Writes a packet; `sync` publishes. */
  send(id: number, payload: Uint8Array, ip: readonly number[] = [10, 0, 0, 1]): void {
    const { arena } = this;
    const producer = this.producer(id);
    const at = producer.reserve();
    arena.u8.fill(0xa5, at, at + producer.elementBytes);
    arena.u8.set(payload, at);
    arena.view.setBigUint64(at + SIZE_AT, BigInt(payload.length), true);
    arena.u8[at + ADDRESS_TAG_AT] = ip.length === 16 ? ADDRESS_TAG_IPV6 : ADDRESS_TAG_IPV4;
    arena.u8.set(ip, at + ADDRESS_AT);
    arena.view.setUint16(at + PORT_AT, 8_000, true);
    arena.u8.fill(0, at + PORT_AT + 2, at + producer.elementBytes);
    producer.commit();
  }

  sync(id: number): void {
    this.producer(id).sync();
  }

  /** Writes an outcome (wire.md, 7). */
  sendOutcome(hash: bigint, nanos: bigint): void {
    const producer = this.producer(OUTCOME_CHANNEL);
    const at = producer.reserve();
    this.arena.view.setBigUint64(at, hash, true);
    this.arena.view.setBigUint64(at + 8, nanos, true);
    producer.commit();
  }

  /** Takes everything that came out. */
  received(): Uint8Array[] {
    const output = this.#output;
    if (output === null) throw new Error("the output is not open");
    output.beat();
    const packets: Uint8Array[] = [];
    for (let count = output.readable(1_000); count > 0; count = output.readable(1_000)) {
      for (let i = 0; i < count; i++) {
        const at = output.addressOf(i);
        packets.push(this.arena.u8.slice(at, at + output.elementBytes));
      }
      output.take(count);
    }
    return packets;
  }

  /** The sidecar's own heartbeat in a channel: the consumer's, or in the output the producer's. */
  heartbeat(id: number): number {
    const at = id === OUTPUT_CHANNEL ? PRODUCER_HEARTBEAT_AT : CONSUMER_HEARTBEAT_AT;
    return Number(Atomics.load(this.arena.u64, (this.layout.channels[id].at + at) / 8));
  }

  get seed(): bigint {
    return loadSeed(this.arena, this.layout.channels[OUTCOME_CHANNEL].at);
  }

  set seed(seed: bigint) {
    storeSeed(this.arena, this.layout.channels[OUTCOME_CHANNEL].at, seed);
  }

  /** Lets go of everything and removes all files of the prefix. */
  close(): void {
    for (let id = 0; id < CHANNELS.length; id++) this.leave(id);
    removeChannels(this.prefix);
  }
}

/** Removes whatever channel files of a prefix are left. */
export function removeChannels(prefix: string): void {
  for (const name of readdirSync("/dev/shm")) if (name.startsWith(prefix)) rmSync(`/dev/shm/${name}`, { force: true });
}
