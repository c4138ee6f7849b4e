// The engine's records against its own counters: each packet's end is told once, with what it was, and the same history
// goes the same way whether it is told or not.

import { describe, expect, test } from "bun:test";
import type { PlainEngineOptions } from "../../src/engine/plain.ts";
import { Evidence } from "../../src/rank/evidence/evidence.ts";
import { IpSigner } from "../../src/rank/reference/ip-signer.ts";
import { drainRing, readRing } from "../../src/records/ring.ts";
import { CONFIRMED_CHANNEL, FAILED_CHANNEL, OUTCOME_CHANNEL } from "../../src/shape/channels.ts";
import { ARRIVAL_AT, COMPUTE_UNITS_AT, FEE_AT, SCORE_AT } from "../../src/shape/digest-layout.ts";
import { ENDS, endOf, type LawEndName } from "../../src/shape/ends.ts";
import type { RingRegion } from "../../src/shape/layout.ts";
import {
  ARRIVAL_CHANNEL_AT,
  ARRIVAL_DOOR_AT,
  ARRIVAL_IP_SCORE_AT,
  ARRIVAL_PAYER_SCORE_AT,
  RECORD_BYTES,
  RECORD_END_AT,
  RECORD_END_MS_AT,
  RECORD_EXECUTION_NANOS_AT,
  RECORD_SEQUENCE_AT,
  RECORD_TRANSMIT_MS_AT,
} from "../../src/shape/record-layout.ts";
import { STATISTICS, type StatisticName } from "../../src/shape/statistics.ts";
import { Random } from "../tools/random.ts";
import { corpus, type Rig, rig, salted } from "./rig.ts";

const ON = { outcomeRecords: 65_536, fateRecords: 65_536 };

interface Told {
  readonly end: string;
  readonly sequence: number;
  readonly channel: number;
  readonly arrivalMs: number;
  readonly endMs: number;
  readonly transmitMs: number;
  readonly nanos: number;
  readonly score: number;
  readonly door: number;
  readonly made: number;
}

function read({ parts }: Rig, region: RingRegion | undefined): Told[] {
  const told: Told[] = [];
  if (region === undefined) return told;
  const ring = readRing(parts.arena, region);
  const scratch = new Uint8Array(1_024 * RECORD_BYTES);
  const take = (records: Uint8Array, count: number): void => {
    for (let i = 0; i < count; i++) {
      const view = new DataView(records.buffer, records.byteOffset + i * RECORD_BYTES, RECORD_BYTES);
      const f64 = (at: number): number => view.getFloat64(at, true);
      const f32 = (at: number): number => view.getFloat32(at, true);
      told.push({
        end: endOf(view.getUint8(RECORD_END_AT))?.name ?? "none",
        sequence: f64(RECORD_SEQUENCE_AT),
        channel: view.getUint8(ARRIVAL_CHANNEL_AT) - 1,
        arrivalMs: f64(ARRIVAL_AT),
        endMs: f64(RECORD_END_MS_AT),
        transmitMs: f64(RECORD_TRANSMIT_MS_AT),
        nanos: f64(RECORD_EXECUTION_NANOS_AT),
        score: f64(SCORE_AT),
        door: f32(ARRIVAL_DOOR_AT),
        made:
          (f32(ARRIVAL_IP_SCORE_AT) * f32(ARRIVAL_PAYER_SCORE_AT) * f64(FEE_AT)) /
          Math.max(1, view.getUint32(COMPUTE_UNITS_AT, true)),
      });
    }
  };
  while (drainRing(parts.arena, ring, 1_024, scratch, take) > 0);
  expect(ring.lapped).toBe(0);
  return told;
}

/** Packets of every fate, outcomes for what came out, over 40 ticks. */
function play(one: Rig, seed: number): void {
  const dice = new Random(seed);
  const random = (below: number): number => dice.below(below);
  let made = 0;
  let now = 0;
  for (let tick = 0; tick < 40; tick++) {
    for (let i = random(400); i > 0; i--) {
      const channel = random(4);
      const kind = random(40);
      const ip = [10, 0, 0, random(20)];
      const number = kind < 6 && made > 0 ? random(made) : made++;
      const payload = salted(corpus[number % corpus.length], number);
      if (kind === 39) one.send(channel, { payload: payload.subarray(0, 40), ip });
      else if (kind === 38) one.send(channel, { payload, ip, flags: 1 });
      else if (kind === 37) one.send(channel, { payload, ip, size: 2_000 });
      else if (kind === 36) one.send(channel, { payload, ip, tag: 7 });
      else one.send(channel, { payload, ip: [10, 0, 0, number % 20] });
      if (random(20) === 0) one.sendBytes(CONFIRMED_CHANNEL, payload.subarray(1, 65));
      if (random(50) === 0) one.send(FAILED_CHANNEL, { payload, ip: [10, 0, 0, number % 20] });
      if (random(60) === 0) one.engine.turn(now);
    }
    one.settle(now);
    now += random(3) === 0 ? 400 : 100;
    one.settle(now);
    for (const packet of one.received()) {
      if (random(3) === 0) continue;
      const size = Number(new DataView(packet.buffer, packet.byteOffset).getBigUint64(1_232, true));
      one.sendBytes(OUTCOME_CHANNEL, outcomeOf(one, packet, size, random(2) === 0 ? 0 : 1_000 + random(100_000)));
    }
    one.settle(now);
  }
}

