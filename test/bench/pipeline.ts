// The whole way of a packet: rounds of 24,576 that lie ready in the ring, taken by the engine's own turns; optionally the
// queue is sent away, timed, every so many packets. The same bytes in the same order as the baselines' `pipeline` command.

import { threadCpuNanos } from "../../ffi/thread.ts";
import { CHOICE_INTERVAL_MS, PACKETS_PER_TURN } from "../../src/engine/settings.ts";
import { HEADER_BYTES } from "../../src/shape/channel-header.ts";
import * as D from "../../src/shape/digest-layout.ts";
import { STAT, STATISTICS } from "../../src/shape/statistics.ts";
import { AGAVE2_PACKET_BYTES } from "../tools/agave-packet.ts";
import type { Answer } from "./baselines.ts";
import { LoadedEngine, type LoadedOptions } from "./loaded-engine.ts";
import { hex, salt } from "./mix.ts";

/** Elements that a consumer can still read after one filling. */
export const ROUND = 24_576;
const RING = 32_768;
const TWO_32 = 4_294_967_296;
/** The words of salt(0): each salt is the one before plus that. */
const SALT_LOW = Number(salt(0) & 0xffff_ffffn);
const SALT_HIGH = Number(salt(0) >> 32n);

/** A pipeline's answer with its scores in the checksum, for pipelines whose scores must be the same on both sides. */
export function withScores(answer: Answer, foldsScores: boolean): Answer {
  if (!foldsScores) return answer;
  const fold = BigInt(`0x${answer.checksum}`) + BigInt(`0x${answer.scoreFold}`);
  return { ...answer, checksum: hex(fold) };
}

export class Pipeline {
  readonly loaded: LoadedEngine;
  /** Times a turn took at most, in nanoseconds of CPU, in the last run. */
  longestTurn = 0;
  now = 1_000;
  readonly foldsScores: boolean;
  #nextPacket = 0;
  /** Hashes by exclusive or; sums of the scores' bits, exact up to 2^21 packets. Low and high words apart. */
  readonly #folds = new Float64Array(4);

  constructor(options: LoadedOptions) {
    this.loaded = new LoadedEngine(options);
    this.foldsScores = options.foldsScores ?? false;
  }

  /** @param emptyEvery packets after which the queue is sent; 0: never */
  run(rounds: number, emptyEvery = 0): Answer {
    const { engine } = this.loaded.plain;
    this.loaded.fillQueue();
    const { words } = engine.status;
    const queuedBefore = engine.queue.size;
    const before = Float64Array.from(words);
    this.#folds.fill(0);
    let nanos = 0;
    let sinceEmpty = 0;
    for (let round = 0; round < rounds; round++) {
      const first = this.fill();
      const start = threadCpuNanos();
      this.take();
      sinceEmpty += ROUND;
      if (emptyEvery > 0 && sinceEmpty >= emptyEvery) {
        sinceEmpty = 0;
        this.empty();
      }
      nanos += threadCpuNanos() - start;
      this.#fold(first);
    }
    const count = (word: number): number => words[word] - before[word];
    const operations = count(STAT.totalPackets);
    const ends = STATISTICS.reduce((sum, { kind }, word) => sum + (kind === "end" ? count(word) : 0), 0);
    if (operations !== rounds * ROUND || ends + engine.queue.size - queuedBefore !== operations)
      throw new Error(`${operations} packets taken of ${rounds * ROUND}, ${ends} ended`);
    const [hashLow, hashHigh, scoreLow, scoreHigh] = this.#folds;
    const hash = (BigInt(hashHigh >>> 0) << 32n) | BigInt(hashLow >>> 0);
    const score = (BigInt(scoreHigh) << 32n) + BigInt(scoreLow);
    const answer = { operations, nanos, checksum: hex(hash), scoreFold: hex(score) };
    return withScores(answer, this.foldsScores);
  }

  /** Fills the ring with one round of packets. @returns the stream index of the first */
  fill(count: number = ROUND): number {
    const { loaded } = this;
    const { arena, producers } = loaded.plain;
    const producer = producers[0];
    const { view, u8 } = arena;
    const first = producer.tail;
    // salt(n), counted on in two words: nothing here allocates, so that no collection falls into the measured rounds.
    const from = salt(this.#nextPacket);
    let low = Number(from & 0xffff_ffffn);
    let high = Number(from >> 32n);
    for (let n = this.#nextPacket; n < this.#nextPacket + count; n++) {
      const packet = loaded.packetsAt + (n % loaded.packetCount) * AGAVE2_PACKET_BYTES;
      const at = producer.reserve();
      u8.copyWithin(at, packet, packet + AGAVE2_PACKET_BYTES);
      view.setUint32(at + 1, view.getUint32(at + 1, true) ^ low, true);
      view.setUint32(at + 5, view.getUint32(at + 5, true) ^ high, true);
      producer.commit();
      low += SALT_LOW;
      high = (high + SALT_HIGH + (low >= TWO_32 ? 1 : 0)) % TWO_32;
      low %= TWO_32;
    }
    producer.sync();
    this.#nextPacket += count;
    return first;
  }

  /** Takes what lies in the ring. */
  take(count: number = ROUND): void {
    const { engine } = this.loaded.plain;
    for (let taken = 0; taken < count; taken += PACKETS_PER_TURN) engine.turn(this.now);
  }

  /** Sends the queue: all of it, or what the model chooses. */
  empty(): void {
    const { engine } = this.loaded.plain;
    this.now += CHOICE_INTERVAL_MS;
    engine.mailbox.setPaused(false);
    this.longestTurn = 0;
    let moved: number;
    do {
      const start = threadCpuNanos();
      moved = engine.turn(this.now);
      this.longestTurn = Math.max(this.longestTurn, threadCpuNanos() - start);
    } while (moved > 0);
    engine.mailbox.setPaused(true);
  }

  /** What the packets of a round came to: their hashes, and the scores that they had. Not timed. */
  #fold(first: number): void {
    const { plain, digestsAt } = this.loaded;
    const { arena, layout, kernel, model } = plain;
    const { u32 } = arena;
    const folds = this.#folds;
    const ringAt = layout.channels[0].at + HEADER_BYTES;
    for (let index = first; index < first + ROUND; index++) {
      const at = ringAt + (index % RING) * AGAVE2_PACKET_BYTES;
      kernel.digest(at, 1, AGAVE2_PACKET_BYTES, digestsAt, layout.contextAt);
      if (arena.u8[digestsAt + D.REASON_AT] !== 0) continue;
      const hash = (digestsAt + D.HASH_AT) / 4;
      folds[0] = folds[0] ^ u32[hash];
      folds[1] = folds[1] ^ u32[hash + 1];
      if (!this.foldsScores) continue;
      arena.f64[(digestsAt + D.SCORE_AT) / 8] = model.score(digestsAt);
      folds[2] += u32[(digestsAt + D.SCORE_AT) / 4];
      folds[3] += u32[(digestsAt + D.SCORE_AT) / 4 + 1];
    }
  }
}
