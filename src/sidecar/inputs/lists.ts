// Allow and deny lists on their way into the loop: the files are looked at once a second, read when one changed, built as a
// table in the half of the arena that the loop does not use, and offered to the loop, which swaps it in between two turns.

import { type BigIntStats, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Mailbox } from "../../engine/mailbox.ts";
import { Failure, messageOf } from "../../failure.ts";
import { LIST_ALLOW, LIST_DENY, SenderLists } from "../../rank/lists/sender-lists.ts";
import type { Arena } from "../../shape/arena.ts";
import { type ArenaLayout, LIST_ENTRIES } from "../../shape/layout.ts";
import type { Log } from "../process/log.ts";
import { LIST_FILE_MAX_BYTES, parseList, type SenderList } from "./list-file.ts";

export interface ListFiles {
  readonly allow: string | undefined;
  readonly deny: string | undefined;
}

export class Lists {
  readonly #files: readonly { path: string; verdict: number; word: string }[];
  #seen = "";
  #said = "";
  #busy = false;

  constructor(
    { allow, deny }: ListFiles,
    private readonly arena: Arena,
    private readonly layout: ArenaLayout,
    private readonly mailbox: Mailbox,
    private readonly log: Log,
  ) {
    this.#files = [
      ...(deny === undefined ? [] : [{ path: deny, verdict: LIST_DENY, word: "denied" }]),
      ...(allow === undefined ? [] : [{ path: allow, verdict: LIST_ALLOW, word: "allowed" }]),
    ];
  }

  /** Reads the files for the first time. @throws Failure where one cannot be read */
  async open(): Promise<void> {
    try {
      this.#seen = this.#identity();
      this.#offer(await this.#readAll());
    } catch (error) {
      throw new Failure(`lists of senders cannot be read: ${messageOf(error)}`);
    }
  }

  /** Reads the files again where one changed. Trouble is said once, and the lists stay as they were. */
  async look(): Promise<void> {
    if (this.#busy || this.mailbox.listsInUse !== this.mailbox.listsOffered) return;
    this.#busy = true;
    try {
      const identity = this.#identity();
      if (identity === this.#seen) return;
      const lists = await this.#readAll();
      this.#seen = identity;
      this.#said = "";
      this.#offer(lists);
    } catch (error) {
      const message = `lists of senders cannot be read: ${messageOf(error)}; those of before stay in use`;
      if (message !== this.#said) this.log.warn(message);
      this.#said = message;
    } finally {
      this.#busy = false;
    }
  }

  /** Changes whenever a file does: replaced, written to, or grown within one tick of its clock. */
  #identity(): string {
    const facts = this.#files.map(({ path }) => {
      const { dev, ino, size, mtimeNs }: BigIntStats = statSync(path, { bigint: true });
      return `${dev} ${ino} ${size} ${mtimeNs}`;
    });
    return facts.join(";");
  }

  async #readAll(): Promise<SenderList[]> {
    const lists: SenderList[] = [];
    let room = LIST_ENTRIES;
    for (const { path } of this.#files) {
      const stats = statSync(path);
      if (!stats.isFile()) throw new Error(`${path} is no plain file`);
      if (stats.size > LIST_FILE_MAX_BYTES)
        throw new Error(`${path} has ${stats.size} bytes, and ${LIST_FILE_MAX_BYTES} are the most`);
      const list = parseList(await readFile(path), room);
      room -= list.prefixes.length + list.payers.length;
      lists.push(list);
    }
    return lists;
  }

  #offer(lists: readonly SenderList[]): void {
    const region = this.layout.lists;
    if (region === undefined) throw new Error("no room was set aside for lists");
    const said = this.#files.map(({ path, word }, i) => {
      const { problems, problemCount, prefixes, payers } = lists[i];
      for (const problem of problems) this.log.warn(`${path}, ${problem}`);
      if (problemCount > problems.length)
        this.log.warn(`${path}: ${problemCount - problems.length} more lines are wrong`);
      return `${prefixes.length} addresses and prefixes and ${payers.length} payers ${word}, from ${path}`;
    });
    const marked = this.#files.map(({ verdict }, i) => ({
      prefixes: lists[i].prefixes.map((prefix) => ({ ...prefix, verdict })),
      payers: lists[i].payers.map((key) => ({ key, verdict })),
    }));
    const number = this.mailbox.listsInUse === 1 ? 2 : 1;
    SenderLists.build(
      marked.flatMap(({ prefixes }) => prefixes),
      marked.flatMap(({ payers }) => payers),
      { buffer: this.arena.buffer, at: region.tablesAt[number - 1], slotCount: region.slotCount },
    );
    this.mailbox.offerLists(number);
    this.log.info(said.join("; "));
  }
}
