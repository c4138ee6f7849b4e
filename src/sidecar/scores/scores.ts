// A model's scores as columns: taken from the arena by the main thread while the loop runs, put back into a fresh model by
// the loop's thread before its first turn.

import type { Kernel } from "../../kernel/kernel.ts";
import type { SenderStore } from "../../rank/model.ts";
import type { ScoreReaders } from "../../rank/models.ts";
import type { ScoreRows } from "../../rank/score-rows.ts";
import type { Arena } from "../../shape/arena.ts";
import {
  IP_ID_AT,
  IP_KEY_AT,
  META_BYTES,
  PAYER_ID_AT,
  PAYER_KEY_AT,
  TRAIT_IPV6,
  TRAITS_AT,
} from "../../shape/digest-layout.ts";
import type { ArenaLayout } from "../../shape/layout.ts";
import type { SavedScores, SavedTable } from "./checkpoint.ts";

export type { ScoreReaders } from "../../rank/models.ts";

const IPS = "ips";
const PAYERS = "payers";
const IP_KEY_BYTES = 8;
const PAYER_KEY_BYTES = 32;

/** @returns undefined if no consistent copy could be had */
export function takeScores(model: string, readers: ScoreReaders): SavedScores | undefined {
  if (!readers.ips.read() || !readers.payers.read()) return undefined;
  return {
    model,
    tables: [columnsOf(IPS, readers.ips, IP_KEY_BYTES), columnsOf(PAYERS, readers.payers, PAYER_KEY_BYTES)],
  };
}

function columnsOf(name: string, reader: ScoreRows, keyBytes: number): SavedTable {
  const rows = reader.size;
  const keys = new Uint8Array(rows * keyBytes);
  const traits = new Uint8Array(rows);
  const scores = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    keys.set(reader.key(row), row * keyBytes);
    traits[row] = reader.isIpv6(row) ? TRAIT_IPV6 : 0;
    scores[row] = reader.score(row);
  }
  return { name, keyBytes, keys, traits, scores };
}

/**
 * Puts saved scores into empty tables. Rows that do not fit (a lower limit than then, a score that is not a number) stay out.
 * @returns rows restored
 */
export function putScores(
  saved: SavedScores,
  senders: SenderStore,
  arena: Arena,
  layout: ArenaLayout,
  kernel: Kernel,
): number {
  const at = layout.digestsAt;
  let restored = 0;
  for (const table of saved.tables) {
    const { keyBytes, keys, traits, scores } = table;
    if (keyBytes !== (table.name === IPS ? IP_KEY_BYTES : table.name === PAYERS ? PAYER_KEY_BYTES : -1)) continue;
    for (const row of rowsToRestore(scores, table.name === IPS ? senders.ips.limit : senders.payers.limit)) {
      const key = keys.subarray(row * keyBytes, (row + 1) * keyBytes);
      if (table.name === IPS) {
        const isIpv6 = (traits[row] & TRAIT_IPV6) !== 0;
        arena.u8.set(key, at + IP_KEY_AT);
        arena.u8[at + TRAITS_AT] = isIpv6 ? TRAIT_IPV6 : 0;
        kernel.ipId(at + IP_KEY_AT, isIpv6 ? 1 : 0, at + IP_ID_AT, layout.contextAt);
        if (senders.restoreIp(at, scores[row])) restored += 1;
      } else {
        arena.u8.set(key, at + PAYER_KEY_AT);
        kernel.payerId(at + PAYER_KEY_AT, at + PAYER_ID_AT, layout.contextAt);
        if (senders.restorePayer(at, scores[row])) restored += 1;
      }
    }
  }
  arena.u8.fill(0, at, at + META_BYTES);
  return restored;
}

/**
 * Rows in rising order of their scores: each then lands at the end of the table's sorted column, which costs nothing. Of
 * more rows than fit, those around the median stay out, as in a prune (engine.md, 5.3).
 */
export function rowsToRestore(scores: Float64Array, limit: number): number[] {
  const rows = Array.from(scores.keys()).filter((row) => Number.isFinite(scores[row]));
  rows.sort((a, b) => scores[a] - scores[b] || a - b);
  const excess = rows.length - limit;
  if (excess > 0) rows.splice(limit >>> 1, excess);
  return rows;
}
