import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addCounts, closingLine, countTests } from "./counts.ts";

const folder = mkdtempSync(join(tmpdir(), `qos-counts-${process.pid}-`));
afterAll(() => rmSync(folder, { recursive: true }));

/** Counts what a real `bun test` prints for this file, run in colour or without. */
function countsOf(source: string, colour = "0") {
  const file = join(folder, "sample.test.ts");
  writeFileSync(file, `import { test, expect } from "bun:test";\n${source}`);
  const run = Bun.spawnSync([process.execPath, "test", "--only-failures", file], {
    cwd: folder,
    env: { ...process.env, FORCE_COLOR: colour, CI: undefined },
  });
  return countTests(run.stdout.toString() + run.stderr.toString(), run.exitCode);
}

const PASSING = 'test("fine", () => expect(1).toBe(1));\n';

test("counts what passed, failed and was skipped", () => {
  const source = `${PASSING}${PASSING}test("bad", () => expect(1).toBe(2));\ntest.skip("later", () => {});`;
  expect(countsOf(source)).toEqual({ passed: 2, failed: 1, skipped: 1 });
  expect(countsOf(source, "1")).toEqual({ passed: 2, failed: 1, skipped: 1 });
  expect(countsOf(PASSING)).toEqual({ passed: 1, failed: 0, skipped: 0 });
});

test("a process that ends before its closing lines has failed, whatever its exit code", () => {
  expect(countsOf(`${PASSING}test("exits", () => process.exit(0));`).failed).toBeGreaterThan(0);
  expect(countsOf(`${PASSING}test("dies", () => process.kill(process.pid, "SIGKILL"));`).failed).toBe(1);
  expect(countTests("", 0).failed).toBe(1);
});

test("an error outside of any test counts as a failure", () => {
  expect(countsOf(`${PASSING}throw new Error("while loading");`).failed).toBeGreaterThan(0);
  expect(countTests(" 3 pass\n 0 fail\nRan 3 tests across 1 file. [1.00ms]\n", 1)).toEqual({
    passed: 3,
    failed: 1,
    skipped: 0,
  });
});

test("a test's own output cannot pass for the counts", () => {
  expect(countsOf(`${PASSING}console.log(" 99 pass");`)).toEqual({ passed: 1, failed: 0, skipped: 0 });
});

test("the closing line names skipped tests only where there are any", () => {
  const sum = addCounts({ passed: 1, failed: 0, skipped: 0 }, { passed: 2, failed: 3, skipped: 0 });
  expect(closingLine(sum)).toBe("3 passed, 3 failed");
  expect(closingLine({ ...sum, skipped: 4 })).toBe("3 passed, 3 failed, 4 skipped");
});
