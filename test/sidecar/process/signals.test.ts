import { expect, test } from "bun:test";
import { listenForStop } from "../../../src/sidecar/process/signals.ts";

test("each of the three stops, told by its name", async () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const before = process.listeners(signal);
    const stop = listenForStop();
    process.kill(process.pid, signal);
    expect(await stop).toBe(signal);
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      for (const listener of process.listeners(name)) if (!before.includes(listener)) process.off(name, listener);
    }
  }
});
