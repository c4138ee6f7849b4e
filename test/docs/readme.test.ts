import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import packageJson from "../../package.json";
import { makeSections, replaceSections } from "./sections.ts";

const HOUSE = join(import.meta.dir, "../..");
const readme = readFileSync(join(HOUSE, "README.md"), "utf8");

test("the README's tables are those of the program (npm run docs writes them)", async () => {
  expect(replaceSections(readme, await makeSections())).toBe(readme);
});

test("a section that is missing is named", () => {
  expect(() => replaceSections("# qos", new Map([["flags", ""]]))).toThrow('no section "flags"');
});

/** Documents that people read: the README, the changelog and docs/. */
const documents = [
  "README.md",
  "CHANGELOG.md",
  ...readdirSync(join(HOUSE, "docs")).map((name) => `docs/${name}`),
].filter((path) => path.endsWith(".md"));

test("links between documents lead somewhere", () => {
  const broken = documents.flatMap((path) => {
    const text = readFileSync(join(HOUSE, path), "utf8");
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target]) => target!);
    return targets
      .filter((target) => !existsSync(join(HOUSE, dirname(path), target)))
      .map((target) => `${path}: ${target}`);
  });
  expect(broken).toEqual([]);
});

test("every document of docs/ is named in its index, and the index in the README", () => {
  const index = readFileSync(join(HOUSE, "docs/README.md"), "utf8");
  const names = readdirSync(join(HOUSE, "docs")).filter((name) => name.endsWith(".md") && name !== "README.md");
  expect(names.filter((name) => !index.includes(`(${name})`))).toEqual([]);
  expect(readme).toContain("(docs/README.md)");
});

test("npm scripts that the documents name exist", () => {
  const known = new Set(Object.keys(packageJson.scripts));
  const named = documents.flatMap((path) =>
    [...readFileSync(join(HOUSE, path), "utf8").matchAll(/npm (?:run ([a-z:-]+)|(test)\b)/g)].map(
      ([, a, b]) => a ?? b!,
    ),
  );
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});
