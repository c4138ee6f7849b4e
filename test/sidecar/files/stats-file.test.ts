import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
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

test("a device or a FIFO is written to and stays what it is; a folder is refused", async () => {
  const log = new MemoryLog();
  const full = new StatsFile("/dev/full", log);
  full.open();
  await full.finish({});
  expect(log.lines[0]).toStartWith("warn: statistics cannot be written to /dev/full: ENOSPC");
  expect(statSync("/dev/full").isCharacterDevice()).toBe(true);

  const fifo = join(folder, "fifo");
  expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
  const file = new StatsFile(fifo, log);
  file.open();
  await file.finish({ number: 1 });
  expect(log.lines[1]).toStartWith(`warn: statistics cannot be written to ${fifo}: ENXIO`);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  await file.finish({ number: 2 });
  const read = Buffer.alloc(100);
  expect(JSON.parse(read.toString("utf8", 0, readSync(reader, read)))).toEqual({ number: 2 });
  closeSync(reader);
  expect(statSync(fifo).isFIFO()).toBe(true);

  expect(() => new StatsFile(folder, log).open()).toThrow(`--stats-json ${folder} is a folder`);
});

test("one sidecar a file, whose link stays a link", async () => {
  const path = join(folder, "linked.json");
  const target = join(folder, "target.json");
  writeFileSync(target, "{}");
  symlinkSync(target, path);
  const file = new StatsFile(path, new MemoryLog());
  file.open();
  expect(() => new StatsFile(path, new MemoryLog()).open()).toThrow(`${path} is in use by another sidecar`);
  await file.finish({ number: 3 });
  file.close();
  expect(lstatSync(path).isSymbolicLink()).toBe(true);
  expect(JSON.parse(readFileSync(target, "utf8"))).toEqual({ number: 3 });
});
