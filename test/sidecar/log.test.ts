import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LineWriter } from "../../src/sidecar/log.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "qos-log-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("lines", () => {
  test("arrive whole and in order", async () => {
    const path = join(folder, "lines");
    const descriptor = openSync(path, "w");
    const lines = new LineWriter(descriptor);
    const expected = Array.from({ length: 500 }, (_, i) => `line ${i} ${"x".repeat(i)}`);
    for (const line of expected) lines.line(line);
    await lines.flush(10_000);
    closeSync(descriptor);
    expect(readFileSync(path, "utf8")).toBe(`${expected.join("\n")}\n`);
  });

  test("beyond what may wait are dropped, and their number is said", async () => {
    const path = join(folder, "dropped");
    const descriptor = openSync(path, "w");
    const lines = new LineWriter(descriptor, 3);
    for (let i = 0; i < 10; i++) lines.line(`line ${i}`); // the first is being written, three wait
    await lines.flush(10_000);
    lines.line("later");
    await lines.flush(10_000);
    closeSync(descriptor);
    expect(readFileSync(path, "utf8").trim().split("\n")).toEqual([
      "line 0",
      "line 1",
      "line 2",
      "line 3",
      "(6 lines dropped: their reader was too slow)",
      "later",
    ]);
  });

  test("to a place that takes none are forgotten, and nothing waits for them", async () => {
    const descriptor = openSync("/dev/full", "w");
    const lines = new LineWriter(descriptor);
    lines.line("nobody reads this");
    await lines.flush(10_000);
    lines.line("nor this");
    await lines.flush(10_000);
    closeSync(descriptor);
    expect(readFileSync("/dev/null", "utf8")).toBe("");
  });
});
