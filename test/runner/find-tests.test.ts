import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findTests } from "./find-tests.ts";

const root = mkdtempSync(join(tmpdir(), "qos-find-"));
afterAll(() => rmSync(root, { recursive: true }));

const put = (path: string): void => {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), "");
};

test("files are grouped by folder; builds are not entered, links not followed", () => {
  for (const path of ["tidy.test.ts", "b/two.test.ts", "b/deep/one.test.ts", "a/x.test.ts", "a/helper.ts"]) put(path);
  put("rust/target/debug/build/stray.test.ts");
  put("a/fixtures/stray.test.ts");
  put("a/node_modules/p/stray.test.ts");
  symlinkSync(root, join(root, "a/round"));
  symlinkSync(join(root, "tidy.test.ts"), join(root, "a/linked.test.ts"));
  symlinkSync(join(root, "nowhere"), join(root, "a/broken.test.ts"));
  expect([...findTests(root)]).toEqual([
    ["a", ["a/x.test.ts"]],
    ["b", ["b/deep/one.test.ts", "b/two.test.ts"]],
    ["house", ["tidy.test.ts"]],
  ]);
});
