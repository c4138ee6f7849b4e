// docs/integration.md shows the program that the tests run: every block of code in it stands in that program.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  rust: ["test/rust/validator-side/src/sidecar.rs", "test/rust/validator-side/src/main.rs"],
  c: ["test/c/channel.h", "test/c/producer.c"],
};

test("every block of code in the guide is the program's", () => {
  const blocks = [...read("docs/integration.md").matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)];
  expect(blocks.length).toBeGreaterThan(8);
  const foreign = blocks.filter(
    ([, language, code]) => !SOURCES[language!]?.some((path) => read(path).includes(code!)),
  );
  expect(foreign.map(([, , code]) => code)).toEqual([]);
});
