// The queue, and a transmit of all of it, against the min-max heap that holds whole packets. Scores come from the same
// generator in the same order on both sides, so what is drained is the same.

import { threadCpuNanos } from "../../ffi/thread.ts";
import { CHOICE_INTERVAL_MS } from "../../src/engine/settings.ts";
import * as D from "../../src/shape/digest-layout.ts";
import { STAT } from "../../src/shape/statistics.ts";
import { AGAVE2_PACKET_BYTES } from "../tools/agave-packet.ts";
import type { Baselines, Sample } from "./baselines.ts";
import type { Bench } from "./bench.ts";
import { type LoadedEngine, QUEUED_MAX } from "./loaded-engine.ts";
import { hex, SplitMix64 } from "./mix.ts";

const SCORES_SEED = 3n;
/** The baselines make up this many offers at once, untimed, and look after each chunk whether it is time to empty. */
const CHUNK = 4_096;
const U64 = (1n << 64n) - 1n;

/** The queue of an engine, offered the baselines' packets. */
class OfferedQueue {
  longestTurn = 0;
  readonly #numbers = new SplitMix64(SCORES_SEED);
  readonly #scores = new Float64Array(CHUNK);
  readonly #packets = new Uint32Array(CHUNK);
  #now = 1_000_000;

  constructor(private readonly loaded: LoadedEngine) {}

  #makeUp(count: number): void {
    const { packetsAt, packetCount } = this.loaded;
    for (let i = 0; i < count; i++) {
      const word = this.#numbers.next();
      this.#scores[i] = Number(word >> 11n) / 9_007_199_254_740_992;
      this.#packets[i] = packetsAt + Number(word % BigInt(packetCount)) * AGAVE2_PACKET_BYTES;
    }
  }

  /** @returns how many were refused or left */
  #offer(count: number): number {
    const { engine, kernel } = this.loaded.plain;
    const { queue } = engine;
    let left = 0;
    for (let i = 0; i < count; i++) {
      const score = this.#scores[i];
      if (!queue.wants(score)) {
        left += 1;
        continue;
      }
      const slot = queue.slots.claim();
      const at = queue.slots.at(slot);
      kernel.copy(at + D.DIGEST_BYTES, this.#packets[i], AGAVE2_PACKET_BYTES);
      if (queue.push(slot, score, 0) >= 0) left += 1;
    }
    return left;
  }

  /** Fills the queue's low heap: what is ready would go out as it comes, and never be put in order. */
  #fill(): void {
    const { queue } = this.loaded.plain.engine;
    queue.readyFrom = Number.POSITIVE_INFINITY;
    while (queue.size < QUEUED_MAX) {
      this.#makeUp(1);
      this.#offer(1);
    }
  }

  offer(count: number, emptyEvery: number): Sample {
    const { queue } = this.loaded.plain.engine;
    this.#fill();
    let nanos = 0;
    let left = 0;
    for (let done = 0; done < count; ) {
      const chunk = Math.min(CHUNK, count - done);
      this.#makeUp(chunk);
      done += chunk;
      const start = threadCpuNanos();
      left += this.#offer(chunk);
      nanos += threadCpuNanos() - start;
      if (emptyEvery > 0 && done % emptyEvery < CHUNK) {
        queue.take(QUEUED_MAX, this.loaded.plain.kernel);
        while (queue.outgoing > 0) queue.release(queue.nextOutgoing());
      }
    }
    return { operations: count, nanos, checksum: hex(BigInt(left)) };
  }

  drain(): Sample {
    const { arena, engine, kernel, layout } = this.loaded.plain;
    const { queue } = engine;
    this.#fill();
    // Which score a slot has stands in the queue's own columns; for the checksum they are written to the slots.
    for (let i = 0; i < queue.size; i++) {
      const slot = arena.u32[layout.queue.heapSlotsAt / 4 + i];
      arena.f64[(queue.slots.at(slot) + D.SCORE_AT) / 8] = arena.f64[layout.queue.scoresAt / 8 + i];
    }
    const slots = new Uint32Array(QUEUED_MAX);
    const start = threadCpuNanos();
    queue.take(QUEUED_MAX, kernel);
    let count = 0;
    while (queue.outgoing > 0) {
      const slot = queue.nextOutgoing();
      slots[count++] = slot;
      queue.release(slot);
    }
    const nanos = threadCpuNanos() - start;
    let fold = 0n;
    for (const slot of slots) {
      const rotated = ((fold << 5n) | (fold >> 59n)) & U64;
      fold = rotated ^ arena.u64[(queue.slots.at(slot) + D.SCORE_AT) / 8];
    }
    return { operations: count, nanos, checksum: hex(fold) };
  }

  transmit(): Sample {
    const { engine } = this.loaded.plain;
    this.#fill();
    this.#now += CHOICE_INTERVAL_MS;
    engine.mailbox.setPaused(false);
    const sentBefore = engine.status.words[STAT.bankingTransmissions];
    this.longestTurn = 0;
    let nanos = 0;
    while (engine.queue.size + engine.queue.outgoing > 0) {
      const start = threadCpuNanos();
      engine.turn(this.#now);
      const turn = threadCpuNanos() - start;
      nanos += turn;
      this.longestTurn = Math.max(this.longestTurn, turn);
    }
    engine.mailbox.setPaused(true);
    const sent = engine.status.words[STAT.bankingTransmissions] - sentBefore;
    return { operations: sent, nanos, checksum: hex(BigInt(sent)) };
  }
}

export function queueBenches(loaded: LoadedEngine, baselines: Baselines | undefined, scale: number): Bench[] {
  const queue = new OfferedQueue(loaded);
  const count = Math.max(8_192, Math.round((409_600 * scale) / CHUNK) * CHUNK);
  const longest: number[] = [];
  const theirs = (command: string) => baselines && (() => baselines.run(command));
  return [
    {
      name: "queue: offer, never emptied",
      unit: "packet",
      ours: () => queue.offer(count, 0),
      theirs: theirs(`queue-offer ${count}`),
      same: true,
    },
    {
      name: "queue: offer, emptied every 100,000",
      unit: "packet",
      ours: () => queue.offer(count, 100_000),
      theirs: theirs(`queue-offer ${count} 100000`),
      same: true,
    },
    {
      name: "queue: take 16,383 in falling order",
      unit: "packet",
      ours: () => queue.drain(),
      theirs: theirs("queue-drain"),
      same: true,
    },
    {
      name: "transmit of 16,383",
      unit: "packet",
      ours: () => {
        const sample = queue.transmit();
        longest.push(queue.longestTurn);
        return sample;
      },
      theirs: theirs("transmit"),
      same: true,
    },
    {
      name: "transmit of 16,383: its longest turn",
      unit: "turn",
      ours: () => ({ operations: 1, nanos: longest.shift() ?? Number.NaN, checksum: hex(BigInt(QUEUED_MAX)) }),
      // All of it is one turn there.
      theirs: baselines && (async () => ({ ...(await baselines.run("transmit")), operations: 1 })),
      same: true,
    },
  ];
}
