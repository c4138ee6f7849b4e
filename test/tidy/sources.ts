// The project's own text files and what they import, for the tidy rules.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

export const HOUSE = join(import.meta.dir, "../..");

/** What is installed, built, or data from elsewhere. */
const NOT_OURS = /(^|\/)(node_modules|dist|target|fixtures|\.git)\/|^(package-lock\.json|LICENSE)$|(^|\/)Cargo\.lock$/;
const TEXT = /(\.(ts|json|jsonc|toml|md|rs|c|h|yml|yaml|sh|txt)|^\.ci\/[a-z]+|^\.gitignore|^\.editorconfig)$/;

export interface Source {
  /** Relative to the project's folder. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** As written. */
  readonly specifier: string;
  /** The project's file that it means; undefined for a package or a built-in module. */
  readonly target: string | undefined;
  /** `import type`: gone when the program runs. */
  readonly typeOnly: boolean;
}

const FOLDERS = [".ci", "src", "ffi", "test", "docs"];

export function readSources(): Source[] {
  const paths = readdirSync(HOUSE).filter((name) => statSync(join(HOUSE, name)).isFile());
  for (const folder of FOLDERS) collectFiles(folder, paths);
  const own = paths.filter((path) => TEXT.test(path) && !NOT_OURS.test(path));
  return own.sort().map((path) => ({ path, text: readFileSync(join(HOUSE, path), "utf8") }));
}

function collectFiles(folder: string, into: string[]): void {
  for (const entry of readdirSync(join(HOUSE, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (NOT_OURS.test(`${path}/`)) continue;
    if (entry.isDirectory()) collectFiles(path, into);
    else into.push(path);
  }
}

const STATIC_IMPORT = /^(?:import|export)\s+(type\s)?(?:[^;"'`]*?\sfrom\s+)?"([^"]+)"/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*"([^"]+)"/g;
const URL_IMPORT = /new URL\(\s*"([^"]+)",\s*import\.meta\.url\s*\)/g;

/** Everything that a TypeScript file names as another module, threads by their URL included. */
export function findImports(source: Source): Import[] {
  const { path } = source;
  const text = withoutComments(source.text);
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean): void => {
    found.push({ specifier, target: resolveImport(path, specifier), typeOnly });
  };
  for (const [, type, specifier] of text.matchAll(STATIC_IMPORT)) add(specifier!, type !== undefined);
  for (const [, specifier] of text.matchAll(DYNAMIC_IMPORT)) add(specifier!, false);
  for (const [, specifier] of text.matchAll(URL_IMPORT)) add(specifier!, false);
  return found;
}

function resolveImport(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const path = normalize(join(dirname(from), specifier));
  // AssemblyScript names a module without its extension.
  for (const candidate of [path, `${path}.ts`]) {
    const absolute = join(HOUSE, candidate);
    if (existsSync(absolute) && statSync(absolute).isFile()) return candidate;
  }
  return path;
}

/** Paths of all files that the roots reach over the given imports, themselves included. */
export function reachable(roots: readonly string[], importsOf: ReadonlyMap<string, readonly Import[]>): Set<string> {
  const seen = new Set<string>();
  const open = [...roots];
  while (open.length > 0) {
    const path = open.pop()!;
    if (seen.has(path)) continue;
    seen.add(path);
    for (const { target } of importsOf.get(path) ?? []) if (target !== undefined) open.push(target);
  }
  return seen;
}

const COMMENT_OR_STRING = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g;
const blank = (text: string): string => text.replace(/[^\n]/g, " ");

/** TypeScript without its comments; line numbers stay. */
export function withoutComments(text: string): string {
  return text.replace(COMMENT_OR_STRING, (match) => (match.startsWith("/") ? blank(match) : match));
}

/** TypeScript without its comments and the insides of its strings; line numbers stay. */
export function withoutCommentsAndStrings(text: string): string {
  return text.replace(COMMENT_OR_STRING, (match) =>
    match.startsWith("/") ? blank(match) : `""${blank(match.slice(2))}`,
  );
}

/** TypeScript with its strings and the text of its templates emptied: what could be broken into shorter lines. */
export function withoutStrings(text: string): string {
  const plain = text.replace(COMMENT_OR_STRING, (match) => (match.startsWith("/") ? match : '""'));
  return plain.replace(/`[^`\n]*`/g, "``");
}

/** "path:line: text" of each line that the pattern matches. */
export function findLines(source: Source, pattern: RegExp, text: string = source.text): string[] {
  const found: string[] = [];
  text.split("\n").forEach((line, index) => {
    if (pattern.test(line)) found.push(`${source.path}:${index + 1}: ${source.text.split("\n")[index].trim()}`);
  });
  return found;
}
