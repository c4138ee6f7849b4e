import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { skippedTests } from "./skips.ts";

const folder = mkdtempSync(join(tmpdir(), "qos-skips-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("of a real run, each skipped test has a line, and a skipped group has one", () => {
  const source = `import { describe, expect, test } from "bun:test";
    test("fine", () => expect(1).toBe(1));
    test.skipIf(true)("alone <&> (needs \\"cc\\")", () => {});
    describe("some", () => { test("runs", () => expect(1).toBe(1)); test.skipIf(true)("not (needs man)", () => {}); });
    describe.skipIf(true)("all (needs root)", () => { test("one", () => {}); test("two", () => {}); });
    describe.skipIf(true)("single (needs cargo)", () => { test("it", () => {}); });`;
  writeFileSync(join(folder, "sample.test.ts"), source);
  const report = join(folder, "report.xml");
  const words = ["test", "--only-failures", "--reporter=junit", `--reporter-outfile=${report}`];
  const run = Bun.spawnSync([process.execPath, ...words], { cwd: folder, env: { ...process.env, CI: undefined } });
  expect(run.exitCode).toBe(0);
  expect(run.stderr.toString()).not.toContain("alone");
  expect(skippedTests(readFileSync(report, "utf8"))).toEqual([
    'sample.test.ts: alone <&> (needs "cc")',
    "sample.test.ts: some > not (needs man)",
    "sample.test.ts: all (needs root), 2 tests",
    "sample.test.ts: single (needs cargo) > it",
  ]);
});

test("a report that was cut short, or is not there, names what it can", () => {
  expect(skippedTests("")).toEqual([]);
  expect(skippedTests('<testcase name="a" classname="" file="test/x/y.test.ts"><skipped />')).toEqual([]);
});
