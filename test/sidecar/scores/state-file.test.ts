import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
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
  file.check();
  await file.write(SCORES);
  mkdirSync(join(folder, "later"));
  await file.write(SCORES);
  file.check();
  expect(log.lines).toHaveLength(2);
  expect(log.lines[0]).toStartWith(`warn: scores cannot be written to ${path}: ENOENT`);
  expect(log.lines[1]).toBe(`info: scores are written to ${path} again`);
  expect(log.faults.counts.stateFailures).toBe(2);
});

test("a place that is no file, and one that takes none, are said and survived", async () => {
  const log = new MemoryLog();
  const path = join(folder, "a-folder");
  mkdirSync(join(path, "inside"), { recursive: true });
  const file = new StateFile(path, log);
  expect(file.read("ip-signer")).toBeUndefined();
  for (let i = 0; i < 3; i++) await file.write(SCORES);
  expect(log.lines[0]).toBe(`warn: scores cannot be read from ${path}: it is no plain file; starting without`);
  expect(log.lines[1]).toStartWith(`warn: scores cannot be written to ${path}: `);
  expect(log.lines).toHaveLength(2);
});
