// The file behind `--state`: read once at the start, written each minute and at the end. What cannot be used is set aside
// under another name; what cannot be written is said once. Neither ever ends anything.

import { accessSync, constants, readFileSync, renameSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { messageOf } from "../../failure.ts";
import { replaceFile } from "../files/atomic-file.ts";
import type { Log } from "../process/log.ts";
import { CHECKPOINT_MAX_BYTES, decodeCheckpoint, encodeCheckpoint, type SavedScores } from "./checkpoint.ts";

/** Senders are nobody else's business. */
const FILE_MODE = 0o600;

export class StateFile {
  #failing = false;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly path: string,
    private readonly log: Log,
  ) {}

  /** Says now what would else be found out at the first writing, a minute later. */
  check(): void {
    try {
      accessSync(dirname(resolve(this.path)), constants.W_OK | constants.X_OK);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The scores in the file, or undefined where there are none that can be used. */
  read(model: string): SavedScores | undefined {
    let bytes: Uint8Array;
    try {
      const stats = statSync(this.path, { throwIfNoEntry: false });
      if (stats === undefined) return undefined;
      if (!stats.isFile()) throw new Error("it is no plain file");
      if (stats.size > CHECKPOINT_MAX_BYTES) return this.#setAside(`it has ${stats.size} bytes`);
      bytes = readFileSync(this.path);
    } catch (error) {
      this.log.warn(`scores cannot be read from ${this.path}: ${messageOf(error)}; starting without`);
      return undefined;
    }
    const decoded = decodeCheckpoint(bytes, model);
    return decoded.state === "good" ? decoded.scores : this.#setAside(decoded.reason);
  }

  /** Writes, after whatever is being written already. @returns false where it could not be written */
  write(scores: SavedScores): Promise<boolean> {
    const written = this.#writing.then(async () => {
      try {
        await replaceFile(this.path, encodeCheckpoint(scores), { mode: FILE_MODE, durable: true });
        if (this.#failing) this.log.info(`scores are written to ${this.path} again`);
        this.#failing = false;
      } catch (error) {
        this.#fail(error);
      }
      return !this.#failing;
    });
    this.#writing = written;
    return written;
  }

  #fail(error: unknown): void {
    this.log.faults.count("stateFailures");
    if (!this.#failing) this.log.warn(`scores cannot be written to ${this.path}: ${messageOf(error)}`);
    this.#failing = true;
  }

  #setAside(reason: string): undefined {
    const aside = `${this.path}.bad`;
    try {
      renameSync(this.path, aside);
      this.log.warn(`scores in ${this.path} cannot be used: ${reason}; set aside as ${aside}, starting without`);
    } catch (error) {
      this.log.warn(`scores in ${this.path} cannot be used: ${reason}; starting without (${messageOf(error)})`);
    }
    return undefined;
  }
}
