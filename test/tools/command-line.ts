// Runs a command line of qos in this process, as the entry point does.

import { main } from "../../src/cli/root.ts";
import { CapturedOutput } from "./captured-output.ts";

export async function run(...args: string[]): Promise<CapturedOutput & { code: number }> {
  const out = new CapturedOutput();
  const code = await main(args, out);
  return Object.assign(out, { code });
}
