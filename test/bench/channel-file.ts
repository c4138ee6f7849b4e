// Our own end of a channel's file, as a validator would have it, in a small arena.

import { addressOf, unlinkPath } from "../../ffi/shared-memory.ts";
import { type ChannelFile, createChannel, joinProducer } from "../../src/channel/files.ts";
import { channelFileBytes, channelPath } from "../../src/channel/place.ts";
import { Producer } from "../../src/channel/producer.ts";
import { Arena } from "../../src/shape/arena.ts";
import { CONSUMER_HEARTBEAT_AT } from "../../src/shape/channel-header.ts";
import { type ChannelRegion, HUGE_PAGE_BYTES } from "../../src/shape/layout.ts";

export class ChannelEnd {
  readonly arena: Arena;
  readonly region: ChannelRegion;
  readonly producer: Producer;
  /** Arena offset of one element's bytes, for the caller. */
  readonly elementAt: number;
  readonly #file: ChannelFile;

  /** Joins a packet channel as its producer; creates it if it is absent. */
  constructor(
    readonly name: string,
    elementBytes: number,
    capacity: number,
  ) {
    const path = channelPath({ pages: "standard", prefix: "" }, name);
    const shape = { elementBytes, capacity };
    const created = createChannel(path, shape);
    if (created.state === "refused") throw new Error(`${path}: ${JSON.stringify(created)}`);
    const bytes = channelFileBytes(shape, "standard");
    this.arena = Arena.reserve(bytes + 3 * HUGE_PAGE_BYTES);
    const base = addressOf(this.arena.memory);
    const at = Math.ceil((base + 1) / HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES - base;
    this.region = { at, bytes, capacity, elementBytes };
    this.elementAt = Math.ceil((at + bytes) / HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES;
    const joined = joinProducer(this.arena, this.region, path);
    if (joined.state !== "joined") throw new Error(`${path}: ${JSON.stringify(joined)}`);
    this.#file = joined.channel;
    this.producer = new Producer(this.arena, at, capacity, elementBytes);
  }

  /** The reader's heartbeat. */
  get beats(): number {
    return Atomics.load(this.arena.i32, (this.region.at + CONSUMER_HEARTBEAT_AT) >>> 2);
  }

  close(): void {
    this.#file.close();
  }
}

/** Removes the channels of a prefix. */
export function removeChannels(prefix: string, names: readonly string[]): void {
  for (const name of names) unlinkPath(channelPath({ pages: "standard", prefix }, name));
}
