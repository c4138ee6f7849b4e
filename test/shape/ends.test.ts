// The table of ends: codes and names of their own, a counter for each term of the law, and the codes' file as it is written.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { END_OF_REASON, ENDS, endNamed, endOf, NEVER_REASONS, reasonCodesSource } from "../../src/shape/ends.ts";
import { STATISTICS } from "../../src/shape/statistics.ts";

test("codes and names are told apart, earlier names among them", () => {
  expect(new Set(ENDS.map(({ code }) => code)).size).toBe(ENDS.length);
  for (const end of ENDS) {
    expect(endOf(end.code)).toBe(end);
    expect([endNamed(end.name), endNamed(end.formerly)]).toEqual([end, end]);
  }
  expect([endOf(0), endOf(255), endNamed("none")]).toEqual([undefined, undefined, undefined]);
});

test("each term of the law is a statistic of its name, in the order of the way", () => {
  const terms = ENDS.filter(({ kind }) => kind !== "answer").map(({ name }) => name as string);
  expect(STATISTICS.filter(({ kind }) => kind === "end").map(({ name }) => name as string)).toEqual(terms);
});

test("each reason to refuse has its end, and a code of no row has one as well", () => {
  for (const { code, reasons } of ENDS) for (const [reason] of reasons ?? []) expect(END_OF_REASON[reason]).toBe(code);
  for (let reason = 0; reason < 256; reason++) expect(endOf(END_OF_REASON[reason])?.kind).toBe("refused");
  const codes = [...ENDS.flatMap(({ reasons }) => reasons ?? []), ...NEVER_REASONS].map(([code]) => code);
  expect(new Set(codes).size).toBe(codes.length);
  expect(codes.every((code) => code > 0 && code < 256)).toBe(true);
});

test("the codes' file is the one that the build writes", () => {
  const written = readFileSync(join(import.meta.dir, "../../src/shape/reason-codes.ts"), "utf8");
  expect(written).toBe(reasonCodesSource());
});

test("an earlier name that differs stands in the databases' step, for statements of people's own", () => {
  for (const engine of ["sqlite", "postgres"]) {
    const path = join(import.meta.dir, `../../src/database/migrations/${engine}/0002-names-of-ends.sql`);
    const step = readFileSync(path, "utf8");
    for (const { name, formerly } of ENDS) expect(step.includes(`('${formerly}', '${name}')`)).toBe(name !== formerly);
  }
});
