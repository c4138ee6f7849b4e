// The tables in PostgreSQL: those of sqlite-schema.ts, where the columns are explained. Partitioned by time (by day), so
// each key holds its time; see migrations/postgres.

import { bigint, boolean, doublePrecision, pgTable, primaryKey, text } from "drizzle-orm/pg-core";

const int64 = (name: string) => bigint(name, { mode: "number" });

export const sessions = pgTable(
  "qos_sessions",
  {
    session: text().notNull(),
    startedUs: int64("started_us").notNull(),
    host: text().notNull(),
    version: text().notNull(),
    settings: text().notNull(),
    transactionsShare: doublePrecision("transactions_share").notNull(),
    fatesShare: doublePrecision("fates_share").notNull(),
  },
  (table) => [primaryKey({ columns: [table.session, table.startedUs] })],
);

export const transactions = pgTable(
  "qos_transactions",
  {
    session: text().notNull(),
    sequence: int64("sequence").notNull(),
    completedUs: int64("completed_us").notNull(),
    host: text().notNull(),
    packetHash: text("packet_hash").notNull(),
    signatureKey: text("signature_key").notNull(),
    ip: text().notNull(),
    payer: text().notNull(),
    feeLamports: doublePrecision("fee_lamports").notNull(),
    computeUnits: int64("compute_units").notNull(),
    score: doublePrecision().notNull(),
    arrivalUs: int64("arrival_us").notNull(),
    transmitUs: int64("transmit_us"),
    included: boolean().notNull(),
    failedSignature: boolean("failed_signature").notNull(),
    executionNs: int64("execution_ns").notNull(),
  },
  (table) => [primaryKey({ columns: [table.session, table.sequence, table.completedUs] })],
);

export const fates = pgTable(
  "qos_fates",
  {
    session: text().notNull(),
    sequence: int64("sequence").notNull(),
    endedUs: int64("ended_us").notNull(),
    host: text().notNull(),
    ending: text().notNull(),
    reason: text(),
    channel: text(),
    packetHash: text("packet_hash"),
    signatureKey: text("signature_key"),
    ip: text(),
    payer: text(),
    feeLamports: doublePrecision("fee_lamports"),
    computeUnits: int64("compute_units"),
    price: doublePrecision(),
    score: doublePrecision(),
    ipScore: doublePrecision("ip_score"),
    payerScore: doublePrecision("payer_score"),
    door: doublePrecision(),
    arrivalUs: int64("arrival_us").notNull(),
    transmitUs: int64("transmit_us"),
    executionNs: int64("execution_ns"),
  },
  (table) => [primaryKey({ columns: [table.session, table.sequence, table.endedUs] })],
);

export const scores = pgTable(
  "qos_scores",
  {
    session: text().notNull(),
    updatedUs: int64("updated_us").notNull(),
    kind: text().notNull(),
    sender: text().notNull(),
    host: text().notNull(),
    modelUpdate: int64("model_update").notNull(),
    score: doublePrecision().notNull(),
  },
  (table) => [primaryKey({ columns: [table.session, table.updatedUs, table.kind, table.sender] })],
);

export const statistics = pgTable(
  "qos_statistics",
  {
    session: text().notNull(),
    atUs: int64("at_us").notNull(),
    name: text().notNull(),
    host: text().notNull(),
    value: doublePrecision().notNull(),
  },
  (table) => [primaryKey({ columns: [table.session, table.atUs, table.name] })],
);
