// The door out: an end is counted in its own counter, and recorded where fates are.

import { expect, test } from "bun:test";
import { Ends } from "../../src/engine/ends.ts";
import type { Outlet } from "../../src/records/outlet.ts";
import { END_DENIED, END_TRANSMITTED, ENDS } from "../../src/shape/ends.ts";
import { NOT_TRANSMITTED } from "../../src/shape/record-layout.ts";
import { STAT, STATISTICS, type StatisticName } from "../../src/shape/statistics.ts";

test("each end counts once, in the counter of its name alone", () => {
  for (const { code, kind, name } of ENDS) {
    if (kind === "answer") continue;
    const counters = new Float64Array(STATISTICS.length);
    const ends = new Ends(counters, { fates: false } as Outlet, { left: () => {} });
    ends.close(0, code, 1);
    ends.refuse(0, code, 2, 1);
    const wanted = new Float64Array(STATISTICS.length);
    wanted[STAT[name as StatisticName]] = 2;
    expect(counters).toEqual(wanted);
  }
});

test("where fates are recorded, each is: with its channel, or with the time at which it went out", () => {
  const told: unknown[][] = [];
  const outlet = {
    fates: true,
    fate: (...all: number[]) => told.push(["fate", ...all]),
    refused: (...all: number[]) => told.push(["refused", ...all]),
  };
  const left: number[] = [];
  const metas = { left: (digest: number) => left.push(digest) };
  const ends = new Ends(new Float64Array(STATISTICS.length), outlet as unknown as Outlet, metas);
  ends.refuse(64, END_DENIED, 3, 10);
  ends.close(128, END_TRANSMITTED, 11);
  ends.close(192, 9, 12);
  expect(told).toEqual([
    ["refused", 64, END_DENIED, 3, 10],
    ["fate", 128, END_TRANSMITTED, 11, 11],
    ["fate", 192, 9, 12, NOT_TRANSMITTED],
  ]);
  // What left unsent may come again; what was refused or sent is remembered.
  expect(left).toEqual([192]);
});
