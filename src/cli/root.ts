// The tree of commands, which is citty's, and what an error means. A command is loaded when it is called: what `run` does not
// need costs it no start-up time.

import { type CommandDef, defineCommand, runCommand } from "citty";
import { Failure, messageOf } from "../failure.ts";
import { EXIT_FAILED, EXIT_FINE, EXIT_USAGE, UsageError } from "../settings/errors.ts";
import { nearest } from "../settings/nearest.ts";
import { VERSION } from "../version.ts";
import { type AnyCommand, toCitty } from "./command.ts";
import { HELP_FLAGS, helpColumns, rootHelp } from "./help.ts";
import type { Output } from "./output.ts";

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<AnyCommand>;
}

/** In the order of the help. A command's file has it as default export; its summary stands here too: the list loads nothing. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "init",
    summary: "creates the eight channels",
    load: async () => (await import("./commands/init.ts")).default,
  },
  {
    name: "destroy",
    summary: "removes the channels",
    load: async () => (await import("./commands/destroy.ts")).default,
  },
  {
    name: "run",
    summary: "the sidecar: takes packets, keeps the best, sends them on",
    load: async () => (await import("./commands/run.ts")).default,
  },
  {
    name: "monitor",
    summary: "a live screen of a running sidecar",
    load: async () => (await import("./commands/monitor.ts")).default,
  },
  {
    name: "ctl",
    summary: "asks a running sidecar, or tells it",
    load: async () => (await import("./commands/ctl.ts")).default,
  },
  {
    name: "check",
    summary: "reads the host and says what to mend",
    load: async () => (await import("./commands/check.ts")).default,
  },
  {
    name: "configure",
    summary: "reserves and mounts huge pages, or takes them back",
    load: async () => (await import("./commands/configure.ts")).default,
  },
  {
    name: "service",
    summary: "prints a systemd unit, alert rules or a dashboard",
    load: async () => (await import("./commands/service.ts")).default,
  },
  {
    name: "config",
    summary: "shows, writes or checks a configuration",
    load: async () => (await import("./commands/config.ts")).default,
  },
  {
    name: "patch",
    summary: "puts the validator's side into a validator's sources",
    load: async () => (await import("./commands/patch.ts")).default,
  },
  {
    name: "simulate",
    summary: "a validator to try the sidecar against",
    load: async () => (await import("./commands/simulate.ts")).default,
  },
  {
    name: "decode",
    summary: "reads transactions and says what they pay",
    load: async () => (await import("./commands/decode.ts")).default,
  },
  {
    name: "inspect",
    summary: "shows a channel and its newest elements",
    load: async () => (await import("./commands/inspect.ts")).default,
  },
  {
    name: "report",
    summary: "who earns and wastes what, from a database",
    load: async () => (await import("./commands/report.ts")).default,
  },
  {
    name: "explain",
    summary: "what became of one transaction",
    load: async () => (await import("./commands/explain.ts")).default,
  },
  {
    name: "scores",
    summary: "turns a checkpoint of scores into text, and back",
    load: async () => (await import("./commands/scores.ts")).default,
  },
  {
    name: "completions",
    summary: "prints completions for a shell, or the man page",
    load: async () => (await import("./commands/completions.ts")).default,
  },
];

const VERSION_FLAGS = new Set(["--version", "-v", "-V"]);

/**
 * Runs a command line.
 * @param raw arguments behind the program's name
 * @returns the exit code; nothing is thrown
 */
export async function main(raw: readonly string[], out: Output): Promise<number> {
  const exitCode = await answer(raw, out);
  const problem = out.problem?.();
  if (problem === undefined) return exitCode;
  out.note(`qos: standard output cannot be written (${problem}): what was printed is not whole`);
  return exitCode === EXIT_FINE ? EXIT_FAILED : exitCode;
}

async function answer(raw: readonly string[], out: Output): Promise<number> {
  const [first] = raw;
  if (first === undefined || HELP_FLAGS.has(first)) {
    out.line(rootHelp(VERSION, COMMANDS, helpColumns()));
    return EXIT_FINE;
  }
  if (VERSION_FLAGS.has(first)) {
    out.line(VERSION);
    return EXIT_FINE;
  }
  // The reference's command line has flags only: they are run's.
  const name = first.startsWith("-") ? "run" : first;
  try {
    return await dispatch(name === first ? raw : [name, ...raw], out);
  } catch (error) {
    // `qos --prefix a_ init` was taken for run's flags, with a surplus word.
    const misplaced = name === "run" && raw[0] !== "run" ? COMMANDS.find((one) => raw.includes(one.name)) : undefined;
    return report(error, misplaced?.name ?? name, misplaced === undefined ? "" : "; the command comes first", out);
  }
}

/** citty finds the command, loads it and runs it. @returns its exit code */
async function dispatch(raw: readonly string[], out: Output): Promise<number> {
  let exitCode = EXIT_FINE;
  const done = (code: number): void => {
    exitCode = code;
  };
  // Without a prototype: `qos toString` is an unknown command.
  const subCommands = Object.assign(
    Object.create(null) as Record<string, () => Promise<CommandDef>>,
    Object.fromEntries(COMMANDS.map(({ name, load }) => [name, async () => toCitty(await load(), out, done)])),
  );
  try {
    await runCommand(defineCommand({ meta: { name: "qos", version: VERSION }, subCommands }), { rawArgs: [...raw] });
  } catch (error) {
    if ((error as { code?: unknown }).code !== "E_UNKNOWN_COMMAND") throw error;
    const [name] = raw;
    const meant = nearest(
      name,
      COMMANDS.map((one) => one.name),
    );
    throw new UsageError(`unknown command "${name}"${meant === undefined ? "" : ` (did you mean ${meant}?)`}`);
  }
  return exitCode;
}

function report(error: unknown, name: string, remark: string, out: Output): number {
  const usage = error instanceof UsageError;
  const known = COMMANDS.some((one) => one.name === name);
  out.note(`qos${usage && known ? ` ${name}` : ""}: ${messageOf(error)}${usage ? remark : ""}`);
  if (usage) out.note(`See: qos ${known ? `${name} ` : ""}--help`);
  const expected = usage || error instanceof Failure;
  if (process.env.QOS_DEBUG === "1" && error instanceof Error) out.note(error.stack ?? "");
  else if (!expected) out.note("This is a fault in qos; QOS_DEBUG=1 shows where.");
  return usage ? EXIT_USAGE : EXIT_FAILED;
}
