// A channel across two pinned processes: the crate's producer writes as fast as it can, and the crate's consumer or ours
// reads, each element's bytes all read. What counts is the time per element received, of the whole stream's wall clock.

import { join } from "node:path";
import { buildRust } from "../rust/build.ts";
import { AGAVE2_PACKET_BYTES } from "../tools/agave-packet.ts";
import { linesOf } from "../tools/stream-lines.ts";
import type { Sample } from "./baselines.ts";
import type { Bench } from "./bench.ts";
import { removeChannels } from "./channel-file.ts";
import { hex } from "./mix.ts";

const ELEMENTS = 4_000_000;
const CAPACITY = 32_768;
const FIRST = 64;
const IDLE_MS = 2_000;
const NAME = `${process.pid}_bench_stream`;

type Said = Record<string, number | string>;

async function streamThrough(consume: readonly string[], cores: readonly number[]): Promise<Sample> {
  const peer = join(buildRust().binDir, "que-peer");
  const pinned = (core: number | undefined, command: readonly string[]): string[] => [
    "taskset",
    "-c",
    `${core}`,
    ...command,
  ];
  const channel = ["--name", NAME, "--element", `${AGAVE2_PACKET_BYTES}`, "--capacity", `${CAPACITY}`];
  const produce = (count: number): string[] => [peer, "produce", ...channel, "--count", `${count}`];
  removeChannels("", [NAME]);
  try {
    Bun.spawnSync(produce(FIRST), { stdout: "ignore", stderr: "inherit" });
    const reader = Bun.spawn(pinned(cores.at(-1), consume), { stdout: "pipe", stderr: "inherit" });
    const said = linesOf(reader.stdout);
    await said.next();
    const start = performance.now();
    const writer = Bun.spawn(pinned(cores[0], produce(ELEMENTS)), { stdout: "ignore", stderr: "inherit" });
    await writer.exited;
    const nanos = (performance.now() - start) * 1e6;
    const { received, skipped } = JSON.parse((await said.next()).value) as Said;
    return { operations: Number(received), nanos, checksum: hex(BigInt(received) + BigInt(skipped)) };
  } finally {
    removeChannels("", [NAME]);
  }
}

export function channelProcessBenches(cores: readonly number[]): Bench[] {
  if (!buildRust().ok || cores.length < 2) return [];
  const until = `${FIRST + ELEMENTS}`;
  const ours = [process.execPath, join(import.meta.dir, "channel-consumer.ts"), NAME, `${CAPACITY}`, until];
  const theirs = [join(buildRust().binDir, "que-peer"), "consume", "--name", NAME];
  theirs.push("--element", `${AGAVE2_PACKET_BYTES}`, "--capacity", `${CAPACITY}`, "--until", until);
  return [
    {
      name: "channel across processes: received",
      unit: "packet",
      ours: () => streamThrough([...ours, `${IDLE_MS}`], cores),
      theirs: () => streamThrough([...theirs, "--idle-ms", `${IDLE_MS}`], cores),
      same: true,
      versus: "que",
    },
  ];
}
