// The entry point of the binary: arguments in, exit code out.

import { processOutput } from "./cli/output.ts";
import { main } from "./cli/root.ts";

process.exit(await main(process.argv.slice(2), processOutput()));
