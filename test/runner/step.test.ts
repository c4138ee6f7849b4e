import { expect, test } from "bun:test";
import { isAlive } from "./processes.ts";
import { runStep, type Step } from "./step.ts";

const shell = (command: string, limitMs = 30_000): Step => ({
  name: "sample",
  command: ["sh", "-c", command],
  limitMs,
  output: "on-failure",
});

/** A killed process may take a moment to be gone. */
async function waitUntilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await Bun.sleep(5);
}

test("gives the exit code and what was printed on both streams", async () => {
  const result = await runStep(shell("echo out; echo err >&2; exit 3"), process.env);
  expect(result).toMatchObject({ exitCode: 3, timedOut: false, strays: [] });
  expect(result.output.split("\n").sort()).toEqual(["", "err", "out"]);
});

test("a step that does not end is killed with its children", async () => {
  const result = await runStep(shell("sleep 1000 & echo $!; wait", 300), process.env);
  expect(result).toMatchObject({ exitCode: null, timedOut: true });
  await waitUntilGone(Number(result.output));
});

test("a process left running is found, even in a session of its own, ended and named", async () => {
  const result = await runStep(shell("setsid sleep 1001 & echo started"), process.env);
  expect(result).toMatchObject({ exitCode: 0, timedOut: false });
  expect(result.strays).toHaveLength(1);
  expect(result.strays[0]).toContain("sleep 1001");
  await waitUntilGone(Number.parseInt(result.strays[0], 10));
});
