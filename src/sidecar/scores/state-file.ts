// The file behind `--state`: read once at the start, written each minute and at the end. A file whose content is damaged is
// set aside under another name. A file that cannot be read may be a good one: it is never written over.

import { accessSync, constants, readFileSync, renameSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { SystemError } from "../../../ffi/libc.ts";
import { Failure, messageOf } from "../../failure.ts";
import { replaceFile, targetKind } from "../files/atomic-file.ts";
import { type FileLock, lockFile } from "../files/file-lock.ts";
import type { Log } from "../process/log.ts";
import { CHECKPOINT_MAX_BYTES, decodeCheckpoint, encodeCheckpoint, type SavedScores } from "./checkpoint.ts";

/** Senders are nobody else's business. */
const FILE_MODE = 0o600;

export class StateFile {
  #failing = false;
  #writing: Promise<unknown> = Promise.resolve();
  #lock: FileLock | undefined;
  /** Why nothing may be written: what is there could not be read. */
  #sealed: string | undefined;

  constructor(
    private readonly path: string,
    private readonly log: Log,
  ) {}

  /**
   * Takes the file's lock, and says now what would else be found out at the first writing, a minute later.
   * @throws Failure where something else than a file is there, or another sidecar uses the file
   */
  open(): void {
    try {
      const kind = targetKind(this.path);
      if (kind === "folder" || kind === "stream") {
        throw new Failure(`--state ${this.path} is not a plain file: a checkpoint could not be read back from it`);
      }
      accessSync(dirname(resolve(this.path)), constants.W_OK | constants.X_OK);
      const lock = lockFile(this.path);
      if ("release" in lock) this.#lock = lock;
      else {
        throw new Failure(
          `--state ${this.path} is in use by another sidecar (process ${lock.lockedBy ?? "unknown"}): two would undo each ` +
            "other's work; give each a file of its own, or stop that one",
        );
      }
    } catch (error) {
      if (error instanceof Failure) throw error;
      if (!(error instanceof SystemError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
      this.#fail(error);
    }
  }

  /** The scores in the file, or undefined if there are none that can be used. */
  read(model: string): SavedScores | undefined {
    let bytes: Uint8Array;
    try {
      const stats = statSync(this.path, { throwIfNoEntry: false });
      if (stats === undefined) return undefined;
      if (!stats.isFile()) throw new Error("it is not a plain file");
      if (stats.size > CHECKPOINT_MAX_BYTES) return this.#setAside(`it has ${stats.size} bytes`);
      bytes = readFileSync(this.path);
    } catch (error) {
      return this.#seal(messageOf(error));
    }
    const decoded = decodeCheckpoint(bytes, model);
    return decoded.state === "good" ? decoded.scores : this.#setAside(decoded.reason);
  }

  /** Writes, once an earlier write is done. @returns false if it could not be written */
  write(scores: SavedScores): Promise<boolean> {
    const written = this.#writing.then(async () => {
      try {
        if (this.#sealed !== undefined) throw new Error(this.#sealed);
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

  /** Lets go of the lock, after the last writing. */
  close(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  #fail(error: unknown): void {
    this.log.faults.count("stateFailures");
    if (!this.#failing) this.log.warn(`scores cannot be written to ${this.path}: ${messageOf(error)}`);
    this.#failing = true;
  }

  /** What is there may be good: it stays as it is. */
  #seal(why: string): undefined {
    this.#sealed = `what is there could not be read (${why}), and is not written over`;
    this.log.faults.count("stateFailures");
    this.log.warn(
      `scores cannot be read from ${this.path}: ${why}; starting without, and the file stays as it is: nothing is saved ` +
        `until it can be read at a start (chown ${process.geteuid?.()} ${this.path}, or name another file with --state)`,
    );
    this.#failing = true;
    return undefined;
  }

  #setAside(reason: string): undefined {
    const aside = `${this.path}.bad`;
    try {
      renameSync(this.path, aside);
      this.log.warn(`scores in ${this.path} cannot be used: ${reason}; set aside as ${aside}, starting without`);
      return undefined;
    } catch (error) {
      return this.#seal(`${reason}; it cannot be set aside: ${messageOf(error)}`);
    }
  }
}
