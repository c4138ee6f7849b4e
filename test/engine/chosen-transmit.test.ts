import { expect, test } from "bun:test";
import fc from "fast-check";
import { CHOICE_INTERVAL_MS, CHOICES_PER_TURN, RESCORES_PER_TURN } from "../../src/engine/settings.ts";
import {
  CHOICE_COPY,
  CHOICE_KEEP,
  CHOICE_ROOM,
  CHOICE_SEND,
  type Chooser,
  SCORE_OF_COPY,
} from "../../src/rank/chooser.ts";
import { Evidence } from "../../src/rank/evidence/evidence.ts";
import type { Model } from "../../src/rank/model.ts";
import type { Arena } from "../../src/shape/arena.ts";
import { smallCapacities } from "../../src/shape/channels.ts";
import { DIGEST_BYTES } from "../../src/shape/digest-layout.ts";
import { corpus, type Rig, rig, salted } from "./rig.ts";

/** A model that does as it is told: by the packet's number and the full choice's. */
class Script implements Model, Chooser {
  readonly name = "script";
  readonly chooser = this;
  readonly pending = 0;
  readonly evicted = 0;
  transmit = 0;
  /** Whether arrivals wait for the next full choice. */
  arrivalsWait = true;
  room = true;
  readonly stops: boolean[] = [];
  readonly budgets: [packetsMax: number, intervalMs: number][] = [];
  readonly sentNumbers: number[] = [];
  readonly #favoured: number[] = [];

  constructor(
    private readonly arena: Arena,
    private readonly scoreOf: (number: number, transmit: number) => number,
    private readonly choiceOf: (number: number, transmit: number) => number,
    private readonly isFavoured: (number: number, transmit: number) => boolean = () => false,
  ) {}

