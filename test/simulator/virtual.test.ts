import { describe, expect, test } from "bun:test";
import { soakOptions } from "../../src/cli/simulations/simulate-virtual.ts";
import { Evidence } from "../../src/rank/evidence/evidence.ts";
import { MODELS } from "../../src/rank/models.ts";
import { checkOrder } from "../../src/simulator/deliveries.ts";
import { loadScenario } from "../../src/simulator/load-scenario.ts";
import { VirtualRun } from "../../src/simulator/virtual.ts";
import { scenario, usualModel } from "./rig.ts";

/** Seeds that are tried, each with a scenario, faults and sizes of its own. */
const SEEDS = 200;
const SEEDS_PER_TEST = 20;
const SEED_SECONDS = 0.75;
const LIMIT_MS = 240_000;

describe("every invariant holds", () => {
  const starts = Array.from({ length: SEEDS / SEEDS_PER_TEST }, (_, i) => 1 + i * SEEDS_PER_TEST);
  test.each(starts)(
    `for the ${SEEDS_PER_TEST} seeds from %p on`,
    (first) => {
      for (let i = 0; i < SEEDS_PER_TEST; i++) {
        const model = MODELS[i % MODELS.length];
        const options = soakOptions(BigInt(first + i), model, { seconds: SEED_SECONDS });
        // A failing seed is named by the error itself, and plays alone with: qos simulate --soak 1ms --seed N
        const run = new VirtualRun(options).run();
        expect(run.nowMs).toBe(SEED_SECONDS * 1_000);
        expect(run.deliveries.foreign + run.deliveries.repeated).toBe(0);
      }
    },
    LIMIT_MS,
  );
});

const short = (seed: bigint) => ({
  scenario: { ...loadScenario("two-at-once"), durationSeconds: 1.5 },
  seed,
  model: usualModel,
});

test(
  "the same seed gives the same history, another gives another",
  () => {
    const first = new VirtualRun(short(5n)).run().result();
    expect(new VirtualRun(short(5n)).run().result()).toEqual(first);
    expect(new VirtualRun({ ...short(5n), checks: false }).run().result().history).toBe(first.history);
    expect(new VirtualRun(short(6n)).run().result().history).not.toBe(first.history);
  },
  LIMIT_MS,
);

test.each(MODELS)(
  "records change nothing about what %s decides, of addresses that others forge",
  (model) => {
    const forged = soakOptions(9n, model, { scenario: loadScenario("spoofed-addresses"), seconds: 1.5 });
    const silent = new VirtualRun({ ...forged, records: false }).run().result();
    expect(new VirtualRun({ ...forged, records: true }).run().result().history).toBe(silent.history);
    expect(silent.counters.sigverifyFeedback).toBeGreaterThan(0);
    expect(silent.counters.completed).toBeGreaterThan(0);
  },
  LIMIT_MS,
);

test(
  "the same seed with faults and restarts gives the same history",
  () => {
    const play = (): string => new VirtualRun(soakOptions(17n, "ip-signer", { seconds: 1 })).run().result().history;
    expect(play()).toBe(play());
  },
  LIMIT_MS,
);

test(
  "without feedback fee/CU falls within every batch",
  () => {
    const run = new VirtualRun({ ...short(7n), feedback: false, engine: { batchIntervalMs: 100 } }).run();
    const order = checkOrder(run.source.trace, run.deliveries, 2);
    expect(order.batches).toBeGreaterThanOrEqual(13);
    expect(order).toMatchObject({ falling: order.batches, rises: 0, unclear: 0 });
  },
  LIMIT_MS,
);

test(
  "traffic within all budgets is delivered and lands whole, and is worth what the oracle earns",
  () => {
    const calm = scenario(3, ['name = "honest"\nrate = 1000\naddresses = 20'], "attackAt = 0.2");
    const { counters, measures, validator, sent } = new VirtualRun({ scenario: calm, seed: 1n, model: usualModel })
      .run()
      .result();
    expect(counters.totalPackets).toBe(sent);
    expect(validator.failed).toBe(0);
    expect(validator.delivered).toBe(counters.bankingTransmissions);
    expect(validator.included).toBeGreaterThan(sent * 0.8); // the last slot and the last batch are still on their way
    expect(measures.value).toBeGreaterThan(0.85);
    expect(measures.value).toBeLessThanOrEqual(1);
    expect(measures.delays?.p99Ms).toBeLessThanOrEqual(200);
  },
  LIMIT_MS,
);

test(
  "the budgets of sigverify and of blocks are respected under overload",
  () => {
    const run = new VirtualRun({
      scenario: { ...loadScenario("overload"), durationSeconds: 3 },
      seed: 2n,
      model: usualModel,
    }).run();
    const spec = run.source.validator;
    expect(run.validator.totals.verified).toBeLessThanOrEqual(3 * spec.sigverifyPps);
    expect(run.validator.slotUnits.length).toBe(Math.round(3_000 / spec.slotMs));
    for (const units of run.validator.slotUnits) expect(units).toBeLessThanOrEqual(spec.blockUnits);
  },
  LIMIT_MS,
);

test(
  "of a bot's siblings on a durable nonce one is sent at a time, and false ones do not keep the real one back",
  () => {
    const play = (name: string) =>
      new VirtualRun({
        scenario: { ...loadScenario(name), durationSeconds: 4.5 },
        seed: 3n,
        model: (arena, layout) => new Evidence(arena, layout),
      })
        .run()
        .result();
    const siblings = play("nonce-siblings");
    expect(siblings.counters.nonceSiblings).toBeGreaterThan(10_000);
    expect(siblings.measures.value).toBeGreaterThan(1.2 * siblings.measures.declaredFeeValue!);
    expect(siblings.measures.waste).toBeLessThan(0.2);
    const { measures } = play("nonce-forgers");
    expect(measures.value).toBeGreaterThan(0.85);
    expect(measures.waste).toBeLessThan(0.3);
  },
  LIMIT_MS,
);
