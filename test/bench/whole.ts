// The built binary as a process of its own, pinned, behind a saturating producer on another core; and another sidecar, in
// turn with it, on the same kind of channels in the same minutes.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildRust } from "../rust/build.ts";
import { median } from "./bench.ts";
import { removeChannels } from "./channel-file.ts";
import { type Mix, packetFile } from "./packets.ts";
import { binary, CHANNEL_NAMES, SidecarProcess } from "./sidecar.ts";

export interface WholeSettings {
  readonly seconds: number;
  readonly mix: Mix;
  readonly model: string;
  /**
   * Command of another sidecar; `{prefix}` stands for the channels' prefix, `{cpu}` for the core. It ends on SIGINT, and its
   * output says how many packets it took: the last `average = N` a second, else the last `total_packets: N` (or totalPackets).
   */
  readonly against: string | undefined;
  readonly cores: readonly number[];
  readonly rounds: number;
  /** Packets a second that the producer pushes; as many as it can where absent. */
  readonly pps: string | undefined;
}

export interface WholeRun {
  readonly packetsPerSecond: number;
  readonly pushedPerSecond: number;
}

const AVERAGE = /average\s*=\s*(\d+)/gi;
const TOTAL = /total_?packets"?\s*[:=]\s*(\d+)/gi;
const quePeer = (): string => join(buildRust().binDir, "que-peer");

interface Flood {
  readonly pushed: number;
  readonly seconds: number;
}

async function flood(prefix: string, { seconds, mix, cores, pps }: WholeSettings): Promise<Flood> {
  const args = ["flood", "--packets", packetFile(mix).path, "--seconds", `${seconds}`, "--cpu", `${cores[0]}`];
  if (prefix !== "") args.push("--prefix", prefix);
  if (pps !== undefined) args.push("--pps", pps);
  const producer = Bun.spawn([quePeer(), ...args], { stdout: "pipe", stderr: "inherit" });
  const output = await producer.stdout.text();
  if ((await producer.exited) !== 0) throw new Error("the producer failed");
  const done = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .find(({ event }) => event === "done");
  return done as unknown as Flood;
}

async function runOurs(settings: WholeSettings, number: number): Promise<WholeRun> {
  const cpu = settings.cores.at(-1);
  const sidecar = new SidecarProcess(cpu, number, settings.model);
  try {
    const { pushed, seconds } = await flood(sidecar.prefix, settings);
    if (number === 0) console.log(`threads that may run on the loop's core: ${threadsOn(sidecar.pid, cpu)}`);
    const { counters } = await sidecar.stop();
    return { packetsPerSecond: counters.totalPackets / seconds, pushedPerSecond: pushed / seconds };
  } finally {
    sidecar.remove();
  }
}

/** Threads of a process that are pinned to a core: the loop alone, if all is well. */
function threadsOn(pid: number, cpu: number | undefined): string {
  const names = readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, "latin1");
    const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
    return allowed === `${cpu}` ? [/^Name:\s*(.*)$/m.exec(status)?.[1] ?? task] : [];
  });
  return names.join(", ");
}

async function runOther(command: string, settings: WholeSettings, number: number): Promise<WholeRun> {
  const prefix = command.includes("{prefix}") ? `${process.pid}o${number}_` : "";
  const cpu = settings.cores.at(-1);
  const created = Bun.spawnSync([quePeer(), "create", "--prefix", prefix], { stderr: "inherit" });
  if (created.exitCode !== 0) throw new Error("the channels could not be created");
  const words = command.replaceAll("{prefix}", prefix).replaceAll("{cpu}", `${cpu}`);
  const other = Bun.spawn(["sh", "-c", `exec ${words}`], { stdout: "pipe", stderr: "pipe" });
  const output = Promise.all([other.stdout.text(), other.stderr.text()]);
  try {
    const { pushed, seconds } = await flood(prefix, settings);
    other.kill("SIGINT");
    await other.exited;
    const text = (await output).join("\n");
    const average = [...text.matchAll(AVERAGE)].at(-1)?.[1];
    const total = [...text.matchAll(TOTAL)].at(-1)?.[1];
    if (average === undefined && total === undefined)
      throw new Error("the other sidecar's output names no number of packets");
    const packetsPerSecond = average === undefined ? Number(total) / seconds : Number(average);
    return { packetsPerSecond, pushedPerSecond: pushed / seconds };
  } finally {
    other.kill("SIGKILL");
    removeChannels(prefix, CHANNEL_NAMES);
  }
}

export interface WholeResult {
  readonly mix: Mix;
  readonly ours: readonly WholeRun[];
  readonly theirs: readonly WholeRun[];
  readonly ratio: number | undefined;
}

const millions = (perSecond: number): string => `${(perSecond / 1e6).toFixed(3)} M packets/s`;

/** Runs both in turn. @throws Error if there is no cargo: the producer is the crate's */
export async function whole(settings: WholeSettings): Promise<WholeResult> {
  const rust = buildRust();
  if (!rust.ok) throw new Error(rust.reason);
  if (settings.cores.length < 2) throw new Error("two cores are needed: the sidecar's and the producer's");
  binary(true);
  const ours: WholeRun[] = [];
  const theirs: WholeRun[] = [];
  const tell = (who: string, { packetsPerSecond, pushedPerSecond }: WholeRun): void =>
    console.log(`${who.padEnd(8)} ${millions(packetsPerSecond)}   of ${millions(pushedPerSecond)} pushed`);
  for (let round = 0; round < settings.rounds; round++) {
    const our = await runOurs(settings, round);
    ours.push(our);
    tell("ours", our);
    if (settings.against === undefined) continue;
    const their = await runOther(settings.against, settings, round);
    theirs.push(their);
    tell("theirs", their);
  }
  const middle = (runs: readonly WholeRun[]): number => median(runs.map(({ packetsPerSecond }) => packetsPerSecond));
  const ratio = theirs.length === 0 ? undefined : middle(ours) / middle(theirs);
  if (ratio !== undefined) console.log(`ratio of the medians: ${ratio.toFixed(2)} x`);
  return { mix: settings.mix, ours, theirs, ratio };
}