  touch(): number {
    return 0;
  }
  score(): number {
    return 1;
  }
  factors(): void {}
  failedSignature(): void {}
  unparsable(): void {}
  outcome(): void {}
  learn(): void {}
  advance(): void {}
  arrived(): void {}
  mayLift(): boolean {
    return true;
  }
  mayBeReady(): boolean {
    return !this.arrivalsWait;
  }
  setTarget(): void {}
  hasRoom(): boolean {
    return this.room;
  }
  stopped(byRoom: boolean): void {
    this.stops.push(byRoom);
  }
  begin(_nowMs: number, packetsMax: number, intervalMs: number): void {
    this.budgets.push([packetsMax, intervalMs]);
    this.transmit += 1;
    this.#favoured.length = 0;
  }
  touchAgain(): number {
    return 0;
  }
  rescore(at: number, place: number): number {
    const number = this.#numberOf(at);
    if (this.isFavoured(number, this.transmit)) this.#favoured.push(place);
    return this.scoreOf(number, this.transmit);
  }
  favoured(): number {
    return this.#favoured.pop() ?? -1;
  }
  choose(at: number): number {
    return this.choiceOf(this.#numberOf(at), this.transmit);
  }
  sent(at: number): void {
    this.sentNumbers.push(this.#numberOf(at));
  }
  end(): void {}

  #numberOf(at: number): number {
    return numberOf(this.arena.u8.subarray(at + DIGEST_BYTES));
  }
}

const numbers = new Map<string, number>();
const name = (payload: Uint8Array): string => Buffer.from(payload.subarray(1, 9)).toString("hex");

/** Packets are told by their salted signatures. */
function numberOf(payload: Uint8Array): number {
  return numbers.get(name(payload)) ?? -1;
}

function send(one: Rig, number: number): void {
  const payload = salted(corpus[number % 7], 77_000 + number);
  numbers.set(name(payload), number);
  one.send(0, { payload }); // one channel: the order of arrival is that of the numbers
}

function play(model: (arena: Arena) => Script, layout = {}): { one: Rig; script: Script } {
  let script: Script | undefined;
  const one = rig({
    layout,
    model: (arena) => {
      script = model(arena);
      return script;
    },
  });
  return { one, script: script! };
}

const mixed = (seed: number, number: number, transmit: number): number =>
  Math.imul((number + 1) * 2_654_435_761 + transmit * 40_503 + seed, 0x85ebca6b) >>> 16;

test("what is sent, kept, dropped and left is what a slow model says, in its order", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 3, max: 12 }),
      (seed, arrivals, stopOdds) => {
        const scoreOf = (number: number, transmit: number): number => mixed(seed, number, transmit) % 8;
        const choiceOf = (number: number, transmit: number): number => {
          const dice = mixed(seed + 1, number, transmit) % 32;
          if (dice === 0 && stopOdds > 6) return CHOICE_ROOM;
          return dice < stopOdds ? CHOICE_KEEP : dice < stopOdds + 3 ? CHOICE_COPY : CHOICE_SEND;
        };
        const favoured = (number: number, transmit: number): boolean => mixed(seed + 2, number, transmit) % 13 === 0;
        const { one, script } = play((arena) => new Script(arena, scoreOf, choiceOf, favoured), {
          queueCapacity: 4_096,
        });
        let queued: number[] = [];
        let next = 0;
        let copies = 0;
        let withheld = 0;
        const expected: number[] = [];
        for (const [round, count] of arrivals.entries()) {
          const now = (round + 1) * CHOICE_INTERVAL_MS;
          for (let i = 0; i < count; i++) {
            send(one, next);
            queued.push(next++);
          }
          const before = script.transmit;
          one.settle(now);
          if (script.transmit === before) {
            expect(queued).toEqual([]);
            continue;
          }
          const transmit = script.transmit;
          const rank = (n: number): number => (favoured(n, transmit) ? Number.MAX_VALUE : scoreOf(n, transmit));
          const ordered = queued.toSorted((a, b) => rank(b) - rank(a) || a - b);
          const left: number[] = [];
          let stopped = false;
          for (const number of ordered) {
            const choice: number = stopped ? CHOICE_ROOM : choiceOf(number, transmit);
            stopped ||= choice === CHOICE_ROOM;
            if (choice === CHOICE_SEND) expected.push(number);
            else if (choice === CHOICE_COPY) copies += 1;
            else {
              left.push(number);
              if (!stopped) withheld += 1;
            }
          }
          queued = left.sort((a, b) => a - b);
        }
        expect(script.sentNumbers).toEqual(expected);
        expect(one.received().map(numberOf)).toEqual(expected);
        expect(one.engine.queue.size + one.engine.queue.outgoing).toBe(queued.length);
        expect([one.count("duplicatePayloads"), one.count("withheld")]).toEqual([copies, withheld]);
        const { total, accounted } = one.law(10_000);
        expect(accounted).toBe(total);
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

test("a turn scores and sends no more than a slice; what arrives meanwhile goes out by its own score", () => {
  const { one, script } = play(
    (arena) =>
      new Script(
        arena,
        (number) => number,
        () => CHOICE_SEND,
      ),
    { queueCapacity: 4_096, channelCapacities: smallCapacities(16, { packets: 2_048, output: 8_192 }) },
  );
  const count = 2 * RESCORES_PER_TURN + 100;
  send(one, 0);
  one.settle(100);
  expect(one.received().length).toBe(1);
  for (let i = 1; i <= count; i++) send(one, i);
  one.settle(101);
  expect(one.received().length).toBe(0);
  const now = 200;
  for (let turn = 0; turn < 3; turn++) one.engine.turn(now); // three slices of scoring
  script.arrivalsWait = false;
  send(one, count + 1);
  one.engine.turn(now); // orders them, and takes none in
  expect(one.received().length).toBe(0);
  one.engine.turn(now); // places them, when what is ready was sent
  expect(one.received().map(numberOf)).toEqual([count + 1]);
  one.engine.turn(now);
  expect(one.received().length).toBe(CHOICES_PER_TURN);
  one.settle(now);
  expect(one.received().map(numberOf)).toEqual(
    Array.from({ length: count - CHOICES_PER_TURN }, (_, i) => count - CHOICES_PER_TURN - i),
  );
  expect(one.engine.queue.size).toBe(0);
});

test("where there is budget and room, a packet goes out in the turn in which it arrived", () => {
  const { one, script } = play(
    (arena) =>
      new Script(
        arena,
        () => 1,
        () => CHOICE_SEND,
      ),
  );
  script.arrivalsWait = false;
  for (const [i, now] of [1, 2, 7.5, 50, 150].entries()) {
    send(one, i);
    one.engine.turn(now);
    expect(one.received().map(numberOf)).toEqual([i]);
  }
  script.room = false;
  send(one, 9);
  one.settle(160);
  expect([one.received().length, one.engine.queue.size, script.stops.at(-1)]).toEqual([0, 1, true]);
  script.room = true;
  one.settle(161);
  expect(one.received().map(numberOf)).toEqual([9]);
});

test("in batches nothing goes out between ticks, and a tick sends its budget, the best of all", () => {
  let script: Script | undefined;
  const one = rig({
    targetPps: 200,
    batchIntervalMs: 50,
    model: (arena) => {
      script = new Script(
        arena,
        (number) => number,
        () => CHOICE_SEND,
      );
      return script;
    },
  });
  script!.arrivalsWait = false;
  for (let i = 0; i < 25; i++) send(one, i);
  one.settle(50);
  expect(one.received().map(numberOf)).toEqual([24, 23, 22, 21, 20, 19, 18, 17, 16, 15]);
  send(one, 50);
  for (const now of [51, 75, 99]) one.settle(now);
  expect(one.received().length).toBe(0);
  one.settle(100);
  expect(one.received().map(numberOf)).toEqual([50, 14, 13, 12, 11, 10, 9, 8, 7, 6]);
  const { total, accounted } = one.law(100);
  expect([total, accounted]).toEqual([26, 26]);
});

test("a full choice that comes late has one interval's budgets, not two", () => {
  const { one, script } = play(
    (arena) =>
      new Script(
        arena,
        () => 1,
        () => CHOICE_SEND,
      ),
  );
  for (const now of [100, 350, 1_000, 1_101]) {
    send(one, now);
    one.settle(now);
  }
  expect(script.budgets.length).toBe(4);
  for (const budget of script.budgets) expect(budget).toEqual([script.budgets[0][0], CHOICE_INTERVAL_MS]);
});

test("what is kept meets a queue that has filled meanwhile: the lowest leave, and all is counted", () => {
  const capacity = 64;
  const { one } = play(
    (arena) =>
      new Script(
        arena,
        (number) => 2 + number,
        () => CHOICE_KEEP,
      ),
    { queueCapacity: capacity },
  );
  for (let i = 0; i < 60; i++) send(one, i);
  one.engine.turn(100); // takes all, scores them
  for (let i = 60; i < 120; i++) send(one, i); // fill the queue again, with the arrivals' score of 1
  one.settle(100);
  const { total, accounted } = one.law(100);
  expect([total, accounted]).toEqual([120, 120]);
  expect(one.count("leakedPriority")).toBe(120 - (capacity - 1));
  expect(one.received().length).toBe(0);
});

test("with the evidence model: copies from other addresses are refused or dropped, and the law holds", () => {
  const one = rig({ model: (arena, layout) => new Evidence(arena, layout), targetPps: 1_000 });
  let sent = 0;
  for (let round = 1; round <= 20; round++) {
    for (let i = 0; i < 150; i++) {
      const payload = salted(corpus[i], round * 1_000 + i);
      one.send(i % 4, { payload, ip: [10, 0, 1, i % 40] });
      one.send(i % 4, { payload, ip: [10, 0, 2, i % 40] });
    }
    for (let ms = 10; ms <= CHOICE_INTERVAL_MS; ms += 10) one.settle((round - 1) * CHOICE_INTERVAL_MS + ms);
    const out = one.received();
    sent += out.length;
    expect(sent).toBeLessThanOrEqual(100 * (round + 1));
    const { total, accounted } = one.law(round * CHOICE_INTERVAL_MS);
    expect(accounted).toBe(total);
    expect((one.parts.model as Evidence).table.problem()).toBeUndefined();
  }
  expect(sent).toBeGreaterThan(1_500);
  expect(one.count("duplicatePayloads")).toBeGreaterThan(0);
  expect(SCORE_OF_COPY).toBeLessThan(0);
});
