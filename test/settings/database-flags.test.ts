import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type DatabaseWords, locationOf } from "../../src/settings/database-flags.ts";
import { UsageError } from "../../src/settings/errors.ts";

const folder = mkdtempSync("/tmp/qos-flags-");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const none: DatabaseWords = { db: undefined, dbUrlFile: undefined, dbUrl: undefined };
const SECRET = "hunter2";
const URL_WITH = `postgres://me:${SECRET}@db.example:5433/qos`;

describe("which database", () => {
  test("none where nothing is said", () => {
    expect(locationOf(none)).toBeUndefined();
    expect(locationOf({ ...none, dbUrl: "" })).toBeUndefined();
  });

  test("a file of SQLite, whatever the environment says", () => {
    const expected = { kind: "sqlite", path: "qos.db" } as const;
    expect(locationOf({ ...none, db: "sqlite:qos.db" })).toEqual(expected);
    expect(locationOf({ ...none, db: "sqlite:qos.db", dbUrl: URL_WITH })).toEqual(expected);
  });

  test("PostgreSQL, from the environment, a file, or without a password from the arguments", () => {
    const shown = "postgres://me@db.example:5433/qos";
    const file = `${folder}/url`;
    writeFileSync(file, `${URL_WITH}\n`);
    for (const words of [
      { ...none, dbUrl: URL_WITH },
      { ...none, db: "postgres", dbUrl: URL_WITH },
      { ...none, dbUrlFile: file },
      { ...none, db: "postgres", dbUrlFile: file },
    ]) {
      expect(locationOf(words)).toEqual({ kind: "postgres", url: URL_WITH, shown });
    }
    expect(locationOf({ ...none, db: shown })).toEqual({ kind: "postgres", url: shown, shown });
    expect(locationOf({ ...none, dbUrl: "postgresql://h/d?host=/run/pg" })).toMatchObject({ shown: "postgres://h/d" });
  });

  const refused: readonly (readonly [string, DatabaseWords, string])[] = [
    ["a password in the arguments", { ...none, db: URL_WITH }, "a password in the arguments"],
    ["one in the query", { ...none, db: `postgres://h/d?password=${SECRET}` }, "a password in the arguments"],
    ["another scheme", { ...none, db: `mysql://me:${SECRET}@h/d` }, "not a database"],
    ["no file's name", { ...none, db: "sqlite:" }, "needs a file's name"],
    ["no database's name", { ...none, dbUrl: `postgres://me:${SECRET}@h/` }, "QOS_DB_URL: no address"],
    ["white space", { ...none, dbUrl: `postgres://me:${SECRET}@h/d x` }, "QOS_DB_URL: no address"],
    ["no port", { ...none, dbUrl: `postgres://me:${SECRET}@h:99999/d` }, "QOS_DB_URL: no address"],
    ["an address missing", { ...none, db: "postgres" }, "its address is missing"],
    ["two of them", { ...none, db: "sqlite:x", dbUrlFile: "y" }, "not both"],
    ["a file that is not there", { ...none, dbUrlFile: `${folder}/absent` }, "cannot be read (ENOENT)"],
  ];
  for (const [name, words, sentence] of refused) {
    test(`refuses ${name}, without repeating a password`, () => {
      let said = "";
      try {
        locationOf(words);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
        said = (error as Error).message;
      }
      expect(said).toContain(sentence);
      expect(said).not.toContain(SECRET);
    });
  }

  test("refuses a file that holds something else, without repeating it", () => {
    const file = `${folder}/other`;
    writeFileSync(file, `${SECRET}\n`.repeat(1_000));
    expect(() => locationOf({ ...none, dbUrlFile: file })).toThrow(`${file}: no address of a database`);
  });
});
