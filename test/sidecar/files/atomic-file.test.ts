import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replaceFile, temporaryName } from "../../../src/sidecar/files/atomic-file.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "qos-atomic-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const OPTIONS = { mode: 0o600, durable: true };

test("writes and replaces, with the mode asked for, leaving nothing beside it", async () => {
  const path = join(folder, "scores");
  await replaceFile(path, "one", OPTIONS);
  const before = statSync(path);
  await replaceFile(path, Uint8Array.of(0x74, 0x77, 0x6f), OPTIONS);
  expect(readFileSync(path, "utf8")).toBe("two");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(path).ino).not.toBe(before.ino);
  expect(existsSync(temporaryName(path))).toBe(false);
});

test("a half file that a killed process left is no obstacle", async () => {
  const path = join(folder, "killed");
  writeFileSync(temporaryName(path), "hal");
  await replaceFile(path, "whole", OPTIONS);
  expect(readFileSync(path, "utf8")).toBe("whole");
});

test("a link in the temporary name's place is not followed", async () => {
  const path = join(folder, "linked");
  const victim = join(folder, "victim");
  writeFileSync(victim, "mine");
  symlinkSync(victim, temporaryName(path));
  await replaceFile(path, "new", OPTIONS);
  expect([readFileSync(victim, "utf8"), readFileSync(path, "utf8")]).toEqual(["mine", "new"]);
});

test("what cannot be replaced stays, and nothing is left beside it", async () => {
  const path = join(folder, "busy");
  mkdirSync(join(path, "inside"), { recursive: true });
  await expect(replaceFile(path, "text", OPTIONS)).rejects.toThrow();
  expect(existsSync(join(path, "inside"))).toBe(true);
  expect(existsSync(temporaryName(path))).toBe(false);
  await expect(replaceFile(join(folder, "no", "such", "folder"), "text", OPTIONS)).rejects.toThrow("ENOENT");
});
