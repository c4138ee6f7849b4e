// `qos.toml`: every flag of `qos run` as a key, by the flag's name without its dashes. Read with smol-toml, checked against
// a schema that is made from the table of flags; a mistake is an error with its line, and the nearest name if there is one.

import { readFileSync, statSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import * as v from "valibot";
import { Failure, messageOf } from "../failure.ts";
import type { FileValue, FileValues } from "./arguments.ts";
import { CONFIG_FLAG } from "./channel-flags.ts";
import { UsageError } from "./errors.ts";
import type { Flag, FlagKind } from "./flags.ts";
import { kebabCase } from "./names.ts";
import { nearest } from "./nearest.ts";
import { RUN_FLAGS } from "./run-flags.ts";

/** More than all keys with all comments: it is some other file. */
export const CONFIG_MAX_BYTES = 1024 * 1024;

export interface ConfigKey {
  readonly key: string;
  /** The flag's name in its table. */
  readonly name: string;
  readonly row: Flag<unknown>;
}

/** Every key of the file, in the order of the flags. */
export const CONFIG_KEYS: readonly ConfigKey[] = Object.entries(RUN_FLAGS as Record<string, Flag<unknown>>)
  .filter(([, row]) => row !== CONFIG_FLAG)
  .map(([name, row]) => ({ key: kebabCase(name), name, row }));

/** What a kind of flag is in TOML. A u64 above TOML's 2^63 is written as a string. */
const TYPES: Readonly<Record<FlagKind, v.GenericSchema<unknown, string | number | bigint | boolean>>> = {
  switch: v.boolean("expected true or false"),
  count: v.bigint("expected a whole number"),
  share: v.union([v.number(), v.bigint()], "expected a number"),
  u64: v.union([v.bigint(), v.string()], "expected a whole number, or one in quotes"),
  choice: v.union([v.string(), v.bigint()], "expected a word in quotes"),
  text: v.string("expected a text in quotes"),
  duration: v.string('expected a time in quotes, such as "10s"'),
  time: v.string("expected a time in quotes"),
  path: v.string("expected a file's name in quotes"),
};

function keySchema({ row }: ConfigKey) {
  return v.optional(
    v.pipe(
      TYPES[row.kind],
      v.transform(String),
      v.check(
        (text) => row.parse(text) !== undefined,
        ({ input }) => `${row.secret ? "that value" : `"${input}"`} is not allowed; expected ${row.allowed}`,
      ),
    ),
  );
}

const SCHEMA = v.object(Object.fromEntries(CONFIG_KEYS.map((one) => [one.key, keySchema(one)])));

/**
 * Reads and checks a file.
 * @throws Failure if it cannot be read, UsageError for the first mistake in it
 */
export function readConfigFile(path: string): FileValues {
  let text: string;
  try {
    const stats = statSync(path);
    if (!stats.isFile()) throw new Error("it is not a plain file");
    if (stats.size > CONFIG_MAX_BYTES)
      throw new Error(`it has ${stats.size} bytes, and ${CONFIG_MAX_BYTES} are the most`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Failure(`the configuration cannot be read from ${path}: ${messageOf(error)}`);
  }
  const { values, mistakes } = parseConfig(text, path);
  if (mistakes.length > 0) throw new UsageError(mistakes[0]);
  return values;
}

/** Reads the content of a file. @returns every mistake as a sentence that begins with file and line */
export function parseConfig(text: string, path: string): { values: FileValues; mistakes: readonly string[] } {
  const values = new Map<string, FileValue>();
  let content: Readonly<Record<string, unknown>>;
  try {
    content = parse(text, { integersAsBigInt: true });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what] = error.message.split("\n");
    return { values, mistakes: [`${path}, line ${error.line}: ${what}`] };
  }
  const known = new Set(CONFIG_KEYS.map(({ key }) => key));
  const found: { readonly line: number; readonly what: string }[] = [];
  const mistake = (key: string, what: string): void => {
    found.push({ line: lineOf(text, key), what });
  };
  for (const key of Object.keys(content)) if (!known.has(key)) mistake(key, unknownKey(key));
  const checked = v.safeParse(SCHEMA, content);
  for (const issue of checked.issues ?? []) {
    const key = String(issue.path?.[0]?.key ?? "");
    mistake(key, `${key}: ${issue.message}`);
  }
  const mistakes = found.sort((a, b) => a.line - b.line).map(({ line, what }) => `${path}, line ${line}: ${what}`);
  if (!checked.success || mistakes.length > 0) return { values, mistakes };
  const given = checked.output as Readonly<Record<string, string | undefined>>;
  for (const { key, name, row } of CONFIG_KEYS) {
    const value = given[key];
    if (value !== undefined) values.set(name, { row, text: value, from: `${path}, line ${lineOf(text, key)}` });
  }
  return { values, mistakes: [] };
}

function unknownKey(key: string): string {
  const negated = key.startsWith("no-") ? key.slice(3) : "";
  if (CONFIG_KEYS.some((one) => one.key === negated)) return `unknown key "${key}" (did you mean ${negated} = false?)`;
  const meant = nearest(
    kebabCase(key.replaceAll("_", "-")),
    CONFIG_KEYS.map((one) => one.key),
  );
  return `unknown key "${key}"${meant === undefined ? "" : ` (did you mean ${meant}?)`}`;
}

/** The line where a key of the top stands, from 1 on: the reader of TOML does not say. */
function lineOf(text: string, key: string): number {
  const escaped = key.replace(/[^A-Za-z0-9_-]/g, "\\$&");
  const pattern = new RegExp(`^\\s*\\[{0,2}\\s*["']?${escaped}["']?\\s*[=.\\]]`);
  return text.split("\n").findIndex((line) => pattern.test(line)) + 1;
}

/** A value as TOML writes it. */
export function tomlText(row: Flag<unknown>, value: unknown): string {
  if (typeof value === "boolean" || (typeof value === "number" && row.kind !== "duration")) return `${value}`;
  return JSON.stringify(`${value}`);
}
