// A command of qos: its flags, examples and what it does. The tree of commands is citty's; each of its leaves hands its
// raw arguments to the strict reader, because citty would let mistakes pass.

import { type CommandDef, defineCommand } from "citty";
import { type Arguments, type FileValues, type Positional, readArguments } from "../settings/arguments.ts";
import type { FlagTable } from "../settings/flags.ts";
import { commandHelp, HELP_FLAGS, helpColumns } from "./help.ts";
import type { Output } from "./output.ts";

export interface Example {
  readonly line: string;
  /** What it does, for a first-time reader. */
  readonly says: string;
}

export interface Invocation<Table extends FlagTable> extends Arguments<Table> {
  /** What the configuration file says. */
  readonly file: FileValues;
  readonly out: Output;
}

export interface QosCommand<Table extends FlagTable = FlagTable> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** A paragraph for the command's own help. */
  readonly about: string;
  readonly flags: Table;
  readonly positionals?: readonly Positional[];
  readonly examples: readonly Example[];
  /** @returns the exit code; throws Failure or UsageError with a sentence */
  readonly run: (invocation: Invocation<Table>) => Promise<number> | number;
}

/** A command without its table's type, as the tree, the help and completions see it. */
export interface AnyCommand extends Omit<QosCommand, "run"> {
  /** Reads the arguments and runs. */
  readonly start: (raw: readonly string[], out: Output) => Promise<number>;
}

/** Defines a command; its `run` gets values of the types that its table says. */
export function command<const Table extends FlagTable>(definition: QosCommand<Table>): AnyCommand {
  const { run, ...rest } = definition;
  return {
    ...rest,
    start: async (raw, out) => {
      const places = definition.positionals ?? [];
      let read = readArguments(raw, definition.flags, places, process.env);
      let file: FileValues = new Map();
      const { config } = read.values as { readonly config?: unknown };
      if (typeof config === "string") {
        // Loaded only when used: a start without a file needs no TOML.
        const { readConfigFile } = await import("../settings/config-file.ts");
        file = readConfigFile(config);
        read = readArguments(raw, definition.flags, places, process.env, file);
      }
      return await run({ ...read, file, out });
    },
  };
}

/** The command as a leaf of citty's tree: its help if that is asked for, else itself. `done` gets the exit code. */
export function toCitty(one: AnyCommand, out: Output, done: (exitCode: number) => void): CommandDef {
  return defineCommand({
    meta: { name: one.name, description: one.summary },
    run: async ({ rawArgs }) => {
      const end = rawArgs.indexOf("--");
      const wantsHelp = (end < 0 ? rawArgs : rawArgs.slice(0, end)).some((arg) => HELP_FLAGS.has(arg));
      if (wantsHelp) out.line(commandHelp(one, helpColumns()));
      else done(await one.start(rawArgs, out));
    },
  });
}
