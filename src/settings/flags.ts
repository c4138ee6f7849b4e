// What a flag is: one row that says its type, unit, default, environment variable and help. The command line, its checks
// and the help text all come from these rows; whatever else speaks of flags (a configuration file, completions) reads them
// too. A table is an object of rows; a row's key in camelCase is the setting's name, in kebab-case the flag's.

import { kebabCase } from "./names.ts";

export type FlagKind = "switch" | "text" | "choice" | "count" | "share" | "u64" | "duration" | "time" | "path";

export interface Flag<T, Kind extends FlagKind = FlagKind> {
  readonly kind: Kind;
  /** Stands for the value in the help: `N`, `FILE`. Empty for a switch. */
  readonly hint: string;
  readonly help: string;
  /** The value where nothing is given. */
  readonly fallback: T;
  /** The fallback as the help says it; empty without one. */
  readonly fallbackText: string;
  /** What is allowed, to be read after "expected". */
  readonly allowed: string;
  readonly choices: readonly string[];
  /** Environment variable that is read where the flag is not given. */
  readonly env: string | undefined;
  /** Never repeated in a message. */
  readonly secret: boolean;
  /** Heading in the help. */
  readonly group: string;
  /** The value that a text stands for; undefined if it is not allowed. */
  readonly parse: (text: string) => T | undefined;
}

export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

/** The settings that a table of flags gives. */
export type ValuesOf<Table extends FlagTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Flag<infer T> ? T : never;
};

interface Common {
  readonly help: string;
  readonly hint?: string;
  readonly env?: string;
  readonly secret?: boolean;
  readonly group?: string;
}

export const U64_MAX = 18_446_744_073_709_551_615n;

function flag<T, Kind extends FlagKind>(
  kind: Kind,
  common: Common,
  parts: Pick<Flag<T>, "fallback" | "parse" | "allowed"> & { hint: string; text?: string; choices?: readonly string[] },
): Flag<T, Kind> {
  return {
    kind,
    hint: common.hint ?? parts.hint,
    help: common.help,
    fallback: parts.fallback,
    fallbackText: parts.text ?? "",
    allowed: parts.allowed,
    choices: parts.choices ?? [],
    env: common.env,
    secret: common.secret ?? false,
    group: common.group ?? "Options",
    parse: parts.parse,
  };
}

/** On or off. One that is on by default is switched off as `--no-NAME`. */
export function onOff(common: Common & { readonly fallback?: boolean }): Flag<boolean> {
  return flag("switch", common, {
    hint: "",
    fallback: common.fallback ?? false,
    allowed: "true or false",
    parse: (text) => (text === "true" ? true : text === "false" ? false : undefined),
  });
}

