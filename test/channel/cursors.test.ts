// The cursors of both sides against a model of the contract written with plain arrays and BigInt: one element at a time, as
// the contract tells it.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Consumer } from "../../src/channel/consumer.ts";
import { Producer } from "../../src/channel/producer.ts";
import { Arena } from "../../src/shape/arena.ts";
import {
  burstOf,
  CONSUMER_HEARTBEAT_AT,
  HEADER_BYTES,
  PRODUCER_HEARTBEAT_AT,
  TAIL_AT,
} from "../../src/shape/channel-header.ts";

const AT = 65_536;
const ELEMENT_BYTES = 16;
const SOURCE_AT = 1024;
const arena = Arena.reserve(4 << 20);

/** An empty channel whose stream begins at a given index. */
function channel(capacity: number, start = 0n): { producer: Producer; consumer: Consumer } {
  arena.u8.fill(0, AT, AT + HEADER_BYTES + capacity * ELEMENT_BYTES);
  arena.u64[(AT + TAIL_AT) / 8] = start;
  const producer = new Producer(arena, AT, capacity, ELEMENT_BYTES);
  const consumer = new Consumer(arena, AT, capacity, ELEMENT_BYTES);
  consumer.join();
  return { producer, consumer };
}

/** Pushes elements that hold their own stream index. */
function push(producer: Producer, count: number): void {
  for (let i = 0; i < count; i++) {
    arena.f64[SOURCE_AT / 8] = producer.tail;
    arena.f64[SOURCE_AT / 8 + 1] = -producer.tail;
    producer.push(SOURCE_AT);
  }
}

const valueAt = (consumer: Consumer, index: number): number => arena.f64[consumer.addressOf(index) / 8];

/** The contract's consumer, one pop at a time. */
class Reference {
  lapped = 0n;
  constructor(
    public head: bigint,
    readonly capacity: bigint,
  ) {}
  pop(tail: bigint): bigint | undefined {
    const burst = this.capacity / 4n > 0n ? this.capacity / 4n : 1n;
    if (tail <= this.head) return undefined;
    if (tail > this.head + this.capacity - burst) {
      const moved = tail - (this.capacity - burst);
      this.lapped += moved - this.head;
      this.head = moved;
      return this.pop(tail);
    }
    this.head += 1n;
    return this.head - 1n;
  }
}

