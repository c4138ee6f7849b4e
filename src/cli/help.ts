// Help texts, made from the same rows as the command line itself. Lines end before column 100, or the terminal's edge.

import { type Flag, flagName } from "../settings/flags.ts";
import type { AnyCommand } from "./command.ts";

export const HELP_FLAGS: ReadonlySet<string> = new Set(["--help", "-h"]);

const COLUMNS_MAX = 100;
const COLUMNS_MIN = 60;
/** Flags longer than this get their help on the next line. */
const FLAG_COLUMNS = 34;

export function helpColumns(): number {
  return Math.max(COLUMNS_MIN, Math.min(COLUMNS_MAX, process.stdout.columns ?? COLUMNS_MAX));
}

/** Breaks a text into lines of at most `columns`. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function entry(label: string, text: string, labelColumns: number, columns: number): string[] {
  const margin = " ".repeat(labelColumns + 4);
  const [first, ...rest] = wrap(text, columns - margin.length);
  const head =
    label.length > labelColumns ? [`  ${label}`, margin + first] : [`  ${label.padEnd(labelColumns)}  ${first}`];
  return [...head, ...rest.map((line) => margin + line)];
}

/** A flag's help with its default and its environment variable. */
export function flagText(row: Flag<unknown>): string {
  const notes: string[] = [];
  if (row.fallbackText !== "") notes.push(`default ${row.fallbackText}`);
  if (row.env !== undefined) notes.push(`environment ${row.env}`);
  return notes.length === 0 ? row.help : `${row.help} [${notes.join("; ")}]`;
}

/** `qos NAME --help`. */
export function commandHelp(one: AnyCommand, columns: number): string {
  const positionals = one.positionals ?? [];
  const names = positionals.map((place) => (place.required ? ` ${place.name}` : ` [${place.name}]`)).join("");
  const lines = [`usage: qos ${one.name}${names} [flags]`, "", ...wrap(one.about, columns)];
  if (positionals.length > 0) lines.push("", "Arguments:");
  for (const place of positionals) lines.push(...entry(place.name, place.help, FLAG_COLUMNS, columns));

  const groups = new Map<string, string[]>();
  const labelled = Object.entries(one.flags).map(([name, row]) => ({
    row,
    label: row.hint === "" ? flagName(name, row) : `${flagName(name, row)} ${row.hint}`,
  }));
  const widest = Math.max(0, ...labelled.map(({ label }) => label.length).filter((length) => length <= FLAG_COLUMNS));
  for (const { row, label } of labelled) {
    const group = groups.get(row.group) ?? [];
    groups.set(row.group, [...group, ...entry(label, flagText(row), widest, columns)]);
  }
  for (const [group, rows] of groups) lines.push("", `${group}:`, ...rows);

  lines.push("", "Examples:");
  for (const example of one.examples) {
    lines.push(
      ...wrap(`# ${example.says}`, columns - 2).map((line, index) => (index === 0 ? `  ${line}` : `  # ${line}`)),
    );
    lines.push(`  ${example.line}`);
  }
  return lines.join("\n");
}

/** Bare `qos` and `qos --help`. */
export function rootHelp(
  version: string,
  commands: readonly { name: string; summary: string }[],
  columns: number,
): string {
  const widest = Math.max(...commands.map(({ name }) => name.length));
  return [
    `qos ${version}: a QoS sidecar for Solana validators. It takes every packet over shared memory, keeps the best, and`,
    "sends them on to sigverify.",
    "",
    "usage: qos COMMAND [flags]",
    "       qos [flags of run]        flags and no command mean run",
    "",
    "Commands:",
    ...commands.flatMap(({ name, summary }) => entry(name, summary, widest, columns)),
    "",
    "Flags:",
    "  --help, -h     this text; `qos COMMAND --help` for a command's own",
    "  --version, -v  the version",
    "",
    "First steps:",
    "  qos init              # create the channels",
    "  qos run               # run the sidecar beside a validator that speaks them",
    "  qos simulate          # or play the validator, in a second terminal",
    "",
    "Exit codes: 0 fine, 1 failed, 2 wrong usage. QOS_DEBUG=1 shows where an error came from.",
  ].join("\n");
}
