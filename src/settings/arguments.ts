// From a command's arguments to its settings, strictly. citty takes unknown flags, drops parse errors and reads `--no-x`
// out of any position; so every token (by Node's own tokenizer) is checked here first, and a mistake is an error that names
// the flag, the value and what is allowed. A flag beats the environment beats the file beats the default; the source is kept.

import { type ParseArgsConfig, parseArgs } from "node:util";
import { UsageError } from "./errors.ts";
import { type Flag, type FlagTable, flagName, type ValuesOf } from "./flags.ts";
import { nearest } from "./nearest.ts";

export type Source = "flag" | "environment" | "file" | "default";
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a configuration file says of a flag: the value's text, and the file with its line. */
export interface FileValue {
  readonly row: Flag<unknown>;
  readonly text: string;
  readonly from: string;
}

/** By the flags' names. A command takes what is said of its own rows: another's row of the same name is another flag. */
export type FileValues = ReadonlyMap<string, FileValue>;

export interface Positional {
  /** As the help shows it: `CHANNEL`. */
  readonly name: string;
  readonly help: string;
  readonly required: boolean;
}

export interface Arguments<Table extends FlagTable> {
  readonly values: ValuesOf<Table>;
  readonly sources: Readonly<Record<keyof Table, Source>>;
  readonly positionals: readonly string[];
}

/** Reads a flag's value. @throws UsageError that names where it came from, and the value unless it is a secret */
export function parseValue<T>(row: Flag<T>, value: string, from: string): T {
  const parsed = row.parse(value);
  if (parsed !== undefined) return parsed;
  const shown = row.secret ? "that value" : `"${value}"`;
  const meant = row.choices.length > 0 ? nearest(value, row.choices) : undefined;
  const hint = meant === undefined ? "" : ` (did you mean ${meant}?)`;
  throw new UsageError(`${from}: ${shown} is not allowed${hint}; expected ${row.allowed}`);
}

const NO_FILE: FileValues = new Map();

/**
 * @param raw the arguments behind the command's name
 * @throws UsageError for what is unknown, missing, twice or wrong
 */
export function readArguments<Table extends FlagTable>(
  raw: readonly string[],
  table: Table,
  expected: readonly Positional[],
  environment: Environment,
  file: FileValues = NO_FILE,
): Arguments<Table> {
  const { given, positionals } = collect(raw, table);
  if (positionals.length > expected.length) throw new UsageError(surplus(positionals[expected.length], table));
  const missing = expected.find((one, index) => one.required && positionals[index] === undefined);
  if (missing !== undefined) throw new UsageError(`${missing.name} is missing: ${missing.help}`);

  const values: Record<string, unknown> = {};
  const sources: Record<string, Source> = {};
  for (const [name, row] of Object.entries(table)) {
    const typed = given.get(name);
    const inherited = row.env === undefined ? undefined : environment[row.env];
    if (typed !== undefined) {
      values[name] = parseValue(row, typed, flagName(name, row));
      sources[name] = "flag";
    } else if (row.env !== undefined && inherited !== undefined && inherited !== "") {
      values[name] = parseValue(row, inherited, row.env);
      sources[name] = "environment";
    } else if (file.get(name)?.row === row) {
      const { text, from } = file.get(name) as FileValue;
      values[name] = parseValue(row, text, from);
      sources[name] = "file";
    } else {
      values[name] = row.fallback;
      sources[name] = "default";
    }
  }
  return {
    values: Object.freeze(values) as ValuesOf<Table>,
    sources: sources as Record<keyof Table, Source>,
    positionals,
  };
}

/** The texts given for each flag, and what stands beside the flags. */
function collect(raw: readonly string[], table: FlagTable): { given: Map<string, string>; positionals: string[] } {
  const byFlag = new Map(Object.entries(table).map(([name, row]) => [flagName(name, row), { name, row }]));
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const [flag, { row }] of byFlag) options[flag.slice(2)] = { type: row.kind === "switch" ? "boolean" : "string" };
  const { tokens } = parseArgs({ args: [...raw], options, strict: false, allowPositionals: true, tokens: true });

  const given = new Map<string, string>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const flag = token.rawName;
    if (/^-\d/.test(flag)) {
      // A negative number is a value that is not allowed, not a flag that is not known.
      if (tokens.findIndex(({ index }) => index === token.index) === tokens.indexOf(token))
        positionals.push(raw[token.index]);
      continue;
    }
    const known = byFlag.get(flag);
    if (known === undefined) throw new UsageError(unknownFlag(flag, byFlag.keys()));
    if (given.has(known.name)) throw new UsageError(`${flag} is given twice`);
    given.set(known.name, textOf(flag, known.row, token.value, token.inlineValue === true));
  }
  return { given, positionals };
}

function textOf(flag: string, row: Flag<unknown>, value: string | undefined, inline: boolean): string {
  if (row.kind !== "switch") {
    // A flag where its value should stand is a forgotten value, not a value.
    if (value === undefined || (!inline && value.startsWith("--"))) {
      throw new UsageError(`${flag} needs a value: ${row.allowed}`);
    }
    return value;
  }
  if (flag.startsWith("--no-")) {
    // `--no-wait=false` waits even if the configuration file says not to.
    if (value === undefined || value === "true") return "false";
    return value === "false" ? "true" : value;
  }
  return value ?? "true";
}

function unknownFlag(flag: string, known: Iterable<string>): string {
  const names = ["--help", ...known];
  // `--wait` for `--no-wait`, or the other way round.
  const opposite = flag.startsWith("--no-") ? `--${flag.slice(5)}` : `--no-${flag.slice(2)}`;
  const meant = names.includes(opposite) ? opposite : nearest(flag, names);
  return `unknown flag ${flag}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`;
}

function surplus(word: string, table: FlagTable): string {
  const meant = Object.entries(table).find(([name, row]) => flagName(name, row) === `--${word}`);
  return `unexpected "${word}"${meant === undefined ? "" : ` (did you mean --${word}?)`}`;
}
