// The processes of an acceptance run: a whole validator with its load, and a sidecar. Each is ended with the run.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Stats } from "../sidecar/sidecar-process.ts";
import type { Built } from "./build.ts";

const BINARY = new URL("../../dist/qos", import.meta.url).pathname;
const SECOND_MS = 1_000;

const running = new Set<Bun.Subprocess>();
const folders: string[] = [];

function newFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `qos-${name}-`));
  folders.push(folder);
  return folder;
}

/** Ends what still runs, and removes what was written. */
export async function endAll(): Promise<void> {
  for (const child of running) {
    child.kill("SIGKILL");
    await child.exited;
  }
  running.clear();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export async function until<T>(what: string, seconds: number, look: () => T | undefined | false): Promise<T> {
  const end = performance.now() + seconds * SECOND_MS;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}`);
    await Bun.sleep(20);
  }
}

export interface LoadCounts {
  readonly sent: number;
  readonly landed: number;
}

type Loads = Readonly<Record<string, LoadCounts>>;

interface Line {
  readonly event: "ready" | "loaded" | "counts" | "log" | "end";
  readonly name?: string;
  readonly bootMs?: number;
  readonly text?: string;
  readonly loads?: Loads;
}

export type Kind = "good" | "bad" | "large";

let firstPort = 20_000;

export class Validator {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "ignore">;
  readonly #lines: Line[] = [];
  readonly logs: string[] = [];

  /** @param channels what QOS_CHANNELS says; undefined: the bridge is off */
  constructor(built: Built, channels: string | undefined) {
    firstPort += 200;
    this.#child = Bun.spawn([built.program, join(newFolder("ledger"), "ledger"), `${firstPort}`], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
      env: { LD_LIBRARY_PATH: built.libraries, ...(channels === undefined ? {} : { QOS_CHANNELS: channels }) },
    });
    running.add(this.#child);
    void this.#collect();
  }

  get pid(): number {
    return this.#child.pid;
  }

  async ready(): Promise<number> {
    const line = await until("the validator to boot", 120, () => this.#lines.find(({ event }) => event === "ready"));
    return line.bootMs ?? 0;
  }

  #say(line: string): void {
    this.#child.stdin.write(`${line}\n`);
    this.#child.stdin.flush();
  }

  /** Starts a load. @returns when it has ended */
  async load(name: string, kind: Kind, rate: number, seconds: number, senders: number, price: number): Promise<void> {
    this.#say(`load ${name} ${kind} ${rate} ${seconds} ${senders} ${price}`);
    const isIt = (line: Line): boolean => line.event === "loaded" && line.name === name;
    await until(`load ${name} to end`, 3 * seconds + 60, () => this.#lines.some(isIt));
  }

  async counts(): Promise<Loads> {
    const before = this.#lines.filter(({ event }) => event === "counts").length;
    this.#say("count");
    const line = await until("counts", 60, () => this.#lines.filter(({ event }) => event === "counts")[before]);
    return line.loads ?? {};
  }

  /** Waits until a load has landed whole, or for so many seconds. */
  async landed(name: string, seconds: number): Promise<LoadCounts> {
    const end = performance.now() + seconds * SECOND_MS;
    for (;;) {
      const counts = (await this.counts())[name];
      if (counts.landed >= counts.sent || performance.now() > end) return counts;
      await Bun.sleep(500);
    }
  }

  /** What the bridge has counted, by its latest line in the log. Empty where it is off. */
  get bridge(): Readonly<Record<string, number>> {
    const line = this.logs.findLast((text) => text.includes("offered=")) ?? "";
    return Object.fromEntries([...line.matchAll(/(\w+)=(\d+)/g)].map(([, name, count]) => [name, Number(count)]));
  }

  async logged(text: string, times = 1): Promise<void> {
    await until(`the log to say "${text}"`, 60, () => this.logs.filter((line) => line.includes(text)).length >= times);
  }

  threads(): string[] {
    const { stdout } = Bun.spawnSync(["ps", "-T", "-o", "comm=", "-p", `${this.pid}`]);
    return stdout.toString().trim().split("\n");
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await Promise.race([this.#child.exited, Bun.sleep(10 * SECOND_MS)]);
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    running.delete(this.#child);
  }

  async #collect(): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const text of lines) {
        if (!text.startsWith('{"event"')) continue; // the test validator prints words of its own
        const line = JSON.parse(text) as Line;
        if (line.event === "log") this.logs.push(line.text ?? "");
        else this.#lines.push(line);
      }
    }
  }
}

export class Sidecar {
  readonly child: Bun.Subprocess;
  readonly #statsPath = join(newFolder("stats"), "stats.json");

  constructor(prefix: string, flags: readonly string[] = []) {
    const fixed = ["--packet-layout", "large", "--idle", "backoff", "--allow-root", "--stats-interval", "100ms"];
    this.child = Bun.spawn([BINARY, "run", "--prefix", prefix, ...fixed, "--stats-json", this.#statsPath, ...flags], {
      stdout: "ignore",
      stderr: "ignore",
      env: {},
    });
    running.add(this.child);
  }

  get stats(): Stats | undefined {
    return existsSync(this.#statsPath) ? (JSON.parse(readFileSync(this.#statsPath, "utf8")) as Stats) : undefined;
  }

  async end(signal: NodeJS.Signals): Promise<Readonly<Record<string, number>>> {
    this.child.kill(signal);
    await this.child.exited;
    running.delete(this.child);
    return this.stats?.counters ?? {};
  }
}
