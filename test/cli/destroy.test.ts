import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { Arena } from "../../src/arena.ts";
import { joinProducer } from "../../src/channel/files.ts";
import { Producer } from "../../src/channel/producer.ts";
import { destroy, filesOf, freshPrefix, init, removeChannels, rowsOf } from "../tools/test-channels.ts";

afterAll(removeChannels);

describe("somebody who lives on the channels", () => {
  /** A producer that beats until it is stopped. */
  function live(path: string, lock: boolean): () => void {
    const arena = Arena.reserve(64 << 20);
    const region = { at: 65_536, bytes: 42 << 20, capacity: 32_768, elementBytes: 1264 };
    const result = joinProducer(arena, region, path, { lock });
    if (result.state !== "joined") throw new Error(JSON.stringify(result));
    const producer = new Producer(arena, region.at, region.capacity, region.elementBytes);
    const timer = setInterval(() => producer.beat(), 5);
    return () => {
      clearInterval(timer);
      result.channel.close();
    };
  }

  test("keeps destroy from removing anything; init --force says whom it re-creates under", async () => {
    const prefix = freshPrefix();
    await init(prefix);
    const stop = live(`/dev/shm/${prefix}fwd_to_qos`, false);
    const refused = await destroy(prefix);
    expect([refused.code, refused.notes[0]]).toEqual([
      1,
      expect.stringMatching(/fwd_to_qos: its producer heartbeat moves/),
    ]);
    expect(filesOf(prefix)).toHaveLength(8);
    const forced = await init(prefix, "--force", "--json");
    expect(rowsOf(forced).notes).toEqual([
      expect.stringMatching(/fwd_to_qos: its producer heartbeat moves.*join it again$/),
    ]);
    stop();
    expect((await destroy(prefix)).code).toBe(0);
  });

  test("is named by its process where it holds the output's lock, even if it stands still", async () => {
    const prefix = freshPrefix();
    await init(prefix);
    const stop = live(`/dev/shm/${prefix}qos_to_sig`, true);
    const refused = await destroy(prefix);
    expect(refused.notes[0]).toContain(`process ${process.pid} holds its lock`);
    expect((await destroy(prefix, "--force")).code).toBe(0);
    expect(filesOf(prefix)).toEqual([]);
    stop();
  });
});

describe("qos destroy", () => {
  test("leaves alone what is no channel, unless forced", async () => {
    const prefix = freshPrefix();
    await init(prefix);
    fs.writeFileSync(`/dev/shm/${prefix}re1_to_qos`, Buffer.alloc(1_000, 7));
    expect((await destroy(prefix)).notes[0]).toContain("is no channel (wrong magic); nothing was removed");
    fs.unlinkSync(`/dev/shm/${prefix}re1_to_qos`);
    fs.symlinkSync("/etc/passwd", `/dev/shm/${prefix}re1_to_qos`);
    expect((await destroy(prefix)).notes[0]).toContain("is no regular file");
    expect(filesOf(prefix)).toHaveLength(8);
    expect((await destroy(prefix, "--force")).code).toBe(0);
    expect(filesOf(prefix)).toEqual([]);
    expect(fs.existsSync("/etc/passwd")).toBe(true);
  });
});
