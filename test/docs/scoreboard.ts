// `npm run scoreboard-docs -- scoreboard.json`: writes the table of docs/model.md and the README's sentence about its means
// anew from what `npm run scoreboard -- --json` said, so that both are of one run.

import { join } from "node:path";
import { type ScoreLine, scoreLines } from "../../src/cli/simulations/scoreboard.ts";
import { replaceSections } from "./sections.ts";

interface Board {
  readonly seeds: number;
  readonly durationMs?: number;
  readonly scenarios: readonly ScoreLine[];
}

/** Columns of the table that the README's sentence takes its means from. */
const EVIDENCE = 1;
const REFERENCE = 2;
const ARRIVAL = 4;
const DECLARED = 5;

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

/** What the README says of a table's last row, its means. */
export function sentenceOf(means: readonly string[], scenarios: number): string {
  return (
    `Lamports of honest senders after an attack's start, by those of an oracle that knows everything, on the same traffic: ` +
    `**${means[EVIDENCE]}** with the default model, ${means[REFERENCE]} with the older sidecar's, ${means[DECLARED]} by ` +
    `declared fee, ${means[ARRIVAL]} in order of arrival (the mean of ${scenarios} scenarios, \`npm run scoreboard\`).`
  );
}

/** The README's sentence, and the table of docs/model.md. */
export function textsOf({ seeds, durationMs, scenarios }: Board): { readme: string; model: string } {
  const [head = [], ...rows] = cellsOf(scoreLines(scenarios));
  const duration = durationMs === undefined ? "" : ` --duration ${durationMs / 1_000}s`;
  const each = durationMs === undefined ? "each as long as it says" : `of ${durationMs / 1_000} s each`;
  return {
    readme: sentenceOf(rows.at(-1) ?? [], scenarios.length),
    model: `${seeds} seeds ${each} (\`npm run scoreboard -- --seeds ${seeds}${duration}\`):\n\n${markdown(head, rows)}`,
  };
}

/** The document with another text below its marker. */
export function withText(document: string, text: string): string {
  return replaceSections(document, new Map([["scoreboard", text]]), opening);
}

if (import.meta.main) {
  const board = (await Bun.file(process.argv[2] ?? "scoreboard.json").json()) as Board;
  const { readme, model } = textsOf(board);
  for (const [file, text] of [
    ["README.md", readme],
    ["docs/model.md", model],
  ] as const) {
    const path = join(import.meta.dir, "../..", file);
    await Bun.write(path, withText(await Bun.file(path).text(), text));
  }
}
