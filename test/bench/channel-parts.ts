// A channel in one process: pushing 1264-byte elements out of the same 16,384 packets, and taking them with the whole
// payload read. `que` copies each element out; ours are read in place.

import { threadCpuNanos } from "../../ffi/thread.ts";
import { Consumer } from "../../src/channel/consumer.ts";
import { AGAVE2_PACKET_BYTES } from "../tools/agave-packet.ts";
import type { Baselines, Sample } from "./baselines.ts";
import type { Bench } from "./bench.ts";
import { type KernelParts, loadParts } from "./kernel-parts.ts";
import { hex } from "./mix.ts";
import { type Pipeline, ROUND } from "./pipeline.ts";

const SYNC_EVERY = 64;
const GROUP = 16;

/**
 * Takes everything that is there, in groups; what the producer overwrote meanwhile does not count.
 * @param foldAt 8 bytes: the exclusive or of all payload words taken so far
 */
export function takeAll(consumer: Consumer, parts: KernelParts, words: Int32Array, foldAt: number): number {
  const word = foldAt >>> 2;
  let taken = 0;
  for (;;) {
    const count = consumer.readable(GROUP);
    if (count === 0) return taken;
    const low = words[word];
    const high = words[word + 1];
    parts.foldPayloads(consumer.addressOf(0), count, consumer.elementBytes, foldAt);
    const torn = Math.min(consumer.overrun(), count);
    if (torn > 0) {
      words[word] = low;
      words[word + 1] = high;
      consumer.drop(torn);
      consumer.skipAhead();
      continue;
    }
    consumer.take(count);
    taken += count;
  }
}

export async function channelBenches(
  pipeline: Pipeline,
  baselines: Baselines | undefined,
  scale: number,
): Promise<Bench[]> {
  const { plain, packetsAt, packetCount } = pipeline.loaded;
  const { arena, layout, producers, kernel } = plain;
  const rounds = Math.max(1, Math.round(8 * scale));
  const { at, capacity, elementBytes } = layout.channels[0];
  const consumer = new Consumer(arena, at, capacity, elementBytes, kernel);
  const producer = producers[0];
  const parts = await loadParts(arena.memory);
  const foldAt = pipeline.loaded.digestsAt;
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
    consumer.join();
    let fold = 0n;
    let nanos = 0;
    let operations = 0;
    for (let round = 0; round < rounds; round++) {
      pipeline.fill();
      arena.u64[foldAt / 8] = 0n;
      const start = threadCpuNanos();
      operations += takeAll(consumer, parts, arena.i32, foldAt);
      nanos += threadCpuNanos() - start;
      fold ^= arena.u64[foldAt / 8];
    }
    return { operations, nanos, checksum: hex(fold) };
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
