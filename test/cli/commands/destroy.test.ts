import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { joinProducer } from "../../../src/channel/files.ts";
import { Producer } from "../../../src/channel/producer.ts";
import { Arena } from "../../../src/shape/arena.ts";
import { Host } from "../../binary/host.ts";
import { destroy, filesOf, freshPrefix, init, removeChannels, rowsOf } from "../../tools/test-channels.ts";

afterAll(removeChannels);

const setpriv = Bun.which("setpriv");

describe("somebody who lives on the channels", () => {
  /** A producer that beats until it is stopped. */
  function live(path: string, lock: boolean): () => void {
    const arena = Arena.reserve(80 << 20);
    const region = { at: 65_536, bytes: 66 << 20, capacity: 16_384, elementBytes: 4160 };
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
      expect.stringMatching(
        /^qos: the channels are in use; nothing was removed\..*--force\n.*\n.*fwd_to_qos +producer$/,
      ),
    ]);
    expect(filesOf(prefix)).toHaveLength(8);
    const forced = await init(prefix, "--force", "--json");
    expect(rowsOf(forced).notes).toEqual([
      expect.stringMatching(/fwd_to_qos was re-created under its producer, which must join it again$/),
    ]);
    stop();
    expect((await destroy(prefix)).code).toBe(0);
  });

  test("is named by its process where it holds the output's lock, even if it stands still", async () => {
    const prefix = freshPrefix();
    await init(prefix);
    const stop = live(`/dev/shm/${prefix}qos_to_sig`, true);
    const refused = await destroy(prefix);
    expect(refused.notes[0]).toMatch(new RegExp(`qos_to_sig +.*locked by process ${process.pid}$`));
    expect((await destroy(prefix, "--force")).code).toBe(0);
    expect(filesOf(prefix)).toEqual([]);
    stop();
  });
});

describe("qos destroy", () => {
  test("leaves alone what is not a channel, unless forced", async () => {
    const prefix = freshPrefix();
    await init(prefix);
    fs.writeFileSync(`/dev/shm/${prefix}re1_to_qos`, Buffer.alloc(1_000, 7));
    expect((await destroy(prefix)).notes[0]).toContain("is not a channel (wrong magic); nothing was removed");
    fs.unlinkSync(`/dev/shm/${prefix}re1_to_qos`);
    fs.symlinkSync("/etc/passwd", `/dev/shm/${prefix}re1_to_qos`);
    expect((await destroy(prefix)).notes[0]).toContain("is not a regular file");
    expect(filesOf(prefix)).toHaveLength(8);
    expect((await destroy(prefix, "--force")).code).toBe(0);
    expect(filesOf(prefix)).toEqual([]);
    expect(fs.existsSync("/etc/passwd")).toBe(true);
  });

  // only root can become somebody else
  test.skipIf(process.getuid?.() !== 0 || setpriv === null)(
    "of another user's channels names the way (needs root and setpriv)",
    async () => {
      const prefix = freshPrefix();
      await init(prefix);
      const host = new Host();
      const asOther = (...args: string[]) => {
        const child = Bun.spawnSync(host.asUser(host.binary, ...args, "--prefix", prefix), { cwd: "/" });
        return [child.exitCode, child.stderr.toString()];
      };
      const remedy = expect.stringMatching(/permi.*run this as the owner of the files or as root/);
      expect(asOther("destroy")).toEqual([1, remedy]);
      expect(asOther("destroy", "--force")).toEqual([1, remedy]);
      expect(asOther("init", "--force")).toEqual([1, remedy]);
      expect(asOther("inspect", "tpu_to_qos")).toEqual([1, expect.stringContaining("qos init --group")]);
      expect(filesOf(prefix)).toHaveLength(8);
      await destroy(prefix);
      host.remove();
    },
  );
});
