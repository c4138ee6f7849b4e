import { describe, expect, test } from "bun:test";
import { table } from "../../src/cli/table.ts";

describe("a table", () => {
  test("has columns as wide as their widest cell, numbers to the right, no trailing blanks", () => {
    expect(
      table(
        ["name", "count", "end"],
        [
          ["a", 5, "x"],
          ["longer", 1_000, ""],
        ],
      ),
    ).toEqual(["name    count  end", "a           5  x", "longer   1000"]);
  });

  test("keeps a cell in its line, whatever it holds", () => {
    expect(table(["name"], [["a\nforged  1"], ["b\tc"]])).toEqual(["name", "a?forged  1", "b?c"]);
  });

  test("of no rows is its head", () => {
    expect(table(["name", "count"], [])).toEqual(["name  count"]);
  });
});
