import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import fc from "fast-check";
import { PAGE_BYTES } from "../../ffi/shared-memory.ts";
import { Consumer } from "../../src/channel/consumer.ts";
import * as files from "../../src/channel/files.ts";
import { channelFileBytes } from "../../src/channel/place.ts";
import { Producer } from "../../src/channel/producer.ts";
import { Arena } from "../../src/shape/arena.ts";
import {
  CAPACITY_AT,
  CONSUMER_HEARTBEAT_AT,
  HEAD_AT,
  HEADER_BYTES,
  MAGIC,
  MAGIC_AT,
  PRODUCER_HEARTBEAT_AT,
  TAIL_AT,
} from "../../src/shape/channel-header.ts";
import { freshPath, removeFiles } from "../tools/shared-files.ts";
import { smallRegion } from "../tools/small-region.ts";

afterAll(removeFiles);

const REGION = smallRegion(64, 48);
const BYTES = channelFileBytes(REGION, "standard");
const arena = Arena.reserve(4 << 20);

const open: files.ChannelFile[] = [];
afterAll(() => {
  for (const channel of open) channel.close();
});

function channelOf(result: files.JoinResult): files.ChannelFile {
  if (result.state !== "joined") throw new Error(JSON.stringify(result));
  open.push(result.channel);
  return result.channel;
}

/** A file of given bytes; by default a header of zeros. */
function written(bytes: number, words: Record<number, bigint> = {}): string {
  const path = freshPath();
  const content = Buffer.alloc(bytes);
  for (const [at, value] of Object.entries(words)) content.writeBigUInt64LE(value, Number(at));
  fs.writeFileSync(path, content, { mode: 0o600 });
  return path;
}

const GOOD = { [CAPACITY_AT]: 64n, [MAGIC_AT]: MAGIC };
const word = (path: string, at: number): bigint => fs.readFileSync(path).readBigUInt64LE(at);
/** Everything that a change of a file would change. */
const print = (path: string): string => {
  const { ino, size, mode, uid, gid, mtimeMs, ctimeMs, blocks } = fs.statSync(path);
  return JSON.stringify([
    ino,
    size,
    mode,
    uid,
    gid,
    mtimeMs,
    ctimeMs,
    blocks,
    Bun.hash(fs.readFileSync(path)).toString(),
  ]);
};

describe("a consumer's join", () => {
  test("of nothing is absent and creates nothing", () => {
    const path = freshPath();
    expect(files.joinConsumer(arena, REGION, path)).toEqual({ state: "absent" });
    expect(fs.existsSync(path)).toBe(false);
  });

  test("of an empty file, or one whose magic is not written yet, is uninitialised and changes nothing", () => {
    for (const path of [written(0), written(BYTES), written(BYTES, { [CAPACITY_AT]: 64n })]) {
      const before = print(path);
      expect(files.joinConsumer(arena, REGION, path)).toEqual({ state: "uninitialised" });
      expect(print(path)).toBe(before);
    }
  });

  test("of a good channel starts at its tail and beats nothing", () => {
    const path = written(BYTES, { ...GOOD, [TAIL_AT]: 1000n, [CONSUMER_HEARTBEAT_AT]: 7n });
    const channel = channelOf(files.joinConsumer(arena, REGION, path));
    expect(channel).toMatchObject({ path, at: REGION.at, bytes: BYTES, created: false });
    const consumer = new Consumer(arena, channel.at, REGION.capacity, REGION.elementBytes);
    consumer.join();
    expect([consumer.head, consumer.readable(10)]).toEqual([1000, 0]);
    expect(word(path, CONSUMER_HEARTBEAT_AT)).toBe(7n);
    consumer.beat();
    expect(word(path, CONSUMER_HEARTBEAT_AT)).toBe(8n);
    channel.close();
    expect(arena.u64[(REGION.at + MAGIC_AT) / 8]).toBe(0n);
    expect(word(path, MAGIC_AT)).toBe(MAGIC);
  });
});

