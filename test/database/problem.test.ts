// Driver's errors as sentences: what to do, whether to try again, and never a word of the driver's own.

import { describe, expect, test } from "bun:test";
import { DatabaseProblem, otherVersion, problemOf } from "../../src/database/problem.ts";
import type { Location } from "../../src/settings/database-location.ts";

const SECRET = "hunter2";
const POSTGRES: Location = { kind: "postgres", url: `postgres://me:${SECRET}@h/d`, shown: "postgres://me@h/d" };
const SQLITE: Location = { kind: "sqlite", path: "qos.db" };

const server = (sqlState: string): Error =>
  Object.assign(new Error(`connection to ${SECRET} failed`), { code: "ERR_POSTGRES_SERVER_ERROR", errno: sqlState });
const coded = (code: string): Error => Object.assign(new Error(`trouble with ${SECRET}`), { code });

const CASES: readonly (readonly [Location, Error, string, string])[] = [
  [POSTGRES, server("28P01"), "later", "refuses the user or the password"],
  [POSTGRES, server("3D000"), "later", "createdb"],
  [POSTGRES, server("42501"), "later", "grant it CREATE"],
  [POSTGRES, server("25006"), "later", "read-only"],
  [POSTGRES, server("53100"), "soon", "has a full disk"],
  [POSTGRES, server("53300"), "soon", "too many connections"],
  [POSTGRES, server("57014"), "soon", "statement_timeout"],
  [POSTGRES, server("57P01"), "soon", "starting, stopping"],
  [POSTGRES, server("57P03"), "soon", "starting, stopping"],
  [POSTGRES, server("40001"), "soon", "give up the transaction"],
  [POSTGRES, server("22003"), "batch", "refuses the values"],
  [POSTGRES, server("23502"), "batch", "refuses the values"],
  [POSTGRES, server("23514"), "soon", "no partition"],
  [POSTGRES, server("42P01"), "never", "has other tables"],
  [POSTGRES, server("99999"), "soon", "fails (99999)"],
  [POSTGRES, coded("ERR_POSTGRES_CONNECTION_REFUSED"), "soon", "the connection was refused"],
  [POSTGRES, coded("ERR_POSTGRES_CONNECTION_TIMEOUT"), "soon", "does not answer"],
  [POSTGRES, coded("ERR_POSTGRES_CONNECTION_CLOSED"), "soon", "went away"],
  [POSTGRES, new Error("query failed", { cause: server("53100") }), "soon", "has a full disk"],
  [SQLITE, coded("SQLITE_BUSY"), "soon", "is locked by another process"],
  [SQLITE, coded("SQLITE_FULL"), "soon", "lies on a full disk"],
  [SQLITE, coded("SQLITE_READONLY_DBMOVED"), "later", "is read-only"],
  [SQLITE, coded("SQLITE_CANTOPEN"), "later", "cannot be opened"],
  [SQLITE, coded("SQLITE_NOTADB"), "never", "no SQLite database"],
  [SQLITE, coded("SQLITE_CONSTRAINT_NOTNULL"), "batch", "refuses the values"],
  [SQLITE, coded("SQLITE_IOERR_WRITE"), "soon", "its disk fails"],
];

describe("a driver's error", () => {
  test.each(
    CASES.map((one) => [(one[1] as { errno?: string }).errno ?? (one[1] as { code?: string }).code, one] as const),
  )("%s", (_, [location, error, retry, words]) => {
    const problem = problemOf(error, location);
    expect(problem.retry as string).toBe(retry);
    expect(problem.message).toContain(words);
    expect(problem.message).toStartWith(`the database ${location.kind === "sqlite" ? "qos.db" : "postgres://me@h/d"} `);
    expect(problem.message).not.toContain(SECRET);
  });

  test("that is a problem already stays what it is", () => {
    const problem = new DatabaseProblem("so it is", "later");
    expect(problemOf(problem, SQLITE)).toBe(problem);
  });

  test("of another version names both and says what to do", () => {
    expect(otherVersion(SQLITE, 3, 1).message).toBe(
      "the database qos.db has tables of version 3, and this qos knows version 1; use a newer qos, or another database",
    );
    expect(otherVersion(SQLITE, 0, 1).message).toContain("let qos run upgrade it");
  });
});
