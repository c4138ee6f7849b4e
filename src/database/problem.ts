// What went wrong with a database: one sentence with a remedy, and whether trying again helps. A driver's own words are
// never passed on whole: they may hold parts of the address.

import { Failure } from "../failure.ts";
import { type Location, shownLocation } from "../settings/database-location.ts";

/**
 * `soon`: it may be over in a moment; `later`: somebody has to mend something, and may; `never`: not in this run;
 * `batch`: only these rows are at fault.
 */
export type Retry = "soon" | "later" | "never" | "batch";

export class DatabaseProblem extends Failure {
  override readonly name = "DatabaseProblem";

  constructor(
    message: string,
    readonly retry: Retry,
  ) {
    super(message);
  }
}

/** A driver's error code: SQLSTATE, SQLITE_..., ERR_POSTGRES_..., or an errno's name. */
export function codeOf(error: unknown): string {
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  if (code === "ERR_POSTGRES_SERVER_ERROR" && typeof errno === "string") return errno;
  if (typeof code === "string") return code;
  const cause = (error as { cause?: unknown }).cause;
  return cause === undefined || cause === error ? "unknown" : codeOf(cause);
}

type Row = readonly [pattern: RegExp, retry: Retry, sentence: string];

const POSTGRES: readonly Row[] = [
  [
    /^28P01$|^28000$/,
    "later",
    "refuses the user or the password; check QOS_DB_URL or the file of --db-url-file, and pg_hba.conf",
  ],
  [/^3D000$/, "later", "has no database of that name; create it with createdb"],
  [/^42501$/, "later", "does not let this user do that; grant it CREATE on the schema and INSERT on the tables"],
  [/^25006$/, "later", "is read-only now (a standby?); give the address of the primary"],
  [/^53100$/, "soon", "has a full disk"],
  [/^53300$/, "soon", "has too many connections"],
  [/^57014$/, "soon", "cancelled a statement: it took longer than statement_timeout, or somebody cancelled it"],
  [/^5[37]|^58|^08/, "soon", "is starting, stopping or short of something"],
  [/^40|^55P03$/, "soon", "had to give up the transaction for another one"],
  [/^23514$/, "soon", "has no partition for these rows yet"],
  [/^2[23]/, "batch", "refuses the values of some rows"],
  [
    /^42P01$|^42703$|^42804$|^42P10$/,
    "never",
    "has other tables than this version of qos knows; use an empty database, or move its qos_ tables away",
  ],
  [/^ERR_POSTGRES_CONNECTION_REFUSED$|^ECONNREFUSED$|^ENOENT$/, "soon", "is not there: the connection was refused"],
  [/TIMEOUT/, "soon", "does not answer"],
  [/^ERR_POSTGRES_CONNECTION_CLOSED$|^ERR_SOCKET|^ECONNRESET$|^EPIPE$/, "soon", "went away"],
  [/TLS|SSL|CERT/, "later", "and we do not agree on TLS; see sslmode in the address"],
  [
    /PASSWORD|AUTH|SASL/,
    "later",
    "and we do not agree on how to authenticate; check the password's presence and pg_hba.conf",
  ],
];

const SQLITE: readonly Row[] = [
  [/^SQLITE_BUSY|^SQLITE_LOCKED/, "soon", "is locked by another process"],
  [/^SQLITE_FULL|^ENOSPC|^EDQUOT/, "soon", "lies on a full disk"],
  [/^SQLITE_READONLY|^EROFS/, "later", "is read-only for this user; check the file's and its folder's owner and mode"],
  [
    /^SQLITE_CANTOPEN|^SQLITE_PERM|^SQLITE_AUTH|^EACCES|^ENOENT/,
    "later",
    "cannot be opened; check that its folder is there and writable for this user",
  ],
  [/^SQLITE_NOTADB|^SQLITE_CORRUPT/, "never", "is no SQLite database, or a damaged one; give another file"],
  [/^SQLITE_CONSTRAINT|^SQLITE_MISMATCH|^SQLITE_TOOBIG/, "batch", "refuses the values of some rows"],
  [/^SQLITE_IOERR/, "soon", "cannot be written: its disk fails"],
  [/^SQLITE_ERROR/, "never", "has other tables than this version of qos knows; give another file"],
];

/** Anything a driver threw, as a problem. */
export function problemOf(error: unknown, location: Location): DatabaseProblem {
  if (error instanceof DatabaseProblem) return error;
  const code = codeOf(error);
  const rows = location.kind === "sqlite" ? SQLITE : POSTGRES;
  const row = rows.find(([pattern]) => pattern.test(code));
  const [, retry, sentence] = row ?? [undefined, "soon" as const, "fails"];
  return new DatabaseProblem(`the database ${shownLocation(location)} ${sentence} (${code})`, retry);
}

/** Tables of a version that this program does not know. */
export function otherVersion(location: Location, found: number, known: number): DatabaseProblem {
  const remedy = found > known ? "use a newer qos, or another database" : "let qos run upgrade it";
  return new DatabaseProblem(
    `the database ${shownLocation(location)} has tables of version ${found}, and this qos knows version ${known}; ${remedy}`,
    "never",
  );
}
