import { describe, expect, test } from "bun:test";
import { loadKernel } from "../../src/kernel/kernel.ts";
import { type FallingSort, Queue } from "../../src/rank/queue.ts";
import { Arena } from "../../src/shape/arena.ts";
import { smallCapacities } from "../../src/shape/channels.ts";
import { arenaLayout } from "../../src/shape/layout.ts";
import { sortScratchBytes } from "../../src/shape/sort-scratch.ts";

import { randomOf } from "../tools/random.ts";

interface Entry {
  readonly slot: number;
  readonly score: number;
  readonly sequence: number;
  readonly arrival: number;
}

const CHANNELS = smallCapacities(4);

/** Falling rank: higher score first, of equal ones the earlier arrival. */
const falling = (a: Entry, b: Entry): number => b.score - a.score || a.sequence - b.sequence;

/** The kernel's sort, spelled out over the same columns. */
function sortOver(arena: Arena): FallingSort {
  return {
    sortFalling(count, scoresAt, sequencesAt, orderAt) {
      const score = (place: number): number => arena.f64[(scoresAt >>> 3) + place];
      const sequence = (place: number): number => arena.f64[(sequencesAt >>> 3) + place];
      const order = Array.from({ length: count }, (_, place) => place);
      order.sort((a, b) => score(b) - score(a) || sequence(a) - sequence(b));
      for (let i = 0; i < count; i++) arena.u32[(orderAt >>> 2) + i] = order[i];
    },
  };
}

function makeQueue(queueCapacity: number, firstSequence = 0) {
  const layout = arenaLayout({
    packetLayout: "agave2",
    maxIps: 4,
    maxSigners: 4,
    partialMetas: 4,
    recentSignatures: 4,
    queueCapacity,
    channelCapacities: CHANNELS,
  });
  const arena = Arena.reserve(layout.bytes);
  const queue = new Queue(arena, layout.queue, firstSequence);
  queue.readyFrom = Number.POSITIVE_INFINITY; // the low heap alone
  const push = (score: number, arrival: number): { slot: number; dropped: number } => {
    const slot = queue.slots.claim();
    return { slot, dropped: queue.push(slot, score, arrival) };
  };
  return { arena, queue, push, kernel: sortOver(arena), region: layout.queue };
}

/** A sorted array, and sets of slots. */
class NaiveQueue {
  entries: Entry[] = [];
  outgoing: Entry[] = [];
  #sequence = 0;

  constructor(readonly capacity: number) {}

