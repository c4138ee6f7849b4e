import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SENDS_PER_TURN } from "../../src/engine/settings.ts";
import { WAITING_BURST_MS } from "../../src/engine/token-bucket.ts";
import { summarise } from "../../src/engine/turn-times.ts";
import { IpSigner } from "../../src/rank/reference/ip-signer.ts";
import type { Arena } from "../../src/shape/arena.ts";
import { CONFIRMED_CHANNEL } from "../../src/shape/channels.ts";
import type { ArenaLayout } from "../../src/shape/layout.ts";
import { corpus, type Rig, rig, salted } from "./rig.ts";

/** A model whose scores are told beforehand, in the order of arrival. */
class Told extends IpSigner {
  readonly scores: number[] = [];
  #next = 0;

  override score(): number {
    return this.scores[this.#next++];
  }
}

interface Play {
  readonly one: Rig;
  readonly told: Told;
  send(score: number): void;
}

function play(targetPps: number, queueCapacity = 1_024): Play {
  let told: Told | undefined;
  const one = rig({
    targetPps,
    layout: { queueCapacity },
    model: (arena: Arena, layout: ArenaLayout) => {
      told = new Told(arena, layout);
      return told;
    },
  });
  return {
    one,
    told: told!,
    send(score) {
      told!.scores.push(score);
      one.sendUnique(0, told!.scores.length - 1);
    },
  };
}

/** Numbers of what came out, in order: packets are told by their salted signatures. */
function numbersOf(one: Rig, count: number): number[] {
  const names = new Map<string, number>();
  for (let n = 0; n < count; n++) names.set(nameOf(salted(corpus[n % corpus.length], n)), n);
  return one.received().map((packet) => names.get(nameOf(packet))!);
}

const nameOf = (packet: Uint8Array): string => Buffer.from(packet.subarray(1, 9)).toString("hex");

describe("sending all the time", () => {
  test("a packet goes out in the turn in which it arrived, at any time", () => {
    const { one, send } = play(1_000);
    for (const now of [1, 2, 3.5, 50, 51]) {
      send(1);
      expect(one.engine.turn(now)).toBeGreaterThan(0);
      expect(one.received().length).toBe(1);
    }
  });

  test("a burst after a quiet time is 100 ms of the target; what is over goes out as the budget comes", () => {
    const { one, send } = play(1_000);
    for (let i = 0; i < 300; i++) send(1);
    one.settle(1_000);
    expect(one.received().length).toBe(100);
    for (let ms = 1; ms <= 200; ms++) {
      one.settle(1_000 + ms);
      expect(one.received().length).toBe(1);
    }
    one.settle(1_500);
    expect(one.received().length).toBe(0);
    expect(one.engine.queue.size).toBe(0);
  });

  test("--burst bounds what is saved up", () => {
    const one = rig({ targetPps: 1_000, burstMs: 7 });
    for (let i = 0; i < 50; i++) one.sendUnique(0, i);
    one.settle(1_000);
    expect(one.received().length).toBe(7);
    one.settle(1_000 + 7 + WAITING_BURST_MS);
    expect(one.received().length).toBe(7);
  });

  test("a turn sends no more than its share, whatever the budget", () => {
    const { one, send } = play(1_000_000);
    for (let i = 0; i < SENDS_PER_TURN; i++) send(1);
    one.engine.turn(10);
    expect(one.received().length).toBe(SENDS_PER_TURN);
    one.engine.mailbox.setPaused(true);
    one.engine.turn(11);
    for (let i = 0; i < 2 * SENDS_PER_TURN; i++) send(1);
    one.settle(12);
    one.engine.mailbox.setPaused(false);
    one.engine.turn(13);
    expect(one.received().length).toBe(SENDS_PER_TURN);
    one.settle(13);
    expect(one.received().length).toBe(SENDS_PER_TURN);
  });

  test("what is not sent, since it was confirmed meanwhile or is too old, costs no budget", () => {
    const { one, send } = play(100);
    one.engine.mailbox.setPaused(true);
    for (let i = 0; i < 30; i++) send(30 - i);
    one.settle(0);
    for (let i = 0; i < 20; i++) one.sendBytes(CONFIRMED_CHANNEL, salted(corpus[i], i).subarray(1, 65));
    one.settle(1);
    one.engine.mailbox.setPaused(false);
    one.settle(200);
    expect(numbersOf(one, 30)).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
    expect(one.count("recentlyProcessedQueued")).toBe(20);
  });
});

test("whatever comes when, the best that waits is sent next, and nothing is lost or sent twice", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          arrivals: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 80 }),
          passedMs: fc.integer({ min: 0, max: 12 }),
          paused: fc.boolean(),
        }),
        { minLength: 1, maxLength: 40 },
      ),
      fc.constantFrom(64, 256),
      fc.constantFrom(100, 1_000, 5_000),
      (rounds, capacity, targetPps) => {
        const { one, told, send } = play(targetPps, capacity);
        let waiting: { number: number; score: number }[] = [];
        const expected: number[] = [];
        let now = 0;
        let leaked = 0;
        for (const { arrivals, passedMs, paused } of rounds) {
          now += passedMs;
          one.engine.mailbox.setPaused(paused);
          for (const score of arrivals) {
            waiting.push({ number: told.scores.length, score });
            send(score);
            waiting.sort((a, b) => b.score - a.score || a.number - b.number);
            if (waiting.length === capacity) {
              waiting.pop();
              leaked += 1;
            }
          }
          one.settle(now);
          const sent = one.count("bankingTransmissions") - expected.length;
          if (paused) expect(sent).toBe(0);
          expected.push(...waiting.slice(0, sent).map(({ number }) => number));
          waiting = waiting.slice(sent);
          expect(one.engine.queue.size).toBe(waiting.length);
          const { total, accounted } = one.law(now);
          expect(accounted).toBe(total);
          expect(sent).toBeLessThanOrEqual(Math.max(1, (targetPps / 1_000) * 100));
        }
        one.engine.mailbox.setPaused(false);
        while (waiting.length > 0) {
          now += 10;
          one.settle(now);
          const sent = one.count("bankingTransmissions") - expected.length;
          expected.push(...waiting.splice(0, sent).map(({ number }) => number));
        }
        expect(numbersOf(one, told.scores.length)).toEqual(expected);
        expect(one.count("leakedPriority")).toBe(leaked);
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

test("more that is ready than the ready heap holds is laid down, and the order holds", () => {
  const { one, send, told } = play(100, 256);
  const scores = Array.from({ length: 200 }, (_, i) => (i * 7_919) % 211);
  for (const score of scores) send(score);
  one.settle(1_000);
  expect(one.engine.queue.readySize).toBeLessThan(100);
  for (let ms = 10; ms <= 2_500; ms += 10) one.settle(1_000 + ms);
  const order = scores.map((score, number) => ({ score, number })).sort((a, b) => b.score - a.score);
  expect(numbersOf(one, told.scores.length)).toEqual(order.map(({ number }) => number));
});

test("while nothing is sent, what is ready stays the smaller part of a full queue, and then goes out in order", () => {
  const { one, send, told } = play(1_000_000, 256);
  one.engine.mailbox.setPaused(true);
  const scores = Array.from({ length: 2_000 }, (_, i) => (i * 7_919) % 2_003);
  for (const score of scores) {
    send(score);
    one.engine.turn(0);
    expect(one.engine.queue.readySize).toBeLessThanOrEqual(128);
  }
  expect(one.engine.queue.size).toBe(255);
  one.engine.mailbox.setPaused(false);
  one.settle(1);
  const order = scores.map((score, number) => ({ score, number })).sort((a, b) => b.score - a.score);
  expect(numbersOf(one, told.scores.length)).toEqual(order.slice(0, 255).map(({ number }) => number));
});

test("the delay from arrival to output is told, of what went straight and of what waited", () => {
  const { one, send } = play(1_000);
  for (let i = 0; i < 110; i++) send(1);
  one.settle(1_000);
  for (let ms = 1; ms <= 10; ms++) one.settle(1_000 + ms);
  const { histograms } = one.snapshot(1_010);
  const straight = summarise(histograms.straight ?? []);
  const waited = summarise(histograms.waited ?? []);
  expect([straight.count, straight.longestUs]).toEqual([100, 0]);
  expect([waited.count, waited.longestUs, waited.meanUs]).toEqual([10, 10_000, 5_500]);
});
