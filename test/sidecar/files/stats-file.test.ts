import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StatsFile } from "../../../src/sidecar/files/stats-file.ts";
import { MemoryLog } from "../parts.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "qos-stats-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("what is offered while it writes is left out, what is last is written", async () => {
  const path = join(folder, "stats.json");
  const file = new StatsFile(path, new MemoryLog());
  for (let number = 0; number < 100; number++) file.offer({ number });
  await file.finish({ number: "last" });
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ number: "last" });
});

test("trouble is said once, and its end too", async () => {
  const log = new MemoryLog();
  const path = join(folder, "missing", "stats.json");
  const file = new StatsFile(path, log);
  for (let i = 0; i < 3; i++) await file.finish({});
  mkdirSync(join(folder, "missing"));
  for (let i = 0; i < 3; i++) await file.finish({});
  expect(log.lines).toHaveLength(2);
  expect(log.lines[0]).toStartWith(`warn: statistics cannot be written to ${path}: ENOENT`);
  expect(log.lines[1]).toBe(`info: statistics are written to ${path} again`);
});
