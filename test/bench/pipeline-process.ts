// A pipeline in a process of its own, driven as the baselines are: a command in, a measurement out. The sidecar has one
// engine in its process, and the compiler takes what there is one of for a constant: beside a second engine each runs 8 to 15%
// slower (measured), so that the first line of a suite would always win.
//
//   bun pipeline-process.ts OPTIONS      OPTIONS: JSON of PipelineOptions; on standard input `ROUNDS EMPTY_EVERY` a line

import { readFileSync } from "node:fs";
import { pinThread } from "../../ffi/thread.ts";
import { linesOf } from "../tools/stream-lines.ts";
import type { Answer } from "./baselines.ts";
import type { LoadedOptions } from "./loaded-engine.ts";
import { Pipeline } from "./pipeline.ts";

export interface PipelineOptions extends Omit<LoadedOptions, "packets"> {
  /** File of the packets. */
  readonly packetsPath: string;
  readonly cpu?: number;
}

/** Such a process, seen from the suite. */
export class PipelineProcess {
  readonly #process;
  readonly #lines: AsyncIterator<string>;

  constructor(options: PipelineOptions) {
    this.#process = Bun.spawn([process.execPath, import.meta.path, JSON.stringify(options)], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#lines = linesOf(this.#process.stdout);
  }

  /** Waits until everything is allocated and filled. */
  async ready(): Promise<this> {
    await this.#next();
    return this;
  }

  async run(rounds: number, emptyEvery: number): Promise<Answer> {
    this.#process.stdin.write(`${rounds} ${emptyEvery}\n`);
    this.#process.stdin.flush();
    return JSON.parse(await this.#next()) as Answer;
  }

  async end(): Promise<void> {
    this.#process.stdin.end();
    await this.#process.exited;
  }

  async #next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the pipeline's process has ended");
    return value;
  }
}

async function serve({ packetsPath, cpu, ...options }: PipelineOptions): Promise<void> {
  const pipeline = new Pipeline({ ...options, packets: new Uint8Array(readFileSync(packetsPath)) });
  // Not before: threads that the compiler and the collector start would share the core.
  if (cpu !== undefined) pinThread(cpu);
  console.log("ready");
  for await (const line of linesOf(Bun.stdin.stream())) {
    const [rounds = 0, emptyEvery = 0] = line.split(" ").map(Number);
    console.log(JSON.stringify(pipeline.run(rounds, emptyEvery)));
  }
}

if (import.meta.main) await serve(JSON.parse(process.argv[2] ?? "{}") as PipelineOptions);
