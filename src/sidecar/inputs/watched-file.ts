// Files of the operator's on their way into the loop: looked at once a second, read when one changed, built as a table in
// the half of the arena that the loop does not use, and offered to the loop, which swaps it in between two turns.

import { type BigIntStats, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Handover, TableNumber } from "../../engine/mailbox.ts";
import { Failure, messageOf } from "../../failure.ts";
import type { Log } from "../process/log.ts";

/** Files that make one table together. */
export interface WatchedFile {
  /** What they hold, as messages say it: "stakes". */
  readonly holds: string;
  readonly files: readonly { readonly path: string; readonly flag: string }[];
  /** A larger file is some other file. */
  readonly bytesMax: number;
  readonly handover: Handover;
  /**
   * Builds the table of the files' contents, which come in the order of the files.
   * @returns what was read, for the log
   */
  readonly build: (contents: readonly Uint8Array[], table: TableNumber) => string;
}

/** What a look found. */
export type Look = "read" | "unchanged" | "failed";

export class FileWatch {
  #seen = "";
  #said = "";
  #looking: Promise<Look> | undefined;

  constructor(
    readonly watched: WatchedFile,
    private readonly log: Log,
  ) {}

  /** Reads the files for the first time. @throws Failure if one cannot be read */
  async open(): Promise<void> {
    try {
      const identity = this.#identity();
      this.#offer(await this.#readAll());
      this.#seen = identity;
    } catch (error) {
      const { holds, files } = this.watched;
      const flags = files.map(({ flag, path }) => `${flag} ${path}`).join(", ");
      throw new Failure(
        `${flags}: ${holds} cannot be read: ${messageOf(error)}; name a file that this user can read, or leave the flag out`,
      );
    }
  }

  /** Reads the files again where one changed. Trouble is said once, and the table stays as it was. */
  look(): Promise<Look> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<Look> {
    if (!this.watched.handover.isTaken) return "unchanged";
    try {
      const identity = this.#identity();
      if (identity === this.#seen) return "unchanged";
      const contents = await this.#readAll();
      this.#seen = identity;
      this.#said = "";
      this.#offer(contents);
      return "read";
    } catch (error) {
      const message = `${this.watched.holds} cannot be read: ${messageOf(error)}; those of before stay in use`;
      if (message !== this.#said) this.log.warn(message);
      this.#said = message;
      return "failed";
    }
  }

  /** Changes whenever a file does: replaced, written to, or grown within one tick of its clock. */
  #identity(): string {
    const facts = this.watched.files.map(({ path }) => {
      const { dev, ino, size, mtimeNs }: BigIntStats = statSync(path, { bigint: true });
      return `${dev} ${ino} ${size} ${mtimeNs}`;
    });
    return facts.join(";");
  }

  async #readAll(): Promise<Uint8Array[]> {
    const { files, bytesMax } = this.watched;
    const contents: Uint8Array[] = [];
    for (const { path } of files) {
      const stats = statSync(path);
      if (!stats.isFile()) throw new Error(`${path} is not a plain file`);
      if (stats.size > bytesMax) throw new Error(`${path} has ${stats.size} bytes, and ${bytesMax} are the most`);
      contents.push(await readFile(path));
    }
    return contents;
  }

  #offer(contents: readonly Uint8Array[]): void {
    const { handover, build } = this.watched;
    const table = handover.spare;
    const said = build(contents, table);
    handover.offer(table);
    this.log.info(said);
  }
}
