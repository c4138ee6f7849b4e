// The main thread's side of the channels: finds each as it appears, lays it into the arena and offers it to the loop, and
// takes it back from the loop when its file is gone, was created again or was cut short. Looked at once a second; nothing
// here can hold up the loop.

import { unlinkPath } from "../../ffi/shared-memory.ts";
import {
  type ChannelFile,
  identityOf,
  type JoinResult,
  joinConsumer,
  joinProducer,
  type ProducerOptions,
  sameFile,
} from "../channel/files.ts";
import { type Trust, trustOf } from "../channel/owners.ts";
import { type ChannelPlace, channelPath } from "../channel/place.ts";
import { CHANNEL_ABSENT, CHANNEL_ATTACHED, CHANNEL_LEAVING, CHANNEL_OFFERED, type Mailbox } from "../engine/mailbox.ts";
import type { Snapshot } from "../engine/status.ts";
import { messageOf } from "../failure.ts";
import type { Arena } from "../shape/arena.ts";
import { CONSUMER_HEARTBEAT_AT, HEADER_BYTES, TAIL_AT } from "../shape/channel-header.ts";
import { CHANNELS, OUTCOME_CHANNEL, OUTPUT_CHANNEL } from "../shape/channels.ts";
import type { ArenaLayout } from "../shape/layout.ts";
import type { Log } from "./process/log.ts";
import { loadSeed, randomSeed, storeSeed } from "./seed.ts";

interface Slot {
  readonly id: number;
  readonly name: string;
  readonly path: string;
  file: ChannelFile | null;
  /** What was last said of it, so that the same refusal is not said each second. */
  said: string;
}

export interface ChannelSetup {
  readonly arena: Arena;
  readonly layout: ArenaLayout;
  readonly mailbox: Mailbox;
  readonly place: ChannelPlace;
  readonly log: Log;
  /** Whose files are believed, before and after root's rights are given up. */
  readonly trust?: Trust;
  /** The operator's seed, if one was given. */
  readonly seed: bigint | undefined;
}

export class Channels {
  /** The packet hash's seed; final once `openAll` returned. */
  seed: bigint;

  readonly #slots: readonly Slot[];
  readonly #setup: ChannelSetup;
  /** Whether an input of the prefix was ever there. */
  #hadInput = false;
  readonly #trust: Trust;

