// The house rules, as tests: where files lie, which may import which, and what no file may hold.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { documentsMissing, sectionsNamed } from "./tidy/documents.ts";
import {
  findImports,
  findLines,
  HOUSE,
  type Import,
  reachable,
  readSources,
  type Source,
  withoutCommentsAndStrings,
  withoutStrings,
} from "./tidy/sources.ts";

/** Biome holds code at 120; comments, which it does not break, may end a word later. Strings do not count. */
const LINE_LIMIT = 128;
const SOURCE_LINES_LIMIT = 450;
const FUNCTION_LINES_LIMIT = 70;

const sources = readSources();
const isTypeScript = ({ path }: Source): boolean => path.endsWith(".ts");
const isProgram = ({ path }: Source): boolean => /^(src|ffi)\//.test(path) && path.endsWith(".ts");
const isTest = ({ path }: Source): boolean => path.startsWith("test/") && path.endsWith(".ts");
const program = sources.filter(isProgram);
const importsOf = new Map(sources.filter(isTypeScript).map((source) => [source.path, findImports(source)]));
const importsWithoutTypes = new Map(
  [...importsOf].map(([path, imports]) => [path, imports.filter((one) => !one.typeOnly)] as const),
);

/** The files at which the program and its parts begin. */
const PROGRAM_ROOTS = [
  "build.ts",
  "src/main.ts",
  "src/kernel/build.ts",
  "src/kernel/kernel.as.ts",
  ...program.map(({ path }) => path).filter((path) => /^src\/demo\/demo\.ts$|-worker\.ts$/.test(path)),
];