/** One of a few words. */
export function choice<const Words extends readonly string[]>(
  words: Words,
  common: Common & { readonly fallback: Words[number] },
): Flag<Words[number]> {
  return flag<Words[number], "choice">("choice", common, {
    hint: words.join("|"),
    fallback: common.fallback,
    text: common.fallback,
    choices: words,
    allowed: words.length === 1 ? words[0] : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`,
    parse: (text) => words.find((word) => word === text),
  });
}

const THOUSANDS: Readonly<Record<string, number>> = { "": 1, k: 1_000, M: 1_000_000 };

/** @returns the number of `50000`, `50_000`, `50k` or `2M`; undefined for anything else */
export function parseWhole(text: string): number | undefined {
  const match = /^(\d{1,15}|\d{1,3}(?:_\d{3}){1,4})([kM]?)$/.exec(text);
  return match === null ? undefined : Number(match[1].replaceAll("_", "")) * THOUSANDS[match[2]];
}

/** A whole number in a range, both ends allowed. */
export function count<T extends number | undefined>(
  common: Common & { readonly min: number; readonly max: number; readonly fallback: T; readonly unit?: string },
): Flag<number | T> {
  const unit = common.unit === undefined ? "" : ` ${common.unit}`;
  return flag<number | T, "count">("count", common, {
    hint: "N",
    fallback: common.fallback,
    text: common.fallback === undefined ? "" : `${common.fallback}`,
    allowed: `a whole number from ${common.min} to ${common.max}${unit}`,
    parse: (text) => {
      const value = parseWhole(text);
      return value !== undefined && value >= common.min && value <= common.max ? value : undefined;
    },
  });
}

/** A share of a whole, 0 to 1. */
export function share(common: Common & { readonly fallback: number }): Flag<number> {
  return flag("share", common, {
    hint: "SHARE",
    fallback: common.fallback,
    text: `${common.fallback}`,
    allowed: "a number from 0 to 1, such as 0.05",
    parse: (text) => {
      const value = /^(\d|\d?\.\d{1,12}|\d\.)$/.test(text) ? Number(text) : Number.NaN;
      return value >= 0 && value <= 1 ? value : undefined;
    },
  });
}

/** Any unsigned 64-bit number, exact. */
export function u64(common: Common): Flag<bigint | undefined> {
  return flag<bigint | undefined, "u64">("u64", common, {
    hint: "U64",
    fallback: undefined,
    allowed: `a whole number from 0 to ${U64_MAX}`,
    parse: parseU64,
  });
}

/** @returns undefined for anything but decimal digits of a number below 2^64 */
export function parseU64(text: string): bigint | undefined {
  if (!/^\d{1,40}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value <= U64_MAX ? value : undefined;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @returns milliseconds of `500ms`, `2m`, `1m30s`, `0.5s`; undefined for anything else, a number without unit too */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d{1,12}(\.\d{1,6})?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|s|m|h|d)/g)) ms += Number(amount) * UNIT_MS[unit];
  return ms;
}

/** Milliseconds as people write them, in the largest unit that divides them. */
export function formatDuration(ms: number): string {
  for (const unit of ["d", "h", "m", "s"])
    if (ms > 0 && ms % UNIT_MS[unit] === 0) return `${ms / UNIT_MS[unit]}${unit}`;
  return `${ms}ms`;
}

/** A span of time, in milliseconds. */
export function duration<T extends number | undefined>(
  common: Common & { readonly min: number; readonly max: number; readonly fallback: T },
): Flag<number | T, "duration"> {
  return flag<number | T, "duration">("duration", common, {
    hint: "TIME",
    fallback: common.fallback,
    text: common.fallback === undefined ? "" : formatDuration(common.fallback),
    allowed: `a time with its unit (such as 500ms, 10s, 2m) from ${formatDuration(common.min)} to ${formatDuration(common.max)}`,
    parse: (text) => {
      const ms = parseDuration(text);
      return ms !== undefined && ms >= common.min && ms <= common.max ? ms : undefined;
    },
  });
}

/** A moment, in milliseconds since 1970. */
export function time(common: Common): Flag<number | undefined> {
  return flag<number | undefined, "time">("time", common, {
    hint: "TIME",
    fallback: undefined,
    allowed: "a date or a time with its zone, such as 2026-07-01 or 2026-07-01T12:00:00Z",
    parse: (text) => {
      if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d))?$/.test(text)) return undefined;
      const ms = Date.parse(text);
      return Number.isNaN(ms) ? undefined : ms;
    },
  });
}

/** Any text that a pattern allows. */
export function text<T extends string | undefined>(
  common: Common & { readonly fallback: T; readonly pattern: RegExp; readonly allowed: string },
): Flag<string | T> {
  return flag<string | T, "text">("text", common, {
    hint: "TEXT",
    fallback: common.fallback,
    text: common.fallback ?? "",
    allowed: common.allowed,
    parse: (given) => (common.pattern.test(given) ? given : undefined),
  });
}

/** A file's name. */
export function path(common: Common): Flag<string | undefined, "path"> {
  return flag<string | undefined, "path">("path", common, {
    hint: "FILE",
    fallback: undefined,
    allowed: "a file's name",
    parse: (given) => (given !== "" && !given.includes("\0") ? given : undefined),
  });
}

/** A flag as it is typed: `--use-huge-pages`, or `--no-wait` for one that is on by default. */
export function flagName(name: string, row: Flag<unknown>): string {
  return `--${row.kind === "switch" && row.fallback === true ? "no-" : ""}${kebabCase(name)}`;
}
