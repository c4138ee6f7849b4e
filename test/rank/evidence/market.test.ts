import { expect, test } from "bun:test";
import fc from "fast-check";
import { CHEAP_LANDINGS_MIN, MISS_WEIGHT_MIN } from "../../../src/rank/evidence/constants.ts";
import { Market } from "../../../src/rank/evidence/market.ts";

const note = (market: Market, price: number, count: number, landed: number): void => {
  for (let i = 0; i < count; i++) market.note(price, 1, i < landed);
};

test("where everybody lands, a miss counts whole", () => {
  const market = new Market();
  note(market, 1, 50, 50);
  market.refresh();
  expect(market.weightOfMiss(1, 0.9)).toBe(1);
});

test("where nobody lands at a price, a miss there says nearly nothing, and at a price that lands it says all", () => {
  const market = new Market();
  note(market, 0.25, 100, 0);
  note(market, 8, 50, 50);
  market.refresh();
  expect(market.weightOfMiss(0.25, 0.95)).toBe(MISS_WEIGHT_MIN);
  expect(market.weightOfMiss(0.01, 0.95)).toBe(MISS_WEIGHT_MIN); // cheaper than all that was tried
  expect(market.weightOfMiss(8, 0.95)).toBe(1);
  expect(market.weightOfMiss(1_000, 0.95)).toBe(1);
});

test("who misses at a high price while cheaper ones land was not outbid, however many do so", () => {
  const market = new Market();
  note(market, 0.5, 30, 29);
  note(market, 16, 10_000, 0);
  market.refresh();
  expect(market.weightOfMiss(16, 0.95)).toBeGreaterThan(0.5);
  expect(market.shortage()).toBeLessThan(0.1); // nor are blocks full
});

test("the weight is the probability of a miss in an empty block, given a miss", () => {
  const market = new Market();
  note(market, 1, 100, 60);
  market.refresh();
  const p = 0.8;
  expect(market.weightOfMiss(1, p)).toBeCloseTo((1 - p) / (1 - p + p * 0.4), 9);
});

test("weights stay within their bounds and never fall with the price", () => {
  const sample = fc.tuple(
    fc.double({ min: 1e-9, max: 1e12, noNaN: true }),
    fc.integer({ min: 0, max: 40 }),
    fc.integer({ min: 0, max: 40 }),
  );
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 30 }), fc.double({ min: 0, max: 1, noNaN: true }), (samples, p) => {
      const market = new Market();
      for (const [price, count, landed] of samples) note(market, price, count, Math.min(count, landed));
      market.refresh();
      let before = 0;
      for (let octave = -20; octave < 40; octave++) {
        const weight = market.weightOfMiss(2 ** octave, p);
        expect(weight).toBeGreaterThanOrEqual(MISS_WEIGHT_MIN);
        expect(weight).toBeLessThanOrEqual(1);
        expect(weight).toBeGreaterThanOrEqual(before - 1e-12);
        before = weight;
      }
      expect(Number.isNaN(market.shortage())).toBe(false);
    }),
  );
});

test("odd prices do no harm", () => {
  const market = new Market();
  for (const price of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    note(market, price, 10, 5);
    market.refresh();
    expect(market.weightOfMiss(price, 0.5)).toBeGreaterThanOrEqual(MISS_WEIGHT_MIN);
  }
});

test("the shortage looks at the cheapest quarter, of enough transactions, of one window", () => {
  const market = new Market();
  note(market, 0.25, CHEAP_LANDINGS_MIN - 1, 0);
  expect(market.shortage()).toBe(0);
  note(market, 0.25, 26 - CHEAP_LANDINGS_MIN, 0);
  note(market, 4, 75, 75);
  expect(market.shortage()).toBe(1);
  market.forget();
  expect(market.shortage()).toBe(0);
});

test("where the cheapest lose as many races as the others, blocks have room", () => {
  const market = new Market();
  for (const price of [0.25, 1, 4, 16]) note(market, price, 100, 60);
  expect(market.shortage()).toBe(0);
  note(market, 0.25, 50, 0);
  expect(market.shortage()).toBeGreaterThan(0.15);
});

test("few that missed by chance are no shortage, and none that landed is one", () => {
  const market = new Market();
  note(market, 0.25, CHEAP_LANDINGS_MIN, CHEAP_LANDINGS_MIN - 4);
  note(market, 4, 3 * CHEAP_LANDINGS_MIN, 3 * CHEAP_LANDINGS_MIN);
  expect(market.shortage()).toBeLessThan(0.15);
  market.forget();
  note(market, 0.25, CHEAP_LANDINGS_MIN, 0);
  note(market, 4, 3 * CHEAP_LANDINGS_MIN, 3 * CHEAP_LANDINGS_MIN);
  expect(market.shortage()).toBe(1);
});