function packageScripts(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(HOUSE, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  return Object.values(scripts);
}

describe("the tree", () => {
  test("is read whole", () => {
    const paths = sources.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(["build.ts", ".ci/run", "src/shape/layout.ts", "test/tidy.test.ts"]));
    expect(importsOf.get("test/tidy.test.ts")?.map(({ target }) => target)).toContain("test/tidy/sources.ts");
  });

  test("has only these names at its top", () => {
    const allowed = ["bunfig.toml", "package.json", "package-lock.json", "tsconfig.json", "build.ts", "README.md"];
    allowed.push("LICENSE", "CHANGELOG.md", "src", "ffi", "test", "docs");
    const built = ["node_modules", "dist"];
    const found = readdirSync(HOUSE).filter((name) => !name.startsWith(".") && !built.includes(name));
    expect(found.sort()).toEqual(allowed.sort());
  });

  test("names files in kebab-case", () => {
    const conventional = /^(README|CHANGELOG|Cargo)\b/;
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/;
    const wrong = sources.filter(({ path }) => {
      const name = path.slice(path.lastIndexOf("/") + 1);
      const isRust = path.startsWith("test/rust/") && name.endsWith(".rs"); // Rust's modules have underscores
      return !name.startsWith(".") && !conventional.test(name) && !kebab.test(name) && !isRust;
    });
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("has no file that nothing reaches", () => {
    const live = reachable(PROGRAM_ROOTS, importsOf);
    const dead = program.map(({ path }) => path).filter((path) => !live.has(path) && !path.endsWith(".d.ts"));
    expect(dead).toEqual([]);
  });

  test("has no test helper that nothing uses", () => {
    const scripts = packageScripts().join(" ");
    const preload = readFileSync(join(HOUSE, "bunfig.toml"), "utf8");
    const paths = sources.filter(isTest).map(({ path }) => path);
    const roots = paths.filter((path) => /\.test\.ts$/.test(path) || scripts.includes(path) || preload.includes(path));
    let live = reachable(roots, importsOf);
    // A program of its own is started by its name: names are gathered once, since there are many files.
    const namesIn = new Map(
      sources.map(({ path, text }) => [path, [...text.matchAll(/([\w.-]+\.ts)["`]/g)].map(([, name]) => name)]),
    );
    const named = (): Set<string> => new Set([...live].flatMap((path) => namesIn.get(path) ?? []));
    for (let before = 0; live.size > before; ) {
      before = live.size;
      const names = named();
      live = reachable(
        [...live, ...paths.filter((path) => names.has(path.slice(path.lastIndexOf("/") + 1)))],
        importsOf,
      );
    }
    expect(paths.filter((path) => !live.has(path))).toEqual([]);
  });

  test("imports only files that are there", () => {
    const made = /\.wasm$/; // by the build
    const missing = [...importsOf].flatMap(([path, imports]) =>
      imports
        .filter(({ target }) => target !== undefined && !made.test(target) && !existsSync(join(HOUSE, target)))
        .map(({ specifier }) => `${path}: ${specifier}`),
    );
    expect(missing).toEqual([]);
  });
});

describe("imports point one way", () => {
  /** Folders of src/ in their order: a file imports from folders below its own, and from its own. Types count as well. */
  const ORDER = [
    ["shape"],
    ["channel", "wire"],
    ["kernel", "records"],
    ["stores", "rank"],
    ["settings"],
    ["engine"],
    ["database", "simulator"],
    ["observe", "report", "patch"],
    ["sidecar"],
    ["cli"],
    ["demo"],
  ];
  const RANKS: Readonly<Record<string, number>> = Object.fromEntries(
    ORDER.flatMap((folders, rank) => folders.map((folder) => [folder, rank])),
  );
  const folderOf = (path: string): string => path.match(/^src\/([^/]+)\//)?.[1] ?? "";
  const rankOf = (path: string): number => {
    const folder = path.match(/^src\/([^/]+)\//)?.[1];
    if (folder !== undefined) return RANKS[folder] ?? Number.NaN;
    return path === "src/main.ts" ? ORDER.length : 0; // layout.ts, arena.ts, version.ts; package.json
  };

  test("every folder of src/ has its place", () => {
    const folders = readdirSync(join(HOUSE, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).filter((name) => RANKS[name] === undefined)).toEqual([]);
  });

  test("from the command line down to the layout", () => {
    const wrong = [...importsOf].flatMap(([path, imports]) =>
      imports
        .filter(({ target }) => path.startsWith("src/") && target?.startsWith("src/") && rankOf(target) > rankOf(path))
        .map(({ specifier }) => `${path}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test("between folders there is no circle: of one rank none imports another", () => {
    const wrong = [...importsOf].flatMap(([path, imports]) =>
      imports
        .filter(({ target = "" }) => path.startsWith("src/") && target.startsWith("src/"))
        .filter(({ target = "" }) => folderOf(path) !== folderOf(target) && folderOf(target) !== "")
        .filter(({ target = "" }) => rankOf(target) >= rankOf(path))
        .map(({ specifier }) => `${path}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test("only ffi/ calls foreign functions, and it imports nothing of src/ but the layout's constants", () => {
    const fromFfi = (one: Import): boolean => one.specifier === "bun:ffi";
    const allowed = /^(ffi|test\/ffi)\//; // its tests hold it against the C library itself
    const wrong = [...importsOf].filter(([path, imports]) => !allowed.test(path) && imports.some(fromFfi));
    expect(wrong.map(([path]) => path)).toEqual([]);
    const upwards = [...importsOf].filter(
      ([path, imports]) => path.startsWith("ffi/") && imports.some(({ target = "" }) => rankOf(target) > 0),
    );
    expect(upwards.map(([path]) => path)).toEqual([]);
  });

  test("program files import no tests, and only the house imports the build", () => {
    const wrong = [...importsOf].filter(
      ([path, imports]) =>
        /^(src|ffi)\//.test(path) && imports.some(({ target = "" }) => /^(test\/|build\.ts)/.test(target)),
    );
    expect(wrong.map(([path]) => path)).toEqual([]);
  });

  test("the engine knows no operating system, over all that it reaches", () => {
    const roots = program.map(({ path }) => path).filter((path) => path.startsWith("src/engine/"));
    const reached = reachable(roots, importsWithoutTypes);
    const outside = [...reached].filter((path) =>
      /^(ffi|src\/(settings|database|observe|sidecar|simulator|report|cli|demo))\//.test(path),
    );
    expect(outside).toEqual([]);
    const builtIn = [...reached].flatMap((path) =>
      (importsWithoutTypes.get(path) ?? [])
        .filter(({ specifier }) => /^(node|bun):|^bun$/.test(specifier))
        .map(({ specifier }) => `${path}: ${specifier}`),
    );
    // The kernel's loader reads its own module, once; its context derives keys, which is arithmetic.
    const allowed = ["src/kernel/kernel.ts: node:fs", "src/kernel/context.ts: node:crypto"];
    expect(builtIn.filter((one) => !allowed.includes(one))).toEqual([]);
  });

  test("the engine asks for no clock, prints nothing and draws no random numbers", () => {
    const forbidden = /\b(Date|performance|console|process|Bun)\s*\.|Math\.random|\bnew Date\b|\bsetTimeout\b/;
    const found = program
      .filter(({ path }) => /^src\/(engine|rank|stores|channel\/(consumer|producer))/.test(path))
      .flatMap((source) => findLines(source, forbidden, withoutCommentsAndStrings(source.text)));
    expect(found).toEqual([]);
  });
});

describe("every file", () => {
  test(`keeps its lines within ${LINE_LIMIT} characters`, () => {
    const wide = new RegExp(`^.{${LINE_LIMIT + 1},}$`, "u");
    const measured = sources.filter(({ path }) => !/\.(md|rs)$|^\.gitignore$/.test(path));
    const found = measured.flatMap((source) => {
      const isCode = isTypeScript(source);
      return findLines(source, wide, isCode ? withoutStrings(source.text) : source.text);
    });
    expect(found).toEqual([]);
  });

  test("of the program opens with its reason", () => {
    const silent = program.filter(({ text }) => !/^(\/\/|\/\*\*?) ?\S/.test(text));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  test(`of the program has at most ${SOURCE_LINES_LIMIT} lines`, () => {
    const long = program.filter(({ text }) => text.split("\n").length > SOURCE_LINES_LIMIT + 1);
    expect(long.map(({ path, text }) => `${path}: ${text.split("\n").length - 1}`)).toEqual([]);
  });

  test(`of the program has functions of at most ${FUNCTION_LINES_LIMIT} lines, which a screen shows`, () => {
    /** Longer, each for a reason. */
    const allowed = [
      "src/cli/host/unit.ts: unitText", // one template, read from top to bottom
      "src/kernel/packet.as.ts: digestPacket", // one pass over a packet's fields in their order; a call costs in the loop
      "src/kernel/transaction.as.ts: parseLegacyOrV0", // one pass over the bytes in their order, likewise
      "src/observe/alerts.ts: panels", // a list of rows
      "src/report/tables.ts: tablesOf", // a list of rows
    ];
    const begins = /^( *)(?!(?:if|for|while|switch)\b)(?:[\w#*. ]*\w\(.*|.*=> )\{$|^( *)\}?\)?.*\): .*\{$/;
    const long = program.flatMap(({ path, text }) => {
      const lines = text.split("\n");
      return lines.flatMap((line, at) => {
        const found = begins.exec(line);
        if (found === null) return [];
        const end = lines.findIndex((other, i) => i > at && other.startsWith(`${found[1] ?? found[2]}}`));
        const name = line.match(/function (\w+)/)?.[1] ?? `line ${at + 1}`;
        return end - at >= FUNCTION_LINES_LIMIT ? [`${path}: ${name}`] : [];
      });
    });
    expect(long.sort()).toEqual(allowed);
  });

  test("is finished: no note of what is still to be done", () => {
    const marks = new RegExp(
      `\\b(${["TO", "FIX", "X", "HA"].map((start, i) => start + ["DO", "ME", "XX", "CK"][i])})\\b`.replaceAll(",", "|"),
    );
    expect(sources.flatMap((source) => findLines(source, marks))).toEqual([]);
  });

  test("speaks of the project alone: no paths or hosts of a machine that it was written on", () => {
    const folder = new RegExp(`(?<![\\w$.}/])/(${["work", "root", "home", "Users"].join("|")})/\\w`);
    const host = /\b(registry\.npm|npmjs\.|crates\.io|deb\.debian|proxy\.golang)|\b(issue|ticket) #?\d/i;
    const outside = /\.\.\/(shared|notes)\//;
    const found = sources
      .filter(({ path }) => path !== "test/tidy.test.ts")
      .flatMap((source) => [folder, host, outside].flatMap((pattern) => findLines(source, pattern)));
    expect(found).toEqual([]);
  });

  /** This file names what is not there, to try the rules. */
  const others = sources.filter(({ path }) => path !== "test/tidy.test.ts");

  test("names only documents that are there", () => {
    expect(others.flatMap(documentsMissing)).toEqual([]);
    const invented = { path: "docs/wire.md", text: "as rules.md, engine.md and test/rules.md say; README.md" };
    expect(documentsMissing(invented)).toEqual(["docs/wire.md: rules.md", "docs/wire.md: test/rules.md"]);
  });

  test("names only sections that a document has", () => {
    const named = others.flatMap(sectionsNamed);
    expect(named.length).toBeGreaterThan(70);
    expect(named.filter(({ isThere }) => !isThere).map(({ where }) => where)).toEqual([]);
    const invented = { path: "src/a.ts", text: "// the law (engine.md, 3b, 5.4\n// and 99), said twice" };
    expect(sectionsNamed(invented).map(({ isThere }) => isThere)).toEqual([true, true, false]);
  });

  test("of TypeScript keeps its types", () => {
    const loose = /(:|\bas|<|\|)\s*any\b(?!\w)/;
    const silenced = /@ts-(ignore|nocheck|expect-error)/;
    const checked = program.filter(({ path }) => !path.endsWith(".as.ts")); // asc checks those, its own dialect
    const wrong = checked.flatMap((source) => [
      ...findLines(source, loose, withoutCommentsAndStrings(source.text)),
      ...findLines(source, silenced),
    ]);
    expect(wrong).toEqual([]);
  });
});

describe("tests", () => {
  const tests = sources.filter(({ path }) => path.endsWith(".test.ts"));

  test("run all: none alone, none left for later, none skipped without a reason beside it", () => {
    const alone = /\b(test|it|describe)\.(only|todo|failing)\b/;
    expect(tests.flatMap((source) => findLines(source, alone, withoutCommentsAndStrings(source.text)))).toEqual([]);
    const skipped = /\b(test|it|describe)\.(skip|skipIf)\b/;
    // The test run prints the names of what is skipped: the reason stands in them.
    const silent = tests.flatMap((source) => {
      const lines = source.text.split("\n");
      return findLines(source, skipped, withoutCommentsAndStrings(source.text)).filter((found) => {
        const index = Number(found.split(":")[1]) - 1;
        return !lines.slice(index - 1, index + 3).some((line) => /\(needs [^)]+\)/.test(line));
      });
    });
    expect(silent).toEqual([]);
  });

  test("assert something", () => {
    const empty = tests.filter(({ text }) => !/\bexpect\(|\bfc\.assert\(/.test(text));
    expect(empty.map(({ path }) => path)).toEqual([]);
  });

  test("cover each file of the program that does something", () => {
    const mirrored = (path: string): boolean =>
      existsSync(join(HOUSE, "test", path.replace(/^src\//, "").replace(/(\.as)?\.ts$/, ".test.ts"))) ||
      existsSync(join(HOUSE, "test", path.replace(/^src\//, "").replace(/\.ts$/, ".test.ts")));
    const imported = new Set(
      sources.filter(isTest).flatMap(({ path }) => (importsOf.get(path) ?? []).map(({ target }) => target)),
    );
    // Started as processes, threads or modules of the kernel, they are tested through what they are part of.
    const started = /^src\/(main|demo\/demo)\.ts$|-worker\.ts$|\.as\.ts$/;
    const direct = program.map(({ path }) => path).filter((path) => mirrored(path) || imported.has(path));
    // A part of a tested file of the same room (a folder of src/) is tested through that file.
    const folderOf = (path: string): string => path.split("/").slice(0, 2).join("/");
    const parts = new Set(
      direct.flatMap((path) =>
        (importsOf.get(path) ?? [])
          .map(({ target = "" }) => target)
          .filter((target) => folderOf(target) === folderOf(path)),
      ),
    );
    const acts = /\bfunction\b|=>|\bclass\b/;
    const bare = program.filter(({ path, text }) => {
      const code = withoutCommentsAndStrings(text);
      return acts.test(code) && !started.test(path) && !direct.includes(path) && !parts.has(path);
    });
    expect(bare.map(({ path }) => path)).toEqual([]);
  });
});
