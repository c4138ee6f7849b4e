-- Version 1 of the tables (sqlite-schema.ts). Statements end with a semicolon at a line's end; each can run again.
-- The key is the table (WITHOUT ROWID): rows of one session arrive in its order.

CREATE TABLE IF NOT EXISTS qos_schema (
  version INTEGER PRIMARY KEY,
  applied_us INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS qos_sessions (
  session TEXT NOT NULL,
  started_us INTEGER NOT NULL,
  host TEXT NOT NULL,
  version TEXT NOT NULL,
  settings TEXT NOT NULL,
  transactions_share REAL NOT NULL,
  fates_share REAL NOT NULL,
  PRIMARY KEY (session, started_us)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS qos_transactions (
  session TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  completed_us INTEGER NOT NULL,
  host TEXT NOT NULL,
  packet_hash TEXT NOT NULL,
  signature_key TEXT NOT NULL,
  ip TEXT NOT NULL,
  payer TEXT NOT NULL,
  fee_lamports REAL NOT NULL,
  compute_units INTEGER NOT NULL,
  score REAL NOT NULL,
  arrival_us INTEGER NOT NULL,
  transmit_us INTEGER,
  included INTEGER NOT NULL,
  failed_signature INTEGER NOT NULL,
  execution_ns INTEGER NOT NULL,
  PRIMARY KEY (session, sequence, completed_us)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS qos_fates (
  session TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  ended_us INTEGER NOT NULL,
  host TEXT NOT NULL,
  ending TEXT NOT NULL,
  reason TEXT,
  channel TEXT,
  packet_hash TEXT,
  signature_key TEXT,
  ip TEXT,
  payer TEXT,
  fee_lamports REAL,
  compute_units INTEGER,
  price REAL,
  score REAL,
  ip_score REAL,
  payer_score REAL,
  door REAL,
  arrival_us INTEGER NOT NULL,
  transmit_us INTEGER,
  execution_ns INTEGER,
  PRIMARY KEY (session, sequence, ended_us)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS qos_scores (
  session TEXT NOT NULL,
  updated_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  sender TEXT NOT NULL,
  host TEXT NOT NULL,
  model_update INTEGER NOT NULL,
  score REAL NOT NULL,
  PRIMARY KEY (session, updated_us, kind, sender)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS qos_statistics (
  session TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (session, at_us, name)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS qos_transactions_completed_us ON qos_transactions (completed_us);
CREATE INDEX IF NOT EXISTS qos_transactions_packet_hash ON qos_transactions (packet_hash);
CREATE INDEX IF NOT EXISTS qos_transactions_signature_key ON qos_transactions (signature_key);
CREATE INDEX IF NOT EXISTS qos_fates_ended_us ON qos_fates (ended_us);
CREATE INDEX IF NOT EXISTS qos_fates_packet_hash ON qos_fates (packet_hash);
CREATE INDEX IF NOT EXISTS qos_fates_signature_key ON qos_fates (signature_key);
CREATE INDEX IF NOT EXISTS qos_scores_updated_us ON qos_scores (updated_us);
CREATE INDEX IF NOT EXISTS qos_statistics_at_us ON qos_statistics (at_us);
