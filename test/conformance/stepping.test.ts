import { expect, test } from "bun:test";
import { runCursorSchedules, runIntakeSchedules } from "./stepping.ts";

const CURSOR_SCHEDULES = 1_000_000;
const INTAKE_SCHEDULES = 250_000;

test(`${CURSOR_SCHEDULES} interleavings of producer and consumer tear, repeat and lose nothing uncounted`, () => {
  runCursorSchedules(1, CURSOR_SCHEDULES);
}, 240_000);

test(`${INTAKE_SCHEDULES} interleavings of producer and intake judge and queue nothing torn`, () => {
  expect(runIntakeSchedules(1, INTAKE_SCHEDULES)).toBe(INTAKE_SCHEDULES);
}, 240_000);
