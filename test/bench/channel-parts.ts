// A channel in one process: pushing 1264-byte elements out of the same 16,384 packets, and taking them with the whole
// payload read. `que` copies each element out; ours are read where they lie.

import { threadCpuNanos } from "../../ffi/thread.ts";
import { Consumer } from "../../src/channel/consumer.ts";
import { AGAVE2_PACKET_BYTES, PAYLOAD_MAX_BYTES } from "../../src/wire/packet-layout.ts";
import type { Baselines, Sample } from "./baselines.ts";
import type { Bench } from "./bench.ts";
import { hex } from "./mix.ts";
import { type Pipeline, ROUND } from "./pipeline.ts";

const SYNC_EVERY = 64;
const GROUP = 16;

/** The exclusive or of all words of a payload, read in place, four at a time: into `fold[0]` (even words) and `fold[1]`. */
export function foldPayload(words: Int32Array, at: number, fold: Int32Array): void {
  let even = fold[0];
  let odd = fold[1];
  const from = at >>> 2;
  const end = from + PAYLOAD_MAX_BYTES / 4;
  for (let i = from; i < end; i += 4) {
    even ^= words[i] ^ words[i + 2];
    odd ^= words[i + 1] ^ words[i + 3];
  }
  fold[0] = even;
  fold[1] = odd;
}

/** Takes everything that is there, in groups; what the producer overwrote meanwhile does not count. */
export function takeAll(consumer: Consumer, words: Int32Array, fold: Int32Array): number {
  const kept = new Int32Array(2);
  let taken = 0;
  for (;;) {
    const count = consumer.readable(GROUP);
    if (count === 0) return taken;
    kept.set(fold);
    for (let i = 0; i < count; i++) foldPayload(words, consumer.addressOf(i), fold);
    const torn = Math.min(consumer.overrun(), count);
    if (torn > 0) {
      fold.set(kept);
      consumer.drop(torn);
      consumer.skipAhead();
      continue;
    }
    consumer.take(count);
    taken += count;
  }
}

export function channelBenches(pipeline: Pipeline, baselines: Baselines | undefined, scale: number): Bench[] {
  const { plain, packetsAt, packetCount } = pipeline.loaded;
  const { arena, layout, producers, kernel } = plain;
  const rounds = Math.max(1, Math.round(8 * scale));
  const { at, capacity, elementBytes } = layout.channels[0];
  const consumer = new Consumer(arena, at, capacity, elementBytes);
  const producer = producers[0];
  const fold = new Int32Array(2);
  const push = (): Sample => {
    const count = rounds * ROUND;
    const before = producer.tail;
    const start = threadCpuNanos();
    for (let n = 0; n < count; n++) {
      kernel.copy(producer.reserve(), packetsAt + (n % packetCount) * AGAVE2_PACKET_BYTES, AGAVE2_PACKET_BYTES);
      producer.commit();
      if (n % SYNC_EVERY === SYNC_EVERY - 1) producer.sync();
    }
    producer.sync();
    const nanos = threadCpuNanos() - start;
    return { operations: count, nanos, checksum: hex(BigInt(producer.tail - before)) };
  };
  const pop = (): Sample => {
    fold.fill(0);
    consumer.join();
    let nanos = 0;
    let operations = 0;
    for (let round = 0; round < rounds; round++) {
      pipeline.fill();
      const start = threadCpuNanos();
      operations += takeAll(consumer, arena.i32, fold);
      nanos += threadCpuNanos() - start;
    }
    const [even, odd] = new Uint32Array(fold.buffer);
    return { operations, nanos, checksum: hex((BigInt(odd) << 32n) | BigInt(even)) };
  };
  return [
    {
      name: "channel: push of 1264 bytes",
      unit: "packet",
      ours: push,
      theirs: baselines && (() => baselines.run(`push ${rounds}`)),
      same: true,
    },
    {
      name: "channel: pop, payload read",
      unit: "packet",
      ours: pop,
      theirs: baselines && (() => baselines.run(`pop ${rounds}`)),
      same: true,
    },
  ];
}
