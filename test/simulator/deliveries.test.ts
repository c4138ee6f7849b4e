import { expect, test } from "bun:test";
import { checkOrder, Deliveries, honestDelays } from "../../src/simulator/deliveries.ts";
import type { Trace } from "../../src/simulator/trace.ts";
import { packetsOf, played, scenario, traceOf } from "./rig.ts";

/** Deliveries at given times, of transactions with given fees; a pause is how long the reader had not looked. */
function order(rows: readonly (readonly [ms: number, fee: number, pauseMs?: number])[]) {
  const source = played(scenario(0.1, ['name = "a"\nrate = 10']));
  const trace = traceOf(rows.map(([, feeLamports]) => ({ feeLamports })));
  const deliveries = new Deliveries(trace, packetsOf(source));
  deliveries.count = rows.length;
  for (const [i, [ms, , pauseMs]] of rows.entries()) {
    deliveries.transaction[i] = i;
    deliveries.ms[i] = ms;
    deliveries.pauseMs[i] = pauseMs ?? 0;
  }
  return checkOrder(trace, deliveries, 30);
}

test("silence parts batches, and each may start high again", () => {
  expect(
    order([
      [0, 9],
      [1, 5],
      [1, 5],
      [31, 8],
      [40, 7],
    ]),
  ).toEqual({ batches: 2, falling: 2, unclear: 0, rises: 0 });
});

test("a rise within a batch is seen", () => {
  expect(
    order([
      [0, 5],
      [1, 9],
      [40, 8],
      [69, 9],
    ]),
  ).toEqual({ batches: 2, falling: 0, unclear: 0, rises: 2 });
});

test("a rise is unclear where reader or sidecar was held up, or where the next batch may have begun", () => {
  expect(
    order([
      [0, 5],
      [20, 9, 16],
    ]),
  ).toMatchObject({ falling: 0, unclear: 1, rises: 0 });
  expect(
    order([
      [0, 5],
      [29, 4],
      [58, 3],
      [85, 9],
    ]),
  ).toMatchObject({ falling: 0, unclear: 1, rises: 0 });
});

test("what came before a batch's first packet was seen counts, too", () => {
  expect(
    order([
      [30, 5, 14],
      [55, 4],
      [70, 3],
      [97, 9],
    ]),
  ).toMatchObject({ unclear: 1, rises: 0 });
  expect(
    order([
      [30, 5, 2],
      [55, 9, 2],
    ]),
  ).toMatchObject({ unclear: 0, rises: 1 });
  expect(
    order([
      [30, 5, 20],
      [55, 9, 2],
    ]),
  ).toMatchObject({ unclear: 1, rises: 0 });
});

test("nothing delivered is no batch", () => {
  expect(order([])).toEqual({ batches: 0, falling: 0, unclear: 0, rises: 0 });
});

test("delays are of honest packets that came out between two moments", () => {
  const trace = { createdMs: [0, 90, 100, 100, 5] } as unknown as Trace;
  const deliveries = {
    count: 5,
    transaction: [0, 1, 2, 3, 4],
    ms: [50, 100, 130, 140, 5_000],
    group: [0, 0, 0, 1, 0],
  } as unknown as Deliveries;
  const honest = (group: number): boolean => group === 0;
  expect(honestDelays(trace, deliveries, 100, 1_000, honest)).toEqual({ p50Ms: 30, p99Ms: 30 });
  expect(honestDelays(trace, deliveries, 6_000, 7_000, honest)).toBeUndefined();
});
