// The files of `--allow` and `--deny`, which make one table of senders.

import type { Mailbox } from "../../engine/mailbox.ts";
import { LIST_ALLOW, LIST_DENY, SenderLists } from "../../rank/lists/sender-lists.ts";
import type { Arena } from "../../shape/arena.ts";
import { type ArenaLayout, LIST_ENTRIES } from "../../shape/layout.ts";
import type { Log } from "../process/log.ts";
import { problemLines } from "./entry-lines.ts";
import { LIST_FILE_MAX_BYTES, parseList } from "./list-file.ts";
import type { WatchedFile } from "./watched-file.ts";

export interface InputParts {
  readonly arena: Arena;
  readonly layout: ArenaLayout;
  readonly mailbox: Mailbox;
  readonly log: Log;
}

/** The lists of senders that two flags name; undefined if neither is given. */
export function watchedLists(
  allow: string | undefined,
  deny: string | undefined,
  { arena, layout, mailbox, log }: InputParts,
): WatchedFile | undefined {
  const kinds = [
    { path: deny, flag: "--deny", verdict: LIST_DENY, word: "denied" },
    { path: allow, flag: "--allow", verdict: LIST_ALLOW, word: "allowed" },
  ];
  const files = kinds.flatMap(({ path, ...rest }) => (path === undefined ? [] : [{ path, ...rest }]));
  const region = layout.lists;
  if (files.length === 0 || region === undefined) return undefined;
  return {
    holds: "lists of senders",
    files,
    bytesMax: LIST_FILE_MAX_BYTES,
    handover: mailbox.lists,
    build: (contents, table) => {
      let room = LIST_ENTRIES;
      const lists = files.map(({ path, verdict, word }, i) => {
        const list = parseList(contents[i], room);
        room -= list.prefixes.length + list.payers.length;
        for (const line of problemLines(path, list)) log.warn(line);
        const said = `${list.prefixes.length} addresses and prefixes and ${list.payers.length} payers ${word}, from ${path}`;
        return { ...list, verdict, said };
      });
      SenderLists.build(
        lists.flatMap(({ prefixes, verdict }) => prefixes.map((prefix) => ({ ...prefix, verdict }))),
        lists.flatMap(({ payers, verdict }) => payers.map((key) => ({ key, verdict }))),
        { buffer: arena.buffer, at: region.tablesAt[table - 1], slotCount: region.slotCount },
      );
      return lists.map(({ said }) => said).join("; ");
    },
  };
}
