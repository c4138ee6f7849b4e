import { expect, test } from "bun:test";
import { FeeFloor } from "../../src/simulator/fee-floor.ts";
import { GOOD_SIGNATURE, HONEST, LANDS, PARSABLE } from "../../src/simulator/trace.ts";
import { type Answers, honestLamportsSince, SimulatedValidator } from "../../src/simulator/validator.ts";
import { traceOf } from "./rig.ts";

const SPEC = { sigverifyPps: 1_000, blockUnits: 10_000, slotMs: 400, executionNoise: 0 };
const GOOD = HONEST | GOOD_SIGNATURE | LANDS | PARSABLE;

class Heard implements Answers {
  readonly failures: number[] = [];
  readonly outcomes: [number, number][] = [];
  readonly confirmations: number[] = [];
  failed(transaction: number): void {
    this.failures.push(transaction);
  }
  outcome(transaction: number, _address: number, nanos: number): void {
    this.outcomes.push([transaction, nanos]);
  }
  confirmed(transaction: number): void {
    this.confirmations.push(transaction);
  }
}

test("sigverify takes its budget and no more, first come first served; what overflows is lost without an answer", () => {
  const trace = traceOf(Array.from({ length: 2_000 }, () => ({ traits: GOOD & ~GOOD_SIGNATURE })));
  const heard = new Heard();
  const validator = new SimulatedValidator(trace, SPEC, heard);
  for (let id = 0; id < 2_000; id++) validator.deliver(id, 1);
  expect(validator.totals.overflowed).toBe(1_500); // half a second's backlog is 500
  for (let ms = 1; ms <= 100; ms++) validator.step(ms);
  expect(heard.failures).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(validator.backlog).toBe(400);
  for (let ms = 101; ms <= 1_000; ms++) validator.step(ms);
  expect(heard.failures.length).toBe(500);
  expect(validator.totals.verified).toBe(500);
});

test("idle time is not saved up", () => {
  const trace = traceOf(Array.from({ length: 400 }, () => ({})));
  const validator = new SimulatedValidator(trace, SPEC, new Heard());
  for (let ms = 1; ms <= 5_000; ms++) validator.step(ms);
  for (let id = 0; id < 400; id++) validator.deliver(id, 1);
  for (let ms = 5_001; ms <= 5_100; ms++) validator.step(ms);
  expect(validator.totals.verified).toBeGreaterThanOrEqual(100);
  expect(validator.totals.verified).toBeLessThanOrEqual(110);
});

test("a long pause is made up for like many short steps", () => {
  const run = (steps: readonly number[]): unknown => {
    const trace = traceOf(Array.from({ length: 300 }, (_, i) => ({ usedUnits: 100 + i, feeLamports: 5_000 + 7 * i })));
    const heard = new Heard();
    const validator = new SimulatedValidator(trace, SPEC, heard);
    for (let id = 0; id < 300; id++) validator.deliver(id, 1);
    for (const ms of steps) validator.step(ms);
    return [validator.totals, heard.outcomes, validator.slotUnits];
  };
  expect(run([800])).toEqual(run(Array.from({ length: 800 }, (_, i) => i + 1)));
});

test("blocks are filled by declared fee per asked CU, never above their room; the rest comes back not included", () => {
  const rows = Array.from({ length: 50 }, (_, i) => ({ feeLamports: 5_000 + 100 * ((i * 37) % 50), usedUnits: 1_000 }));
  const trace = traceOf(rows);
  const heard = new Heard();
  const validator = new SimulatedValidator(trace, SPEC, heard);
  for (let id = 0; id < 50; id++) validator.deliver(id, 1);
  for (let ms = 1; ms <= 400; ms++) validator.step(ms);
  expect(validator.slotUnits).toEqual([10_000]);
  expect(heard.outcomes.length).toBe(50);
  expect(new Set(heard.outcomes.map(([id]) => id)).size).toBe(50);
  const included = heard.outcomes.filter(([, nanos]) => nanos > 0).map(([id]) => id);
  expect(included).toEqual(heard.confirmations);
  // All were verified within the first quarter of the slot, so the ten best are in.
  const best = rows.map(({ feeLamports }, id) => ({ feeLamports, id })).sort((a, b) => b.feeLamports - a.feeLamports);
  expect([...included].sort((a, b) => a - b)).toEqual(
    best
      .slice(0, 10)
      .map(({ id }) => id)
      .sort((a, b) => a - b),
  );
});

