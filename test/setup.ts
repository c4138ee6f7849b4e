// Before any test: the kernel is compiled from the sources as they are.

import { buildKernel } from "../src/kernel/build.ts";

await buildKernel();
