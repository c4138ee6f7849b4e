// The built binary as a process of its own, on channels of a prefix of ours.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHANNELS } from "../../src/shape/channels.ts";
import { removeChannels } from "./channel-file.ts";

const HOUSE = join(import.meta.dir, "..", "..");
const BINARY = join(HOUSE, "dist", "qos");
export const CHANNEL_NAMES = CHANNELS.map(({ name }) => name);
const SEED = "420";

/** @returns the binary's path; built if it is missing or `fresh` is asked for */
export function binary(fresh = false): string {
  if (fresh || !existsSync(BINARY)) {
    const built = Bun.spawnSync([process.execPath, join(HOUSE, "build.ts")], { stdout: "ignore", stderr: "inherit" });
    if (built.exitCode !== 0) throw new Error("the binary does not build");
  }
  return BINARY;
}

/** What of the statistics file is read here. */
export interface Stats {
  readonly counters: Readonly<Record<string, number>>;
  readonly [more: string]: unknown;
}

export class SidecarProcess {
  readonly prefix: string;
  /** Before its start, by `performance.now()`; the channels are there. */
  readonly startedMs: number;
  readonly #folder = mkdtempSync(join(tmpdir(), "qos-bench-"));
  readonly #process;

  /** @param more flags behind the ones that every run has; without others no fates are kept */
  constructor(
    cpu: number | undefined,
    number: number,
    model = "ip-signer",
    more: readonly string[] = ["--fates", "0"],
  ) {
    this.prefix = `${process.pid}b${number}_`;
    this.#run(["init", "--prefix", this.prefix]);
    const args = [
      "run",
      "--prefix",
      this.prefix,
      "--allow-root",
      "--idle",
      "spin",
      "--xxhash-seed",
      SEED,
      "--model",
      model,
    ];
    args.push("--fee-model", "reference", "--log-interval", "1m");
    args.push(...more);
    args.push("--stats-json", this.statsPath, "--stats-interval", "1s");
    if (cpu !== undefined) args.push("--cpu", `${cpu}`);
    this.startedMs = performance.now();
    this.#process = Bun.spawn([binary(), ...args], { cwd: this.#folder, stdout: "ignore", stderr: "ignore" });
  }

  get statsPath(): string {
    return join(this.#folder, "stats.json");
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Resident bytes, those of the channels it maps among them. */
  residentBytes(): { readonly all: number; readonly own: number } {
    const status = readFileSync(`/proc/${this.pid}/status`, "latin1");
    const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
    return { all: kilobytes("VmRSS") * 1_024, own: kilobytes("RssAnon") * 1_024 };
  }

  /** Stops it. @returns its last statistics */
  async stop(): Promise<Stats> {
    this.#process.kill("SIGINT");
    await this.#process.exited;
    return JSON.parse(readFileSync(this.statsPath, "utf8")) as Stats;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
    removeChannels(this.prefix, CHANNEL_NAMES);
  }

  #run(args: readonly string[]): void {
    const run = Bun.spawnSync([binary(), ...args], { stdout: "ignore", stderr: "pipe" });
    if (run.exitCode !== 0) throw new Error(`qos ${args.join(" ")}: ${run.stderr.toString()}`);
  }
}
