// The entry point of the binary: arguments in, exit code out.

import { writeSync } from "node:fs";
import { ownProcessProblem } from "./cli/host/process-limit.ts";
import { beginLoopThread } from "./sidecar/threads/loop-thread.ts";

// Ahead of the first thread: the runtime's own words for it would be a page about a crash.
const tooFew = ownProcessProblem();
if (tooFew !== undefined) {
  writeSync(2, `qos: ${tooFew}\n`);
  process.exit(1);
}

const [first = "", ...rest] = process.argv.slice(2);
// As cli/root.ts reads it; a thread too many would be no fault, only wasted.
const isRun = first === "run" || (first.startsWith("--") && first !== "--help" && first !== "--version");
if (isRun && !rest.includes("--help") && !rest.includes("-h")) {
  beginLoopThread();
  void import("./cli/commands/run.ts"); // loads while the thread does, and while the next lines do
}

const { processOutput } = await import("./cli/output.ts");
const { main } = await import("./cli/root.ts");
process.exit(await main(process.argv.slice(2), processOutput()));
