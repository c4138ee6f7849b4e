// Reading a database, for the report and `qos explain`: the same statements for both engines, checked first for the tables'
// version. Nothing is ever written.

import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import type { SQL } from "drizzle-orm";
import { drizzle as drizzlePostgres } from "drizzle-orm/bun-sql";
import { drizzle as drizzleSqlite } from "drizzle-orm/bun-sqlite";
import type { Location } from "../settings/database-location.ts";
import { READABLE_VERSION_MIN, SCHEMA_VERSION } from "./migrations.ts";
import { Connection, postgresVersion } from "./postgres-sink.ts";
import { DatabaseProblem, otherVersion, problemOf } from "./problem.ts";
import { sqliteVersion } from "./sqlite-sink.ts";

/** Numbers of PostgreSQL's 64-bit columns come as text: `Number` them. */
export type Row = Readonly<Record<string, unknown>>;

export interface Reader {
  /** @throws DatabaseProblem */
  all(query: SQL): Promise<Row[]>;
  close(): Promise<void>;
}

const BUSY_MS = 2_000;
/** A report reads many rows. */
const STATEMENT_MS = 120_000;

const isReadable = (version: number): boolean => version >= READABLE_VERSION_MIN && version <= SCHEMA_VERSION;

/** @throws DatabaseProblem: not there, of another version, anything that keeps it from being read */
export async function openReader(location: Location): Promise<Reader> {
  return location.kind === "sqlite" ? sqliteReader(location) : await postgresReader(location);
}

function sqliteReader(location: Extract<Location, { kind: "sqlite" }>): Reader {
  if (!existsSync(location.path)) {
    throw new DatabaseProblem(`there is no database ${location.path}; qos run --db sqlite:FILE makes one`, "later");
  }
  let client: Database | undefined;
  try {
    client = new Database(location.path, { readonly: true });
    client.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    const found = sqliteVersion(client);
    if (!isReadable(found)) throw otherVersion(location, found, SCHEMA_VERSION);
  } catch (error) {
    client?.close();
    throw problemOf(error, location);
  }
  const open = client;
  const db = drizzleSqlite(open);
  return {
    all: async (query) => {
      try {
        return db.all<Row>(query);
      } catch (error) {
        throw problemOf(error, location);
      }
    },
    close: async () => open.close(),
  };
}

async function postgresReader(location: Extract<Location, { kind: "postgres" }>): Promise<Reader> {
  const connection = new Connection(location, STATEMENT_MS);
  try {
    const found = await postgresVersion(connection);
    if (!isReadable(found)) throw otherVersion(location, found, SCHEMA_VERSION);
  } catch (error) {
    await connection.close();
    throw problemOf(error, location);
  }
  const db = drizzlePostgres(connection.client);
  return {
    all: async (query) => {
      try {
        return [...(await connection.limited(db.execute(query) as unknown as Promise<Row[]>))];
      } catch (error) {
        throw problemOf(error, location);
      }
    },
    close: () => connection.close(),
  };
}
