// The changes as a unified diff, which `git apply` and `patch -p1` take in the tree's folder. It knows what is changed: lines
// of ours are put into files of others, and files of ours are new.

import { relative, resolve } from "node:path";
import type { Change } from "./patch.ts";

const CONTEXT = 3;

const linesOf = (text: string): string[] => text.split("\n").slice(0, text.endsWith("\n") ? -1 : undefined);

interface Hunk {
  /** Index of the first line of the old text that is shown, and one past the last. */
  from: number;
  to: number;
  readonly put: { readonly before: number; readonly lines: readonly string[] }[];
}

/** The diff of one file between its text without lines of ours and its text with them. Empty where nothing is put in. */
function diffOfInsertions({ clean, insertions }: Change, name: string): string {
  const old = linesOf(clean);
  const hunks: Hunk[] = [];
  for (const { at, lines } of insertions) {
    const before = clean.slice(0, at).split("\n").length - 1;
    const from = Math.max(0, before - CONTEXT);
    const to = Math.min(old.length, before + CONTEXT);
    const last = hunks.at(-1);
    if (last !== undefined && from <= last.to) {
      last.to = to;
      last.put.push({ before, lines });
    } else hunks.push({ from, to, put: [{ before, lines }] });
  }
  let grown = 0;
  const out = hunks.flatMap(({ from, to, put }) => {
    const body: string[] = [];
    for (let i = from; i <= to; i++) {
      for (const { before, lines } of put) if (before === i) body.push(...lines.map((line) => `+${line}`));
      if (i < to) body.push(` ${old[i]}`);
    }
    const added = body.length - (to - from);
    const head = `@@ -${from + 1},${to - from} +${from + 1 + grown},${body.length} @@`;
    grown += added;
    return [head, ...body];
  });
  return out.length === 0 ? "" : [`--- a/${name}`, `+++ b/${name}`, ...out, ""].join("\n");
}

function diffOfNewFile(text: string, name: string): string {
  const lines = linesOf(text);
  const head = ["--- /dev/null", `+++ b/${name}`, `@@ -0,0 +1,${lines.length} @@`];
  return [...head, ...lines.map((line) => `+${line}`), ""].join("\n");
}

/** @param folder the tree's folder, which names are relative to */
export function diffOf(changes: readonly Change[], folder: string): string {
  return changes
    .map((change) => {
      const name = relative(resolve(folder), change.path);
      return change.isOurs ? diffOfNewFile(change.willBe ?? "", name) : diffOfInsertions(change, name);
    })
    .join("");
}
