import { expect, test } from "bun:test";
import { join } from "node:path";
import { cellsOf, tablesOf, withTable } from "./scoreboard.ts";

const line = (scenario: string, value: number) => ({
  scenario,
  value: { evidence: value, reference: 0.4, "reference, stalling": 0.3 },
  arrivalOrder: 0.2,
  declaredFee: 0.5,
  waste: 0.1,
  isolatedMs: 400,
  attackers: 0.02,
  paying: 0,
  beyondPayingMs: null,
  newcomers: null,
  p50Ms: 50,
  p99Ms: 150,
});

test("columns are told by the head: what the means leave out stays empty", () => {
  expect(cellsOf(["a    b c  d", "one       x", "two  y"])).toEqual([
    ["a", "b c", "d"],
    ["one", "", "x"],
    ["two", "y", ""],
  ]);
});

test("both tables are of one board", () => {
  const { readme, model } = tablesOf({
    seeds: 5,
    durationMs: 12_000,
    scenarios: [line("some", 0.9), line("other", 1)],
  });
  expect(readme.split("\n")).toEqual([
    "| scenario | evidence | ip-signer | arrival order | declared fee |",
    "| --- | --- | --- | --- | --- |",
    "| some | .90 | .40 | .20 | .50 |",
    "| other | 1.00 | .40 | .20 | .50 |",
    "| mean | .95 | .40 | .20 | .50 |",
  ]);
  expect(model).toStartWith("5 seeds of 12 s each (`npm run scoreboard -- --seeds 5 --duration 12s`):\n\n| scenario |");
  const rows = model.split("\n").slice(2);
  expect(new Set(rows.map((text) => text.split("|").length)).size).toBe(1);
  expect(rows[2]).toBe("| some | .90 | .40 | .30 | .20 | .50 | .10 | .02 | .00 | 0.4 s | never | - | 50 | 150 |");
});

test("both documents have a place for it", async () => {
  for (const file of ["README.md", "docs/model.md"]) {
    const document = await Bun.file(join(import.meta.dir, "../..", file)).text();
    expect(withTable(document, "| a table |")).toContain("<!-- scoreboard -->\n| a table |\n<!-- end -->");
  }
});
