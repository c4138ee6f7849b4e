import { expect, test } from "bun:test";
import { loadScenario } from "../../src/simulator/load-scenario.ts";
import { SCENARIOS } from "../../src/simulator/scenarios/index.ts";
import { scenarioSource } from "../../src/simulator/source.ts";
import { HONEST, LANDS, NEWCOMER, type Trace } from "../../src/simulator/trace.ts";
import { played, scenario } from "./rig.ts";

const HONEST_GROUP = 'name = "honest"\nrate = 1000\naddresses = 40\npayersPerAddress = 2\n';

const packetsOfGroup = (trace: Trace, group: number): number[] =>
  Array.from({ length: trace.packets }, (_, i) => i).filter((i) => trace.packetGroup[i] === group);

function columns(trace: Trace): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const column of [trace.packetTransaction, trace.packetAddress, trace.packetMs]) {
    hasher.update(column.subarray(0, trace.packets));
  }
  for (const column of [trace.traits, trace.payer, trace.price, trace.usedUnits, trace.executionNanos, trace.port]) {
    hasher.update(column.subarray(0, trace.transactions));
  }
  return hasher.digest("hex");
}

test.each(Object.keys(SCENARIOS))("%s: the same seed makes the same traffic, another makes other", (name) => {
  const short = { ...loadScenario(name), durationSeconds: 0.6 };
  const first = columns(played(short, 3n).trace);
  expect(columns(played(short, 3n).trace)).toBe(first);
  expect(columns(played(short, 4n).trace)).not.toBe(first);
});

test("how the time is cut into steps changes nothing", () => {
  const whole = played(scenario(1, [HONEST_GROUP]));
  const stepped = scenarioSource(scenario(1, [HONEST_GROUP]), 1n);
  for (let ms = 0; ms <= 1_000; ms += 7) stepped.sending.advance(Math.min(ms, 1_000), () => {});
  stepped.sending.advance(1_000, () => {});
  expect(columns(stepped.trace)).toBe(columns(whole.trace));
});

test("rates, times and copies are as the scenario says", () => {
  const { trace } = played(
    scenario(
      6,
      [`${HONEST_GROUP}copies = 2\ncopyDelayMs = [5, 50]`, 'name = "late"\nrate = 500\nfrom = 0.5\nuntil = 0.75'],
      "attackAt = 0.5",
    ),
  );
  expect(packetsOfGroup(trace, 0).length / 12_000).toBeCloseTo(1, 1);
  const late = packetsOfGroup(trace, 1);
  expect(late.length / 750).toBeCloseTo(1, 0);
  expect(Math.min(...late.map((i) => trace.packetMs[i]))).toBeGreaterThanOrEqual(3_000);
  expect(Math.max(...late.map((i) => trace.packetMs[i]))).toBeLessThan(4_500);
  expect(late.every((i) => (trace.traits[trace.packetTransaction[i]] & NEWCOMER) !== 0)).toBe(true);
});

test("bursts leave silence between them", () => {
  const { trace } = played(scenario(3, ['name = "b"\nrate = 2000\nonMs = 100\noffMs = 400']));
  expect(trace.packets).toBeGreaterThan(800);
  for (let i = 0; i < trace.packets; i++) expect(trace.packetMs[i] % 500).toBeLessThan(100);
});

test("replays are honest transactions from other addresses", () => {
  const { trace } = played(
    scenario(2, [HONEST_GROUP, 'name = "r"\nhonest = false\nrate = 1000\nreplays = "honest"\nfrom = "attack"']),
  );
  const replays = packetsOfGroup(trace, 1);
  expect(replays.length).toBeGreaterThan(1_000);
  for (const i of replays) {
    const id = trace.packetTransaction[i];
    expect(trace.traits[id] & HONEST).toBe(HONEST);
    expect(trace.packetAddress[i]).not.toBe(trace.address[id]);
    expect(trace.createdMs[id]).toBeLessThanOrEqual(trace.packetMs[i]);
  }
});

