// The statistics file: replaced whole every few seconds and at the end. Trouble with it is said once and never ends
// anything; when it can be written again, that is said too.

import { messageOf } from "../../failure.ts";
import type { Log } from "../process/log.ts";
import { replaceFile } from "./atomic-file.ts";

const FILE_MODE = 0o644;

export class StatsFile {
  #failing = false;
  #last: Promise<void> = Promise.resolve();
  #writing = false;

  constructor(
    private readonly path: string,
    private readonly log: Log,
  ) {}

  /** Writes, unless the last writing is still under way (a disk that hangs). */
  offer(content: unknown): void {
    if (!this.#writing) this.#start(content);
  }

  /** Writes after whatever is under way, and waits for it. */
  async finish(content: unknown): Promise<void> {
    await this.#last;
    this.#start(content);
    await this.#last;
  }

  #start(content: unknown): void {
    this.#writing = true;
    this.#last = this.#write(`${JSON.stringify(content, null, 2)}\n`);
  }

  async #write(text: string): Promise<void> {
    try {
      await replaceFile(this.path, text, { mode: FILE_MODE, durable: false });
      if (this.#failing) this.log.info(`statistics are written to ${this.path} again`);
      this.#failing = false;
    } catch (error) {
      this.log.faults.count("statisticsFailures");
      if (!this.#failing) this.log.warn(`statistics cannot be written to ${this.path}: ${messageOf(error)}`);
      this.#failing = true;
    } finally {
      this.#writing = false;
    }
  }
}
