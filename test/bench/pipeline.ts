// The whole way of a packet: rounds of 24,576 that lie ready in the ring, taken by the engine's own turns; optionally the
// queue is sent away, timed, every so many packets. The same bytes in the same order as the baselines' `pipeline` command.

import { threadCpuNanos } from "../../ffi/thread.ts";
import { HEADER_BYTES } from "../../src/channel/header.ts";
import { PACKETS_PER_TURN, TRANSMIT_INTERVAL_MS } from "../../src/engine/settings.ts";
import { STAT, STATISTICS } from "../../src/engine/statistics.ts";
import * as D from "../../src/wire/digest-layout.ts";
import { AGAVE2_PACKET_BYTES } from "../../src/wire/packet-layout.ts";
import type { Answer } from "./baselines.ts";
import { LoadedEngine, type LoadedOptions } from "./loaded-engine.ts";
import { hex, salt } from "./mix.ts";

/** Elements that a consumer can still read after one filling. */
export const ROUND = 24_576;
const RING = 32_768;

/** A pipeline's answer with its scores in the checksum, where they must be the same on both sides. */
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
    const folds = { hash: 0n, score: 0n };
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
      this.#fold(first, folds);
    }
    const count = (word: number): number => words[word] - before[word];
    const operations = count(STAT.totalPackets);
    const ends = STATISTICS.reduce((sum, { kind }, word) => sum + (kind === "end" ? count(word) : 0), 0);
    if (operations !== rounds * ROUND || ends + engine.queue.size - queuedBefore !== operations)
      throw new Error(`${operations} packets taken of ${rounds * ROUND}, ${ends} ended`);
    const answer = { operations, nanos, checksum: hex(folds.hash), scoreFold: hex(folds.score) };
    return withScores(answer, this.foldsScores);
  }

  /** Fills the ring with one round of packets. @returns the stream index of the first */
  fill(count: number = ROUND): number {
    const { loaded } = this;
    const { arena, producers } = loaded.plain;
    const producer = producers[0];
    const { view, u8 } = arena;
    const first = producer.tail;
    for (let n = this.#nextPacket; n < this.#nextPacket + count; n++) {
      const from = loaded.packetsAt + (n % loaded.packetCount) * AGAVE2_PACKET_BYTES;
      const at = producer.reserve();
      u8.copyWithin(at, from, from + AGAVE2_PACKET_BYTES);
      view.setBigUint64(at + 1, view.getBigUint64(at + 1, true) ^ salt(n), true);
      producer.commit();
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
    this.now += TRANSMIT_INTERVAL_MS;
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
  #fold(first: number, folds: { hash: bigint; score: bigint }): void {
    const { plain, digestsAt } = this.loaded;
    const { arena, layout, kernel, model } = plain;
    const ringAt = layout.channels[0].at + HEADER_BYTES;
    for (let index = first; index < first + ROUND; index++) {
      const at = ringAt + (index % RING) * AGAVE2_PACKET_BYTES;
      kernel.digest(at, 1, AGAVE2_PACKET_BYTES, digestsAt, layout.contextAt);
      if (arena.u8[digestsAt + D.REASON_AT] !== 0) continue;
      folds.hash ^= arena.u64[(digestsAt + D.HASH_AT) / 8];
      if (!this.foldsScores) continue;
      arena.f64[(digestsAt + D.SCORE_AT) / 8] = model.score(digestsAt);
      folds.score += arena.u64[(digestsAt + D.SCORE_AT) / 8];
    }
  }
}
