// One order of steps, two implementations: what the crate `que` and our cursors see must be the same, element by element.

import { afterEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Consumer } from "../../src/channel/consumer.ts";
import { joinConsumer, joinProducer } from "../../src/channel/files.ts";
import type { Arena } from "../../src/shape/arena.ts";
import {
  burstOf,
  CAPACITY_AT,
  CONSUMER_HEARTBEAT_AT,
  HEAD_AT,
  HEADER_BYTES,
  MAGIC_AT,
  METADATA_AT,
  PRODUCER_HEARTBEAT_AT,
  TAIL_AT,
} from "../../src/shape/channel-header.ts";
import { readElement, writeElement } from "./elements.ts";
import { Peer, Place, rust, type Shape } from "./que-peer.ts";

const CAPACITIES = [4, 8, 16, 64, 256, 1024];
const ELEMENT_BYTES = [16, 64, 1264, 1296, 4160];
const SEED = 20_260_417;
const RUNS = 50;
const opened: { place: Place; peers: Peer[] }[] = [];

function open(shape: Shape): { place: Place; peer: Peer } {
  const place = new Place(shape);
  const peer = new Peer("steps", place);
  opened.push({ place, peers: [peer] });
  return { place, peer };
}

async function closeAll(): Promise<void> {
  for (const { place, peers } of opened.splice(0)) {
    for (const peer of peers) await peer.end();
    place.remove();
  }
}

afterEach(closeAll);

/** Reads a group in place as the loop does: look, read, look again, drop what may be torn, take the rest. */
async function readGroup(
  consumer: Consumer,
  arena: Arena,
  most: number,
  between: () => Promise<void>,
): Promise<number[]> {
  const count = consumer.readable(most);
  const seen = Array.from({ length: count }, (_, i) => consumer.addressOf(i)).map((at) =>
    readElement(arena.i32, at, consumer.elementBytes),
  );
  await between();
  const torn = Math.min(consumer.overrun(), count);
  consumer.drop(torn);
  consumer.take(count - torn);
  return seen.slice(torn);
}

type Step = { kind: "push"; count: number; during: boolean } | { kind: "read"; most: number } | { kind: "sync" };

const steps = (capacity: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant("push" as const),
        count: fc.oneof(fc.integer({ min: 1, max: burstOf(capacity) + 1 }), fc.integer({ min: 1, max: 3 * capacity })),
        during: fc.boolean(),
      }),
      fc.record({ kind: fc.constant("read" as const), most: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ kind: fc.constant("sync" as const) }),
    ),
    { minLength: 1, maxLength: 25 },
  );

/** Empties a consumer, whatever it takes. */
async function readAll(consumer: Consumer, arena: Arena): Promise<number[]> {
  const all: number[] = [];
  for (;;) {
    const some = await readGroup(consumer, arena, 16, async () => {});
    if (some.length === 0 && consumer.readable(1) === 0) return all;
    all.push(...some);
  }
}

