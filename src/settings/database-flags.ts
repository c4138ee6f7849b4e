// The flags that name a database, for every command that has to do with one, and the way from them to a location. A password
// never stands in an argument (arguments are public), and never in a message.

import { readFileSync } from "node:fs";
import { type Location, postgresLocation } from "./database-location.ts";
import { UsageError } from "./errors.ts";
import { count, duration, path, share, text, type ValuesOf } from "./flags.ts";

const GROUP = "Database";

export const DATABASE_FLAGS = {
  db: text({
    help:
      "the database: sqlite:FILE, or a PostgreSQL address without a password (postgres://USER@HOST/NAME); " +
      "an address with one comes from QOS_DB_URL or --db-url-file",
    hint: "DATABASE",
    group: GROUP,
    fallback: undefined,
    pattern: /^[^\0]{1,4096}$/,
    allowed: "sqlite:FILE or postgres://USER@HOST/NAME",
    // A password that stands here by mistake must not be repeated.
    secret: true,
  }),
  dbUrlFile: path({
    help: "file that holds the PostgreSQL address, password and all, and nothing else",
    group: GROUP,
  }),
};

/** The database of a command that cannot do without one. @throws UsageError if none is given */
export function neededLocation(values: ValuesOf<typeof DATABASE_FLAGS>): Location {
  const location = locationOf({ ...values, dbUrl: process.env.QOS_DB_URL });
  if (location === undefined) throw new UsageError("--db is missing: the database to read, such as sqlite:qos.db");
  return location;
}

const DAY_MS = 86_400_000;

/** What `qos run` saves, and how. */
export const RECORD_FLAGS = {
  ...DATABASE_FLAGS,
  dbKeep: duration({
    help: "delete rows that are older, such as 7d; without it they stay",
    min: 60_000,
    max: 36_500 * DAY_MS,
    fallback: undefined,
    group: GROUP,
  }),
  dbSample: share({ help: "share of the outcomes that is saved, chosen by packet hash", group: GROUP, fallback: 1 }),
  dbSampleFates: share({
    help: "share of the fates that is saved; failed signatures go by --db-sample",
    group: GROUP,
    fallback: 0.01,
  }),
  dbScores: duration({
    help: "save all senders' scores after a model update, at most once in this time",
    min: 1_000,
    max: 365 * DAY_MS,
    fallback: 60_000,
    group: GROUP,
  }),
  dbSpill: path({
    help: "file for what the database does not take in time [default PREFIXqos.spill in the current folder]",
    group: GROUP,
  }),
  dbSpillMib: count({
    help: "the most that this file may hold",
    unit: "MiB",
    min: 1,
    max: 1_048_576,
    fallback: 256,
    group: GROUP,
  }),
  fates: count({
    help: "recent fates to keep in memory for qos explain, rounded up to a power of two; 0 keeps none",
    min: 0,
    max: 1_048_576,
    fallback: 65_536,
    group: GROUP,
  }),
};

/** An address is a line; more is some other file. */
const URL_FILE_BYTES = 4_096;
const SQLITE = "sqlite:";
const POSTGRES = /^postgres(ql)?:\/\//;

export interface DatabaseWords {
  readonly db: string | undefined;
  readonly dbUrlFile: string | undefined;
  /** The environment's QOS_DB_URL. */
  readonly dbUrl: string | undefined;
}

/**
 * @returns undefined if no database is asked for
 * @throws UsageError for what is not a location, for a password in the arguments, for two locations
 */
export function locationOf(flags: DatabaseWords): Location | undefined {
  const { db, dbUrlFile, dbUrl } = flags;
  if (db !== undefined && db !== "postgres" && dbUrlFile !== undefined) {
    throw new UsageError("give either --db or --db-url-file, not both (or --db postgres with the file)");
  }
  if (db?.startsWith(SQLITE)) return sqliteAt(db.slice(SQLITE.length));
  if (db !== undefined && POSTGRES.test(db)) {
    const location = postgresAt(db, "--db");
    if (holdsPassword(db)) {
      throw new UsageError(
        "--db: a password in the arguments can be read by every user of this host; put the address into QOS_DB_URL or a file for --db-url-file",
      );
    }
    return location;
  }
  if (db !== undefined && db !== "postgres") {
    throw new UsageError("--db: that is not a database; expected sqlite:FILE, postgres://USER@HOST/NAME or postgres");
  }
  if (dbUrlFile !== undefined) return fromFile(dbUrlFile);
  if (dbUrl !== undefined && dbUrl !== "") return postgresAt(dbUrl, "QOS_DB_URL");
  if (db === "postgres") {
    throw new UsageError("--db postgres: its address is missing; put it into QOS_DB_URL or a file for --db-url-file");
  }
  return undefined;
}

function sqliteAt(path: string): Location {
  if (path === "" || path.includes("\0")) throw new UsageError("--db sqlite: needs a file's name, as in sqlite:qos.db");
  return { kind: "sqlite", path };
}

function fromFile(file: string): Location {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    throw new UsageError(`--db-url-file: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "?"})`);
  }
  const text = content.length <= URL_FILE_BYTES ? content.toString("utf8").trim() : "";
  return postgresAt(text, file);
}

function postgresAt(text: string, from: string): Location {
  const location = postgresLocation(text);
  if (location !== undefined) return location;
  // The text itself is not repeated: it may hold a password anywhere.
  throw new UsageError(`${from}: no address of a database; expected postgres://USER:PASSWORD@HOST:PORT/NAME`);
}

function holdsPassword(text: string): boolean {
  const url = new URL(text);
  return url.password !== "" || [...url.searchParams.keys()].some((key) => /pass/i.test(key));
}
