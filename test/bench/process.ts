// What the process costs: from its start to its first packet, and its memory.

import { AGAVE2_PACKET_BYTES } from "../tools/agave-packet.ts";
import { type Answer, Baselines } from "./baselines.ts";
import { type Line, median } from "./bench.ts";
import { ChannelEnd } from "./channel-file.ts";
import { hex } from "./mix.ts";
import { packetFile } from "./packets.ts";
import { binary, SidecarProcess } from "./sidecar.ts";

const STARTS = 15;
/** The turn in which the channel is joined, and one that began after it: packets that came meanwhile are taken. */
const BEATS = 2;
const LIMIT_MS = 10_000;
/** Between two packets. The sidecar's two threads need both cores of a small machine: this one must not spin on either. */
const PACKET_MS = 0.1;
/** How long the loop is watched after its first packet. */
const WATCHED_MS = 500;

interface Start {
  /** From before the start to the first packet taken. */
  readonly takenMs: number;
  /** The longest that the loop stood still after it: its code is cold, its tables are not there yet. */
  readonly standMs: number;
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Starts a sidecar on channels that are there; packets come all the time. */
async function start(sidecar: SidecarProcess): Promise<Start> {
  const channel = new ChannelEnd(`${sidecar.prefix}tpu_to_qos`, AGAVE2_PACKET_BYTES, 32_768);
  channel.arena.u8.set(packetFile("corpus").bytes.subarray(0, AGAVE2_PACKET_BYTES), channel.elementAt);
  try {
    let takenMs = 0;
    let standMs = 0;
    let beats = 0;
    let movedMs = 0;
    for (let now = 0; takenMs === 0 || now < takenMs + WATCHED_MS; now = performance.now() - sidecar.startedMs) {
      if (channel.beats !== beats) {
        beats = channel.beats;
        if (takenMs > 0) standMs = Math.max(standMs, now - movedMs);
        else if (beats >= BEATS) takenMs = now;
        movedMs = now;
      }
      if (now > LIMIT_MS) throw new Error("the sidecar takes no packet");
      channel.producer.push(channel.elementAt);
      channel.producer.sync();
      Atomics.wait(sleeper, 0, 0, PACKET_MS);
    }
    const { counters } = await sidecar.stop();
    if (counters.totalPackets === 0) throw new Error("the sidecar has taken no packet");
    return { takenMs, standMs };
  } finally {
    channel.close();
    sidecar.remove();
  }
}

export async function* processLines(cores: readonly number[], withBaselines: boolean): AsyncGenerator<Line> {
  binary(true);
  const cpu = cores.at(-1);
  const stands: string[] = [];
  for (const [what, open] of [
    ["default flags (wall clock)", (number: number) => new SidecarProcess(undefined, number, "evidence", [])],
    ["ip-signer on one core", (number: number) => new SidecarProcess(cpu, number)],
  ] as const) {
    const starts: Start[] = [];
    for (let i = 0; i < STARTS; i++) starts.push(await start(open(i)));
    const nanos = starts.map(({ takenMs }) => takenMs * 1e6);
    yield {
      name: `start to first packet, ${what}`,
      unit: "start",
      ours: { medianNanos: median(nanos), leastNanos: Math.min(...nanos) },
      checksum: hex(BigInt(STARTS)),
      agrees: true,
    };
    const stand = starts.map(({ standMs }) => standMs);
    stands.push(`${median(stand).toFixed(0)} ms, the most ${Math.max(...stand).toFixed(0)} ms (${what})`);
  }
  console.log(`\nlongest stand of the loop in the ${WATCHED_MS} ms after: median of ${STARTS} ${stands.join("; ")}`);
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
