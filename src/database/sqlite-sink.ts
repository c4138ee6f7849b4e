// SQLite: one file, bun:sqlite. Its calls hold up the thread that makes them, which is the writer's own; a lock held by
// another process is waited for only briefly, so that the rings are not lapped meanwhile, and tried again later.

import { Database, type Statement } from "bun:sqlite";
import fs from "node:fs";
import { setImmediate } from "node:timers/promises";
import { getTableColumns, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/bun-sqlite";
import type { Location } from "../settings/database-location.ts";
import type { Batch, BatchKind } from "./batch.ts";
import { SCHEMA_VERSION, stepsBehind } from "./migrations.ts";
import { otherVersion, problemOf } from "./problem.ts";
import { rowsOf } from "./rows.ts";
import type { Sink } from "./sink.ts";
import { SQLITE_TABLES } from "./sqlite-schema.ts";
import { DELETE_ROWS, deleteOlder, TIMED_KINDS } from "./tables.ts";

type SqliteLocation = Extract<Location, { kind: "sqlite" }>;
type Value = string | number | null;

const BUSY_MS = 100;
/** Senders' addresses and what they earn are the owner's business. The -wal and -shm files take the file's mode. */
const FILE_MODE = 0o600;
/** A batch that fails in the middle is sent again whole: its first rows are there already then, and stay once. */
const TRANSACTION_ROWS = 512;

interface Insert {
  readonly statement: Statement;
  /** The row's fields, in the order of the statement's parameters. */
  readonly fields: readonly string[];
}

/** The version of a file's tables; 0 if there are none. */
export function sqliteVersion(client: Database): number {
  const table = client.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'qos_schema'").get();
  if (table === null) return 0;
  const row = client.query("SELECT max(version) AS version FROM qos_schema").get() as { version: number | null };
  return row.version ?? 0;
}

export function openSqliteSink(location: SqliteLocation): Sink {
  let client: Database | undefined;
  try {
    makeFile(location.path);
    client = new Database(location.path, { create: true, readwrite: true, strict: true });
    client.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    migrate(client, location);
    // Readers and this writer do not wait for each other. Durable from one checkpoint to the next: a power cut may take
    // the last moments, never the file.
    client.run("PRAGMA journal_mode = WAL");
    client.run("PRAGMA synchronous = NORMAL");
    return new SqliteSink(client, location);
  } catch (error) {
    client?.close();
    throw problemOf(error, location);
  }
}

/** Makes the file if it is not there: SQLite would make it with the umask's mode. One that is there stays as it is. */
function makeFile(path: string): void {
  const { O_RDWR, O_CREAT, O_EXCL } = fs.constants;
  try {
    fs.closeSync(fs.openSync(path, O_RDWR | O_CREAT | O_EXCL, FILE_MODE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function migrate(client: Database, location: SqliteLocation): void {
  const found = sqliteVersion(client);
  if (found > SCHEMA_VERSION) throw otherVersion(location, found, SCHEMA_VERSION);
  if (found === SCHEMA_VERSION) return;
  const upgrade = client.transaction(() => {
    stepsBehind("sqlite", found).forEach((statements, i) => {
      for (const statement of statements) client.run(statement);
      client.run("INSERT OR IGNORE INTO qos_schema VALUES (?, ?)", [found + i + 1, Date.now() * 1_000]);
    });
  });
  upgrade.immediate();
}

class SqliteSink implements Sink {
  readonly #inserts: Readonly<Record<BatchKind, Insert>>;

  constructor(
    private readonly client: Database,
    private readonly location: SqliteLocation,
  ) {
    const db = drizzle(client);
    const prepare = (kind: BatchKind): Insert => {
      const table = SQLITE_TABLES[kind];
      const fields = Object.keys(getTableColumns(table));
      const holes = Object.fromEntries(fields.map((field) => [field, sql.placeholder(field)]));
      const statement = db
        .insert(table)
        .values(holes as never)
        .onConflictDoNothing()
        .toSQL().sql;
      return { statement: client.prepare(statement), fields };
    };
    this.#inserts = {
      session: prepare("session"),
      transactions: prepare("transactions"),
      fates: prepare("fates"),
      scores: prepare("scores"),
      statistics: prepare("statistics"),
    };
  }

  async insert(batch: Batch, onRows?: (count: number) => void): Promise<number> {
    const { statement, fields } = this.#inserts[batch.kind];
    const rows = rowsOf(batch) as unknown as readonly Record<string, unknown>[];
    const write = this.client.transaction((from: number) => {
      let changes = 0;
      for (const row of rows.slice(from, from + TRANSACTION_ROWS)) {
        changes += statement.run(...fields.map((field) => storable(row[field]))).changes;
      }
      return changes;
    });
    try {
      let written = 0;
      for (let from = 0; from < rows.length; from += TRANSACTION_ROWS) {
        if (from > 0) await setImmediate(); // the rings are looked at in between
        const count = write.immediate(from);
        onRows?.(count);
        written += count;
      }
      return written;
    } catch (error) {
      throw problemOf(error, this.location);
    }
  }

  async retain(beforeUs: number): Promise<boolean> {
    try {
      let most = 0;
      for (const kind of TIMED_KINDS) {
        most = Math.max(most, this.client.run(deleteOlder(kind, "?"), [beforeUs]).changes);
      }
      return most >= DELETE_ROWS;
    } catch (error) {
      throw problemOf(error, this.location);
    }
  }

  async close(): Promise<void> {
    this.client.close();
  }
}

/** What SQLite takes: there are no booleans, and a row of a damaged batch may hold anything. */
function storable(value: unknown): Value {
  if (typeof value === "number" || typeof value === "string") return value;
  return value === true ? 1 : value === false ? 0 : null;
}
