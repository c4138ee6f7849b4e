import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { availableHugePages, HUGE_PAGES_COUNTER, HUGE_PAGES_FOLDER, hugePages } from "../../ffi/huge-pages.ts";
import { addressOf } from "../../ffi/shared-memory.ts";
import { Consumer } from "../../src/channel/consumer.ts";
import { createChannel, joinConsumer, joinProducer, sameFile } from "../../src/channel/files.ts";
import { Producer } from "../../src/channel/producer.ts";
import { Arena } from "../../src/shape/arena.ts";
import { MAGIC, MAGIC_AT } from "../../src/shape/channel-header.ts";
import { arenaLayout, type ChannelRegion, HUGE_PAGE_BYTES } from "../../src/shape/layout.ts";
import { run } from "../tools/command-line.ts";
import { takeHugePages } from "../tools/huge-pages.ts";
import { freshPath, removeFiles } from "../tools/shared-files.ts";

const PAGES = 8;
const taken = takeHugePages(PAGES);
if (typeof taken === "string") console.log(`huge pages are not tested: ${taken}`);
afterAll(() => {
  removeFiles(); // before the unmounting
  if (typeof taken !== "string") taken();
});

// root alone can reserve pages; the reason is printed above
describe.skipIf(typeof taken === "string")("channels on huge pages (needs root and free memory)", () => {
  const arena = Arena.reserve(16 << 20);
  const misaligned = addressOf(arena.memory) % HUGE_PAGE_BYTES;
  const offset = misaligned === 0 ? 0 : HUGE_PAGE_BYTES - misaligned;
  const region = (index: number): ChannelRegion => ({
    at: offset + index * 2 * HUGE_PAGE_BYTES,
    bytes: 2 * HUGE_PAGE_BYTES,
    capacity: 2048,
    elementBytes: 1264, // 2.47 MiB: two pages
  });
  const word = (path: string, at: number): bigint => {
    const bytes = Buffer.alloc(8);
    const fd = fs.openSync(path, "r");
    fs.readSync(fd, bytes, 0, 8, at);
    fs.closeSync(fd);
    return bytes.readBigUInt64LE();
  };

  test("are created, joined and read through two mappings of whole huge pages", () => {
    const path = freshPath(HUGE_PAGES_FOLDER);
    expect(joinConsumer(arena, region(0), path)).toEqual({ state: "absent" });
    const made = joinProducer(arena, region(0), path, { lock: true });
    if (made.state !== "joined") throw new Error(JSON.stringify(made));
    expect(made.channel).toMatchObject({ created: true, bytes: 2 * HUGE_PAGE_BYTES });
    expect(fs.statSync(path).size).toBe(2 * HUGE_PAGE_BYTES);
    expect(word(path, MAGIC_AT)).toBe(MAGIC);
    const joined = joinConsumer(arena, region(1), path);
    if (joined.state !== "joined") throw new Error(JSON.stringify(joined));
    const producer = new Producer(arena, region(0).at, 2048, 1264);
    const consumer = new Consumer(arena, region(1).at, 2048, 1264);
    consumer.join();
    for (let i = 0; i < 1_500; i++) {
      arena.u8.fill(i & 255, producer.reserve(), producer.reserve() + 1264);
      producer.commit();
    }
    producer.sync();
    expect(consumer.readable(2_000)).toBe(1_500);
    for (const i of [0, 700, 1_499]) expect(arena.u8[consumer.addressOf(i) + 1263]).toBe(i & 255);
    const maps = fs.readFileSync("/proc/self/smaps", "utf8");
    const entry = maps.slice(maps.indexOf(path));
    expect(/KernelPageSize:\s*(\d+) kB/.exec(entry)?.[1]).toBe("2048");
    expect(sameFile(joined.channel)).toBe(true);
    made.channel.close();
    joined.channel.close();
    expect(arena.u8[region(0).at + MAGIC_AT]).toBe(0);
    expect(createChannel(path, region(0))).toMatchObject({ state: "present" });
  });

  test("that are empty wait, and are initialised by their producer alone", () => {
    const path = freshPath(HUGE_PAGES_FOLDER);
    fs.writeFileSync(path, "");
    expect(joinConsumer(arena, region(0), path)).toEqual({ state: "uninitialised" });
    expect(fs.statSync(path).size).toBe(0); // a writable mapping alone would have made it larger
    expect(createChannel(path, region(0))).toMatchObject({ state: "completed" });
    const joined = joinConsumer(arena, region(0), path);
    expect(joined.state).toBe("joined");
    if (joined.state === "joined") joined.channel.close();
    expect(joinConsumer(arena, { ...region(0), capacity: 1024 }, path)).toMatchObject({
      state: "refused",
      kind: "capacity",
    });
  });

  test("need an aligned region: anything else is the program's own mistake", () => {
    const path = freshPath(HUGE_PAGES_FOLDER);
    createChannel(path, region(0));
    expect(() => joinConsumer(arena, { ...region(0), at: offset + 65_536 }, path)).toThrow(RangeError);
    const layout = arenaLayout({ packetLayout: "agave2", maxIps: 1, maxSigners: 1, hugeAlignOffset: offset });
    for (const { at } of layout.channels) expect((addressOf(arena.memory) + at) % HUGE_PAGE_BYTES).toBe(0);
  });

  test("that are too few are said with the number and the command, and nothing is left", () => {
    const now = hugePages();
    const path = freshPath(HUGE_PAGES_FOLDER);
    const available = now === undefined ? 0 : availableHugePages(now);
    const shape = { capacity: 2 ** Math.ceil(Math.log2((available + 2) * 2048)), elementBytes: 2048 };
    const result = createChannel(path, shape);
    expect(result).toMatchObject({ state: "refused", kind: "pages" });
    const { message } = result as { message: string };
    expect(message).toMatch(/\d+ huge pages of 2 MiB are needed and \d+ are available .*as root: echo \d+ > /);
    expect(message).toEndWith(` > ${HUGE_PAGES_COUNTER}`);
    expect(fs.existsSync(path)).toBe(false);
  });

  test("of the eight: too few pages are said before anything is made", async () => {
    const now = hugePages();
    if (now === undefined || availableHugePages(now) >= 232) return; // somebody reserved enough for all
    const prefix = `huge_${process.pid}_`;
    const out = await run("init", "--prefix", prefix, "--use-huge-pages");
    expect([out.code, out.notes[0]]).toEqual([1, expect.stringMatching(/232 huge pages of 2 MiB are needed/)]);
    expect(fs.readdirSync(HUGE_PAGES_FOLDER).filter((name) => name.startsWith(prefix))).toEqual([]);
  });
});

describe("without huge pages", () => {
  // this cannot be seen on a host that has them mounted
  test.skipIf(typeof taken !== "string")(
    "init says what is missing and how to mend it (needs a host without huge pages)",
    async () => {
      const out = await run("init", "--prefix", `huge_${process.pid}_`, "--use-huge-pages");
      expect([out.code, out.notes[0]]).toEqual([1, expect.stringMatching(/huge pages|hugetlbfs|\/mnt\/hugepages/)]);
    },
  );
});