test("what does not land, is a copy or too old comes back not included and pays nothing", () => {
  const trace = traceOf([{}, { traits: GOOD & ~LANDS }, { traits: GOOD & ~HONEST, feeLamports: 9_000 }]);
  const heard = new Heard();
  const validator = new SimulatedValidator(trace, SPEC, heard);
  for (const id of [0, 1, 2, 0]) validator.deliver(id, 1);
  for (let ms = 1; ms <= 400; ms++) validator.step(ms);
  expect(validator.totals).toMatchObject({ included: 2, notIncluded: 2, lamports: 14_000, honestLamports: 5_000 });
  expect(validator.isIncluded(0)).toBe(true);
  expect(validator.isIncluded(1)).toBe(false);
  expect(honestLamportsSince(trace, validator.landings, 0, 400)).toBe(5_000);
  expect(honestLamportsSince(trace, validator.landings, 1, 400)).toBe(0);
  expect(honestLamportsSince(trace, validator.landings, 0, 99)).toBe(0);

  const late = new SimulatedValidator(trace, SPEC, heard, 61_000);
  late.deliver(0, 1);
  late.step(61_400);
  expect(late.totals).toMatchObject({ included: 0, expired: 1, notIncluded: 1 });
});

test("a blockhash lives for 150 slots, however long these are", () => {
  for (const slotMs of [200, 400]) {
    const trace = traceOf([{ ms: 0 }, { ms: 1 }]);
    const heard = new Heard();
    const validator = new SimulatedValidator(trace, { ...SPEC, slotMs }, heard, 150 * slotMs + 1 - slotMs / 4);
    for (const id of [0, 1]) validator.deliver(id, 1);
    validator.step(150 * slotMs + 1);
    expect(heard.confirmations).toEqual([1]);
    expect(validator.totals.expired).toBe(1);
  }
});

test("with a fee floor, what finds no room is held over the slot's end until a place is wanted", () => {
  const trace = traceOf(Array.from({ length: 4 }, (_, i) => ({ usedUnits: 9_000, feeLamports: 5_000 + 1_000 * i })));
  const heard = new Heard();
  const floor = new FeeFloor(trace, 2);
  const validator = new SimulatedValidator(trace, SPEC, heard, 0, undefined, floor);
  for (let id = 0; id < 4; id++) validator.deliver(id, 1);
  validator.step(SPEC.slotMs);
  // One lands in the first slot; before it did, the least two had to go for want of a place.
  expect(heard.confirmations).toEqual([3]);
  expect(heard.outcomes.map(([id]) => id).sort()).toEqual([0, 1, 3]);
  validator.step(2 * SPEC.slotMs);
  expect(heard.confirmations).toEqual([3, 2]);
});

test("of the transactions on one durable nonce's value one lands, and the others come back not included", () => {
  const trace = traceOf([{ nonce: 5 }, { nonce: 5, feeLamports: 6_000 }, { nonce: 6 }, {}, {}]);
  const heard = new Heard();
  const validator = new SimulatedValidator(trace, SPEC, heard);
  for (let id = 0; id < 5; id++) validator.deliver(id, 1);
  validator.step(SPEC.slotMs);
  expect(heard.confirmations.toSorted()).toEqual([1, 2, 3, 4]);
  expect(validator.totals.notIncluded).toBe(1);
});
