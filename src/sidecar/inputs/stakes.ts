// The file of `--stake-file`: a table of senders' stakes.

import { StakeTable } from "../../rank/lists/stake-table.ts";
import { STAKE_ENTRIES } from "../../shape/layout.ts";
import { problemLines } from "./entry-lines.ts";
import type { InputParts } from "./lists.ts";
import { parseStakes, STAKE_FILE_MAX_BYTES } from "./stake-file.ts";
import type { WatchedFile } from "./watched-file.ts";

const KEY_BYTES = 8;

/** The stakes that a flag names; undefined if it is not given. */
export function watchedStakes(
  path: string | undefined,
  { arena, layout, mailbox, log }: InputParts,
): WatchedFile | undefined {
  if (path === undefined) return undefined;
  return {
    holds: "stakes",
    files: [{ path, flag: "--stake-file" }],
    bytesMax: STAKE_FILE_MAX_BYTES,
    handover: mailbox.stakes,
    build: ([content], table) => {
      const list = parseStakes(content, STAKE_ENTRIES);
      for (const line of problemLines(path, list)) log.warn(line);
      const entries = list.stakes.map(({ octets, lamports }) => {
        const key = new Uint8Array(KEY_BYTES);
        key.set(octets);
        return { key, ipv6: octets.length === KEY_BYTES, lamports: Number(lamports) };
      });
      const { tablesAt, slotCount } = layout.stakes;
      StakeTable.build(entries, Number(list.totalLamports), {
        buffer: arena.buffer,
        at: tablesAt[table - 1],
        slotCount,
      });
      return `${entries.length} stakes of ${list.totalLamports} lamports in all, from ${path}`;
    },
  };
}
