import { afterEach, expect, test } from "bun:test";
import { Signals } from "../../../src/sidecar/process/signals.ts";
import { until } from "../sidecar-process.ts";

const NAMES = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGVTALRM",
  "SIGPROF",
  "SIGIO",
] as const;
const before = new Map(NAMES.map((name) => [name, process.listeners(name)]));

afterEach(() => {
  for (const name of NAMES) {
    for (const listener of process.listeners(name)) {
      if (before.get(name)?.includes(listener) !== true) process.off(name, listener);
    }
  }
});

test.each(["SIGINT", "SIGTERM"] as const)("%s stops, told by its name", async (signal) => {
  const { stop } = new Signals();
  process.kill(process.pid, signal);
  expect(await stop).toBe(signal);
});

test("SIGHUP reloads, and others mean nothing; none of them ends the process, before anybody listens and after", async () => {
  const signals = new Signals();
  let isStopped = false;
  void signals.stop.then(() => {
    isStopped = true;
  });
  const heard: string[] = [];
  process.kill(process.pid, "SIGHUP");
  process.kill(process.pid, "SIGUSR1");
  await Bun.sleep(20);
  signals.listen({ reload: () => heard.push("reload"), ignored: (name) => heard.push(name) });
  for (const name of NAMES.slice(3)) process.kill(process.pid, name);
  process.kill(process.pid, "SIGHUP");
  await until("all nine are heard of", () => heard.length === 9);
  expect(heard.filter((one) => one === "reload")).toHaveLength(2);
  expect(new Set(heard)).toEqual(new Set(["reload", ...NAMES.slice(3)]));
  expect(isStopped).toBe(false);
});
