// Names and pins its own thread, burns some CPU time, and reports.

import { readlinkSync } from "node:fs";
import { allowedCpus, nameThread, pinThread, threadCpuNanos } from "../../ffi/thread.ts";

declare const self: { postMessage(message: unknown): void };

const cpus = allowedCpus();
const cpu = cpus[cpus.length - 1];
pinThread(cpu);
nameThread("solana-qos");
const before = threadCpuNanos();
let turns = 0;
while (threadCpuNanos() - before < 20e6) turns += 1;
self.postMessage({
  id: Number(readlinkSync("/proc/thread-self").split("/").at(-1)),
  cpu,
  after: allowedCpus(),
  cpuNanos: threadCpuNanos() - before,
  turns,
});
setInterval(() => {}, 1_000);
