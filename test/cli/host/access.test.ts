import { afterAll, beforeAll, expect, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allows, type Identity, READ, readProblem, WRITE, writeProblem } from "../../../src/cli/host/access.ts";

let folder = "";
beforeAll(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "qos-access-"));
  fs.chmodSync(folder, 0o755);
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const root: Identity = { uid: 0, gids: [0] };
const stranger: Identity = { uid: 4_242_424, gids: [4_242_424] };
const own: Identity = { uid: process.geteuid?.() ?? -1, gids: [process.getegid?.() ?? -1] };

test("one class of bits counts: the owner's, else the group's, else the others'", () => {
  const rights = { uid: 7, gid: 8, mode: 0o640 };
  expect(allows(rights, { uid: 7, gids: [] }, READ | WRITE)).toBe(true);
  expect(allows(rights, { uid: 9, gids: [1, 8] }, READ)).toBe(true);
  expect(allows(rights, { uid: 9, gids: [8] }, WRITE)).toBe(false);
  expect(allows(rights, { uid: 9, gids: [9] }, READ)).toBe(false);
  expect(allows({ ...rights, mode: 0o077 }, { uid: 7, gids: [8] }, READ)).toBe(false);
  expect(allows({ ...rights, mode: 0 }, root, READ | WRITE)).toBe(true);
});

test("a file to read", () => {
  const path = join(folder, "list");
  expect(readProblem(path, root)?.says).toContain("is not there");
  expect(readProblem(join(folder, "no/list"), root)).toMatchObject({ says: `the folder ${folder}/no is not there` });
  fs.writeFileSync(path, "", { mode: 0o600 });
  expect(readProblem(path, own)).toBeUndefined();
  expect(readProblem(path, stranger)).toMatchObject({ mend: `chown 4242424 ${path}` });
  fs.chmodSync(path, 0o644);
  expect(readProblem(path, stranger)).toBeUndefined();
  expect(readProblem(folder, own)?.says).toContain("is a folder");
  fs.chmodSync(folder, 0o700);
  expect(readProblem(path, stranger)?.says).toContain(`4242424 cannot enter ${folder}`);
  fs.chmodSync(folder, 0o755);
});

test("a file to write and to replace", () => {
  const path = join(folder, "state");
  expect(writeProblem(path, own, true)).toBeUndefined();
  expect(writeProblem(path, stranger, true)?.says).toContain(`cannot write into ${folder}`);
  expect(writeProblem(join(folder, "no/state"), own, true)?.mend).toContain(`-m 0700 ${folder}/no`);
  expect(writeProblem(join(folder, "no/no/state"), own, true)?.says).toContain("is not there");
  fs.chmodSync(folder, 0o777);
  fs.writeFileSync(path, "", { mode: 0o600 });
  expect(writeProblem(path, own, true)).toBeUndefined();
  // What `sudo qos scores import` leaves to another user.
  expect(writeProblem(path, stranger, true)).toMatchObject({ mend: `chown 4242424 ${path}` });
  fs.chmodSync(path, 0o622);
  expect(writeProblem(path, stranger, true)).toBeDefined();
  expect(writeProblem(path, stranger, false)).toBeUndefined();
  // In a sticky folder only the owner can put another file into its place.
  fs.chmodSync(folder, 0o1777);
  expect(writeProblem(path, stranger, false)).toBeDefined();
  fs.chmodSync(folder, 0o755);
  expect(writeProblem(folder, own, false)?.says).toContain("is a folder");
});
