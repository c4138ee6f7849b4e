import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import packageJson from "../../package.json";
import { COMMANDS } from "../../src/cli/root.ts";
import { flagName } from "../../src/settings/flags.ts";
import { readSources } from "../tidy/sources.ts";
import { makeSections, replaceSections, sectionsOf } from "./sections.ts";

const HOUSE = join(import.meta.dir, "../..");
const readme = readFileSync(join(HOUSE, "README.md"), "utf8");

const read = (path: string): string => readFileSync(join(HOUSE, path), "utf8");
const made = await makeSections();

test("tables in documents are those of the program (npm run docs writes them)", () => {
  expect(made.size).toBeGreaterThan(0);
  for (const [path, sections] of made) {
    const document = read(path);
    expect(replaceSections(document, sections), path).toBe(document);
  }
});

test("no document has a section that npm run docs does not write", () => {
  for (const path of documents) expect(sectionsOf(read(path)), path).toEqual([...(made.get(path)?.keys() ?? [])]);
});

/** A newcomer reads all of it before the first command. Long sections stand in docs/. */
const README_LINES_MAX = 150;

test(`the README has at most ${README_LINES_MAX} lines`, () => {
  expect(readme.trimEnd().split("\n").length).toBeLessThanOrEqual(README_LINES_MAX);
});

test("the README's first screen says what is needed: a validator with a patch, and that none is published", () => {
  const screen = readme.split("\n").slice(0, 24).join(" ");
  expect(screen).toContain(
    "It needs a validator that is patched to speak to it, and no such validator is published yet.",
  );
  expect(screen).toContain("(docs/integration.md)");
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

/** A heading's anchor, as a link names it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");

const anchorsOf = (document: string): string[] =>
  [...document.matchAll(/^#+ (.+)$/gm)].map(([, text]) => anchorOf(text));

test("links between documents lead somewhere, those to a heading as well", () => {
  const broken = documents.flatMap((path) => {
    const targets = [...read(path).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    const leads = ([, file, anchor]: string[]): boolean => {
      const target = file === "" ? path : join(dirname(path), file);
      if (!existsSync(join(HOUSE, target))) return false;
      return anchor === undefined || anchorsOf(read(target)).includes(anchor);
    };
    return targets.filter((target) => !leads(target)).map(([link]) => `${path}: ${link}`);
  });
  expect(broken).toEqual([]);
});

/** Sections that documents name by their headings: ("The host", below), or another's behind its link. */
test("headings that documents name in quotation marks exist", () => {
  const named = documents.flatMap((path) => {
    const here = [...read(path).matchAll(/\(?"([A-Z][^"]+)", (?:below|above)|see "([A-Z][^"]+)"/g)];
    const there = [...read(path).matchAll(/\[([\w-]+\.md)\]\([^)]+\)(?:,| \() ?"([A-Z][^"]+)"/g)];
    return [
      ...here.map(([, a, b]) => [path, path, a ?? b]),
      ...there.map(([, file, heading]) => [path, join("docs", file), heading]),
    ];
  });
  expect(named.length).toBeGreaterThan(3);
  const missing = named.filter(([, target, heading]) => !anchorsOf(read(target)).includes(anchorOf(heading)));
  expect(missing).toEqual([]);
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

/** Of other programs: systemctl, Bun, curl, cargo. */
const FLAGS_OF_OTHERS = ["--now", "--cpu-prof", "--unix-socket", "--release", "--locked"];

test("flags that the documents name exist", async () => {
  const commands = await Promise.all(COMMANDS.map((entry) => entry.load()));
  const ofCommands = commands.flatMap(({ flags }) => Object.entries(flags).map(([name, row]) => flagName(name, row)));
  const tools = readSources().filter(({ path }) =>
    /^(build|test\/run|test\/(bench|fuzz|mutants)\/[\w-]+)\.ts$/.test(path),
  );
  const ofTools = tools.flatMap(({ text }) =>
    [...text.matchAll(/["\s[]--([a-z][a-z-]*)/g)].map(([, name]) => `--${name}`),
  );
  const known = new Set([...ofCommands, ...ofTools, ...FLAGS_OF_OTHERS, "--help", "--version"]);
  const named = documents.flatMap((path) =>
    [...read(path).matchAll(/(?<![\w-])--[a-z][a-z0-9-]*/g)].map(([flag]) => `${path}: ${flag}`),
  );
  expect(named.length).toBeGreaterThan(100);
  expect(named.filter((one) => !known.has(one.slice(one.indexOf("--"))))).toEqual([]);
});
