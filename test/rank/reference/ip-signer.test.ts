import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { IpSigner } from "../../../src/rank/reference/ip-signer.ts";
import { IP_ID_AT, PAYER_ID_AT } from "../../../src/shape/digest-layout.ts";
import { randomOf } from "../../tools/random.ts";
import { makeTables, NaiveTable } from "../tables.ts";

const VECTORS = join(import.meta.dir, "../../fixtures/vectors");

interface Step {
  /** IP, payer, total fee, execution nanos. */
  readonly batch: [number, number, number, number][];
  readonly feedback: number[];
  /** IP, payer, the bits of the product of their scores. */
  readonly forward: [number, number, string, number][];
}

function bits(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}

function makeModel(maxIps = 64, maxSigners = 64) {
  const tables = makeTables(maxIps, maxSigners);
  return { ...tables, model: new IpSigner(tables.arena, tables.layout) };
}

describe("IpSigner", () => {
  const lines = readFileSync(join(VECTORS, "model.jsonl"), "utf8").trim().split("\n");
  test(`the reference's ${lines.length} histories, to the last bit`, () => {
    let checked = 0;
    for (const line of lines) {
      const { steps } = JSON.parse(line) as { steps: Step[] };
      const { model, write } = makeModel();
      for (const { batch, feedback, forward } of steps) {
        for (const [ip, payer, fee, nanos] of batch) model.outcome(write({ ip, payer, fee }), nanos);
        expect(model.pending).toBe(batch.length);
        model.learn();
        expect(model.pending).toBe(0);
        for (const ip of feedback) model.failedSignature(write({ ip, payer: 0 }));
        for (const [ip, payer, expected] of forward) {
          expect(bits(model.score(write({ ip, payer, fee: 1, computeUnits: 1 })))).toBe(expected);
          checked += 1;
        }
      }
    }
    expect(checked).toBe(569);
  });

  test("the reference's pipeline scores: how fee and compute units enter, to the last bit", () => {
    const read = (name: string): string => readFileSync(join(VECTORS, name), "utf8");
    interface Run {
      packets: number;
      sent: number;
      first: string[];
      last: string[];
    }
    const transactions = read("transactions.jsonl")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { fee: string; cus: number });
    const { model, write } = makeModel(64, 64);
    for (let ip = 0; ip < 64; ip++) model.senders.restoreIp(write({ ip, payer: 0 }), 0.25 + ip / 8);
    for (const run of JSON.parse(read("pipeline.json")) as Run[]) {
      const scores = Array.from({ length: run.packets }, (_, n) => {
        const { fee, cus } = transactions[n % transactions.length];
        return model.score(write({ ip: n % 64, payer: 0, fee: Number(fee), computeUnits: cus }));
      });
      const sent = scores
        .sort((a, b) => b - a)
        .slice(0, 16_383)
        .slice(0, run.sent)
        .map(bits);
      expect(sent.slice(0, 10)).toEqual(run.first);
      expect(sent.slice(-10)).toEqual(run.last);
    }
  });

  test("a transaction's value: ten times its fee by the time it took, or its fee by 100 us where it was not included", () => {
    const { model, write } = makeModel();
    for (let i = 0; i < 5; i++) {
      model.outcome(write({ ip: 1, payer: 1, fee: 7_000 }), 3_000);
      model.outcome(write({ ip: 2, payer: 2, fee: 7_000 }), 0);
    }
    model.learn();
    expect(model.senders.ips.score(write({ ip: 1, payer: 2 }) + IP_ID_AT)).toBe((7_000 / 3_000) * 10);
    expect(model.senders.payers.score(write({ ip: 1, payer: 2 }) + PAYER_ID_AT)).toBeCloseTo(0.07, 12);
  });

  test("against two naive tables, where medians take part", () => {
    const { model, write } = makeModel(16, 24);
    const ips = new NaiveTable(16);
    const payers = new NaiveTable(24);
    const random = randomOf(11);
    const expected = (ip: number, payer: number): number => ips.score(ip) * payers.score(payer) * (3_000 / 7);
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < 401; i++) {
        const [ip, payer] = [random() % 16, random() % 24];
        const fee = random() % 100_000;
        const nanos = random() % 3 === 0 ? 0 : random() % 1_048_576;
        const value = nanos > 0 ? (fee / nanos) * 10 : fee / 100_000;
        model.outcome(write({ ip, payer, fee }), nanos);
        ips.gather(ip, value);
        payers.gather(payer, value);
      }
      model.learn();
      expect(ips.update() + payers.update()).toBe(0);
      for (let i = 0; i < 4; i++) {
        const ip = random() % 20;
        if (i % 2 === 0) model.failedSignature(write({ ip, payer: 0 }));
        else model.unparsable(write({ ip, payer: 0 }));
        ips.blame(ip);
      }
      for (let ip = 0; ip < 20; ip++) {
        const payer = random() % 30;
        expect(model.score(write({ ip, payer, fee: 3_000, computeUnits: 7 }))).toBe(expected(ip, payer));
      }
    }
  });

  test("no compute units count as one, and a score is never NaN", () => {
    const { model, write } = makeModel();
    expect(model.score(write({ ip: 1, payer: 1, fee: 50, computeUnits: 0 }))).toBe(50);
    expect(model.score(write({ ip: 1, payer: 1, fee: Number.NaN }))).toBe(0);
    expect(model.score(write({ ip: 1, payer: 1, fee: 2 ** 64, computeUnits: 1 }))).toBe(2 ** 64);
  });

  test("says how many senders its full tables gave up", () => {
    const { model, write } = makeModel(2, 3);
    for (let batch = 0; batch < 3; batch++) {
      for (let i = 0; i < 60; i++) {
        const sender = 10 * batch + (i % 5);
        model.outcome(write({ ip: sender, payer: sender, fee: 1_000 }), 100);
      }
      model.learn();
      expect([model.senders.ips.size, model.senders.payers.size]).toEqual([2, 3]);
      expect(model.evicted).toBe((batch + 1) * 10 - 5);
    }
  });

  test("warming leaves no trace, and does nothing once something was learned", () => {
    const { model, write, arena } = makeModel();
    const used = arena.u8.slice(0, arena.u8.length);
    model.senders.warm();
    expect([model.senders.ips.size, model.senders.payers.size, model.pending]).toEqual([0, 0, 0]);
    expect([model.senders.ips.median, model.senders.payers.pruned]).toEqual([1, 0]);
    for (let ip = 0; ip < 100; ip++) expect(model.senders.ips.has(write({ ip, payer: 0 }) + IP_ID_AT)).toBe(false);
    expect(used.length).toBe(arena.u8.length);
    model.senders.restoreIp(write({ ip: 1, payer: 1 }), 4);
    model.senders.warm();
    expect(model.senders.ips.score(write({ ip: 1, payer: 1 }) + IP_ID_AT)).toBe(4);
  });
});
