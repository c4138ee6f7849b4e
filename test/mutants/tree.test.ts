// The runner of deliberate errors, on a small tree with real test runs.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mutant, mutate, sample } from "./mutant.ts";
import { Tree } from "./tree.ts";

let house = "";
beforeAll(() => {
  house = mkdtempSync(join(tmpdir(), "qos-mutants-house-"));
  for (const folder of ["src", "ffi", "docs", "test/rust/target", "node_modules"]) {
    mkdirSync(join(house, folder), { recursive: true });
  }
  const files = {
    "src/add.ts": "export const add = (a: number, b: number): number => a + b;\n",
    "test/add.test.ts":
      'import { expect, test } from "bun:test";\nimport { add } from "../src/add.ts";\n' +
      'test("adds", () => expect(add(2, 0)).toBe(2));\ntest("ends", () => { while (add(1, 0) !== 1); });\n',
    "bunfig.toml": "[test]\n",
    "package.json": "{}",
    "package-lock.json": "{}",
    "tsconfig.json": "{}",
    "build.ts": "",
    "README.md": "",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(house, name), text);
});
afterAll(() => rmSync(house, { recursive: true }));

const error = (find: string, replace: string): Mutant => ({
  id: "T1",
  error: "a test's",
  file: "src/add.ts",
  find,
  replace,
  tests: ["add.test.ts"],
});

test("tells seen from unseen and hung, leaves the copy as it was and never touches the tree", async () => {
  const before = readFileSync(join(house, "src/add.ts"), "utf8");
  const tree = new Tree(house);
  try {
    expect((await tree.test(["add.test.ts"], 20_000)).verdict).toBe("unseen");
    expect(await tree.run(error("a + b", "a - b + 1"), 20_000)).toMatchObject({ verdict: "seen", by: "adds" });
    expect((await tree.run(error("a + b", "a - b"), 20_000)).verdict).toBe("unseen");
    expect((await tree.run(error("a + b", "a === 1 ? 5 : a + b"), 1_500)).verdict).toBe("hung");
    expect((await tree.run(error("a + b", "a +"), 20_000)).verdict).toBe("seen");
    expect(readFileSync(join(tree.folder, "src/add.ts"), "utf8")).toBe(before);
    await expect(tree.run(error("nothing of it", ""), 1_000)).rejects.toThrow("stands 0 times in src/add.ts");
  } finally {
    tree.remove();
  }
  expect(readFileSync(join(house, "src/add.ts"), "utf8")).toBe(before);
});

test("an error's place stands exactly once", () => {
  expect(mutate("a b c", error("b", "$&$1"))).toBe("a $&$1 c");
  expect(() => mutate("a b b", error("b", "x"))).toThrow("2 times");
});

test("a sample is drawn by its seed, in order and without repetition", () => {
  const items = Array.from({ length: 40 }, (_, i) => i);
  const drawn = sample(items, 5, "a seed");
  expect(sample(items, 5, "a seed")).toEqual(drawn);
  expect([...new Set(drawn)].sort((a, b) => a - b)).toEqual(drawn);
  expect(drawn).toHaveLength(5);
  const seeds = Array.from({ length: 60 }, (_, i) => sample(items, 3, `${i}`));
  expect(new Set(seeds.flat()).size).toBeGreaterThan(30); // all come up sooner or later
  expect(sample(items, 99, "x")).toEqual(items);
});
