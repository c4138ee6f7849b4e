// Stakes on their way into the loop: the file is looked at once a second, read when it changed, built as a table in the
// half of the arena that the loop does not use, and offered to the loop, which swaps it in between two turns.

import { type BigIntStats, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Mailbox } from "../../engine/mailbox.ts";
import { Failure, messageOf } from "../../failure.ts";
import { StakeTable } from "../../rank/lists/stake-table.ts";
import type { Arena } from "../../shape/arena.ts";
import { type ArenaLayout, STAKE_ENTRIES } from "../../shape/layout.ts";
import type { Log } from "../process/log.ts";
import { parseStakes, STAKE_FILE_MAX_BYTES, type StakeList } from "./stake-file.ts";

const KEY_BYTES = 8;

export class Stakes {
  #seen = "";
  #said = "";
  #busy = false;

  constructor(
    private readonly path: string,
    private readonly arena: Arena,
    private readonly layout: ArenaLayout,
    private readonly mailbox: Mailbox,
    private readonly log: Log,
  ) {}

  /** Reads the file for the first time. @throws Failure where it cannot be read */
  async open(): Promise<void> {
    try {
      this.#seen = this.#identity();
      this.#offer(await this.#read());
    } catch (error) {
      throw new Failure(`stakes cannot be read from ${this.path}: ${messageOf(error)}`);
    }
  }

  /** Reads the file again where it changed. Trouble is said once, and the stakes stay as they were. */
  async look(): Promise<void> {
    if (this.#busy || this.mailbox.stakesInUse !== this.mailbox.stakesOffered) return;
    this.#busy = true;
    try {
      const identity = this.#identity();
      if (identity === this.#seen) return;
      const list = await this.#read();
      this.#seen = identity;
      this.#said = "";
      this.#offer(list);
    } catch (error) {
      const message = `stakes cannot be read from ${this.path}: ${messageOf(error)}; those of before stay in use`;
      if (message !== this.#said) this.log.warn(message);
      this.#said = message;
    } finally {
      this.#busy = false;
    }
  }

  /** Changes whenever the file does: replaced, written to, or grown within one tick of its clock. */
  #identity(): string {
    const { dev, ino, size, mtimeNs }: BigIntStats = statSync(this.path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs}`;
  }

  async #read(): Promise<StakeList> {
    const stats = statSync(this.path);
    if (!stats.isFile()) throw new Error("it is no plain file");
    if (stats.size > STAKE_FILE_MAX_BYTES)
      throw new Error(`it has ${stats.size} bytes, and ${STAKE_FILE_MAX_BYTES} are the most`);
    return parseStakes(await readFile(this.path), STAKE_ENTRIES);
  }

  #offer(list: StakeList): void {
    for (const problem of list.problems) this.log.warn(`${this.path}, ${problem}`);
    const untold = list.problemCount - list.problems.length;
    if (untold > 0) this.log.warn(`${this.path}: ${untold} more lines are wrong`);
    const entries = list.stakes.map(({ octets, lamports }) => {
      const key = new Uint8Array(KEY_BYTES);
      key.set(octets);
      return { key, ipv6: octets.length === KEY_BYTES, lamports: Number(lamports) };
    });
    const { tablesAt, slotCount } = this.layout.stakes;
    const number = this.mailbox.stakesInUse === 1 ? 2 : 1;
    StakeTable.build(entries, Number(list.totalLamports), {
      buffer: this.arena.buffer,
      at: tablesAt[number - 1],
      slotCount,
    });
    this.mailbox.offerStakes(number);
    this.log.info(`${entries.length} stakes of ${list.totalLamports} lamports in all, from ${this.path}`, {
      stakes: entries.length,
      lamports: list.totalLamports.toString(),
    });
  }
}
