import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SavedScores } from "../../../src/sidecar/scores/checkpoint.ts";
import { StateFile } from "../../../src/sidecar/scores/state-file.ts";
import { MemoryLog } from "../parts.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "qos-scores-"));
  chmodSync(folder, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

const SCORES: SavedScores = {
  model: "ip-signer",
  tables: [
    { name: "ips", keyBytes: 8, keys: new Uint8Array(8), traits: new Uint8Array(1), scores: Float64Array.of(0.25) },
  ],
};

test("what is written is read, and nobody else may read it", async () => {
  const path = join(folder, "good");
  const log = new MemoryLog();
  const file = new StateFile(path, log);
  expect(file.read("ip-signer")).toBeUndefined();
  await file.write(SCORES);
  expect(file.read("ip-signer")).toEqual(SCORES);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(log.lines).toEqual([]);
});

test("a file cut at any byte is set aside, with its bytes", async () => {
  const path = join(folder, "cut");
  const log = new MemoryLog();
  const file = new StateFile(path, log);
  await file.write(SCORES);
  const whole = readFileSync(path);
  for (let length = 0; length < whole.length; length += 7) {
    writeFileSync(path, whole);
    truncateSync(path, length);
    expect(file.read("ip-signer")).toBeUndefined();
    expect(existsSync(path)).toBe(false);
    expect(readFileSync(`${path}.bad`).length).toBe(length);
  }
  expect(log.lines.every((line) => line.includes(`set aside as ${path}.bad, starting without`))).toBe(true);
});

test("a folder that is not there is said at the start, once, and when it is there again", async () => {
  const log = new MemoryLog();
  const path = join(folder, "later", "scores");
  const file = new StateFile(path, log);
  file.open();
  await file.write(SCORES);
  mkdirSync(join(folder, "later"));
  await file.write(SCORES);
  file.open();
  file.close();
  expect(log.lines).toHaveLength(2);
  expect(log.lines[0]).toStartWith(`warn: scores cannot be written to ${path}: ENOENT`);
  expect(log.lines[1]).toBe(`info: scores are written to ${path} again`);
  expect(log.faults.counts.stateFailures).toBe(2);
});

test("a folder, a FIFO and a device are refused before the start, and stay what they are", () => {
  const fifo = join(folder, "fifo");
  expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
  const link = join(folder, "link");
  symlinkSync("/dev/full", link);
  for (const path of [folder, fifo, link, "/dev/full"]) {
    expect(() => new StateFile(path, new MemoryLog()).open()).toThrow(`--state ${path} is not a plain file`);
  }
  expect(statSync(fifo).isFIFO()).toBe(true);
  expect(statSync("/dev/full").isCharacterDevice()).toBe(true);
});

test("a good file that cannot be read is never written over", async () => {
  const path = join(folder, "unreadable");
  await new StateFile(path, new MemoryLog()).write(SCORES);
  const before = readFileSync(path);
  const log = new MemoryLog();
  const file = new StateFile(path, log);
  // Root reads everything: for this moment the test is somebody else.
  chmodSync(path, process.geteuid?.() === 0 ? 0o600 : 0);
  if (process.geteuid?.() === 0) process.seteuid?.(65_534);
  expect(file.read("ip-signer")).toBeUndefined();
  if (process.getuid?.() === 0) process.seteuid?.(0);
  chmodSync(path, 0o600);
  expect(await file.write(SCORES)).toBe(false);
  expect(readFileSync(path)).toEqual(before);
  expect(log.lines).toHaveLength(1);
  expect(log.lines[0]).toContain("the file stays as it is: nothing is saved until it can be read");
  expect(log.faults.counts.stateFailures).toBe(2);
});

test("one sidecar a file: a second one is refused, and the lock goes with the first", () => {
  const path = join(folder, "shared");
  const first = new StateFile(path, new MemoryLog());
  first.open();
  const second = new StateFile(path, new MemoryLog());
  expect(() => second.open()).toThrow(`--state ${path} is in use by another sidecar (process ${process.pid})`);
  first.close();
  expect(existsSync(`${path}.lock`)).toBe(false);
  second.open();
  second.close();
});
