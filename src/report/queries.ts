// What the report asks the database: statements that mean the same in SQLite and PostgreSQL. Sums are floating point on both
// sides (a hostile fee must not overflow an integer sum), times are whole microseconds.

import { type SQL, sql } from "drizzle-orm";
import { END_TRANSMITTED, endOf } from "../shape/ends.ts";

/** What a report is about. */
export interface Range {
  readonly fromUs: number;
  /** Not included. */
  readonly toUs: number;
  readonly host: string | undefined;
}

/** Rows of a table in a range. `column` is one of ours, never a person's words. */
function within({ fromUs, toUs, host }: Range, column: string): SQL {
  const time = sql.raw(column);
  const rows = sql`${time} >= ${sql.raw(String(fromUs))} AND ${time} < ${sql.raw(String(toUs))}`;
  return host === undefined ? rows : sql`${rows} AND host = ${host}`;
}

const INCLUDED = sql.raw("CASE WHEN included THEN 1.0 ELSE 0.0 END");
const FAILED = sql.raw("CASE WHEN failed_signature THEN 1.0 ELSE 0.0 END");
const EARNED = sql.raw("CASE WHEN included THEN fee_lamports ELSE 0.0 END");
/** What the score ranks by, as it came out: lamports earned for each compute unit asked for. */
const VALUE = sql.raw(
  "CASE WHEN included THEN fee_lamports / (CASE WHEN compute_units < 1 THEN 1 ELSE compute_units END) ELSE 0.0 END",
);

/** Names that an end has or had: databases of version 1, and rows of older sidecars, have earlier ones. */
const namesOf = (code: number): string => {
  const { name = "", formerly = "" } = endOf(code) ?? {};
  return `('${name}', '${formerly}')`;
};
const SENT = sql.raw(`ending IN ${namesOf(END_TRANSMITTED)}`);

/** The first and the last time of anything in the database, in microseconds. */
export function extent(host: string | undefined): SQL {
  const rows = host === undefined ? sql`` : sql` WHERE host = ${host}`;
  // One end in each select: that is a look at an index's end, both at once would be a look at every row.
  return sql`SELECT min(us) AS first_us, max(us) AS last_us FROM (
    SELECT (SELECT min(completed_us) FROM qos_transactions${rows}) AS us
    UNION ALL SELECT (SELECT max(completed_us) FROM qos_transactions${rows})
    UNION ALL SELECT (SELECT min(ended_us) FROM qos_fates${rows})
    UNION ALL SELECT (SELECT max(ended_us) FROM qos_fates${rows})
    UNION ALL SELECT (SELECT min(at_us) FROM qos_statistics${rows})
    UNION ALL SELECT (SELECT max(at_us) FROM qos_statistics${rows})) AS ends`;
}

export function totals(range: Range): SQL {
  return sql`SELECT count(*) AS outcomes, sum(${INCLUDED}) AS included, sum(${FAILED}) AS failed, sum(${EARNED}) AS earned,
    sum(execution_ns * 1.0) AS execution_ns FROM qos_transactions WHERE ${within(range, "completed_us")}`;
}

export function sessions(range: Range): SQL {
  return sql`SELECT session, host, version, started_us, settings, transactions_share, fates_share FROM qos_sessions
    WHERE session IN (SELECT DISTINCT session FROM qos_statistics WHERE ${within(range, "at_us")}) ORDER BY started_us`;
}

/** Packets that came in and went out, by the sidecars' own counters. */
export function counters(range: Range): SQL {
  return sql`SELECT name, sum(moved) AS moved FROM (
    SELECT session, name, max(value) - min(value) AS moved FROM qos_statistics
    WHERE ${within(range, "at_us")} AND name IN ('totalPackets', 'bankingTransmissions', 'duplicatePackets', 'leakedPriority')
    GROUP BY session, name) AS runs GROUP BY name`;
}

/** Senders by what they earned, or by how much they sent for nothing. */
export function senders(range: Range, by: "ip" | "payer", order: "earned" | "wasted", top: number): SQL {
  const key = sql.raw(by);
  return sql`SELECT ${key} AS sender, count(*) AS outcomes, sum(${INCLUDED}) AS included, sum(${FAILED}) AS failed,
    sum(${EARNED}) AS earned, count(*) - sum(${INCLUDED}) AS wasted, avg(score) AS score
    FROM qos_transactions WHERE ${within(range, "completed_us")} GROUP BY ${key}
    ORDER BY ${sql.raw(order)} DESC, outcomes DESC, sender LIMIT ${sql.raw(String(top))}`;
}

/** Captured value in steps of time. */
export function overTime(range: Range, stepUs: number): SQL {
  const step = sql.raw(String(stepUs));
  return sql`SELECT (completed_us / ${step}) * ${step} AS at_us, count(*) AS outcomes, sum(${INCLUDED}) AS included,
    sum(${EARNED}) AS earned FROM qos_transactions WHERE ${within(range, "completed_us")} GROUP BY 1 ORDER BY 1`;
}

/** Tenths of the transactions by their score at arrival, and what they came to. */
export function calibration(range: Range): SQL {
  return sql`SELECT tenth, count(*) AS outcomes, min(score) AS lowest, max(score) AS highest, avg(got) AS included,
    avg(value) AS value, avg(earned) AS earned FROM (
    SELECT score, ${INCLUDED} AS got, ${VALUE} AS value, ${EARNED} AS earned, ntile(10) OVER (ORDER BY score) AS tenth
    FROM qos_transactions WHERE ${within(range, "completed_us")} AND NOT failed_signature) AS ranked
    GROUP BY tenth ORDER BY tenth`;
}

/** Pairs of score and value, one row in `every`. */
export function pairs(range: Range, every: number): SQL {
  return sql`SELECT score, ${VALUE} AS value FROM qos_transactions
    WHERE ${within(range, "completed_us")} AND NOT failed_signature AND sequence % ${sql.raw(String(every))} = 0`;
}

/** How many transactions took how many milliseconds from arrival to transmit. */
export function delays(range: Range): SQL {
  return sql`SELECT (transmit_us - arrival_us) / 1000 AS ms, count(*) AS outcomes FROM qos_transactions
    WHERE ${within(range, "completed_us")} AND transmit_us IS NOT NULL GROUP BY 1 ORDER BY 1`;
}

/** Compute-unit prices by sender: of what was scored, and of what was sent on. */
export function prices(range: Range, top: number): SQL {
  return sql`SELECT ip AS sender, count(*) AS packets, sum(CASE WHEN ${SENT} THEN 1.0 ELSE 0.0 END) AS sent,
    avg(price) AS price_in, avg(CASE WHEN ${SENT} THEN price END) AS price_out FROM qos_fates
    WHERE ${within(range, "ended_us")} AND price IS NOT NULL GROUP BY ip
    ORDER BY packets DESC, sender LIMIT ${sql.raw(String(top))}`;
}

/** How packets ended, by run: each run saved shares of its own. */
export function endings(range: Range): SQL {
  return sql`SELECT saved.session, ending, packets, transactions_share, fates_share FROM (
    SELECT session, ending, count(*) AS packets FROM qos_fates WHERE ${within(range, "ended_us")}
    GROUP BY session, ending) AS saved LEFT JOIN qos_sessions ON qos_sessions.session = saved.session`;
}

/** Hosts that any run was on. */
export function hosts(): SQL {
  return sql`SELECT DISTINCT host FROM qos_sessions ORDER BY host LIMIT 100`;
}
