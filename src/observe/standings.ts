// The best and the worst senders, read from the score tables while the loop runs.

import { base58 } from "@scure/base";
import type { SenderRow } from "../rank/model.ts";
import type { ScoreReaders } from "../rank/models.ts";
import type { ScoreRows } from "../rank/score-rows.ts";
import { formatAddress } from "../wire/address-text.ts";
import type { Senders, Standing } from "./statistics-lines.ts";

/** Senders shown at each end of a table. */
const SHOWN = 10;

/** @returns empty standings where no consistent copy of a table could be had */
export function standingsOf(readers: ScoreReaders): Senders {
  return {
    ips: standing(readers.ips, (row) => formatAddress(readers.ips.key(row), readers.ips.isIpv6(row))),
    payers: standing(readers.payers, (row) => base58.encode(readers.payers.key(row))),
  };
}

function standing(reader: ScoreRows, nameOf: (row: number) => string): Standing {
  reader.read();
  const rowsOf = (rows: readonly number[]): SenderRow[] =>
    rows.map((row) => {
      const evidence = reader.evidence(row);
      return { sender: nameOf(row), score: reader.score(row), ...(evidence === undefined ? {} : { evidence }) };
    });
  return { known: reader.size, top: rowsOf(reader.best(SHOWN)), bottom: rowsOf(reader.worst(SHOWN)) };
}
