// The validator's side of the eight channels: it produces seven of them and reads the sidecar's. It creates a channel that is
// absent, as every producer does, and removes at the end what it created. Once a second it looks again, and joins channels
// that were made anew.

import { unlinkPath } from "../../ffi/shared-memory.ts";
import { Consumer } from "../channel/consumer.ts";
import { type ChannelFile, joinConsumer, joinProducer, sameFile } from "../channel/files.ts";
import { ANYBODY } from "../channel/owners.ts";
import { type ChannelPlace, channelPath } from "../channel/place.ts";
import { Producer } from "../channel/producer.ts";
import { Failure } from "../failure.ts";
import { CONSUMER_HEARTBEAT_AT, METADATA_AT } from "../shape/channel-header.ts";
import {
  CHANNELS,
  CONFIRMED_CHANNEL,
  FAILED_CHANNEL,
  INPUT_CHANNELS,
  OUTCOME_CHANNEL,
  OUTPUT_CHANNEL,
} from "../shape/channels.ts";
import type { AnswerChannels } from "./answers.ts";
import type { ValidatorMemory } from "./memory.ts";

export class ValidatorChannels implements AnswerChannels {
  /** By channel id; the output's place stays empty. */
  readonly producers: (Producer | null)[] = CHANNELS.map(() => null);
  output: Consumer | null = null;
  failed: Producer | null = null;
  outcomes: Producer | null = null;
  confirmed: Producer | null = null;
  /** Packets that earlier joins of the output lost. */
  lappedBefore = 0;

  readonly #files: (ChannelFile | null)[] = CHANNELS.map(() => null);
  readonly #created = new Set<string>();

  constructor(
    private readonly memory: Pick<ValidatorMemory, "arena" | "layout">,
    private readonly place: ChannelPlace,
  ) {}

  /** @throws Failure if a channel is there and cannot be used */
  open(): void {
    for (let id = 0; id < CHANNELS.length; id++) this.#join(id);
  }

  /** Joins channels that appeared or were made anew. */
  look(): void {
    for (let id = 0; id < CHANNELS.length; id++) {
      const file = this.#files[id];
      if (file === null) this.#join(id);
      else if (!sameFile(file)) {
        this.#leave(id);
        this.#join(id);
      } else if (id === OUTPUT_CHANNEL && this.output !== null && this.output.tail < this.output.head) {
        this.output.join();
      }
    }
  }

  beat(): void {
    for (const producer of this.producers) producer?.beat();
    this.output?.beat();
  }

  sync(): void {
    for (const producer of this.producers) producer?.sync();
  }

  /** The sidecar's heartbeat on each channel that it reads. All move while a sidecar runs that has attached all of them. */
  sidecarBeats(): number[] {
    const { arena, layout } = this.memory;
    return INPUT_CHANNELS.map((id) => Atomics.load(arena.i32, (layout.channels[id].at + CONSUMER_HEARTBEAT_AT) >>> 2));
  }

  /** The sidecar's heartbeat on the first channel: it moves with each turn. */
  sidecarBeat(): number {
    const { arena, layout } = this.memory;
    return Atomics.load(arena.i32, (layout.channels[0].at + CONSUMER_HEARTBEAT_AT) >>> 2);
  }

  /** The packet hash's seed, as the sidecar stored it (wire.md, 5). */
  xxhashSeed(): bigint {
    return Atomics.load(this.memory.arena.u64, (this.memory.layout.channels[OUTCOME_CHANNEL].at + METADATA_AT) / 8);
  }

  /** Lets go of everything and removes the files that this process created. */
  close(): void {
    for (let id = 0; id < CHANNELS.length; id++) this.#leave(id);
    for (const path of this.#created) unlinkPath(path);
    this.#created.clear();
  }

  #join(id: number): void {
    const { arena, layout } = this.memory;
    const region = layout.channels[id];
    const path = channelPath(this.place, CHANNELS[id].name);
    const result =
      id === OUTPUT_CHANNEL
        ? joinConsumer(arena, region, path, ANYBODY)
        : joinProducer(arena, region, path, { trust: ANYBODY });
    if (result.state === "refused") throw new Failure(result.message);
    if (result.state !== "joined") return;
    const { channel } = result;
    this.#files[id] = channel;
    if (channel.created) this.#created.add(path);
    if (id === OUTPUT_CHANNEL) {
      this.output = new Consumer(arena, region.at, region.capacity, region.elementBytes);
      this.output.join();
      return;
    }
    this.#setProducer(id, new Producer(arena, region.at, region.capacity, region.elementBytes));
  }

  #leave(id: number): void {
    this.#files[id]?.close();
    this.#files[id] = null;
    if (id === OUTPUT_CHANNEL) {
      this.lappedBefore += this.output?.lapped ?? 0;
      this.output = null;
    } else this.#setProducer(id, null);
  }

  #setProducer(id: number, producer: Producer | null): void {
    this.producers[id] = producer;
    if (id === FAILED_CHANNEL) this.failed = producer;
    if (id === OUTCOME_CHANNEL) this.outcomes = producer;
    if (id === CONFIRMED_CHANNEL) this.confirmed = producer;
  }
}
