// `npm run scoreboard-docs -- scoreboard.json`: writes the tables of README.md and docs/model.md anew from what
// `npm run scoreboard -- --json` said, so that both are of one run.

import { join } from "node:path";
import { type ScoreLine, scoreLines } from "../../src/cli/simulations/scoreboard.ts";
import { replaceSections } from "./sections.ts";

interface Board {
  readonly seeds: number;
  readonly durationMs?: number;
  readonly scenarios: readonly ScoreLine[];
}

/** Columns of the README's table: the scenario, and what four rules earn. */
const SHORT = [0, 1, 2, 4, 5];
const SHORT_HEAD = ["scenario", "evidence", "ip-signer", "arrival order", "declared fee"];

const opening = (name: string): string => `<!-- ${name} -->`;

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
}

/** Cells of the board's lines. The means leave some out, so columns are told by where they stand under the head. */
export function cellsOf(lines: readonly string[]): string[][] {
  const [head = "", ...rest] = lines;
  const starts = [...head.matchAll(/(?<=^| {2})\S/g)].map(({ index }) => index);
  return [head, ...rest].map((line) => starts.map((from, i) => line.slice(from, starts[i + 1]).trim()));
}

/** Marker -> the table below it: README's, docs/model.md's. */
export function tablesOf({ seeds, durationMs, scenarios }: Board): { readme: string; model: string } {
  const [head = [], ...rows] = cellsOf(scoreLines(scenarios));
  const duration = durationMs === undefined ? "" : ` --duration ${durationMs / 1_000}s`;
  const each = durationMs === undefined ? "each as long as it says" : `of ${durationMs / 1_000} s each`;
  return {
    readme: markdown(
      SHORT_HEAD,
      rows.map((cells) => SHORT.map((column) => cells[column] ?? "")),
    ),
    model: `${seeds} seeds ${each} (\`npm run scoreboard -- --seeds ${seeds}${duration}\`):\n\n${markdown(head, rows)}`,
  };
}

/** The document with another table. */
export function withTable(document: string, text: string): string {
  return replaceSections(document, new Map([["scoreboard", text]]), opening);
}

if (import.meta.main) {
  const board = (await Bun.file(process.argv[2] ?? "scoreboard.json").json()) as Board;
  const { readme, model } = tablesOf(board);
  for (const [file, text] of [
    ["README.md", readme],
    ["docs/model.md", model],
  ] as const) {
    const path = join(import.meta.dir, "../..", file);
    await Bun.write(path, withTable(await Bun.file(path).text(), text));
  }
}
