// One transaction's fates: from the database and from a running sidecar's ring, each event once, in the order of time.

import { sql } from "drizzle-orm";
import type { Reader, Row } from "../database/reader.ts";
import { fateRows } from "../database/rows.ts";
import { type FateRow, rowFrom } from "../database/tables.ts";
import type { RecentFates } from "../records/fates-reader.ts";
import { END_FAILED_SIGNATURE, END_INCLUDED, END_NOT_INCLUDED, ENDS, endNamed, endOf } from "../shape/ends.ts";

/** What a transaction is looked for by: both are 16 hex digits. */
export type Wanted = { readonly packetHash: string } | { readonly signatureKey: string };

/** What happened to a packet, in one moment. */
export interface Event {
  readonly source: "database" | "outcomes" | "running sidecar";
  readonly row: FateRow;
}

/** Events of one transaction are few; somebody's flood of copies is not. */
const EVENTS_MAX = 1_000;

/** A running sidecar's part of it. @param host for the rows */
export function recentEvents(recent: RecentFates, wanted: Wanted, host: string): Event[] {
  const { session, wallOffsetMs, records, count } = recent;
  const rows = fateRows({ kind: "fates", session, host, wallOffsetMs, count, payload: records });
  return rows
    .filter((row) =>
      "packetHash" in wanted ? row.packetHash === wanted.packetHash : row.signatureKey === wanted.signatureKey,
    )
    .map((row) => ({ source: "running sidecar" as const, row }));
}

/** The database's part of it. @throws DatabaseProblem */
export async function savedEvents(reader: Reader, wanted: Wanted): Promise<Event[]> {
  const key =
    "packetHash" in wanted ? sql`packet_hash = ${wanted.packetHash}` : sql`signature_key = ${wanted.signatureKey}`;
  const most = sql.raw(String(EVENTS_MAX));
  const fates = await reader.all(sql`SELECT * FROM qos_fates WHERE ${key} ORDER BY ended_us LIMIT ${most}`);
  const outcomes = await reader.all(
    sql`SELECT * FROM qos_transactions WHERE ${key} ORDER BY completed_us LIMIT ${most}`,
  );
  return [
    ...fates.map((row) => ({ source: "database" as const, row: savedFate(row) })),
    ...outcomes.map((row) => ({ source: "outcomes" as const, row: savedOutcome(row) })),
  ];
}

/**
 * Each event once, in order: a fate's session and sequence are the same in the ring and in the database, and an outcome
 * among the fates says the same as the one among the outcomes.
 */
export function merged(events: readonly Event[]): Event[] {
  const fates = new Map<string, Event>();
  const told = new Set<string>();
  for (const event of events) {
    if (event.source === "outcomes") continue;
    const { session, sequence, ending, packetHash } = event.row;
    const key = `${session} ${sequence}`;
    if (!fates.has(key)) fates.set(key, event);
    told.add(`${session} ${ending} ${packetHash}`);
  }
  const untold = events.filter(
    ({ source, row }) => source === "outcomes" && !told.has(`${row.session} ${row.ending} ${row.packetHash}`),
  );
  return [...fates.values(), ...untold].sort((a, b) => a.row.endedUs - b.row.endedUs || endOrder(a) - endOrder(b));
}

function endOrder({ row }: Event): number {
  return ENDS.findIndex(({ name }) => name === row.ending);
}

/** A fate with its end by the present name: rows of version 1 have an earlier one. */
function savedFate(row: Row): FateRow {
  const fate = rowFrom("fates", row);
  return { ...fate, ending: endNamed(fate.ending)?.name ?? fate.ending };
}

/** An outcome as the fate that it is. */
function savedOutcome(row: Row): FateRow {
  const { completedUs, included, failedSignature, executionNs, ...rest } = rowFrom("transactions", row);
  return {
    ...rest,
    endedUs: completedUs,
    ending: endOf(failedSignature ? END_FAILED_SIGNATURE : included ? END_INCLUDED : END_NOT_INCLUDED)?.name ?? "",
    reason: null,
    channel: null,
    price: null,
    ipScore: null,
    payerScore: null,
    door: null,
    executionNs: included ? executionNs : null,
  };
}