  constructor(setup: ChannelSetup) {
    this.#setup = setup;
    this.#trust = setup.trust ?? trustOf();
    this.seed = setup.seed ?? 0n;
    this.#slots = CHANNELS.map(({ name }, id) => ({
      id,
      name: setup.place.prefix + name,
      path: channelPath(setup.place, name),
      file: null,
      said: "",
    }));
  }

  /**
   * Opens the output, taking its lock, and every input that is there already. Before the privileges are dropped.
   * @returns why the sidecar cannot start, or undefined
   */
  openAll(output: ProducerOptions): string | undefined {
    for (const slot of [this.#slots[OUTPUT_CHANNEL], ...this.#slots.filter(({ id }) => id !== OUTPUT_CHANNEL)]) {
      const result = this.#join(slot, { ...output, lock: true });
      if (result.state === "refused") return result.message;
      if (result.state === "joined") slot.file = result.channel;
    }
    if (this.#setup.seed === undefined) this.seed = this.#standingSeed() || randomSeed();
    this.#storeSeed();
    return undefined;
  }

  /** Names of the channels that a predicate holds for and that are not there. */
  absent(wanted: (id: number) => boolean): string[] {
    return this.#slots.filter(({ id, file }) => file === null && wanted(id)).map(({ name }) => name);
  }

  /** Hands the opened channels to the loop. */
  offerAll(): void {
    for (const slot of this.#slots) if (slot.file !== null) this.#offer(slot);
  }

  /**
   * Looks at every channel once.
   * @param snapshot the loop's latest numbers, if any
   * @returns whether the loop was asked to let go of one: look again soon
   */
  look(snapshot: Snapshot | null): boolean {
    let leaving = false;
    for (const slot of this.#slots) {
      try {
        leaving = this.#lookAt(slot, snapshot) || leaving;
      } catch (error) {
        this.#say(slot, `${slot.path}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return leaving;
  }

  /** Lets go of all files, after the loop has ended. */
  closeAll(): void {
    this.#removeUnused();
    for (const slot of this.#slots) {
      slot.file?.close();
      slot.file = null;
    }
  }

  /**
   * Removes the output where this process created it and nobody else was ever there: no input of the prefix appeared, and no
   * consumer has beaten. So a mistyped --prefix leaves nothing behind. A validator that is there has made its inputs.
   */
  #removeUnused(): void {
    const { file, path, name } = this.#slots[OUTPUT_CHANNEL];
    if (file === null || !file.created || this.#hadInput || !sameFile(file)) return;
    const { arena, layout } = this.#setup;
    const words = new BigUint64Array(arena.buffer, layout.channels[OUTPUT_CHANNEL].at, HEADER_BYTES / 8);
    if (words[TAIL_AT / 8] !== 0n || words[CONSUMER_HEARTBEAT_AT / 8] !== 0n) return;
    try {
      unlinkPath(path);
      this.#setup.log.info(`${name} is removed: this sidecar created it, and nobody came`, { channel: name });
    } catch (error) {
      this.#setup.log.warn(`${path} stays: ${messageOf(error)}`, { channel: name });
    }
  }

  #lookAt(slot: Slot, snapshot: Snapshot | null): boolean {
    const { mailbox } = this.#setup;
    const state = mailbox.channelState(slot.id);
    if (state === CHANNEL_LEAVING) return true;
    if (state === CHANNEL_OFFERED) return false;
    if (state === CHANNEL_ATTACHED) {
      const reason = this.#reasonToLeave(slot, snapshot);
      if (reason === undefined) return false;
      this.#setup.log.warn(`${slot.name} ${reason}`, { channel: slot.name });
      this.#setup.log.faults.countDetached(slot.id);
      mailbox.setChannelState(slot.id, CHANNEL_LEAVING);
      return true;
    }
    if (state === CHANNEL_ABSENT && slot.file !== null) {
      slot.file.close();
      slot.file = null;
    }
    this.#attach(slot);
    return false;
  }

  #reasonToLeave(slot: Slot, snapshot: Snapshot | null): string | undefined {
    const { file } = slot;
    if (file === null) return "is not mapped";
    const now = identityOf(slot.path);
    if (now === undefined) return "is gone";
    if (now.inode !== file.identity.inode || now.device !== file.identity.device)
      return "was created again: joining it anew";
    if (now.bytes < file.bytes) return `was cut short to ${now.bytes} bytes`;
    // The loop's own numbers: a tail behind the head is a producer that began again in the same file.
    const behind =
      snapshot !== null && slot.id !== OUTPUT_CHANNEL && snapshot.channels[CHANNELS[slot.id].name].depth < 0;
    return behind ? "began again at a lower position: joining it anew" : undefined;
  }

  #attach(slot: Slot): void {
    const result = this.#join(slot, { lock: true });
    if (result.state === "refused") {
      const restart = result.isOtherLayout ? "; a sidecar takes another layout when it is started again" : "";
      this.#say(slot, result.message + restart);
    }
    if (result.state !== "joined") return;
    slot.file = result.channel;
    slot.said = "";
    if (slot.id === OUTCOME_CHANNEL) this.#storeSeed();
    this.#offer(slot);
    this.#setup.log.info(`${slot.name} ${result.channel.created ? "created" : "joined"}`, { channel: slot.name });
  }

  #join(slot: Slot, output: ProducerOptions): JoinResult {
    const { arena, layout } = this.#setup;
    const region = layout.channels[slot.id];
    if (slot.id === OUTPUT_CHANNEL) return joinProducer(arena, region, slot.path, { ...output, trust: this.#trust });
    const result = joinConsumer(arena, region, slot.path, this.#trust);
    if (result.state !== "absent") this.#hadInput = true;
    return result;
  }

  #offer(slot: Slot): void {
    this.#setup.mailbox.setChannelState(slot.id, CHANNEL_OFFERED);
  }

  #say(slot: Slot, message: string): void {
    if (slot.said === message) return;
    slot.said = message;
    this.#setup.log.warn(message, { channel: slot.name });
  }

  #standingSeed(): bigint {
    const { arena, layout } = this.#setup;
    return this.#slots[OUTCOME_CHANNEL].file === null ? 0n : loadSeed(arena, layout.channels[OUTCOME_CHANNEL].at);
  }

  #storeSeed(): void {
    const { arena, layout } = this.#setup;
    if (this.#slots[OUTCOME_CHANNEL].file !== null) storeSeed(arena, layout.channels[OUTCOME_CHANNEL].at, this.seed);
  }
}
