-- Version 1 of the tables (postgres-schema.ts). Statements end with a semicolon at a line's end; each can run again.
-- An engine without declarative partitions (database/postgres.ts finds out) gets the tables without that clause: the keys
-- hold the time either way.

CREATE TABLE IF NOT EXISTS qos_schema (
  version bigint PRIMARY KEY,
  applied_us bigint NOT NULL
);

CREATE TABLE IF NOT EXISTS qos_sessions (
  session text NOT NULL,
  started_us bigint NOT NULL,
  host text NOT NULL,
  version text NOT NULL,
  settings text NOT NULL,
  transactions_share double precision NOT NULL,
  fates_share double precision NOT NULL,
  PRIMARY KEY (session, started_us)
);

CREATE TABLE IF NOT EXISTS qos_transactions (
  session text NOT NULL,
  sequence bigint NOT NULL,
  completed_us bigint NOT NULL,
  host text NOT NULL,
  packet_hash text NOT NULL,
  signature_key text NOT NULL,
  ip text NOT NULL,
  payer text NOT NULL,
  fee_lamports double precision NOT NULL,
  compute_units bigint NOT NULL,
  score double precision NOT NULL,
  arrival_us bigint NOT NULL,
  transmit_us bigint,
  included boolean NOT NULL,
  failed_signature boolean NOT NULL,
  execution_ns bigint NOT NULL,
  PRIMARY KEY (session, sequence, completed_us)
) PARTITION BY RANGE (completed_us);

CREATE TABLE IF NOT EXISTS qos_fates (
  session text NOT NULL,
  sequence bigint NOT NULL,
  ended_us bigint NOT NULL,
  host text NOT NULL,
  ending text NOT NULL,
  reason text,
  channel text,
  packet_hash text,
  signature_key text,
  ip text,
  payer text,
  fee_lamports double precision,
  compute_units bigint,
  price double precision,
  score double precision,
  ip_score double precision,
  payer_score double precision,
  door double precision,
  arrival_us bigint NOT NULL,
  transmit_us bigint,
  execution_ns bigint,
  PRIMARY KEY (session, sequence, ended_us)
) PARTITION BY RANGE (ended_us);

CREATE TABLE IF NOT EXISTS qos_scores (
  session text NOT NULL,
  updated_us bigint NOT NULL,
  kind text NOT NULL,
  sender text NOT NULL,
  host text NOT NULL,
  model_update bigint NOT NULL,
  score double precision NOT NULL,
  PRIMARY KEY (session, updated_us, kind, sender)
) PARTITION BY RANGE (updated_us);

CREATE TABLE IF NOT EXISTS qos_statistics (
  session text NOT NULL,
  at_us bigint NOT NULL,
  name text NOT NULL,
  host text NOT NULL,
  value double precision NOT NULL,
  PRIMARY KEY (session, at_us, name)
) PARTITION BY RANGE (at_us);

CREATE INDEX IF NOT EXISTS qos_transactions_completed_us ON qos_transactions (completed_us);
CREATE INDEX IF NOT EXISTS qos_transactions_packet_hash ON qos_transactions (packet_hash);
CREATE INDEX IF NOT EXISTS qos_transactions_signature_key ON qos_transactions (signature_key);
CREATE INDEX IF NOT EXISTS qos_fates_ended_us ON qos_fates (ended_us);
CREATE INDEX IF NOT EXISTS qos_fates_packet_hash ON qos_fates (packet_hash);
CREATE INDEX IF NOT EXISTS qos_fates_signature_key ON qos_fates (signature_key);
CREATE INDEX IF NOT EXISTS qos_scores_updated_us ON qos_scores (updated_us);
CREATE INDEX IF NOT EXISTS qos_statistics_at_us ON qos_statistics (at_us);
