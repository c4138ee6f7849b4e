import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BAD_MAX, LANDS_PLAUSIBLY, TURNED_MAX } from "../../../src/rank/evidence/constants.ts";
import { LandingRecords, plausibility } from "../../../src/rank/evidence/landing-record.ts";
import { NeverLanded } from "../../../src/rank/evidence/never-landed.ts";
import { DOUBT, TURNED, USUALLY_LANDED, USUALLY_MISSED } from "../../../src/shape/node-layout.ts";
import { Random } from "../../../src/simulator/random.ts";

const OTHERS = 0.8;

class Payer {
  readonly counts = new Float32Array(16);
  readonly records = new LandingRecords(this.counts);

  play(random: Random, share: number, times: number): void {
    for (let i = 0; i < times; i++) {
      if (random.chance(share)) this.records.landed(0, 0);
      else this.records.missed(0, 1, 1, 0);
    }
  }

  /** @param recently what the unequal memory says: less than the truth for a payer that misses often */
  lands(recently: number): number {
    return this.records.estimate(0, recently, OTHERS);
  }

  get doubt(): number {
    return this.counts[DOUBT];
  }
}

describe("a record", () => {
  test("who has always won one race in five is believed to, and hardly doubted", () => {
    const random = new Random(1n, "races");
    const estimates: number[] = [];
    let doubted = 0;
    for (let i = 0; i < 200; i++) {
      const payer = new Payer();
      payer.play(random, 0.2, 200);
      estimates.push(payer.lands(0.05));
      if (payer.doubt > 0.5) doubted += 1;
    }
    const mean = estimates.reduce((a, b) => a + b, 0) / estimates.length;
    expect(mean).toBeGreaterThan(0.15);
    expect(mean).toBeLessThan(0.25);
    expect(doubted).toBeLessThan(20);
  });

  test("who landed nearly always and lands one time in five is doubted within a dozen, and stays doubted", () => {
    const random = new Random(2n, "turned");
    let doubted = 0;
    let later = 0;
    for (let i = 0; i < 200; i++) {
      const payer = new Payer();
      payer.play(random, 0.97, 15);
      payer.play(random, 0.2, 12);
      payer.lands(0.4);
      if (payer.doubt > 0.5) doubted += 1;
      payer.play(random, 0.2, 60);
      payer.lands(0.4);
      if (payer.doubt > 0.5) later += 1;
    }
    expect(doubted).toBeGreaterThan(140);
    expect(later).toBeGreaterThan(180);
  });

  test("who loses one of twenty is never doubted for long, and who turned gets over it by landing", () => {
    const random = new Random(3n, "honest");
    let doubted = 0;
    for (let i = 0; i < 200; i++) {
      const payer = new Payer();
      payer.play(random, 0.95, 300);
      payer.lands(0.9);
      if (payer.doubt > 0.1) doubted += 1;
    }
    expect(doubted).toBeLessThan(4);
    const payer = new Payer();
    payer.play(random, 1, 30);
    payer.play(random, 0, 30);
    payer.lands(0.5);
    expect(payer.doubt).toBeGreaterThan(0.9);
    payer.play(random, 1, 12);
    payer.lands(0.5);
    expect(payer.doubt).toBeLessThan(0.2);
  });

  test("misses of full blocks say little", () => {
    const payer = new Payer();
    payer.play(new Random(4n, "full"), 1, 30);
    for (let i = 0; i < 30; i++) payer.records.missed(0, 0.1, 0.1, 0);
    expect(payer.lands(0.8)).toBeGreaterThan(0.85);
    expect(payer.doubt).toBeLessThan(0.1);
  });

  test("who never landed is doubted by the square of how far what it lands is implausible", () => {
    const payer = new Payer();
    expect(payer.lands(LANDS_PLAUSIBLY / 2)).toBe(LANDS_PLAUSIBLY / 2);
    expect(payer.doubt).toBeCloseTo(0.75, 3);
    expect(plausibility(LANDS_PLAUSIBLY)).toBe(1);
  });

  test("whatever comes, counts stay within their bounds and estimates are probabilities", () => {
    const outcome = fc.record({
      landed: fc.boolean(),
      odds: fc.double({ min: 0, max: 1, noNaN: true }),
      blame: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 600 }), share, share, (outcomes, recently, others) => {
        const { counts, records } = new Payer();
        for (const [i, { landed, odds, blame }] of outcomes.entries()) {
          if (landed) records.landed(0, i);
          else records.missed(0, odds, blame, i);
          const lands = records.estimate(0, recently, others);
          expect(lands).toBeGreaterThanOrEqual(0);
          expect(lands).toBeLessThanOrEqual(1);
          expect(counts[DOUBT]).toBeGreaterThanOrEqual(0);
          expect(counts[DOUBT]).toBeLessThanOrEqual(1);
          expect(counts[TURNED]).toBeLessThanOrEqual(TURNED_MAX * 1.000_001);
          expect(counts[USUALLY_LANDED] + counts[USUALLY_MISSED]).toBeLessThanOrEqual(BAD_MAX * 1.001);
        }
      }),
    );
  });
});

describe("those that never landed", () => {
  test("where none of them ever does, the second miss says so; where one in five does, not even the tenth", () => {
    const liars = new NeverLanded();
    const racers = new NeverLanded();
    const random = new Random(5n, "strangers");
    for (let payer = 0; payer < 400; payer++) {
      for (let misses = 0; misses < 12; misses++) {
        liars.note(misses, 0, 1, 0);
        const lands = random.chance(0.2);
        racers.note(misses, lands ? 1 : 0, lands ? 0 : 1, 0);
        if (lands) break;
      }
    }
    expect(liars.lands(2, 0.5)).toBeLessThan(0.05);
    expect(racers.lands(10, 0.02)).toBeGreaterThan(0.08);
    expect(racers.lands(2, 0.02)).toBeGreaterThan(0.15);
  });

  test("what was seen long ago gives way to what is assumed", () => {
    const seen = new NeverLanded();
    for (let i = 0; i < 100; i++) seen.note(3, 0, 1, 0);
    expect(seen.lands(3, 0.5)).toBeLessThan(0.1);
    seen.note(9, 0, 1, 60_000);
    expect(seen.lands(3, 0.5)).toBeGreaterThan(0.4);
    expect(seen.lands(1_000, 0.5)).toBe(0.5);
  });
});
