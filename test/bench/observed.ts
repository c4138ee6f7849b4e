// What watching costs: the built binary behind a saturating producer, and the same process with a scrape of its metrics and a
// read of its status page and its fates (as `qos monitor` does) every second. Both are slices of one run, in turn: what else the machine
// does falls on both. A change of 2% or more is an error.

import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { readFates } from "../../src/observe/fates-file.ts";
import { StatusReader } from "../../src/observe/status-reader.ts";
import { buildRust } from "../rust/build.ts";
import { median } from "./bench.ts";
import { type Mix, packetFile } from "./packets.ts";
import { binary, SidecarProcess } from "./sidecar.ts";

/**
 * More than the loop takes. A producer that pushes as much as it can takes the memory's bandwidth with it: then neighbouring
 * slices differ by up to 40%, and nothing can be told.
 */
const USUAL_PPS = "1600000";
/** Of the packets/s. */
const CHANGE_MAX = 0.02;
const SLICE_MS = 2_000;
const SCRAPE_INTERVAL_MS = 1_000;
/** Before the first slice: the loop's code is compiled by then, and its tables are full. */
const WARM_MS = 4_000;
const READY_LIMIT_MS = 10_000;

export interface ObservedSettings {
  /** Slices of each kind. */
  readonly rounds: number;
  readonly mix: Mix;
  readonly model: string;
  readonly cores: readonly number[];
  /** Packets a second that the producer pushes. */
  readonly pps: string | undefined;
}

export interface ObservedResult {
  readonly alone: readonly Rate[];
  readonly watched: readonly Rate[];
  readonly scrapes: number;
  readonly reads: number;
  /** Medians over the pairs of neighbouring slices; negative where watching slows it down. */
  readonly change: Rate;
}

/** Packets in a slice: a second, and a second of the loop thread's own CPU time, which others' load does not touch. */
export interface Rate {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

/** The loop's thread. @returns its file of times in /proc */
function loopTimes(pid: number): string {
  const tasks = `/proc/${pid}/task`;
  const loop = readdirSync(tasks).find((task) => readFileSync(`${tasks}/${task}/comm`, "latin1") === "solana-qos\n");
  if (loop === undefined) throw new Error("the loop's thread is not there");
  return `${tasks}/${loop}/schedstat`;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    server.close(() => resolve(port));
  });
  return await promise;
}

/** The loop's own packets and clock, by its status page; its CPU time. */
function look(reader: StatusReader, times: string): { packets: number; ms: number; cpuMs: number } {
  const picture = reader.read();
  if (picture === undefined) throw new Error("the sidecar's status page cannot be read");
  const { totalPackets, clockMs } = picture.snapshot.counters;
  return { packets: totalPackets, ms: clockMs, cpuMs: Number(readFileSync(times, "latin1").split(" ")[0]) / 1e6 };
}

class Watcher {
  scrapes = 0;
  reads = 0;

  constructor(
    private readonly page: string,
    private readonly reader: StatusReader,
    private readonly prefix: string,
  ) {}

  /** Watches for as long as a slice. */
  async slice(): Promise<void> {
    const end = performance.now() + SLICE_MS;
    while (performance.now() < end) {
      const nextMs = performance.now() + SCRAPE_INTERVAL_MS;
      const text = await (await fetch(this.page)).text();
      if (!text.includes("qos_packets_total")) throw new Error("the scrape has no packets");
      this.scrapes += 1;
      if (this.reader.read() !== undefined && typeof readFates(this.prefix) === "object") this.reads += 1;
      await Bun.sleep(Math.max(0, Math.min(nextMs, end) - performance.now()));
    }
  }
}