describe("a producer's join", () => {
  test("of nothing creates the channel, magic and all, with its memory taken", () => {
    const path = freshPath();
    const channel = channelOf(files.joinProducer(arena, REGION, path, { mode: 0o640 }));
    expect(channel.created).toBe(true);
    const stats = fs.statSync(path);
    expect([stats.size, stats.mode & 0o777]).toEqual([BYTES, 0o640]);
    expect(stats.blocks * 512).toBeGreaterThanOrEqual(BYTES);
    for (const at of [TAIL_AT, HEAD_AT, PRODUCER_HEARTBEAT_AT, CONSUMER_HEARTBEAT_AT]) expect(word(path, at)).toBe(0n);
    expect([word(path, CAPACITY_AT), word(path, MAGIC_AT)]).toEqual([64n, MAGIC]);
    channel.close();
  });

  test("of an uninitialised one initialises that very file, whatever its counters were", () => {
    const stale = { [TAIL_AT]: 5n, [HEAD_AT]: 6n, [PRODUCER_HEARTBEAT_AT]: 7n, [CONSUMER_HEARTBEAT_AT]: 8n };
    for (const path of [written(0), written(BYTES), written(BYTES, stale)]) {
      const { ino } = fs.statSync(path);
      const channel = channelOf(files.joinProducer(arena, REGION, path));
      expect(channel.created).toBe(true);
      expect(fs.statSync(path)).toMatchObject({ ino, size: BYTES });
      for (const at of [TAIL_AT, HEAD_AT, PRODUCER_HEARTBEAT_AT, CONSUMER_HEARTBEAT_AT])
        expect(word(path, at)).toBe(0n);
      expect([word(path, CAPACITY_AT), word(path, MAGIC_AT)]).toEqual([64n, MAGIC]);
      channel.close();
    }
  });

  test("of a good channel beats once and goes on from its tail", () => {
    const path = written(BYTES, { ...GOOD, [TAIL_AT]: 1000n, [PRODUCER_HEARTBEAT_AT]: 0xffff_ffffn, [HEAD_AT]: 3n });
    const channel = channelOf(files.joinProducer(arena, REGION, path));
    expect(channel.created).toBe(false);
    expect(word(path, PRODUCER_HEARTBEAT_AT)).toBe(0x1_0000_0000n);
    expect(word(path, HEAD_AT)).toBe(3n);
    const producer = new Producer(arena, channel.at, REGION.capacity, REGION.elementBytes);
    expect(producer.tail).toBe(1000);
    arena.u8.fill(5, 3 << 20, (3 << 20) + 48);
    producer.push(3 << 20);
    producer.sync();
    expect(word(path, TAIL_AT)).toBe(1001n);
    expect(fs.readFileSync(path)[HEADER_BYTES + (1000 % 64) * 48]).toBe(5);
    channel.close();
  });

  test("with the lock: the second is told who holds it, and writes nothing; closing frees it", () => {
    const path = freshPath();
    const first = channelOf(files.joinProducer(arena, REGION, path, { lock: true }));
    const other = Arena.reserve(4 << 20);
    const second = files.joinProducer(other, REGION, path, { lock: true });
    expect(second).toMatchObject({ state: "refused", kind: "locked" });
    expect((second as { message: string }).message).toContain(`process ${process.pid}`);
    expect(word(path, PRODUCER_HEARTBEAT_AT)).toBe(0n);
    expect(files.joinConsumer(other, REGION, path).state).toBe("joined"); // consumers need no lock
    first.close();
    channelOf(files.joinProducer(other, REGION, path, { lock: true })).close();
  });
});

