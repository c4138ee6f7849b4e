import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import fc from "fast-check";
import { openExisting, PAGE_BYTES } from "../../ffi/shared-memory.ts";
import { type ChannelFile, joinConsumer, joinProducer } from "../../src/channel/files.ts";
import { Producer } from "../../src/channel/producer.ts";
import { describeUse, findLife, Peek, readHeader } from "../../src/channel/snapshot.ts";
import { Arena } from "../../src/shape/arena.ts";
import { CONSUMER_HEARTBEAT_AT, METADATA_AT, TAIL_AT } from "../../src/shape/channel-header.ts";
import { freshPath, removeFiles } from "../tools/shared-files.ts";
import { smallRegion } from "../tools/small-region.ts";

afterAll(removeFiles);

const WATCH_MS = 20;
const cleanUp: (() => void)[] = [];
afterAll(() => {
  for (const done of cleanUp) done();
});

function newChannel(capacity: number, options: { lock?: boolean } = {}) {
  const path = freshPath();
  const region = smallRegion(capacity, 16);
  const arena = Arena.reserve(4 << 20);
  const result = joinProducer(arena, region, path, options);
  if (result.state !== "joined") throw new Error(JSON.stringify(result));
  const file: ChannelFile = result.channel;
  const fd = openExisting(path, "read");
  cleanUp.push(
    () => file.close(),
    () => fs.closeSync(fd),
  );
  const producer = new Producer(arena, region.at, capacity, 16);
  const push = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const at = producer.reserve();
      arena.f64[at / 8] = producer.tail;
      arena.f64[at / 8 + 1] = -producer.tail;
      producer.commit();
    }
    producer.sync();
  };
  const word = (at: number, value: bigint): void => {
    arena.u64[(region.at + at) / 8] = value;
  };
  return { path, region, file, fd, producer, push, word };
}

const numberIn = (element: Uint8Array): number => new DataView(element.buffer, element.byteOffset).getFloat64(0, true);
const readAll = (peek: Peek, most = 1_000): [number, number][] => {
  const read: [number, number][] = [];
  while (peek.read((index, element) => read.push([index, numberIn(element)]), most) > 0);
  return read;
};

describe("a header", () => {
  test("is read field by field, and reading leaves no trace", () => {
    const { path, fd, push, word } = newChannel(64);
    push(5);
    word(METADATA_AT, 2n ** 64n - 1n);
    word(CONSUMER_HEARTBEAT_AT, 9n);
    const before = Bun.hash(fs.readFileSync(path));
    expect(readHeader(fd, path)).toEqual({
      tail: 5n,
      head: 0n,
      producerHeartbeat: 0n,
      consumerHeartbeat: 9n,
      capacity: 64n,
      magic: 5494763520971851092n,
      metadataWord: 2n ** 64n - 1n,
    });
    readAll(new Peek(fd, path, { capacity: 64, elementBytes: 16 }, 64));
    expect(Bun.hash(fs.readFileSync(path))).toBe(before);
    expect(() => fs.writeSync(fd, Uint8Array.of(1))).toThrow(); // the descriptor could not write
  });
});

describe("a peek", () => {
  test("begins with the newest, never with what is out of reach, and goes on with what comes", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(4, 16, 64, 1024),
        fc.nat(3_000),
        fc.nat(1_200),
        fc.nat(900),
        (capacity, first, backlog, then) => {
          const { fd, path, push } = newChannel(capacity);
          const reach = capacity - capacity / 4;
          push(first);
          const peek = new Peek(fd, path, { capacity, elementBytes: 16 }, backlog);
          const start = Math.max(0, first - Math.min(backlog, reach));
          const expected = Array.from({ length: first - start }, (_, i) => [start + i, start + i] as [number, number]);
          expect(readAll(peek)).toEqual(expected);
          push(then);
          const fresh = readAll(peek);
          expect(fresh.length).toBe(Math.min(then, reach));
          expect(peek.lapped).toBe(then - fresh.length);
          expect(fresh.every(([index, value]) => index === value)).toBe(true);
          expect(peek.head).toBe(first + then);
        },
      ),
      { seed: 6, numRuns: 60 },
    );
  });

  test("hands on at most what is asked for", () => {
    const { fd, path, push } = newChannel(64);
    push(40);
    const peek = new Peek(fd, path, { capacity: 64, elementBytes: 16 }, 30);
    const seen: number[] = [];
    expect(peek.read((index) => seen.push(index), 3)).toBe(3);
    expect(peek.read((index) => seen.push(index), 3)).toBe(3);
    expect(seen).toEqual([10, 11, 12, 13, 14, 15]);
  });

  test("does not show what is overwritten while it reads", () => {
    const { fd, path, push } = newChannel(16);
    push(12);
    const peek = new Peek(fd, path, { capacity: 16, elementBytes: 16 }, 12);
    // the producer laps between two reads of one reader
    push(100);
    expect(readAll(peek).every(([index, value]) => index === value && index >= 100)).toBe(true);
    expect(peek.lapped).toBe(100);
  });

  test("starts over where the producer began again", () => {
    const { fd, path, push, word, region } = newChannel(16);
    push(10);
    const peek = new Peek(fd, path, region, 16);
    readAll(peek);
    word(TAIL_AT, 3n);
    expect(readAll(peek)).toEqual([]);
    expect(peek.head).toBe(3);
  });

  test("says so where the tail is impossible or the file ends early", () => {
    const { fd, path, push, word, region } = newChannel(1024);
    push(1_000);
    const peek = new Peek(fd, path, region, 100);
    word(TAIL_AT, 2n ** 64n - 1n);
    expect(() => readAll(peek)).toThrow(/tail is .*which no producer reaches/);
    expect(() => new Peek(fd, path, region, 100)).toThrow(/which no producer reaches/);
    word(TAIL_AT, 1_000n);
    fs.truncateSync(path, PAGE_BYTES);
    expect(() => readAll(peek)).toThrow(/the file ends at byte/);
  });
});

describe("life", () => {
  test("is a counter that moves, or a lock that is held", async () => {
    const still = newChannel(16);
    const pushing = newChannel(16);
    const beating = newChannel(16);
    const locked = newChannel(16, { lock: true });
    const short = freshPath();
    fs.writeFileSync(short, "short");
    const consumer = joinConsumer(Arena.reserve(4 << 20), beating.region, beating.path);
    expect(consumer.state).toBe("joined");
    const paths = [still.path, pushing.path, beating.path, locked.path, short, freshPath()];
    const watching = findLife(paths, WATCH_MS);
    pushing.push(1);
    beating.word(CONSUMER_HEARTBEAT_AT, 1n);
    beating.producer.beat();
    expect(await watching).toEqual([
      { path: pushing.path, signs: ["tail"], pid: undefined },
      { path: beating.path, signs: ["producer heartbeat", "consumer heartbeat"], pid: undefined },
      { path: locked.path, signs: ["lock"], pid: process.pid },
    ]);
    expect(await findLife(paths, 0)).toHaveLength(1); // nothing moves any more, the lock stays
  });

  test("is told in words", () => {
    const words = (signs: readonly string[], pid?: number) => describeUse({ path: "/x", signs, pid });
    expect(words(["lock", "tail"], 7)).toBe("producer, locked by process 7");
    expect(words(["tail", "producer heartbeat", "consumer heartbeat"])).toBe("producer and consumer");
    expect(words(["consumer heartbeat"])).toBe("consumer");
    expect(words(["lock"], 7)).toBe("locked by process 7");
  });
});
