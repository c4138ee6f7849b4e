// The statistics file: replaced whole every few seconds and at the end; a FIFO or a device is written to instead. Trouble
// with it while the sidecar runs is said once and ends nothing; when it can be written again, that is said too.

import { SystemError } from "../../../ffi/libc.ts";
import { Failure, messageOf } from "../../failure.ts";
import type { Log } from "../process/log.ts";
import { replaceFile, targetKind, writeInPlace } from "./atomic-file.ts";
import { type FileLock, lockFile } from "./file-lock.ts";

const FILE_MODE = 0o644;

export class StatsFile {
  #failing = false;
  #last: Promise<void> = Promise.resolve();
  #writing = false;
  #lock: FileLock | undefined;

  constructor(
    private readonly path: string,
    private readonly log: Log,
  ) {}

  /** Before the loop turns. @throws Failure if a folder is there, or another sidecar writes to the file */
  open(): void {
    const kind = kindOf(this.path);
    if (kind === "folder") throw new Failure(`--stats-json ${this.path} is a folder; name a file`);
    if (kind === "stream" || kind === undefined) return;
    try {
      const lock = lockFile(this.path);
      if ("release" in lock) this.#lock = lock;
      else {
        throw new Failure(
          `--stats-json ${this.path} is in use by another sidecar (process ${lock.lockedBy ?? "unknown"}); name another file`,
        );
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error; // a folder that takes no files: the first writing says so
    }
  }

  close(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

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
      if (targetKind(this.path) === "stream") await writeInPlace(this.path, text);
      else await replaceFile(this.path, text, { mode: FILE_MODE, durable: false });
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

/** @returns undefined if it cannot be told */
function kindOf(path: string): ReturnType<typeof targetKind> | undefined {
  try {
    return targetKind(path);
  } catch {
    return undefined;
  }
}
