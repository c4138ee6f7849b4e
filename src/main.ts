// The entry point of the binary: arguments in, exit code out.

import { ownProcessProblem } from "./cli/host/process-limit.ts";
import { processOutput } from "./cli/output.ts";
import { main } from "./cli/root.ts";

const output = processOutput();
// Ahead of the first thread: where the kernel refuses one, the runtime would print a page about a crash.
const tooFew = ownProcessProblem();
if (tooFew !== undefined) {
  output.note(`qos: ${tooFew}`);
  process.exit(1);
}

process.exit(await main(process.argv.slice(2), output));