test("spoofers have honest addresses and other ports; fresh addresses are used so often and no more", () => {
  const { trace } = played(
    scenario(2, [
      HONEST_GROUP,
      'name = "s"\nhonest = false\nrate = 500\naddressesOf = "honest"\npayersOf = "honest"\nportsKnown = false',
      'name = "f"\nhonest = false\nrate = 500\nfreshAddressEvery = 4',
    ]),
  );
  const honest = new Map<number, number>();
  const uses = new Map<number, number>();
  for (let id = 0; id < trace.transactions; id++) {
    if (trace.group[id] === 0) honest.set(trace.address[id], trace.port[id]);
    if (trace.group[id] === 2) uses.set(trace.address[id], (uses.get(trace.address[id]) ?? 0) + 1);
  }
  expect(honest.size).toBe(40);
  let samePort = 0;
  for (let id = 0; id < trace.transactions; id++) {
    if (trace.group[id] !== 1) continue;
    expect(honest.has(trace.address[id])).toBe(true);
    if (honest.get(trace.address[id]) === trace.port[id]) samePort += 1;
  }
  expect(samePort).toBeLessThan(5);
  const counts = [...uses.values()];
  expect(Math.max(...counts)).toBe(4);
  expect(counts.filter((count) => count < 4).length).toBeLessThanOrEqual(1);
});

test("what never lands never lands, and who asks too little takes more", () => {
  const { trace } = played(
    scenario(1, [
      'name = "n"\nrate = 500\nneverLands = 1',
      'name = "w"\nrate = 500\nusedRatio = [8, 12]',
      'name = "u"\nrate = 500',
    ]),
  );
  for (let id = 0; id < trace.transactions; id++) {
    if (trace.group[id] === 0) expect(trace.traits[id] & LANDS).toBe(0);
    if (trace.group[id] === 1) expect(trace.usedUnits[id]).toBeGreaterThan(5 * trace.askedUnits[id]);
    if (trace.group[id] === 2) expect(trace.usedUnits[id]).toBeLessThanOrEqual(Math.max(150, trace.askedUnits[id]));
  }
});

test("the attacker who adapts moves to the tactic that comes through", () => {
  const one = scenario(
    6,
    [
      HONEST_GROUP,
      'name = "works"\nhonest = false\nrate = 0\ntactic = true\nfrom = "attack"',
      'name = "fails"\nhonest = false\nrate = 0\ntactic = true\nfrom = "attack"',
    ],
    "[adaptive]\nrate = 1000\neveryMs = 200",
  );
  const source = scenarioSource(one, 1n);
  const { trace, sending } = source;
  sending.advance(source.durationMs, (transaction) => {
    if (trace.group[transaction] === 1) sending.delivered(transaction, 1);
  });
  const works = packetsOfGroup(trace, 1).length;
  const fails = packetsOfGroup(trace, 2).length;
  expect((works + fails) / 4_000).toBeCloseTo(1, 0);
  expect(works).toBeGreaterThan(8 * fails);
});

test("who targets the trusted waits for trust, and then sends as them", () => {
  const one = scenario(2, [
    HONEST_GROUP,
    'name = "t"\nhonest = false\nrate = 500\naddressesOf = "honest"\npayersOf = "honest"\ntrustedOnly = true',
  ]);
  expect(packetsOfGroup(played(one).trace, 1).length).toBe(0);
  const { trace, sending } = scenarioSource(one, 1n);
  let trusted = -1;
  sending.advance(2_000, (transaction) => {
    if (trusted >= 0 || trace.group[transaction] !== 0) return;
    trusted = transaction;
    sending.delivered(transaction, 0);
  });
  const imitations = packetsOfGroup(trace, 1);
  expect(imitations.length).toBeGreaterThan(500);
  for (const i of imitations) {
    expect(trace.address[trace.packetTransaction[i]]).toBe(trace.address[trusted]);
    expect(trace.payer[trace.packetTransaction[i]]).toBe(trace.payer[trusted]);
  }
});