describe("a file that is not a channel of this shape", () => {
  const cases: [string, () => string, files.JoinResult["state"] | string, RegExp][] = [
    [
      "another magic",
      () => written(BYTES, { ...GOOD, [MAGIC_AT]: MAGIC + 1n }),
      "magic",
      /0x4c41524f504d4555.*0x4c41524f504d4554/,
    ],
    [
      "another capacity",
      () => written(BYTES, { ...GOOD, [CAPACITY_AT]: 32n }),
      "capacity",
      /32 elements, and 64 are wanted/,
    ],
    [
      "a capacity of 2^63",
      () => written(BYTES, { ...GOOD, [CAPACITY_AT]: 1n << 63n }),
      "capacity",
      /9223372036854775808/,
    ],
    [
      "too large",
      () => written(BYTES + PAGE_BYTES, GOOD),
      "size",
      new RegExp(`${BYTES + PAGE_BYTES} bytes, and ${BYTES} are`),
    ],
    ["cut short", () => written(BYTES - 1, GOOD), "size", /cut short/],
    ["cut within the header", () => written(HEADER_BYTES - 1), "size", /639 bytes/],
    ["of one byte", () => written(1), "size", /1 bytes/],
    ["uninitialised and of another size", () => written(BYTES + 1), "size", /bytes/],
    ["a folder", () => made((path) => fs.mkdirSync(path)), "kind", /a folder/],
    ["a link to a good one", () => made((path) => fs.symlinkSync(written(BYTES, GOOD), path)), "kind", /symbolic link/],
    [
      "a link to nothing",
      () => made((path) => fs.symlinkSync("/dev/shm/nothing-there", path)),
      "kind",
      /symbolic link/,
    ],
    ["a FIFO", () => made((path) => void Bun.spawnSync(["mkfifo", path])), "kind", /FIFO/],
  ];
  const made = (make: (path: string) => void): string => {
    const path = freshPath();
    make(path);
    return path;
  };
  const joins = {
    consumer: (path: string) => files.joinConsumer(arena, REGION, path),
    producer: (path: string) => files.joinProducer(arena, REGION, path),
    "locking producer": (path: string) => files.joinProducer(arena, REGION, path, { lock: true }),
    creation: (path: string) => files.createChannel(path, REGION),
    reader: (path: string) => files.openToRead(path, REGION),
  };

  for (const [name, make, kind, sentence] of cases) {
    test(`${name}: refused by all, changed by none`, () => {
      const path = make();
      const isFile = fs.lstatSync(path).isFile();
      const before = isFile ? print(path) : "";
      for (const join of Object.values(joins)) {
        const result = join(path);
        expect(result).toMatchObject({ state: "refused", kind });
        expect((result as { message: string }).message).toMatch(sentence);
        expect((result as { message: string }).message).toContain(path);
      }
      if (isFile) expect(print(path)).toBe(before);
      expect(arena.u64[(REGION.at + MAGIC_AT) / 8]).toBe(0n); // nothing was laid over the arena
      expect(fs.existsSync("/dev/shm/nothing-there")).toBe(false);
    });
  }

  test("any header, any size near it: proved or left as it is", () => {
    const u64 = fc.oneof(
      fc.constantFrom(0n, 64n, MAGIC, MAGIC - 1n, 32n, 128n, 2n ** 64n - 1n),
      fc.bigInt(0n, 2n ** 64n - 1n),
    );
    const size = fc.oneof(
      fc.constantFrom(0, 1, MAGIC_AT, HEADER_BYTES - 1, HEADER_BYTES, BYTES - 1, BYTES, BYTES + 1, 2 * BYTES),
      fc.nat(2 * BYTES),
    );
    const path = freshPath();
    fc.assert(
      fc.property(size, u64, u64, u64, u64, (bytes, magic, capacity, tail, beat) => {
        const content = Buffer.alloc(bytes);
        const words = { [MAGIC_AT]: magic, [CAPACITY_AT]: capacity, [TAIL_AT]: tail, [CONSUMER_HEARTBEAT_AT]: beat };
        for (const [at, value] of Object.entries(words)) {
          if (Number(at) + 8 <= bytes) content.writeBigUInt64LE(value, Number(at));
        }
        fs.rmSync(path, { force: true });
        fs.writeFileSync(path, content);
        const before = print(path);
        const result = files.joinConsumer(arena, REGION, path);
        const whole = bytes === BYTES && magic === MAGIC && capacity === 64n;
        const waiting = bytes === 0 || (bytes === BYTES && magic === 0n);
        expect(result.state).toBe(whole ? "joined" : waiting ? "uninitialised" : "refused");
        if (result.state === "joined") result.channel.close();
        expect(print(path)).toBe(before);
        if (whole || waiting) return;
        expect(files.joinProducer(arena, REGION, path, { lock: true }).state).toBe("refused");
        expect(files.createChannel(path, REGION, { mode: 0o666 }).state).toBe("refused");
        expect(print(path)).toBe(before);
      }),
      { seed: 2, numRuns: 500 },
    );
  });

  test("a region that is too small for the channel is the program's own mistake", () => {
    const path = written(BYTES, GOOD);
    expect(() => files.joinConsumer(arena, { ...REGION, bytes: BYTES - 1 }, path)).toThrow(RangeError);
  });
});