/** @throws Error if there is no cargo (the producer is the crate's), or no second core */
export async function observed(settings: ObservedSettings): Promise<ObservedResult> {
  const { rounds, mix, model, cores, pps = USUAL_PPS } = settings;
  const rust = buildRust();
  if (!rust.ok) throw new Error(rust.reason);
  if (cores.length < 2) throw new Error("two cores are needed: the sidecar's and the producer's");
  binary(true);
  const port = await freePort();
  const page = `http://127.0.0.1:${port}/metrics`;
  const sidecar = new SidecarProcess(cores.at(-1), 0, model, ["--metrics", `127.0.0.1:${port}`]);
  const seconds = Math.ceil((WARM_MS + READY_LIMIT_MS + 2 * rounds * SLICE_MS) / 1_000);
  let producer: Bun.Subprocess | undefined;
  let reader: StatusReader | undefined;
  try {
    reader = await readerOf(sidecar.prefix);
    const flood = [
      "flood",
      "--prefix",
      sidecar.prefix,
      "--packets",
      packetFile(mix).path,
      "--cpu",
      `${cores[0]}`,
      "--pps",
      pps,
    ];
    producer = Bun.spawn([join(rust.binDir, "que-peer"), ...flood, "--seconds", `${seconds}`], {
      stdout: "ignore",
      stderr: "inherit",
    });
    await Bun.sleep(WARM_MS);
    const watcher = new Watcher(page, reader, sidecar.prefix);
    const times = loopTimes(sidecar.pid);
    const rate = async (slice: () => Promise<void>): Promise<Rate> => {
      const before = look(reader!, times);
      await slice();
      const after = look(reader!, times);
      const packets = (after.packets - before.packets) * 1_000;
      return { perSecond: packets / (after.ms - before.ms), perCpuSecond: packets / (after.cpuMs - before.cpuMs) };
    };
    const alone: Rate[] = [];
    const watched: Rate[] = [];
    for (let round = 0; round < rounds; round++) {
      // In turn, and which comes first in turn as well: what drifts falls on both.
      const inTurn = [
        async () => alone.push(await rate(() => Bun.sleep(SLICE_MS))),
        async () => watched.push(await rate(() => watcher.slice())),
      ];
      for (const one of round % 2 === 0 ? inTurn : inTurn.reverse()) await one();
    }
    const changeOf = (name: keyof Rate): number => median(watched.map((one, i) => one[name] / alone[i][name])) - 1;
    const change = { perSecond: changeOf("perSecond"), perCpuSecond: changeOf("perCpuSecond") };
    return { alone, watched, scrapes: watcher.scrapes, reads: watcher.reads, change };
  } finally {
    producer?.kill("SIGKILL");
    await producer?.exited;
    reader?.close();
    await sidecar.stop().finally(() => sidecar.remove());
  }
}

async function readerOf(prefix: string): Promise<StatusReader> {
  const end = performance.now() + READY_LIMIT_MS;
  for (;;) {
    const opened = StatusReader.open(prefix);
    if (typeof opened !== "string") {
      if (opened.read() !== undefined) return opened;
      opened.close();
    }
    if (performance.now() > end) throw new Error("the sidecar does not begin");
    await Bun.sleep(20);
  }
}

const million = (rate: number): string => (rate / 1e6).toFixed(3);
const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;

/** Prints it. @returns whether it stays below what is allowed */
export function tellObserved({ alone, watched, scrapes, reads, change }: ObservedResult): boolean {
  const tell = (name: string, rates: readonly Rate[]): void => {
    const middle = (field: keyof Rate): string => million(median(rates.map((rate) => rate[field])));
    const each = rates.map(({ perSecond }) => million(perSecond)).join(" ");
    console.log(
      `${name} M packets/s: ${middle("perSecond")} (${each}), in the loop's CPU time ${middle("perCpuSecond")}`,
    );
  };
  tell("alone  ", alone);
  tell("watched", watched);
  const isFine = change.perSecond > -CHANGE_MAX;
  const verdict = isFine ? "less" : "NOT LESS";
  console.log(
    `${scrapes} scrapes, ${reads} reads; change of packets/s ${percent(change.perSecond)}, ${verdict} than 2%;`,
  );
  console.log(`in the loop's CPU time ${percent(change.perCpuSecond)}`);
  return isFine;
}
