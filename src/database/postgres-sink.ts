// PostgreSQL, or an engine that speaks its protocol: one connection of Bun's SQL driver. Rows go as one array a column and
// come out of `unnest` on the other side: one statement a batch, whatever its size, with no limit of parameters.
//
// A server that accepts and never answers would be waited for for ever: every statement has an end here, after which the
// connection is given up.

import { SQL } from "bun";
import { getTableColumns, getTableName } from "drizzle-orm";
import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";
import type { Location } from "../settings/database-location.ts";
import type { Batch, BatchKind } from "./batch.ts";
import { SCHEMA_VERSION, stepsBehind } from "./migrations.ts";
import { POSTGRES_TABLES } from "./postgres-schema.ts";
import { codeOf, DatabaseProblem, otherVersion, problemOf } from "./problem.ts";
import { rowsOf } from "./rows.ts";
import type { Sink } from "./sink.ts";
import { DELETE_ROWS, deleteOlder, TABLES, TIMED_KINDS, type TimedKind } from "./tables.ts";

export type PostgresLocation = Extract<Location, { kind: "postgres" }>;

const CONNECT_S = 5;
const STATEMENT_MS = 15_000;
const DAY_US = 86_400_000_000;
/** Two sidecars that make the same table at one moment: one of them is told so, and looks again. */
const RACES = /^23505$|^42P07$|^42710$|^40001$|^XX000$/;
const RACE_TRIES = 8;
/** Rows of one statement: about a megabyte of text. */
const ROWS_PER_STATEMENT = 8_192;

type Result = Record<string, unknown>[] & { readonly count: number };

interface Insert {
  readonly text: string;
  readonly fields: readonly string[];
}

/** A connection whose every statement ends. */
export class Connection {
  readonly client: SQL;

  constructor(
    readonly location: PostgresLocation,
    private readonly statementMs: number = STATEMENT_MS,
  ) {
    this.client = new SQL({
      url: location.url,
      max: 1,
      connectionTimeout: CONNECT_S,
      idleTimeout: 0,
      maxLifetime: 0,
      // Named prepared statements do not survive a pooler between us and the server.
      prepare: false,
      connection: { application_name: "qos" },
    });
  }

  /** @throws DatabaseProblem, also after the time for a statement */
  run(text: string, parameters: readonly (string | number)[] = []): Promise<Result> {
    return this.limited(this.client.unsafe(text, [...parameters]));
  }

  /** A statement's answer, waited for up to a bound. @throws DatabaseProblem */
  async limited<Answer>(answer: Promise<Answer>): Promise<Answer> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new DatabaseProblem(`the database ${this.location.shown} does not answer`, "soon")),
      this.statementMs,
    );
    try {
      return await Promise.race([answer, promise]);
    } catch (error) {
      throw withCode(error, this.location);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Never waits for a server that does not answer. */
  async close(): Promise<void> {
    await Promise.race([this.client.close({ timeout: 0 }).catch(() => undefined), Bun.sleep(500)]);
  }
}

/** A problem that still knows the driver's code. */
class CodedProblem extends DatabaseProblem {
  constructor(
    problem: DatabaseProblem,
    readonly code: string,
  ) {
    super(problem.message, problem.retry);
  }
}

function withCode(error: unknown, location: Location): DatabaseProblem {
  return error instanceof DatabaseProblem ? error : new CodedProblem(problemOf(error, location), codeOf(error));
}

/** The version of a database's tables; 0 if there are none. */
export async function postgresVersion(connection: Connection): Promise<number> {
  const [known] = await connection.run("SELECT to_regclass('qos_schema') IS NOT NULL AS there");
  if (known?.there !== true) return 0;
  const [row] = await connection.run("SELECT max(version) AS version FROM qos_schema");
  return Number(row?.version ?? 0);
}

export async function openPostgresSink(location: PostgresLocation): Promise<Sink> {
  const connection = new Connection(location);
  try {
    await racing(() => migrate(connection));
    const [row] = await connection.run(
      "SELECT relkind = 'p' AS partitioned FROM pg_class WHERE oid = to_regclass('qos_transactions')",
    );
    return new PostgresSink(connection, row?.partitioned === true);
  } catch (error) {
    await connection.close();
    throw problemOf(error, location);
  }
}

async function migrate(connection: Connection): Promise<void> {
  const found = await postgresVersion(connection);
  if (found > SCHEMA_VERSION) throw otherVersion(connection.location, found, SCHEMA_VERSION);
  if (found === SCHEMA_VERSION) return;
  const [row] = await connection.run("SELECT version() AS version");
  const partitions = !/cockroach/i.test(String(row?.version));
  for (const [i, statements] of stepsBehind("postgres", found).entries()) {
    for (const statement of statements) {
      await connection.run(partitions ? statement : statement.replace(/ PARTITION BY RANGE \(\w+\)/, ""));
    }
    await connection.run("INSERT INTO qos_schema VALUES ($1, $2) ON CONFLICT DO NOTHING", [
      found + i + 1,
      Date.now() * 1_000,
    ]);
  }
}

