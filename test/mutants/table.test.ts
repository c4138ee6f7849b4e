// The table of deliberate errors stays true while the sources change: each place stands exactly once.

import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mutate } from "./mutant.ts";
import { MUTANTS } from "./table.ts";

const HOUSE = join(import.meta.dir, "../..");

test("each error has a place that stands once, changes it, and names tests that are there", () => {
  const wrong = MUTANTS.flatMap((mutant) => {
    const { id, file, tests } = mutant;
    const path = join(HOUSE, file);
    if (!/^(src|ffi)\//.test(file) || !existsSync(path)) return [`${id}: there is no ${file}`];
    const absent = tests.filter((one) => !existsSync(join(HOUSE, "test", one)));
    if (tests.length === 0 || absent.length > 0) return [`${id}: no tests at ${absent.join(", ")}`];
    const text = readFileSync(path, "utf8");
    try {
      return mutate(text, mutant) === text ? [`${id}: changes nothing`] : [];
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)];
    }
  });
  expect(wrong).toEqual([]);
});

test("no two have the same name, or are the same", () => {
  expect(new Set(MUTANTS.map(({ id }) => id)).size).toBe(MUTANTS.length);
  expect(new Set(MUTANTS.map(({ file, find, replace }) => `${file} ${find} ${replace}`)).size).toBe(MUTANTS.length);
});

test("there are enough of them, over all rooms, and cheap ones for a sample", () => {
  const rooms = new Set(MUTANTS.map(({ file }) => file.split("/").slice(0, 2).join("/")));
  for (const room of ["channel", "kernel", "engine", "rank", "sidecar", "database"])
    expect(rooms).toContain(`src/${room}`);
  expect(MUTANTS.length).toBeGreaterThanOrEqual(70);
  expect(MUTANTS.filter(({ slow }) => slow !== true).length).toBeGreaterThanOrEqual(50);
});
