// Documents that comments and other documents name, and the sections of theirs, for the tidy rules.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { HOUSE, type Source } from "./sources.ts";

const DOCUMENT = /(?<![\w/.*-])((?:\.{0,2}\/)?(?:[\w.-]+\/)*[\w-]+\.md)\b/g;
/** "engine.md, 5.4, 7 and 8". */
const SECTIONS = /\b([\w-]+\.md),((?:(?: and|,)? \d+[a-z]?(?:\.\d+)?\b)+)/g;

/** Comments go on over lines. */
const joined = (text: string): string => text.replace(/\s*\n\s*(\/\/[/!]?|\*|--|#)?\s*/g, " ");

/** The path of a named document: beside the file that names it, in docs/, or at the top; undefined if there is none. */
export function findDocument(name: string, from: string): string | undefined {
  return [join(dirname(from), name), join("docs", name), name].find((path) => existsSync(join(HOUSE, path)));
}

/** "path: document" of each document that is named and does not exist. */
export function documentsMissing(source: Source): string[] {
  const named = [...source.text.matchAll(DOCUMENT)].map(([, name]) => name);
  return named.filter((name) => findDocument(name, source.path) === undefined).map((name) => `${source.path}: ${name}`);
}

/** Each section that a file names of a document with numbered headings: its mention, and whether it exists. */
export function sectionsNamed(source: Source): { readonly where: string; readonly isThere: boolean }[] {
  return [...joined(source.text).matchAll(SECTIONS)].flatMap(([, name, numbers]) => {
    const path = findDocument(name, source.path);
    if (path === undefined) return [];
    const headings = readFileSync(join(HOUSE, path), "utf8");
    return [...numbers.matchAll(/\d+[a-z]?(?:\.\d+)?/g)].map(([number]) => ({
      where: `${source.path}: ${name}, ${number}`,
      isThere: new RegExp(`^#+ ${number.replace(".", "\\.")}\\.? `, "m").test(headings),
    }));
  });
}
