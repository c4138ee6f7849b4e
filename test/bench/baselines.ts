// The Rust baselines (test/rust/baselines) as a process of their own: a command in, a measurement out. Only one side runs
// at a time: the process sleeps on its standard input while ours is measured.

import { join } from "node:path";
import { buildRust } from "../rust/build.ts";
import { linesOf } from "../tools/stream-lines.ts";

/** What one run of a part came to. `nanos` is CPU time of the thread that did it. */
export interface Sample {
  readonly operations: number;
  readonly nanos: number;
  readonly checksum: string;
}

export interface Answer extends Sample {
  readonly [more: string]: number | string;
}

export interface BaselineOptions {
  readonly packets: string;
  readonly cpu?: number;
  readonly tableFill?: number;
  readonly storeFill?: number;
}

export const baselinesPath = (): string => join(buildRust().binDir, "baselines");

export class Baselines {
  readonly #process;
  readonly #lines: AsyncIterator<string>;

  constructor({ packets, cpu, tableFill, storeFill }: BaselineOptions) {
    const flags = { "--packets": packets, "--cpu": cpu, "--table-fill": tableFill, "--store-fill": storeFill };
    const args = Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [name, `${value}`]));
    this.#process = Bun.spawn([baselinesPath(), ...args], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    this.#lines = linesOf(this.#process.stdout);
  }

  /** Waits until everything is allocated and filled. */
  async ready(): Promise<this> {
    await this.#next();
    return this;
  }

  async run(command: string): Promise<Answer> {
    this.#process.stdin.write(`${command}\n`);
    this.#process.stdin.flush();
    const answer = await this.#next();
    if ("error" in answer) throw new Error(`baselines: ${command}: ${answer.error}`);
    return answer as unknown as Answer;
  }

  async end(): Promise<void> {
    this.#process.stdin.end();
    await this.#process.exited;
  }

  async #next(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the Rust baselines have ended");
    return JSON.parse(value) as Record<string, unknown>;
  }
}