describe("producer and consumer", () => {
  const start = fc.constantFrom(0n, 5n, 2n ** 32n - 3n, 2n ** 40n + 1n);
  const capacity = fc.constantFrom(1, 2, 4, 8, 16, 64);
  const step = fc.oneof(
    fc.record({ kind: fc.constant("push" as const), count: fc.nat(40) }),
    fc.record({ kind: fc.constant("sync" as const), count: fc.constant(0) }),
    fc.record({ kind: fc.constant("read" as const), count: fc.integer({ min: 1, max: 20 }) }),
  );

  test("read the very elements, in the very order, and skip the very laps that the contract says", () => {
    fc.assert(
      fc.property(capacity, start, fc.array(step, { maxLength: 60 }), (size, first, steps) => {
        const { producer, consumer } = channel(size, first);
        const reference = new Reference(first, BigInt(size));
        for (const { kind, count } of steps) {
          if (kind === "push") push(producer, count);
          else if (kind === "sync") producer.sync();
          else {
            const published = arena.u64[(AT + TAIL_AT) / 8];
            for (let left = count; left > 0; ) {
              const ready = consumer.readable(left);
              if (ready === 0) {
                expect(reference.pop(published)).toBeUndefined();
                break;
              }
              for (let i = 0; i < ready; i++) {
                expect(BigInt(valueAt(consumer, i))).toBe(reference.pop(published) as bigint);
              }
              expect(consumer.overrun()).toBe(0);
              consumer.take(ready);
              left -= ready;
            }
            expect(BigInt(consumer.head)).toBe(reference.head);
            expect(BigInt(consumer.lapped)).toBe(reference.lapped);
            expect(BigInt(consumer.received + consumer.lapped)).toBe(BigInt(consumer.head) - first);
          }
        }
        expect(consumer.torn).toBe(0);
      }),
      { seed: 3, numRuns: 2_000 },
    );
  });

  test("the producer publishes at the latest when a burst is full, so what it writes is never in reach", () => {
    fc.assert(
      fc.property(capacity, fc.array(fc.tuple(fc.nat(30), fc.boolean()), { maxLength: 20 }), (size, batches) => {
        const { producer } = channel(size);
        for (const [count, sync] of batches) {
          push(producer, count);
          if (sync) producer.sync();
          const published = Number(arena.u64[(AT + TAIL_AT) / 8]);
          expect(producer.tail - published).toBeLessThanOrEqual(burstOf(size));
          if (sync) expect(published).toBe(producer.tail);
          // the oldest element in reach is not the one that lies where the next write goes
          const oldest = published - (size - burstOf(size));
          expect(producer.tail - 1 - size).toBeLessThan(Math.max(oldest, 0));
        }
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe("a consumer", () => {
  test("begins at the tail, and is given nothing that is older", () => {
    const { producer } = channel(16);
    push(producer, 10);
    producer.sync();
    const late = new Consumer(arena, AT, 16, ELEMENT_BYTES);
    late.join();
    expect([late.head, late.readable(100)]).toEqual([10, 0]);
    push(producer, 1);
    expect(late.readable(100)).toBe(0); // not published yet
    producer.sync();
    expect(late.readable(100)).toBe(1);
    expect(valueAt(late, 0)).toBe(10);
  });

  test("reads up to the ring's end, then from its start", () => {
    const { producer, consumer } = channel(16);
    push(producer, 12);
    producer.sync();
    consumer.take(consumer.readable(12));
    push(producer, 10);
    producer.sync();
    expect(consumer.readable(100)).toBe(4);
    expect(consumer.addressOf(4)).toBe(AT + HEADER_BYTES);
    consumer.take(4);
    expect(consumer.readable(100)).toBe(6);
    expect(valueAt(consumer, 5)).toBe(21);
  });

  test("at exactly its reach loses nothing, one further it loses one", () => {
    for (const [ahead, lapped] of [
      [12, 0],
      [13, 1],
      [16, 4],
      [1_000, 988],
    ]) {
      const { producer, consumer } = channel(16); // burst 4, reach 12
      push(producer, ahead);
      producer.sync();
      consumer.readable(100);
      expect([consumer.lapped, consumer.head]).toEqual([lapped, lapped]);
    }
  });

  test("notices what was overwritten while it read, and only that", () => {
    const { producer, consumer } = channel(16);
    push(producer, 10);
    producer.sync();
    expect(consumer.readable(100)).toBe(10);
    push(producer, 2);
    producer.sync();
    expect(consumer.overrun()).toBe(0); // 12 behind the tail: still in reach
    push(producer, 3);
    producer.sync();
    expect(consumer.overrun()).toBe(3);
    consumer.drop(3);
    consumer.take(7);
    expect([consumer.torn, consumer.lapped, consumer.received, consumer.head]).toEqual([3, 3, 7, 10]);
    push(producer, 500);
    producer.sync();
    expect(consumer.readable(3)).toBe(3);
    expect(consumer.lapped + consumer.received).toBe(consumer.head);
  });

  test("gives up more with each overrun that follows soon, up to an eighth of the ring, and little after a calm", () => {
    const { producer, consumer } = channel(32_768);
    const skip = (): number => {
      push(producer, 4_096 + 16);
      producer.sync();
      const before = consumer.head;
      consumer.skipAhead();
      const skipped = consumer.head - before;
      consumer.take(producer.tail - consumer.head > 8 ? 8 : 0);
      return skipped;
    };
    expect(Array.from({ length: 11 }, skip)).toEqual([16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 4_096, 4_096]);
    const lapped = consumer.lapped;
    consumer.take(2_048);
    expect(skip()).toBe(16);
    expect([consumer.lapped, consumer.torn]).toEqual([lapped + 16, 0]);
  });

  test("gives up no more than is there", () => {
    const { producer, consumer } = channel(64);
    push(producer, 3);
    producer.sync();
    consumer.skipAhead();
    expect([consumer.head, consumer.lapped]).toEqual([3, 3]);
    consumer.skipAhead();
    expect(consumer.head).toBe(3);
  });

  test("waits where the tail is behind its head: the supervisor sees that", () => {
    const { producer, consumer } = channel(16);
    push(producer, 9);
    producer.sync();
    consumer.take(consumer.readable(9));
    arena.u64[(AT + TAIL_AT) / 8] = 4n;
    expect(consumer.readable(100)).toBe(0);
    expect([consumer.tail, consumer.head]).toEqual([4, 9]);
  });

  test("with a capacity of 1 has no reach and is never given a torn element", () => {
    const { producer, consumer } = channel(1);
    for (let i = 0; i < 5; i++) {
      push(producer, 1);
      producer.sync();
      expect(consumer.readable(10)).toBe(0);
    }
    expect(consumer.lapped).toBe(5);
  });

  test("survives any tail that a hostile file holds: within its own elements, never beyond", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n), (first, second) => {
        const { consumer } = channel(64, first);
        arena.u64[(AT + TAIL_AT) / 8] = second;
        const ready = consumer.readable(1_000);
        expect(ready).toBeGreaterThanOrEqual(0);
        expect(ready).toBeLessThanOrEqual(64);
        for (let i = 0; i < ready; i++) {
          const at = consumer.addressOf(i);
          expect(at).toBeGreaterThanOrEqual(AT + HEADER_BYTES);
          expect(at + ELEMENT_BYTES).toBeLessThanOrEqual(AT + HEADER_BYTES + 64 * ELEMENT_BYTES);
          expect((at - AT - HEADER_BYTES) % ELEMENT_BYTES).toBe(0);
        }
      }),
      { seed: 5, numRuns: 5_000 },
    );
  });
});

describe("the shared counters", () => {
  test("are whole u64s: the tail crosses 2^32 in one piece", () => {
    const { producer, consumer } = channel(16, 2n ** 32n - 2n);
    push(producer, 4);
    producer.sync();
    expect(arena.u64[(AT + TAIL_AT) / 8]).toBe(2n ** 32n + 2n);
    expect(consumer.readable(100)).toBe(2); // 2^32 - 2 lies at slot 14: two up to the ring's end
    expect(valueAt(consumer, 0)).toBe(2 ** 32 - 2);
    consumer.take(2);
    expect(consumer.readable(100)).toBe(2);
    expect(valueAt(consumer, 0)).toBe(2 ** 32);
    consumer.take(2);
    expect(consumer.head).toBe(2 ** 32 + 2);
  });

  test("of the heartbeats carry into the high word, and each side has its own", () => {
    const { producer, consumer } = channel(16);
    const beats = () => [PRODUCER_HEARTBEAT_AT, CONSUMER_HEARTBEAT_AT].map((at) => arena.u64[(AT + at) / 8]);
    arena.u64[(AT + PRODUCER_HEARTBEAT_AT) / 8] = 2n ** 32n - 1n;
    arena.u64[(AT + CONSUMER_HEARTBEAT_AT) / 8] = 2n ** 40n - 1n;
    producer.beat();
    expect(beats()).toEqual([2n ** 32n, 2n ** 40n - 1n]);
    consumer.beat();
    expect(beats()).toEqual([2n ** 32n, 2n ** 40n]);
    producer.beat();
    expect(beats()).toEqual([2n ** 32n + 1n, 2n ** 40n]);
  });
});

/** Tails that no producer comes to: beyond what a double counts, and as far as 64 bits go. */
const IMPOSSIBLE = [2n ** 52n + 1n, 2n ** 53n - 5n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

describe("a tail that no producer comes to", () => {
  test.each(IMPOSSIBLE)("is no place to go on from: a producer begins again at 0 (%p)", (tail) => {
    arena.u8.fill(0, AT, AT + HEADER_BYTES + 16 * ELEMENT_BYTES);
    arena.u64[(AT + TAIL_AT) / 8] = tail;
    const producer = new Producer(arena, AT, 16, ELEMENT_BYTES);
    expect([producer.impossible, arena.u64[(AT + TAIL_AT) / 8]]).toEqual([1, 0n]);
    const consumer = new Consumer(arena, AT, 16, ELEMENT_BYTES);
    consumer.join();
    push(producer, 1_000);
    producer.sync();
    expect(arena.u64[(AT + TAIL_AT) / 8]).toBe(1_000n);
    expect(consumer.readable(100)).toBeGreaterThan(0);
    expect(consumer.lapped).toBe(1_000 - 12);
  });

  test("just below, a producer goes on, and counts on for 142 years", () => {
    const { producer, consumer } = channel(16, 2n ** 51n);
    expect(producer.impossible).toBe(0);
    push(producer, 8);
    producer.sync();
    expect(consumer.readable(100)).toBe(8);
    expect(valueAt(consumer, 0)).toBe(2 ** 51);
    expect([consumer.impossible, producer.tail]).toEqual([0, 2 ** 51 + 8]);
  });

  test.each(IMPOSSIBLE)(
    "is not believed by a consumer: like a producer that began again, counted once (%p)",
    (tail) => {
      const { producer, consumer } = channel(16);
      push(producer, 4);
      producer.sync();
      expect(consumer.readable(100)).toBe(4);
      consumer.take(4);
      arena.u64[(AT + TAIL_AT) / 8] = tail;
      for (let look = 0; look < 3; look++) expect(consumer.readable(100)).toBe(0);
      expect([consumer.impossible, consumer.tail - consumer.head < 0]).toEqual([1, true]);
      // Joined anew while it stands so, nothing is behind: that is said once.
      consumer.join();
      expect(consumer.readable(100)).toBe(0);
      expect(consumer.tail - consumer.head).toBe(0);
      // The producer's next store heals it: what was published meanwhile is not read.
      push(producer, 4);
      producer.sync();
      expect(consumer.readable(100)).toBe(0);
      push(producer, 3);
      producer.sync();
      expect(consumer.readable(100)).toBe(3);
      expect(valueAt(consumer, 0)).toBe(8);
      expect([consumer.lapped, consumer.torn, consumer.received]).toEqual([0, 0, 4]);
    },
  );

  test("in the middle of a group leaves nothing of it", () => {
    const { producer, consumer } = channel(16);
    push(producer, 6);
    producer.sync();
    expect(consumer.readable(100)).toBe(6);
    arena.u64[(AT + TAIL_AT) / 8] = 2n ** 63n;
    expect(Math.min(consumer.overrun(), 6)).toBe(6);
    consumer.drop(6);
    consumer.skipAhead();
    expect([consumer.lapped, consumer.readable(100)]).toEqual([6, 0]);
  });

  test("far ahead, though a double counts there, is joined anew and is no lap", () => {
    const { consumer } = channel(16);
    arena.u64[(AT + TAIL_AT) / 8] = 2n ** 51n;
    expect(consumer.readable(100)).toBe(0);
    expect([consumer.lapped, consumer.impossible, consumer.head]).toEqual([0, 1, 2 ** 51]);
  });
});

test("cursors begin just before 2^31 and 2^32 elements and go on, minutes to hours into a run", () => {
  for (const start of [2n ** 31n - 20n, 2n ** 32n - 20n, 2n ** 40n - 20n]) {
    const { producer, consumer } = channel(16, start);
    for (let round = 0; round < 10; round++) {
      push(producer, 4);
      producer.sync();
      expect(consumer.readable(100)).toBeGreaterThan(0);
      while (consumer.head < producer.tail) {
        const count = consumer.readable(100);
        for (let i = 0; i < count; i++) expect(valueAt(consumer, i)).toBe(consumer.head + i);
        consumer.take(count);
      }
    }
    expect([consumer.received, consumer.lapped]).toEqual([40, 0]);
  }
});
