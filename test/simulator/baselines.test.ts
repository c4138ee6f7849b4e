import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { arrivalOrder, declaredFee, feeFloor, oracle } from "../../src/simulator/baselines.ts";
import { loadScenario } from "../../src/simulator/load-scenario.ts";
import { SCENARIOS } from "../../src/simulator/scenarios/index.ts";
import { GOOD_SIGNATURE, HONEST, LANDS, PARSABLE } from "../../src/simulator/trace.ts";
import { played, traceOf } from "./rig.ts";

const GOOD = HONEST | GOOD_SIGNATURE | LANDS | PARSABLE;
const SLOT = { fromMs: 0, untilMs: 400 };

describe.each(Object.keys(SCENARIOS))("%s", (name) => {
  test.each([1n, 2n, 3n])("seed %p: the oracle earns at least what every other rule earns", (seed) => {
    const source = played({ ...loadScenario(name), durationSeconds: 3 }, seed);
    for (const fromMs of [0, 1_200]) {
      const span = { fromMs, untilMs: 3_000 };
      const best = oracle(source.trace, source.validator, span).honestLamports;
      expect(best).toBeGreaterThan(0);
      expect(best).toBeGreaterThanOrEqual(arrivalOrder(source.trace, source.validator, span).honestLamports);
      expect(best).toBeGreaterThanOrEqual(declaredFee(source.trace, source.validator, span).honestLamports);
      expect(best).toBeGreaterThanOrEqual(feeFloor(source.trace, source.validator, span).honestLamports);
    }
  });
});

/** The best of all subsets, by trying them. */
function bruteForce(rows: readonly { fee: number; used: number }[], packets: number, units: number): number {
  let best = 0;
  for (let set = 0; set < 2 ** rows.length; set++) {
    let [fee, used, count] = [0, 0, 0];
    rows.forEach((row, i) => {
      if ((set & (1 << i)) === 0) return;
      fee += row.fee;
      used += row.used;
      count += 1;
    });
    if (count <= packets && used <= units && fee > best) best = fee;
  }
  return best;
}

test("in one slot the oracle is within one transaction of the best of all subsets", () => {
  const row = fc.record({ fee: fc.integer({ min: 5_000, max: 100_000 }), used: fc.integer({ min: 1, max: 3_000 }) });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 10 }), fc.integer({ min: 1, max: 6 }), (rows, packets) => {
      const trace = traceOf(rows.map(({ fee, used }) => ({ traits: GOOD, feeLamports: fee, usedUnits: used })));
      const spec = { sigverifyPps: packets * 2.5, blockUnits: 5_000, slotMs: 400, executionNoise: 0 };
      const earned = oracle(trace, spec, SLOT).honestLamports;
      const best = bruteForce(rows, packets, 5_000);
      const largest = Math.max(...rows.map(({ fee }) => fee));
      expect(earned).toBeLessThanOrEqual(best);
      expect(earned).toBeGreaterThanOrEqual(best - largest);
    }),
    { seed: 11, numRuns: 150 },
  );
});

test("the oracle takes nothing that is bad, early, late or twice", () => {
  const spec = { sigverifyPps: 1_000, blockUnits: 1_000_000, slotMs: 400, executionNoise: 0 };
  const trace = traceOf([
    { feeLamports: 1, ms: 0 },
    { feeLamports: 10, traits: GOOD & ~LANDS, ms: 0 },
    { feeLamports: 100, traits: GOOD & ~GOOD_SIGNATURE, ms: 0 },
    { feeLamports: 1_000, traits: GOOD & ~HONEST, ms: 0 },
    { feeLamports: 10_000, ms: 500 },
    { feeLamports: 100_000, ms: 900 },
  ]);
  expect(oracle(trace, spec, { fromMs: 0, untilMs: 800 })).toMatchObject({ honestLamports: 10_001, delivered: 2 });
  expect(oracle(trace, spec, { fromMs: 1, untilMs: 800 }).honestLamports).toBe(10_000);
  expect(oracle(trace, spec, { fromMs: 0, untilMs: 899 }).honestLamports).toBe(10_001); // no whole quarter of the slot
  expect(oracle(trace, spec, { fromMs: 0, untilMs: 1_000 }).honestLamports).toBe(110_001);
  trace.addPacket(0, trace.address[0], 0, 950);
  expect(oracle(trace, spec, { fromMs: 0, untilMs: 1_600 }).honestLamports).toBe(110_001);
});

test("a fee floor earns more than arrival order where packets pay what they declare, and believes forgers", () => {
  const earned = (name: string, room: number): { floor: number; arrival: number } => {
    const { trace, validator: usual } = played({ ...loadScenario(name), durationSeconds: 6 }, 1n);
    const validator = { ...usual, blockUnits: usual.blockUnits * room };
    const span = { fromMs: 2_000, untilMs: 6_000 };
    const arrival = arrivalOrder(trace, validator, span).honestLamports;
    return { floor: feeFloor(trace, validator, span).honestLamports, arrival };
  };
  const honest = earned("overload", 0.1);
  expect(honest.floor).toBeGreaterThan(1.2 * honest.arrival);
  const forged = earned("bad-signatures-few", 0.1);
  expect(forged.floor / forged.arrival).toBeLessThan(honest.floor / honest.arrival);
  // Where blocks take all that sigverify passes, the scheduler never fills, and there is no floor.
  const roomy = earned("overload", 1);
  expect(roomy.floor / roomy.arrival).toBeCloseTo(1, 2);
}, 60_000);

test("the oracle takes one transaction of each durable nonce's value, the one that pays most", () => {
  const spec = { sigverifyPps: 1_000, blockUnits: 1_000_000, slotMs: 400, executionNoise: 0 };
  const trace = traceOf([
    { feeLamports: 10, nonce: 1 },
    { feeLamports: 100, nonce: 1 },
    { feeLamports: 1_000, nonce: 2 },
    { feeLamports: 10_000, nonce: 1, ms: 500 },
    { feeLamports: 100_000 },
  ]);
  expect(oracle(trace, spec, { fromMs: 0, untilMs: 1_600 })).toMatchObject({ honestLamports: 101_100, delivered: 3 });
});
