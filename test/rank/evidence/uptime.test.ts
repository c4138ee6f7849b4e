// Hosts run for months: what the model says must not depend on when its clock began, nor on how long it has run.

import { describe, expect, test } from "bun:test";
import { PRESENCE_WINDOW_MS } from "../../../src/rank/evidence/constants.ts";
import { DECAY_STEP_MS } from "../../../src/rank/evidence/decay.ts";
import { Random } from "../../../src/simulator/random.ts";
import { EvidenceRig, type Sent, TICK_MS } from "./rig.ts";

const NANOS = 120_000;
const DAY_MS = 86_400_000;
/** Steps of the decay and windows of the presence begin at multiples of this. */
const PHASE_MS = DECAY_STEP_MS * PRESENCE_WINDOW_MS;
/** What is played crosses the moment in its middle. */
const TICKS = 60;

/** The moments at which a number of the model (or one that it used to have) begins anew, in milliseconds. */
const MOMENTS: Readonly<Record<string, number>> = {
  "milliseconds leave 31 bits, after 24.8 days": 2 ** 31,
  "milliseconds leave 32 bits, after 49.7 days": 2 ** 32,
  "windows leave 15 bits, after 55 minutes": 2 ** 15 * PRESENCE_WINDOW_MS,
  "windows leave 16 bits, after 1.8 hours": 2 ** 16 * PRESENCE_WINDOW_MS,
  "steps of the decay leave 31 bits, after 2.2 years": 2 ** 31 * DECAY_STEP_MS,
  "steps of the decay leave 32 bits, after 4.4 years": 2 ** 32 * DECAY_STEP_MS,
  "windows leave 31 bits, after 6.8 years": 2 ** 31 * PRESENCE_WINDOW_MS,
  "a year": 365 * DAY_MS,
};

/** Senders of every sort for some seconds. @returns what the model said all along */
function play(rig: EvidenceRig, startMs: number, ticks = TICKS): number[] {
  const said: number[] = [];
  const random = new Random(3n, "uptime");
  let payload = 0;
  for (let tick = 0; tick < ticks; tick++) {
    const now = startMs + tick * TICK_MS;
    rig.model.advance(now);
    for (let i = 0; i < 12; i++) {
      const sender = 1 + random.below(20);
      const sent: Sent = { ip: sender, payer: sender, payload: ++payload, arrival: now };
      said.push(rig.score(sent));
      if (i % 2 === 0) continue;
      said.push(rig.offer(sent, now));
      if (sender % 5 === 0) rig.failed(sent);
      else if (sender % 7 === 0) rig.model.unparsable(rig.digest({ ...sent, reason: 20 }));
      else rig.outcome(sent, sender % 3 === 0 ? 0 : NANOS);
    }
    // Never judged, and seen again and again.
    said.push(rig.score({ ip: 500, payer: 500 }));
    rig.tick(now + TICK_MS / 2);
  }
  expect(rig.model.table.problem()).toBeUndefined();
  return said;
}

describe("a clock that begins just before", () => {
  const expected = play(new EvidenceRig(), 0);
  for (const [moment, ms] of Object.entries(MOMENTS)) {
    test(moment, () => {
      const start = Math.floor((ms - (TICKS / 2) * TICK_MS) / PHASE_MS) * PHASE_MS;
      expect(start + TICKS * TICK_MS).toBeGreaterThan(ms);
      expect(play(new EvidenceRig(), start)).toEqual(expected);
    });
  }
});

describe("a year", () => {
  test("after a long silence nothing is left of what was known, however long it was", () => {
    const fresh = new EvidenceRig();
    const unknown = fresh.estimate({ ip: 1, payer: 1 });
    for (const days of [0.1, 1, 24.8, 25, 30, 49.7, 50, 180, 365]) {
      const rig = new EvidenceRig();
      for (let i = 0; i < 20; i++) rig.failed({ ip: 1, payer: 1 });
      for (let i = 0; i < 20; i++) rig.outcome({ ip: 2, payer: 2 }, NANOS);
      expect(rig.estimate({ ip: 1, payer: 1 }).pGood).toBeLessThan(0.1);
      const now = days * DAY_MS;
      rig.tick(now);
      for (const one of [1, 2]) {
        const { table } = rig.model;
        rig.estimate({ ip: one, payer: one });
        expect(table.addressEvidence(rig.leafOf({ ip: one, payer: one }))).toBe(0);
        expect(table.problem()).toBeUndefined();
      }
      expect(rig.estimate({ ip: 3, payer: 3 }).pGood).toBeCloseTo(unknown.pGood, 6);
      expect(rig.estimate({ ip: 3, payer: 3 }).pLands).toBeCloseTo(unknown.pLands, 6);
    }
  });

  test("with a busy hour each week, the model says in the last one what it said in the second", () => {
    const rig = new EvidenceRig();
    let before: number[] | undefined;
    for (let week = 0; week <= 52; week++) {
      const start = Math.floor((week * 7 * DAY_MS) / PHASE_MS) * PHASE_MS;
      // Payloads are remembered by number, not by time: each week brings its own.
      const said = playWeek(rig, start, week);
      if (week === 1) before = said;
    }
    const last = playWeek(rig, Math.floor((53 * 7 * DAY_MS) / PHASE_MS) * PHASE_MS, 53);
    expect(last.length).toBe(before?.length as number);
    for (const [i, score] of last.entries()) expect(score).toBeCloseTo((before as number[])[i], 3);
  });

  /** Twenty senders prove themselves or fail. @returns each one's estimates in the end */
  function playWeek(rig: EvidenceRig, start: number, week: number): number[] {
    for (let tick = 0; tick < 40; tick++) {
      const now = start + tick * TICK_MS;
      rig.model.advance(now);
      for (let sender = 1; sender <= 20; sender++) {
        const sent = { ip: sender, payer: sender, payload: week * 100_000 + tick * 100 + sender, arrival: now };
        rig.offer(sent, now);
        if (sender % 5 === 0) rig.failed(sent);
        else rig.outcome(sent, sender % 3 === 0 ? 0 : NANOS);
      }
      rig.tick(now + TICK_MS / 2);
    }
    return Array.from({ length: 20 }, (_, i) => rig.estimate({ ip: i + 1, payer: i + 1 })).flatMap((estimate) => [
      estimate.pGood,
      estimate.pLands,
    ]);
  }
});