describe("creating", () => {
  test("makes a channel with the asked mode; again, it is present and unchanged", () => {
    const path = freshPath();
    const created = files.createChannel(path, REGION, { mode: 0o660, gid: process.getgid?.() ?? 0 });
    expect(created).toMatchObject({ state: "created", facts: { bytes: BYTES, mode: 0o660 } });
    const before = print(path);
    expect(files.createChannel(path, REGION, { mode: 0o600 })).toMatchObject({
      state: "present",
      facts: { mode: 0o660 },
    });
    expect(print(path)).toBe(before);
    channelOf(files.joinConsumer(arena, REGION, path)).close();
  });

  test("completes what somebody opened and waits for, without another inode", () => {
    const path = written(0);
    const { ino } = fs.statSync(path);
    expect(files.createChannel(path, REGION)).toMatchObject({
      state: "completed",
      facts: { inode: ino, bytes: BYTES },
    });
  });

  test("takes a file away again that it could not finish", () => {
    const path = freshPath();
    expect(() => files.createChannel(path, REGION, { gid: -2 })).toThrow(RangeError);
    expect(fs.existsSync(path)).toBe(false);
  });

  test("is refused where there is no room, and leaves nothing", () => {
    const path = freshPath();
    const shape = { capacity: 2 ** 32, elementBytes: 1264 };
    expect(files.createChannel(path, shape)).toMatchObject({ state: "refused", kind: "pages" });
    expect(files.joinProducer(arena, { ...REGION, ...shape }, path)).toMatchObject({ state: "refused", kind: "pages" });
    expect(fs.existsSync(path)).toBe(false);
  });
});

describe("a joined file", () => {
  test("is the same until it is removed, re-created or cut", () => {
    const path = written(BYTES, GOOD);
    const channel = channelOf(files.joinConsumer(arena, REGION, path));
    expect(files.sameFile(channel)).toBe(true);
    fs.truncateSync(path, BYTES - PAGE_BYTES);
    expect(files.sameFile(channel)).toBe(false);
    fs.truncateSync(path, BYTES);
    expect(files.sameFile(channel)).toBe(true);
    fs.unlinkSync(path);
    expect(files.sameFile(channel)).toBe(false);
    expect(files.identityOf(path)).toBeUndefined();
    expect(files.createChannel(path, REGION).state).toBe("created");
    expect(files.sameFile(channel)).toBe(false);
    expect(files.identityOf(path)?.inode).not.toBe(channel.identity.inode);
    channel.close();
  });

  test("closes once, also when its region holds another by then", () => {
    const first = channelOf(files.joinConsumer(arena, REGION, written(BYTES, GOOD)));
    first.close();
    const second = channelOf(files.joinConsumer(arena, REGION, written(BYTES, GOOD)));
    first.close();
    expect(arena.u64[(REGION.at + MAGIC_AT) / 8]).toBe(MAGIC);
    second.close();
  });
});
