// What the process costs: from its start to its first packet, and its memory.

import { AGAVE2_PACKET_BYTES } from "../../src/wire/packet-layout.ts";
import { type Answer, Baselines } from "./baselines.ts";
import { type Line, median } from "./bench.ts";
import { ChannelEnd } from "./channel-file.ts";
import { hex } from "./mix.ts";
import { packetFile } from "./packets.ts";
import { binary, SidecarProcess } from "./sidecar.ts";

const STARTS = 7;
/** The turn in which the channel is joined, and one that began after it: packets that came meanwhile are taken. */
const BEATS = 2;
const LIMIT_MS = 10_000;

/** Milliseconds from before the start to the first packet taken; packets come all the time. */
async function startMs(cpu: number | undefined, number: number): Promise<number> {
  const startedMs = performance.now();
  const sidecar = new SidecarProcess(cpu, number);
  // `init` has run inside: what counts begins with the sidecar's own start.
  const initMs = performance.now() - startedMs;
  const channel = new ChannelEnd(`${sidecar.prefix}tpu_to_qos`, AGAVE2_PACKET_BYTES, 32_768);
  channel.arena.u8.set(packetFile("corpus").bytes.subarray(0, AGAVE2_PACKET_BYTES), channel.elementAt);
  try {
    while (channel.beats < BEATS) {
      channel.producer.push(channel.elementAt);
      channel.producer.sync();
      if (performance.now() - startedMs > LIMIT_MS) throw new Error("the sidecar takes no packet");
    }
    const takenMs = performance.now() - startedMs - initMs;
    const { counters } = await sidecar.stop();
    if (counters.totalPackets === 0) throw new Error("the sidecar has taken no packet");
    return takenMs;
  } finally {
    channel.close();
    sidecar.remove();
  }
}

export async function* processLines(cores: readonly number[], withBaselines: boolean): AsyncGenerator<Line> {
  binary(true);
  const cpu = cores.at(-1);
  const starts: number[] = [];
  for (let i = 0; i < STARTS; i++) starts.push((await startMs(cpu, i)) * 1e6);
  yield {
    name: "start to first packet taken (wall clock)",
    unit: "start",
    ours: { medianNanos: median(starts), leastNanos: Math.min(...starts) },
    checksum: hex(BigInt(STARTS)),
    agrees: true,
  };
  const sidecar = new SidecarProcess(cpu, STARTS);
  const baselines = withBaselines ? await new Baselines({ packets: packetFile("corpus").path }).ready() : undefined;
  await Bun.sleep(1_000);
  const { all, own } = sidecar.residentBytes();
  const theirs: Answer | undefined = await baselines?.run("rss");
  await sidecar.stop();
  sidecar.remove();
  await baselines?.end();
  console.log(
    `\nresident memory: ${mebibytes(all)} with the channels, ${mebibytes(own)} of its own;` +
      ` Rust baselines ${theirs === undefined ? "not built" : mebibytes(theirs.operations)} (no channels but two)`,
  );
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`;
