import { afterAll, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findLeftovers, listSharedMemory } from "./leftovers.ts";

const folder = mkdtempSync(join(tmpdir(), "qos-leftovers-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Above the largest process number that Linux gives out (4,194,304). */
const NOBODY = 999_999_999;

test("names files that appeared and that nobody alive uses", () => {
  writeFileSync(join(folder, "there_before"), "");
  const before = listSharedMemory([folder]);
  expect(findLeftovers(before, [folder])).toEqual([]);

  writeFileSync(join(folder, `test_${NOBODY}_${process.pid}`), "");
  writeFileSync(join(folder, `${process.pid}_tpu_to_qos`), "");
  const open = openSync(join(folder, "in_use"), "w");
  expect(findLeftovers(before, [folder])).toEqual([join(folder, `test_${NOBODY}_${process.pid}`)]);

  closeSync(open);
  expect(findLeftovers(before, [folder]).sort()).toEqual([
    join(folder, "in_use"),
    join(folder, `test_${NOBODY}_${process.pid}`),
  ]);
});

test("files of other users are not ours", () => {
  const mine = process.geteuid?.() ?? -1;
  const path = join(folder, `test_${NOBODY}_other`);
  const before = listSharedMemory([folder]);
  writeFileSync(path, "");
  expect(findLeftovers(before, [folder], mine)).toEqual([path]);
  expect(findLeftovers(before, [folder], mine + 1)).toEqual([]);
  rmSync(path);
});

test("a folder that is not there holds nothing", () => {
  expect(listSharedMemory([join(folder, "absent")]).size).toBe(0);
});
