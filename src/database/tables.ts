// The tables of the database: the one list of their columns. The drizzle schemas of both engines, the rows' types, what
// retention and partitions go by, and the reading of rows all follow from it; tests hold the released migrations against it.
//
// Times are microseconds since 1970 (UTC) in both engines, so that one query serves both. 64-bit hashes are 16 hex digits,
// since neither engine has an unsigned 64-bit number.

import type { BatchKind } from "./batch.ts";

/** What a column holds: a text, a whole number, a floating-point number, yes or no. */
export type ColumnKind = "text" | "integer" | "real" | "boolean";

export interface Column {
  readonly kind: ColumnKind;
  /** Whether it may be NULL. */
  readonly isNullable: boolean;
}

const always = <Kind extends ColumnKind>(kind: Kind) => ({ kind, isNullable: false }) as const;
const orNull = <Kind extends ColumnKind>(kind: Kind) => ({ kind, isNullable: true }) as const;

export interface TableSpec {
  readonly table: string;
  /** Fields by their names in a row; the column's name is the same in snake case. */
  readonly columns: Readonly<Record<string, Column>>;
  /** Fields of the primary key. */
  readonly key: readonly string[];
  /**
   * The field that retention, partitions and ranges of a report go by, part of the key. Sessions have none: they stay, one
   * row a run, for a run may be older than all that is left of it.
   */
  readonly time?: string;
}

export const TABLES = {
  /** One row a run of a sidecar. */
  session: {
    table: "qos_sessions",
    columns: {
      session: always("text"),
      startedUs: always("integer"),
      host: always("text"),
      version: always("text"),
      /** The settings that matter for reading the numbers, as JSON. */
      settings: always("text"),
      /** Which share of them was saved, 0 to 1. */
      transactionsShare: always("real"),
      fatesShare: always("real"),
    },
    key: ["session", "startedUs"],
  },
  /** What came back for a transaction: the scheduler's answer, or sigverify's refusal. */
  transactions: {
    table: "qos_transactions",
    columns: {
      session: always("text"),
      sequence: always("integer"),
      completedUs: always("integer"),
      host: always("text"),
      packetHash: always("text"),
      signatureKey: always("text"),
      ip: always("text"),
      payer: always("text"),
      feeLamports: always("real"),
      computeUnits: always("integer"),
      score: always("real"),
      arrivalUs: always("integer"),
      /** To the millisecond. NULL: not sent on, or long after the arrival. */
      transmitUs: orNull("integer"),
      included: always("boolean"),
      failedSignature: always("boolean"),
      executionNs: always("integer"),
    },
    key: ["session", "sequence", "completedUs"],
    time: "completedUs",
  },
  /** Every end of a packet's way, sampled by packet hash. */
  fates: {
    table: "qos_fates",
    columns: {
      session: always("text"),
      sequence: always("integer"),
      endedUs: always("integer"),
      host: always("text"),
      /** shape/ends.ts */
      ending: always("text"),
      /** Why it was refused, or why the chain would never include it: wire/reasons.ts. */
      reason: orNull("text"),
      channel: orNull("text"),
      /** NULL: the packet was not a transaction. */
      packetHash: orNull("text"),
      signatureKey: orNull("text"),
      ip: orNull("text"),
      payer: orNull("text"),
      feeLamports: orNull("real"),
      computeUnits: orNull("integer"),
      /** Compute-unit price in micro-lamports. NULL: the packet was never scored. */
      price: orNull("real"),
      /** NULL: it ended before it had one. */
      score: orNull("real"),
      ipScore: orNull("real"),
      payerScore: orNull("real"),
      /** The score to beat at its arrival. NULL: the queue had room. */
      door: orNull("real"),
      arrivalUs: always("integer"),
      transmitUs: orNull("integer"),
      executionNs: orNull("integer"),
    },
    key: ["session", "sequence", "endedUs"],
    time: "endedUs",
  },
  /** Senders' scores after a model update. */
  scores: {
    table: "qos_scores",
    columns: {
      session: always("text"),
      updatedUs: always("integer"),
      /** `ip` or `payer`. */
      kind: always("text"),
      sender: always("text"),
      host: always("text"),
      /** How many updates the model had had. */
      modelUpdate: always("integer"),
      score: always("real"),
    },
    key: ["session", "updatedUs", "kind", "sender"],
    time: "updatedUs",
  },
  /** The sidecar's counters and gauges, as they stood then. */
  statistics: {
    table: "qos_statistics",
    columns: {
      session: always("text"),
      atUs: always("integer"),
      /** `totalPackets`, or `tpu_to_qos.lapped`. */
      name: always("text"),
      host: always("text"),
      value: always("real"),
    },
    key: ["session", "atUs", "name"],
    time: "atUs",
  },
} as const satisfies Readonly<Record<BatchKind, TableSpec>>;

type ValueOf<Kind extends ColumnKind> = Kind extends "text" ? string : Kind extends "boolean" ? boolean : number;
type ColumnValue<One extends Column> = ValueOf<One["kind"]> | (One["isNullable"] extends true ? null : never);

/** A row of a table, by its fields. */
export type RowOf<Kind extends BatchKind> = {
  [Field in keyof (typeof TABLES)[Kind]["columns"]]: (typeof TABLES)[Kind]["columns"][Field] extends infer One extends
    Column
    ? ColumnValue<One>
    : never;
};

export type SessionRow = RowOf<"session">;
export type TransactionRow = RowOf<"transactions">;
export type FateRow = RowOf<"fates">;
export type ScoreRow = RowOf<"scores">;
export type StatisticRow = RowOf<"statistics">;

/** Tables whose rows have a time. */
export type TimedKind = Exclude<BatchKind, "session">;
export const TIMED_KINDS = ["transactions", "fates", "scores", "statistics"] as const satisfies readonly TimedKind[];

/** A field's name as a column's: `completedUs` is `completed_us`. */
export function columnName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * A row as a database gives it, by its fields. PostgreSQL gives 64-bit numbers as text and booleans as such, SQLite 1 and 0.
 * @param row by columns' names
 */
export function rowFrom<Kind extends BatchKind>(kind: Kind, row: Readonly<Record<string, unknown>>): RowOf<Kind> {
  const columns: Readonly<Record<string, Column>> = TABLES[kind].columns;
  const entries = Object.entries(columns).map(([field, column]) => [field, valueFrom(column, row[columnName(field)])]);
  return Object.fromEntries(entries) as RowOf<Kind>;
}

function valueFrom({ kind, isNullable }: Column, value: unknown): unknown {
  if (isNullable && (value === null || value === undefined)) return null;
  if (kind === "text") return String(value);
  return kind === "boolean" ? Boolean(value) : Number(value);
}

/** Rows deleted in one statement: no long lock, no long wait of the batches behind it. */
export const DELETE_ROWS = 5_000;

/** Deletes some of a table's rows that are older than the parameter. */
export function deleteOlder(kind: TimedKind, parameter: string): string {
  const { table, key, time } = TABLES[kind];
  const keys = key.map(columnName).join(", ");
  const column = columnName(time);
  return (
    `DELETE FROM ${table} WHERE (${keys}) IN ` +
    `(SELECT ${keys} FROM ${table} WHERE ${column} < ${parameter} ORDER BY ${column} LIMIT ${DELETE_ROWS})`
  );
}
