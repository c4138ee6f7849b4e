// The steps from one version of the tables to the next, embedded in the binary. A step is never changed once it was
// released: a change is a new step. Each statement can run again, since two sidecars may start on one empty database
// (there is no engine-specific lock, so that other engines stay possible).

import postgres1 from "./migrations/postgres/0001-tables.sql" with { type: "text" };
import postgres2 from "./migrations/postgres/0002-names-of-ends.sql" with { type: "text" };
import sqlite1 from "./migrations/sqlite/0001-tables.sql" with { type: "text" };
import sqlite2 from "./migrations/sqlite/0002-names-of-ends.sql" with { type: "text" };

const STEPS = { sqlite: [sqlite1, sqlite2], postgres: [postgres1, postgres2] } as const;

/** The version of the tables that this program reads and writes. */
export const SCHEMA_VERSION = STEPS.sqlite.length;
/** The oldest version that reports read as it is: since then only values got other names. */
export const READABLE_VERSION_MIN = 1;

if (STEPS.postgres.length !== SCHEMA_VERSION) throw new Error("the two engines have different steps");

/** @returns the statements of each step behind a version, the first of them making that version plus one */
export function stepsBehind(engine: keyof typeof STEPS, version: number): string[][] {
  return STEPS[engine].slice(version).map(statementsOf);
}

/** A step's statements: comments taken out, cut at semicolons that end a line. */
function statementsOf(step: string): string[] {
  return step
    .replace(/^--.*\n/gm, "")
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}