async function racing(attempt: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (tries >= RACE_TRIES || !(error instanceof CodedProblem) || !RACES.test(error.code)) throw error;
      await Bun.sleep(Math.random() * 50 * tries);
    }
  }
}

class PostgresSink implements Sink {
  readonly #inserts: Readonly<Record<BatchKind, Insert>>;
  /** Partitions that are known to be there: table and day. */
  readonly #days = new Set<string>();

  constructor(
    private readonly connection: Connection,
    private readonly partitioned: boolean,
  ) {
    this.#inserts = {
      session: insertInto(POSTGRES_TABLES.session),
      transactions: insertInto(POSTGRES_TABLES.transactions),
      fates: insertInto(POSTGRES_TABLES.fates),
      scores: insertInto(POSTGRES_TABLES.scores),
      statistics: insertInto(POSTGRES_TABLES.statistics),
    };
  }

  async insert(batch: Batch, onRows?: (count: number) => void): Promise<number> {
    const rows = rowsOf(batch) as unknown as readonly Record<string, unknown>[];
    const { text, fields } = this.#inserts[batch.kind];
    if (batch.kind !== "session") await this.#ensureDays(batch.kind, rows);
    let written = 0;
    for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
      const piece = rows.slice(from, from + ROWS_PER_STATEMENT);
      const result = await this.connection.run(
        text,
        fields.map((field) => arrayText(piece, field)),
      );
      onRows?.(result.count);
      written += result.count;
    }
    return written;
  }

  async retain(beforeUs: number): Promise<boolean> {
    if (this.partitioned) {
      await this.#dropDays(beforeUs);
      return false;
    }
    let most = 0;
    for (const kind of TIMED_KINDS) {
      most = Math.max(most, (await this.connection.run(deleteOlder(kind, "$1"), [beforeUs])).count);
    }
    return most >= DELETE_ROWS;
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  async #ensureDays(kind: TimedKind, rows: readonly Record<string, unknown>[]): Promise<void> {
    if (!this.partitioned) return;
    const { table, time } = TABLES[kind];
    const days = new Set(rows.map((row) => Math.floor(Number(row[time]) / DAY_US)));
    for (const day of days) {
      const name = partitionName(table, day);
      if (this.#days.has(name)) continue;
      await racing(async () => {
        await this.connection.run(
          `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF ${table} FOR VALUES FROM (${day * DAY_US}) TO (${(day + 1) * DAY_US})`,
        );
      });
      this.#days.add(name);
    }
  }

  async #dropDays(beforeUs: number): Promise<void> {
    const lastDay = Math.floor(beforeUs / DAY_US) - 1;
    for (const kind of TIMED_KINDS) {
      const { table } = TABLES[kind];
      const partitions = await this.connection.run(
        "SELECT child.relname AS name FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = to_regclass($1)",
        [table],
      );
      for (const { name } of partitions) {
        // Only what has exactly our name is ours to drop.
        const day = dayOfPartition(table, String(name));
        if (day === undefined || day > lastDay) continue;
        await this.connection.run(`DROP TABLE IF EXISTS ${name}`);
        this.#days.delete(String(name));
      }
    }
  }
}

/** `qos_fates_20261123`: a table's partition of a day (UTC, counted from 1970). */
export function partitionName(table: string, day: number): string {
  return `${table}_${new Date(day * (DAY_US / 1_000)).toISOString().slice(0, 10).replaceAll("-", "")}`;
}

function dayOfPartition(table: string, name: string): number | undefined {
  const [, year, month, date] = name.match(/_(\d{4})(\d{2})(\d{2})$/) ?? [];
  const day = Date.UTC(Number(year), Number(month) - 1, Number(date)) / (DAY_US / 1_000);
  return Number.isFinite(day) && partitionName(table, day) === name ? day : undefined;
}

function insertInto(table: PgTable): Insert {
  const columns = getTableConfig(table).columns;
  const names = columns.map((column) => column.name);
  const arrays = columns.map((column, i) => `$${i + 1}::text::${column.getSQLType()}[]`);
  return {
    text:
      `INSERT INTO ${getTableName(table)} (${names.join(", ")}) ` +
      `SELECT * FROM unnest(${arrays.join(", ")}) ON CONFLICT DO NOTHING`,
    fields: Object.keys(getTableColumns(table)),
  };
}

/** A column's values as the text of an array. */
function arrayText(rows: readonly Record<string, unknown>[], field: string): string {
  return `{${rows.map((row) => elementText(row[field])).join(",")}}`;
}

function elementText(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  // PostgreSQL's text cannot hold a NUL.
  return `"${String(value).replaceAll("\0", "").replace(/["\\]/g, "\\$&")}"`;
}