describe.skipIf(!rust.ok)("que, step by step (needs cargo)", () => {
  test("the crate's own layout is ours", async () => {
    const run = Bun.spawnSync([`${rust.binDir}/que-peer`, "layout"]);
    const offsets = Object.fromEntries(
      [...run.stdout.toString().matchAll(/^(\w+)(?: offset)?: +(\d+)$/gm)].map(([, name, value]) => [
        name,
        Number(value),
      ]),
    );
    expect(offsets).toEqual({
      tail: TAIL_AT,
      head: HEAD_AT,
      producer_heartbeat: PRODUCER_HEARTBEAT_AT,
      consumer_heartbeat: CONSUMER_HEARTBEAT_AT,
      padding: METADATA_AT,
      capacity: CAPACITY_AT,
      magic: MAGIC_AT,
      buffer: HEADER_BYTES,
      size: Math.ceil((HEADER_BYTES + 32_768 * 1264) / 128) * 128,
    });
  });

  for (const [round, capacity] of CAPACITIES.entries()) {
    const elementBytes = ELEMENT_BYTES[round % ELEMENT_BYTES.length];

    test(`the crate writes, both read: capacity ${capacity}, ${elementBytes} bytes`, async () => {
      await fc.assert(
        fc.asyncProperty(steps(capacity), async (sequence) => {
          const { place, peer } = open({ elementBytes, capacity });
          expect(await peer.ask("producer")).toEqual({ tail: 0 });
          await peer.ask("consumer");
          const ours = place.consume();
          let next = 0;
          let during: string[] = [];
          for (const step of sequence) {
            if (step.kind === "push" && step.during) during.push(`push ${step.count}`, "sync");
            else if (step.kind === "push") await peer.ask(`push ${step.count}`);
            else if (step.kind === "sync") await peer.ask("sync");
            else {
              const script = during;
              during = [];
              const got = await readGroup(ours, place.arena, step.most, async () => {
                for (const line of script) await peer.ask(line);
              });
              // Whatever the crate wrote meanwhile: nothing torn, nothing twice, and nothing that it may be overwriting,
              // which is what the crate's own second look would have thrown away.
              const safe = ((await peer.ask("tail")).tail as number) - (capacity - burstOf(capacity));
              for (const index of got) {
                expect(index).toBeGreaterThanOrEqual(Math.max(next, safe));
                next = index + 1;
              }
              expect(ours.head).toBeGreaterThanOrEqual(next);
            }
          }
          await peer.ask("sync");
          // Both empty the ring. The crate starts where it stood at first; ours is ahead by what it has read.
          const theirs = (await peer.ask(`pop ${4 * capacity}`)).popped as number[];
          const rest = await readAll(ours, place.arena);
          const tail = (await peer.ask("tail")).tail as number;
          expect(theirs).not.toContain(-1);
          expect(rest).toEqual(theirs.filter((index) => index >= next));
          expect(ours.head).toBe(tail);
          expect(ours.received + ours.lapped).toBe(tail);
          // After a lap both resume at the same place.
          await peer.ask(`push ${3 * capacity + 1}`);
          await peer.ask("sync");
          const first = ((await peer.ask("pop 1")).popped as number[])[0];
          expect((await readGroup(ours, place.arena, 1, async () => {}))[0]).toBe(first);
          expect(first).toBe(tail + 3 * capacity + 1 - (capacity - burstOf(capacity)));
          await closeAll();
        }),
        { numRuns: RUNS, seed: SEED + capacity },
      );
    });

    test(`we write, both read: capacity ${capacity}, ${elementBytes} bytes`, async () => {
      await fc.assert(
        fc.asyncProperty(steps(capacity), async (sequence) => {
          const { place, peer } = open({ elementBytes, capacity });
          const producer = place.produce();
          expect(await peer.ask("consumer")).toEqual({ tail: 0 });
          const ours = place.consume();
          for (const step of sequence) {
            if (step.kind === "push") {
              for (let i = 0; i < step.count; i++) {
                writeElement(place.arena.i32, producer.reserve(), elementBytes, producer.tail);
                producer.commit();
              }
            } else if (step.kind === "sync") producer.sync();
            else {
              const theirs = (await peer.ask(`pop ${step.most}`)).popped as number[];
              const got: number[] = [];
              while (got.length < step.most) {
                const some = await readGroup(ours, place.arena, step.most - got.length, async () => {});
                if (some.length === 0) break;
                got.push(...some);
              }
              expect(got).toEqual(theirs);
            }
          }
          producer.sync();
          expect(await readAll(ours, place.arena)).toEqual((await peer.ask(`pop ${4 * capacity}`)).popped as number[]);
          expect(await peer.ask("tail")).toEqual({ tail: producer.tail });
          await closeAll();
        }),
        { numRuns: RUNS, seed: SEED - capacity },
      );
    });
  }

  test("heartbeats are seen on the other side", async () => {
    const { place, peer } = open({ elementBytes: 64, capacity: 16 });
    const producer = place.produce();
    await peer.ask("consumer");
    expect(await peer.ask("alive p")).toEqual({ alive: false });
    producer.beat();
    expect(await peer.ask("alive p")).toEqual({ alive: true });
    expect(await peer.ask("alive p")).toEqual({ alive: false });
    await peer.ask("producer");
    const ours = place.consume();
    expect(await peer.ask("alive c")).toEqual({ alive: false });
    ours.beat();
    expect(await peer.ask("alive c")).toEqual({ alive: true });
    const word = (place.region.at + CONSUMER_HEARTBEAT_AT) / 8;
    const before = place.arena.u64[word];
    await peer.ask("beat c");
    expect(place.arena.u64[word]).toBe(before + 1n);
  });

  test("a channel that the crate created is continued by us, and the other way round", async () => {
    const { place, peer } = open({ elementBytes: 1264, capacity: 16 });
    await peer.ask("producer");
    await peer.ask("push 5");
    await peer.ask("sync");
    const producer = place.produce();
    expect(producer.tail).toBe(5);
    expect(place.arena.u64[(place.region.at + PRODUCER_HEARTBEAT_AT) / 8]).toBe(1n);
    writeElement(place.arena.i32, producer.reserve(), 1264, 5);
    producer.commit();
    producer.sync();
    expect(await peer.ask("producer")).toEqual({ tail: 6 });
    expect(place.arena.u64[(place.region.at + PRODUCER_HEARTBEAT_AT) / 8]).toBe(2n);
  });

  test("the crate joins a channel that we created, in the size that we gave it", async () => {
    for (const elementBytes of ELEMENT_BYTES) {
      const { place, peer } = open({ elementBytes, capacity: 64 });
      const size = (): number => Bun.file(place.path).size;
      place.produce();
      const made = size();
      expect(await peer.ask("consumer")).toEqual({ tail: 0 });
      expect(await peer.ask("producer")).toEqual({ tail: 0 });
      expect(size()).toBe(made);
    }
  });

  test("what one side refuses, the other refuses", async () => {
    const { place, peer } = open({ elementBytes: 64, capacity: 16 });
    // A consumer of the crate that is first leaves an empty file behind: not initialised, for both.
    expect(await peer.ask("consumer")).toEqual({ error: "Uninitialized" });
    expect(joinConsumer(place.arena, place.region, place.path).state).toBe("uninitialised");
    place.produce();
    expect(await peer.ask("consumer")).toEqual({ tail: 0 });
    const words = new BigUint64Array(place.arena.buffer, place.region.at, HEADER_BYTES / 8);
    Atomics.store(words, CAPACITY_AT / 8, 32n);
    expect(await peer.ask("consumer")).toEqual({ error: "IncorrectCapacity(32)" });
    expect(joinConsumer(place.arena, place.region, place.path).state).toBe("refused");
    Atomics.store(words, CAPACITY_AT / 8, 16n);
    Atomics.store(words, MAGIC_AT / 8, 1n);
    expect((await peer.ask("producer")).error).toBe("CorruptionDetected");
    expect(joinProducer(place.arena, place.region, place.path).state).toBe("refused");
  });

  test("the seed in the metadata is the same u64 on both sides", async () => {
    const { place, peer } = open({ elementBytes: 16, capacity: 16 });
    place.produce();
    await peer.ask("producer");
    const word = (place.region.at + METADATA_AT) / 8;
    for (const seed of [1n, 420n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
      Atomics.store(place.arena.u64, word, seed);
      expect(await peer.ask("metadata")).toEqual({ metadata: `${seed}` });
    }
    await peer.ask("store 18446744073709551557");
    expect(Atomics.load(place.arena.u64, word)).toBe(18446744073709551557n);
  });
});
