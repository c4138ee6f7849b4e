// The tables in SQLite. The same tables, columns and nullability as in postgres-schema.ts, which a test holds; the
// statements that make them are in migrations/. Times are microseconds since 1970 (UTC) in both, so that one query serves
// both; 64-bit hashes are 16 hex digits, since neither engine has an unsigned 64-bit number.

import { integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** One row a run of a sidecar. */
export const sessions = sqliteTable(
  "qos_sessions",
  {
    session: text().notNull(),
    startedUs: integer("started_us").notNull(),
    host: text().notNull(),
    version: text().notNull(),
    /** The settings that matter for reading the numbers, as JSON. */
    settings: text().notNull(),
    /** Which share of them was saved, 0 to 1. */
    transactionsShare: real("transactions_share").notNull(),
    fatesShare: real("fates_share").notNull(),
  },
  (table) => [primaryKey({ columns: [table.session, table.startedUs] })],
);

/** What came back for a transaction: the scheduler's answer, or sigverify's refusal. */
export const transactions = sqliteTable(
  "qos_transactions",
  {
    session: text().notNull(),
    sequence: integer().notNull(),
    completedUs: integer("completed_us").notNull(),
    host: text().notNull(),
    packetHash: text("packet_hash").notNull(),
    signatureKey: text("signature_key").notNull(),
    ip: text().notNull(),
    payer: text().notNull(),
    feeLamports: real("fee_lamports").notNull(),
    computeUnits: integer("compute_units").notNull(),
    score: real().notNull(),
    arrivalUs: integer("arrival_us").notNull(),
    /** To the millisecond. NULL: not sent on, or long after the arrival. */
    transmitUs: integer("transmit_us"),
    included: integer({ mode: "boolean" }).notNull(),
    failedSignature: integer("failed_signature", { mode: "boolean" }).notNull(),
    executionNs: integer("execution_ns").notNull(),
  },
  (table) => [primaryKey({ columns: [table.session, table.sequence, table.completedUs] })],
);

/** Every end of a packet's way, sampled by packet hash. */
export const fates = sqliteTable(
  "qos_fates",
  {
    session: text().notNull(),
    sequence: integer().notNull(),
    endedUs: integer("ended_us").notNull(),
    host: text().notNull(),
    /** shape/ends.ts */
    ending: text().notNull(),
    /** Why it was refused, or why the chain would never include it: wire/reasons.ts. */
    reason: text(),
    channel: text(),
    /** NULL: the packet was no transaction. */
    packetHash: text("packet_hash"),
    signatureKey: text("signature_key"),
    ip: text(),
    payer: text(),
    feeLamports: real("fee_lamports"),
    computeUnits: integer("compute_units"),
    /** Compute-unit price in micro-lamports. NULL: the packet was never scored. */
    price: real(),
    /** NULL: it ended before it had one. */
    score: real(),
    ipScore: real("ip_score"),
    payerScore: real("payer_score"),
    /** The score to beat at its arrival. NULL: the queue had room. */
    door: real(),
    arrivalUs: integer("arrival_us").notNull(),
    transmitUs: integer("transmit_us"),
    executionNs: integer("execution_ns"),
  },
  (table) => [primaryKey({ columns: [table.session, table.sequence, table.endedUs] })],
);

/** Senders' scores after a model update. */
export const scores = sqliteTable(
  "qos_scores",
  {
    session: text().notNull(),
    updatedUs: integer("updated_us").notNull(),
    /** `ip` or `payer`. */
    kind: text().notNull(),
    sender: text().notNull(),
    host: text().notNull(),
    /** How many updates the model had had. */
    modelUpdate: integer("model_update").notNull(),
    score: real().notNull(),
  },
  (table) => [primaryKey({ columns: [table.session, table.updatedUs, table.kind, table.sender] })],
);

/** The sidecar's counters and gauges, as they stood then. */
export const statistics = sqliteTable(
  "qos_statistics",
  {
    session: text().notNull(),
    atUs: integer("at_us").notNull(),
    /** `totalPackets`, or `tpu_to_qos.lapped`. */
    name: text().notNull(),
    host: text().notNull(),
    value: real().notNull(),
  },
  (table) => [primaryKey({ columns: [table.session, table.atUs, table.name] })],
);

export type SessionRow = typeof sessions.$inferInsert;
export type TransactionRow = typeof transactions.$inferInsert;
export type FateRow = typeof fates.$inferInsert;
export type ScoreRow = typeof scores.$inferInsert;
export type StatisticRow = typeof statistics.$inferInsert;
