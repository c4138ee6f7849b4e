import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "../../src/demo/children.ts";
import { isAlive, sessionOf } from "../runner/processes.ts";

const folder = mkdtempSync(join(tmpdir(), `qos-children-${process.pid}-`));
afterAll(() => rmSync(folder, { recursive: true }));

const shell = (script: string): Child =>
  new Child("sample", ["sh", "-c", script], join(folder, "log"), join(folder, "out"));

test("keeps both outputs and the exit code", async () => {
  const child = shell("echo said; for i in 1 2 3; do echo $i >&2; done; exit 4");
  expect(await child.finished()).toEqual({ exitCode: 4 });
  expect(child.isRunning).toBe(false);
  expect(child.output()).toBe("said\n");
  expect(child.logTail(2)).toBe("2\n3");
});

test("leads a group of its own, so that a Ctrl-C at the terminal does not reach it", async () => {
  const child = shell("sleep 1000 & echo $!; wait");
  while (child.output() === "") await Bun.sleep(5);
  const grandchild = Number(child.output());
  expect(sessionOf(child.pid)).not.toBe(sessionOf(process.pid));
  expect(child.isRunning).toBe(true);
  expect(await child.end()).toEqual({ exitCode: null });
  expect(isAlive(child.pid)).toBe(false);
  while (isAlive(grandchild)) await Bun.sleep(5); // it was asked, too
  expect(await child.end()).toEqual({ exitCode: null }); // once more does no harm
});

test("is forced to end where it does not want to", async () => {
  const child = shell("trap '' TERM; echo ready; while :; do sleep 0.05; done");
  while (child.output() !== "ready\n") await Bun.sleep(5);
  expect(await child.end(100)).toEqual({ exitCode: null });
});
