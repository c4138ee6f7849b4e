// The best and the worst senders, read from the score tables while the loop runs.

import { base58 } from "@scure/base";
import type { SenderRow } from "../rank/model.ts";
import type { ScoreReaders } from "../rank/models.ts";
import type { ScoreRows } from "../rank/score-rows.ts";
import { formatAddress } from "../wire/address-text.ts";
import type { Senders, Standing } from "./statistics-lines.ts";

/** Senders at each end of a table, where nobody asks for more. */
const SHOWN = 10;

/**
 * @param count senders at each end
 * @returns empty standings where no consistent copy of a table could be had
 */
export function standingsOf(readers: ScoreReaders, count = SHOWN): Senders {
  const { identities } = readers;
  return {
    ips: standing(readers.ips, count, (row) => formatAddress(readers.ips.key(row), readers.ips.isIpv6(row))),
    payers: standing(readers.payers, count, (row) => base58.encode(readers.payers.key(row))),
    ...(identities === undefined
      ? {}
      : { identities: standing(identities, count, (row) => base58.encode(identities.key(row))) }),
  };
}

function standing(reader: ScoreRows, count: number, nameOf: (row: number) => string): Standing {
  reader.read();
  const rowsOf = (rows: readonly number[]): SenderRow[] =>
    rows.map((row) => {
      const evidence = reader.evidence(row);
      return { sender: nameOf(row), score: reader.score(row), ...(evidence === undefined ? {} : { evidence }) };
    });
  return { known: reader.size, top: rowsOf(reader.best(count)), bottom: rowsOf(reader.worst(count)) };
}
