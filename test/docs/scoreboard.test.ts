import { expect, test } from "bun:test";
import { join } from "node:path";
import { cellsOf, sentenceOf, textsOf, withText } from "./scoreboard.ts";

const line = (scenario: string, value: number) => ({
  scenario,
  value: { evidence: value, reference: 0.4, "reference, stalling": 0.3 },
  arrivalOrder: 0.2,
  declaredFee: 0.5,
  feeFloor: 0.35,
  otherRhythm: 0.88,
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

test("the sentence and the table are of one board", () => {
  const { readme, model } = textsOf({
    seeds: 5,
    durationMs: 12_000,
    scenarios: [line("some", 0.9), line("other", 1)],
  });
  expect(readme).toContain(
    "**.95** with the default model, .40 with the older sidecar's, .50 by declared fee, .20 in order",
  );
  expect(readme).toContain("the mean of 2 scenarios");
  expect(model).toStartWith("5 seeds of 12 s each (`npm run scoreboard -- --seeds 5 --duration 12s`):\n\n| scenario |");
  const rows = model.split("\n").slice(2);
  expect(new Set(rows.map((text) => text.split("|").length)).size).toBe(1);
  expect(rows[2]).toBe(
    "| some | .90 | .40 | .30 | .20 | .50 | .35 | .88 | .10 | .02 | .00 | 0.4 s | never | - | 50 | 150 |",
  );
});

const read = (file: string): Promise<string> => Bun.file(join(import.meta.dir, "../..", file)).text();

test("both documents have a place for it", async () => {
  for (const file of ["README.md", "docs/model.md"]) {
    expect(withText(await read(file), "a text")).toContain("<!-- scoreboard -->\na text\n<!-- end -->");
  }
});

test("the README says the means of the table in docs/model.md", async () => {
  const table = (await read("docs/model.md")).split("<!-- scoreboard -->")[1].split("<!-- end -->")[0];
  const rows = table.split("\n").filter((text) => text.startsWith("| "));
  const means =
    rows
      .at(-1)
      ?.split("|")
      .slice(1)
      .map((cell) => cell.trim()) ?? [];
  expect(means[0]).toBe("mean");
  const scenarios = rows.length - 3; // the head, the line below it, the means
  const readme = await read("README.md");
  expect(withText(readme, sentenceOf(means, scenarios))).toBe(readme);
});