  /** @returns the slot that had to go, or -1 */
  push(slot: number, score: number, arrival: number): number {
    this.entries.push({ slot, score, sequence: this.#sequence++, arrival });
    this.entries.sort(falling);
    return this.entries.length === this.capacity ? this.entries.pop()!.slot : -1;
  }

  take(most: number): void {
    this.outgoing = this.entries.splice(0, most);
  }

  expire(beforeMs: number): number {
    const count = this.entries.length;
    this.entries = this.entries.filter((entry) => entry.arrival >= beforeMs);
    return count - this.entries.length;
  }
}

const SCORES: Record<string, (random: number) => number> = {
  "all different": (random) => random / 7,
  "few different": (random) => random % 4,
  "all equal": () => 0,
  extremes: (random) => [0, Number.MIN_VALUE, 1e-308, 1, Number.MAX_VALUE, Number.POSITIVE_INFINITY][random % 6],
};

/** Plays against a sorted array. @param start the first arrival's number and time */
function playQueue(
  capacity: number,
  scoreOf: (random: number) => number,
  start: { readonly sequence: number; readonly ms: number },
): void {
  const { queue, push, kernel } = makeQueue(capacity, start.sequence);
  const naive = new NaiveQueue(capacity);
  const random = randomOf(capacity);
  const held: Entry[] = [];
  for (let turn = 0; turn < 6_000; turn++) {
    const step = start.ms + turn;
    const dice = random() % 64;
    if (dice < 50) {
      const score = scoreOf(random());
      const arrival = step - (random() % 20);
      const wanted = queue.wants(score);
      const lowest = naive.entries.at(-1);
      expect(wanted).toBe(naive.entries.length < capacity - 1 || score > lowest!.score);
      const { slot, dropped } = push(score, arrival);
      for (const { slot: taken } of [...naive.entries, ...naive.outgoing, ...held]) expect(slot).not.toBe(taken);
      expect(dropped).toBe(naive.push(slot, score, arrival));
      expect(dropped === slot).toBe(!wanted);
    } else if (dice < 52) {
      const most = [1, 2, capacity >>> 1, capacity][random() % 4];
      const busy = naive.outgoing.length + held.length > 0;
      const taken = queue.take(most, kernel);
      if (busy) expect(taken).toBe(0);
      else naive.take(most);
      if (!busy) expect(taken).toBe(naive.outgoing.length);
    } else if (dice < 60) {
      const count = naive.outgoing.length;
      expect(queue.outgoing).toBe(count);
      if (count > 0) {
        const ahead = random() % count;
        expect(queue.outgoingSlot(ahead)).toBe(naive.outgoing[ahead].slot);
        const next = naive.outgoing.shift()!;
        expect(queue.nextOutgoing()).toBe(next.slot);
        held.push(next);
      }
    } else if (dice < 63) {
      const entry = held.splice(random() % (held.length + 1), 1)[0];
      if (entry !== undefined) queue.release(entry.slot);
    } else {
      const before = step - (random() % 100);
      const old = naive.entries.filter((entry) => entry.arrival < before).map((entry) => entry.slot);
      const left: number[] = [];
      expect(queue.expire(before, (one) => left.push(one))).toBe(naive.expire(before));
      expect(left.sort()).toEqual(old.sort());
    }
    expect(queue.size).toBe(naive.entries.length);
    const full = naive.entries.length === capacity - 1;
    expect(queue.door).toBe(full ? naive.entries.at(-1)!.score : Number.NEGATIVE_INFINITY);
  }
}

describe("queue", () => {
  for (const [name, scoreOf] of Object.entries(SCORES)) {
    for (const capacity of [4, 8, 64]) {
      test(`as a sorted array does it: scores ${name}, ${capacity} places`, () => {
        playQueue(capacity, scoreOf, { sequence: 0, ms: 0 });
      });
    }
  }

  // At a million packets a second sequences leave 32 bits after 72 minutes, and 53 bits after 285 years.
  for (const bits of [31, 32, 53]) {
    for (const [name, scoreOf] of Object.entries(SCORES)) {
      test(`the same where sequences and times are about to leave ${bits} bits: scores ${name}`, () => {
        const before = bits === 53 ? 6_000 : 3_000;
        playQueue(8, scoreOf, { sequence: 2 ** bits - before, ms: 2 ** Math.min(bits, 42) - 3_000 });
      });
    }
  }

  test("with the kernel's sort, at its real size, parts of it taken and refilled", () => {
    const { arena, queue, push } = makeQueue(16_384);
    const kernel = loadKernel(arena);
    const random = randomOf(16_384);
    let entries: Entry[] = [];
    let sequence = 0;
    for (const most of [100, 5_000, 16_383, 16_384, 1]) {
      while (queue.size < 16_383) {
        const score = Math.exp((random() % 4_000) / 400);
        entries.push({ slot: push(score, 0).slot, score, sequence: sequence++, arrival: 0 });
      }
      entries.sort(falling);
      expect(queue.door).toBe(entries.at(-1)!.score);
      const taken = entries.slice(0, most).map(({ slot }) => slot);
      entries = entries.slice(most);
      expect(queue.take(most, kernel)).toBe(taken.length);
      expect(Array.from(taken, () => queue.nextOutgoing())).toEqual(taken);
      for (const slot of taken) queue.release(slot);
      expect(queue.size).toBe(entries.length);
    }
  });

  test("what was not taken is a heap again, in rising order", () => {
    const { arena, queue, push, kernel, region } = makeQueue(64);
    const random = randomOf(3);
    for (let i = 0; i < 63; i++) push(random() % 16, i);
    queue.take(20, kernel);
    expect(queue.size).toBe(43);
    const scores = arena.f64.slice(region.scoresAt / 8, region.scoresAt / 8 + 43);
    expect([...scores]).toEqual([...scores].sort((a, b) => a - b));
  });

  test("of equal scores the earlier arrivals stay and leave first", () => {
    const { queue, push, kernel } = makeQueue(4);
    const slots = [1, 2, 3].map((arrival) => push(5, arrival).slot);
    expect(queue.wants(5)).toBe(false);
    const late = push(5, 4);
    expect(late.dropped).toBe(late.slot);
    expect(push(6, 5).dropped).toBe(slots[2]);
    queue.take(3, kernel);
    queue.nextOutgoing();
    expect([queue.nextOutgoing(), queue.nextOutgoing()]).toEqual([slots[0], slots[1]]);
  });

  test("where the lowest one expires, the lowest of the others is next to be pushed out", () => {
    const { queue, push } = makeQueue(8);
    push(1, 0);
    for (const score of [5, 2, 3]) push(score, 10);
    expect(queue.expire(5, () => {})).toBe(1);
    for (const score of [9, 8, 7, 6]) push(score, 10);
    expect([queue.size, queue.door]).toEqual([7, 2]);
    push(4, 10);
    expect(queue.door).toBe(3);
  });

  test("a full queue takes no score that is no number", () => {
    const { queue, push } = makeQueue(4);
    for (const score of [1, 2, 3]) push(score, 0);
    const { slot, dropped } = push(Number.NaN, 0);
    expect(dropped).toBe(slot);
    expect([queue.size, queue.door]).toEqual([3, 1]);
  });

  test("a whole heap can be outgoing while the next one fills", () => {
    const { queue, push, kernel } = makeQueue(64);
    const first = new Set(Array.from({ length: 63 }, (_, i) => push(i, i).slot));
    expect(queue.take(63, kernel)).toBe(63);
    for (let i = 0; i < 200; i++) expect(first.has(push(i, i).slot)).toBe(false);
    expect(queue.size).toBe(63);
    expect(queue.take(63, kernel)).toBe(0);
    while (queue.outgoing > 0) queue.release(queue.nextOutgoing());
    expect(queue.take(63, kernel)).toBe(63);
  });

  test("a claim is the caller's until it is released, and takes from an empty queue give nothing", () => {
    const { queue, kernel } = makeQueue(8);
    const first = queue.slots.claim();
    expect(queue.slots.claim()).not.toBe(first);
    queue.slots.release(first);
    expect(queue.slots.claim()).toBe(first);
    expect(queue.take(10, kernel)).toBe(0);
    expect(queue.take(0, kernel)).toBe(0);
    expect(queue.expire(Number.POSITIVE_INFINITY, () => {})).toBe(0);
  });

  test("refuses regions that are too small", () => {
    const { arena, region } = makeQueue(8);
    expect(() => new Queue(arena, { ...region, slotCount: 15 })).toThrow("15 slots");
    expect(() => new Queue(arena, { ...region, sortBytes: 100 })).toThrow("100 bytes");
    // What the kernel's sort writes for a whole heap, and one byte less.
    expect(region.sortBytes).toBe(sortScratchBytes(8));
    expect(() => new Queue(arena, { ...region, sortBytes: region.sortBytes - 1 })).toThrow("scratch");
  });
});

describe("what is ready", () => {
  /** Both heaps in use: arrivals above `readyFrom` are ready. */
  function makeReadyQueue(capacity: number) {
    const made = makeQueue(capacity);
    made.queue.readyFrom = Number.NEGATIVE_INFINITY;
    return made;
  }

  for (const [name, scoreOf] of Object.entries(SCORES)) {
    test(`the best that waits goes next, whatever comes, is trimmed, refilled or expires: ${name}`, () => {
      const capacity = 64;
      const { queue, push, kernel } = makeReadyQueue(capacity);
      const naive = new NaiveQueue(capacity);
      const random = randomOf(name.length);
      for (let step = 0; step < 8_000; step++) {
        const dice = random() % 64;
        if (dice < 40) {
          const score = scoreOf(random());
          const arrival = step - (random() % 20);
          const { slot, dropped } = push(score, arrival);
          expect(dropped).toBe(naive.push(slot, score, arrival));
        } else if (dice < 50) {
          if (queue.readySize === 0) queue.refill(1 + (random() % 20), kernel);
          const count = queue.takeGroup(1 + (random() % 5));
          expect(count > 0).toBe(naive.entries.length > 0);
          for (let i = 0; i < count; i++) {
            expect(queue.groupSlot(i)).toBe(naive.entries[i].slot);
            expect(queue.groupScores[i]).toBe(naive.entries[i].score);
          }
          const sent = random() % (count + 1);
          for (const { slot } of naive.entries.splice(0, sent)) queue.slots.release(slot);
          for (let i = sent; i < count; i++) queue.putBack(i);
        } else if (dice < 56) queue.trim(random() % 30, kernel);
        else if (dice < 58) {
          const before = naive.entries.length;
          const gone = new Set<number>();
          expect(queue.expire(step - 600, (slot) => gone.add(slot))).toBe(naive.expire(step - 600));
          expect(gone.size).toBe(before - naive.entries.length);
        }
        expect([queue.size, queue.lowSize + queue.readySize]).toEqual([naive.entries.length, naive.entries.length]);
        const full = naive.entries.length === capacity - 1;
        expect(queue.door).toBe(full ? naive.entries.at(-1)!.score : Number.NEGATIVE_INFINITY);
      }
    });
  }

  test("where nothing else waits the lowest of the ready ones leaves for a better one", () => {
    const { queue, push } = makeReadyQueue(8);
    const slots = [5, 3, 7, 1, 6, 2, 4].map((score) => push(score, 0).slot);
    expect([queue.size, queue.readySize, queue.door]).toEqual([7, 7, 1]);
    const low = push(0.5, 0);
    expect(low.dropped).toBe(low.slot);
    expect(push(8, 0).dropped).toBe(slots[3]);
    expect(queue.door).toBe(2);
    expect(queue.takeGroup(16)).toBe(7);
    expect(Array.from(queue.groupScores.subarray(0, 7))).toEqual([8, 7, 6, 5, 4, 3, 2]);
  });

  test("a full choice takes both heaps, as far as there is room, and what is not taken stays a heap", () => {
    const { queue, push, kernel } = makeReadyQueue(8);
    for (const score of [1, 2, 3]) queue.push(queue.slots.claim(), score, 0, false);
    expect(queue.takeAll()).toBe(3);
    for (const score of [9, 8, 7, 6, 5, 4, 3]) push(score, 0);
    expect(queue.readySize).toBe(7);
    expect(queue.takeReady()).toBe(8);
    expect(queue.readySize).toBe(2);
    for (let place = 0; place < 8; place++) queue.rescored(place, place);
    queue.orderOutgoing(kernel);
    const first = queue.nextOutgoing();
    expect(queue.makeReady(first, 100)).toBe(-1);
    expect(queue.keep(queue.lastOutgoing())).toBe(-1);
    while (queue.outgoing > 0) queue.release(queue.nextOutgoing());
    expect([queue.size, queue.readySize, queue.lowSize]).toEqual([4, 3, 1]);
    expect(queue.takeGroup(1)).toBe(1);
    expect(queue.groupSlot(0)).toBe(first);
    queue.layDown(0);
    expect([queue.readySize, queue.lowSize]).toEqual([2, 2]);
  });
});
