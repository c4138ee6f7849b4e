// `qos config show|init|check`: the effective values and where each comes from, a file to begin with, a file under test.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Failure, messageOf } from "../../failure.ts";
import { readArguments } from "../../settings/arguments.ts";
import { CONFIG_FLAG } from "../../settings/channel-flags.ts";
import { CONFIG_KEYS, parseConfig, tomlText } from "../../settings/config-file.ts";
import { EXIT_FAILED, EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { type Flag, flagName, formatDuration } from "../../settings/flags.ts";
import { nearest } from "../../settings/nearest.ts";
import { RUN_FLAGS } from "../../settings/run-flags.ts";
import { settingsOf } from "../../settings/sidecar-settings.ts";
import { command } from "../command.ts";
import { wrap } from "../help.ts";
import { shellWord } from "../host/unit.ts";
import type { Output } from "../output.ts";

const ACTIONS = ["show", "init", "check"] as const;
const COMMENT_COLUMNS = 96;

/** A flag's value for people: TOML, but for what is secret or not there. */
function shownValue(row: Flag<unknown>, value: unknown): string {
  if (value === undefined) return "(none)";
  if (row.secret) return "(hidden)";
  return tomlText(row, row.kind === "duration" ? formatDuration(value as number) : value);
}

/** The file that `init` writes: every key in its group, with its help, commented out at its default. */
export function commentedConfig(): string {
  const lines = [
    "# Configuration of qos. A flag beats the environment, which beats this file, which beats the default.",
    "# Keys are the flags of `qos run`; each stands here at its default.",
  ];
  let group = "";
  for (const { key, row } of CONFIG_KEYS) {
    if (row.group !== group) lines.push("", `# --- ${row.group} ---`);
    group = row.group;
    lines.push("", ...wrap(row.help, COMMENT_COLUMNS).map((line) => `# ${line}`));
    const fallback = row.fallbackText === "" && row.kind !== "switch" && row.kind !== "text" ? undefined : row.fallback;
    const shown =
      fallback === undefined ? `"" # none; ${row.allowed}` : shownValue({ ...row, secret: false }, fallback);
    lines.push(`#${key} = ${shown}`);
  }
  return `${lines.join("\n")}\n`;
}

function writeNew(path: string, out: Output): number {
  try {
    writeFileSync(path, commentedConfig(), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") {
      throw new Failure(`${path} is there already, and stays as it is; name another file`);
    }
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      const folder = dirname(resolve(path));
      throw new Failure(`the folder ${folder} is not there: sudo mkdir -p ${shellWord(folder)}`);
    }
    throw new Failure(`cannot write the configuration: ${messageOf(error)}`);
  }
  out.line(`${path} is written: every key with its default, commented out`);
  // As a service the sidecar, and `config check` before it, are another user's.
  if (process.geteuid?.() === 0) out.note(`root alone can read it: chown it to the user that the sidecar runs as`);
  return EXIT_FINE;
}

function check(path: string, out: Output): number {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Failure(`the configuration cannot be read from ${path}: ${messageOf(error)}`);
  }
  const { values, mistakes } = parseConfig(text, path);
  for (const mistake of mistakes) out.note(mistake);
  if (mistakes.length > 0) return EXIT_FAILED;
  // What goes together, and what does not, as a start would find it: with this file alone.
  settingsOf(readArguments([], RUN_FLAGS, [], {}, values).values);
  out.line(`${path}: fine, ${values.size} of ${CONFIG_KEYS.length} keys are set`);
  return EXIT_FINE;
}

export default command({
  name: "config",
  summary: "shows, writes or checks a configuration",
  about:
    "`show` prints the values that `qos run` would start with, given the same flags, environment and file, and where each " +
    "came from. `init` writes a commented file with every key (qos.toml, or FILE). `check` reads FILE and says what is " +
    "wrong with it, line by line.",
  flags: RUN_FLAGS,
  positionals: [
    { name: "show|init|check", help: "what to do", required: true },
    { name: "FILE", help: "the file to write or to check", required: false },
  ],
  examples: [
    { line: "qos config init /etc/qos/qos.toml", says: "a file to begin with; nothing that is there is overwritten" },
    { line: "qos config check /etc/qos/qos.toml", says: "every mistake with its line" },
    {
      line: "qos config show --config /etc/qos/qos.toml --target-pps 50000",
      says: "what a start with this file and this flag would use",
    },
  ],
  run: ({ values, sources, positionals, file, out }) => {
    const [action, path] = positionals;
    if (action === "init") return writeNew(path ?? "qos.toml", out);
    if (action === "check") {
      const named = path ?? values.config;
      if (named === undefined) throw new UsageError("FILE is missing: the configuration to check");
      return check(named, out);
    }
    if (action !== "show") {
      const meant = nearest(action, ACTIONS);
      throw new UsageError(
        `unknown word "${action}"${meant === undefined ? "" : ` (did you mean ${meant}?)`}; expected show, init or check`,
      );
    }
    if (path !== undefined) throw new UsageError(`unexpected "${path}"; show takes its file from --config`);
    settingsOf(values);
    const places = {
      flag: (name: string, row: Flag<unknown>) => flagName(name, row),
      environment: (_: string, row: Flag<unknown>) => `environment ${row.env}`,
      file: (name: string) => file.get(name)?.from ?? CONFIG_FLAG.help,
      default: () => "default",
    };
    const rows = CONFIG_KEYS.map(({ key, name, row }) => {
      const value = (values as Readonly<Record<string, unknown>>)[name];
      const source = (sources as Readonly<Record<string, keyof typeof places>>)[name];
      return { key, text: `${key} = ${shownValue(row, value)}`, value, row, from: places[source](name, row) };
    });
    // The flag itself asks for JSON; a configuration that has the sidecar log in JSON does not.
    if (sources.json === "flag") {
      const shownOf = (row: Flag<unknown>, value: unknown) =>
        row.secret && value !== undefined ? "(hidden)" : (value ?? null);
      out.json(
        Object.fromEntries(rows.map(({ key, value, row, from }) => [key, { value: shownOf(row, value), from }])),
      );
      return EXIT_FINE;
    }
    const widest = Math.max(...rows.map(({ text }) => text.length));
    for (const { text, from } of rows) out.line(`${text.padEnd(Math.min(widest, 48))}  # ${from}`);
    return EXIT_FINE;
  },
});
