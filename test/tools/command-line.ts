// Runs a command line of qos in this process, as the entry point does.

import { main } from "../../src/cli/root.ts";
import { CapturedOutput } from "./captured-output.ts";

export async function run(...args: string[]): Promise<CapturedOutput & { code: number }> {
  const out = new CapturedOutput();
  const code = await main(args, out);
  return Object.assign(out, { code });
}

/** The same, with what was printed as two texts. */
export async function runText(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, lines, notes } = await run(...args);
  const text = (all: readonly string[]): string => all.map((line) => `${line}\n`).join("");
  return { code, out: text(lines), err: text(notes) };
}