function outcomeOf({ parts }: Rig, packet: Uint8Array, size: number, nanos: number): Uint8Array {
  const { arena, kernel, layout, scratchAt } = parts;
  arena.u8.set(packet, scratchAt);
  arena.view.setBigUint64(scratchAt + 1_232, BigInt(size), true);
  kernel.digest(scratchAt, 1, layout.channels[0].elementBytes, scratchAt + 4_096, layout.contextAt);
  const bytes = new Uint8Array(16);
  bytes.set(arena.u8.subarray(scratchAt + 4_096, scratchAt + 4_104));
  new DataView(bytes.buffer).setBigUint64(8, BigInt(nanos), true);
  return bytes;
}

const settings = { layout: { queueCapacity: 128, ...ON }, targetPps: 900, maxAgeMs: 350 };

/** Which counter counts an end: for a term of the law the one of its name. */
const COUNTERS: Readonly<Record<string, StatisticName>> = {
  ...Object.fromEntries(ENDS.filter(({ kind }) => kind !== "answer").map(({ name }) => [name, name as LawEndName])),
  failedSignature: "sigverifyFeedback",
  included: "included",
};

describe("fates", () => {
  for (const seed of [1, 2, 3]) {
    test(`are as many as the counters say, each end for itself (seed ${seed})`, () => {
      const one = rig(settings);
      play(one, seed);
      const fates = read(one, one.parts.layout.fates);
      expect(fates.map(({ sequence }) => sequence)).toEqual(fates.map((_, i) => i));
      const count = (end: string): number => fates.filter((fate) => fate.end === end).length;
      for (const [end, counter] of Object.entries(COUNTERS)) {
        expect({ end, told: count(end) }).toEqual({ end, told: one.count(counter) });
      }
      expect(count("included") + count("notIncluded")).toBe(one.count("completed"));
      expect(count("none")).toBe(0);
      // The history is one that has all of them.
      const seen = Object.keys(COUNTERS).filter(
        (end) => count(end) > 0 || ["failedSanitize", "duplicatePayloads", "nonceSiblings", "denied"].includes(end),
      );
      expect(seen).toEqual(Object.keys(COUNTERS));
    });

    test(`tell where, when and how a score came about (seed ${seed})`, () => {
      const one = rig(settings);
      play(one, seed);
      for (const fate of read(one, one.parts.layout.fates)) {
        const { end, score, made, door, arrivalMs, endMs, transmitMs, channel } = fate;
        if (["leakedPriority", "expired", "recentlyProcessedQueued", "bankingTransmissions"].includes(end)) {
          expect(Math.abs(made - score)).toBeLessThanOrEqual(Math.abs(score) * 1e-5);
          expect(channel).toBeWithin(0, 4);
          expect(door).not.toBeNaN();
        }
        expect(arrivalMs).toBeLessThanOrEqual(endMs);
        if (end === "bankingTransmissions") expect(transmitMs).toBe(endMs);
      }
    });
  }

  test("of a law's end exist for every end", () => {
    const ends = STATISTICS.filter((row) => row.kind === "end").map(({ name }) => name);
    expect(Object.values(COUNTERS)).toEqual(expect.arrayContaining(ends));
  });
});

describe("outcomes", () => {
  test("are told with the time they were sent on at", () => {
    const one = rig(settings);
    play(one, 4);
    const outcomes = read(one, one.parts.layout.outcomes);
    const completed = outcomes.filter(({ end }) => end !== "failedSignature");
    expect(completed.length).toBe(one.count("completed"));
    expect(completed.filter(({ nanos }) => nanos > 0).length).toBe(one.count("included"));
    const sent = read(one, one.parts.layout.fates).filter(({ end }) => end === "bankingTransmissions");
    const times = new Set(sent.map(({ arrivalMs, transmitMs }) => `${arrivalMs} ${transmitMs}`));
    for (const { arrivalMs, transmitMs } of completed) expect(times.has(`${arrivalMs} ${transmitMs}`)).toBe(true);
  });
});

describe("without an outlet", () => {
  const models: Readonly<Record<string, PlainEngineOptions["model"]>> = {
    "ip-signer": (arena, layout) => new IpSigner(arena, layout),
    evidence: (arena, layout) => new Evidence(arena, layout),
  };
  test.each(Object.entries(models))("the same history goes the same way (%s)", (_, model) => {
    const told = rig({ ...settings, model });
    const { outcomeRecords: _outcomes, fateRecords: _fates, ...layout } = settings.layout;
    const silent = rig({ ...settings, layout, model });
    play(told, 5);
    play(silent, 5);
    expect(silent.engine.outlet.open).toBe(false);
    expect(silent.snapshot(1e6).counters).toEqual(told.snapshot(1e6).counters);
    expect(silent.received()).toEqual(told.received());
  });
});
