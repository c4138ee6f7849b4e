import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { MAGIC, MAGIC_AT } from "../../../src/shape/channel-header.ts";
import { CHANNELS } from "../../../src/shape/channels.ts";
import {
  destroy,
  filesOf,
  freshPrefix,
  identities,
  init,
  type Row,
  removeChannels,
  rowsOf,
} from "../../tools/test-channels.ts";

afterAll(removeChannels);

describe("qos init", () => {
  test("creates the eight with their sizes, then changes nothing; destroy removes them, then nothing", async () => {
    const prefix = freshPrefix();
    const first = await init(prefix, "--json");
    expect([first.code, first.notes]).toEqual([0, []]);
    const { channels } = rowsOf(first);
    expect(channels.map(({ name, state }) => [name, state])).toEqual(CHANNELS.map(({ name }) => [name, "created"]));
    expect(channels.map(({ elementBytes }) => elementBytes)).toEqual([4160, 4160, 4160, 4160, 4160, 16, 64, 4160]);
    for (const { path, bytes, mode } of channels) {
      expect(fs.statSync(path).size).toBe(bytes);
      expect(fs.statSync(path).blocks * 512).toBeGreaterThanOrEqual(bytes);
      expect([mode, fs.statSync(path).mode & 0o777]).toEqual(["0600", 0o600]);
      const magic = Buffer.alloc(8);
      const fd = fs.openSync(path, "r");
      fs.readSync(fd, magic, 0, 8, MAGIC_AT);
      fs.closeSync(fd);
      expect(magic.readBigUInt64LE()).toBe(MAGIC);
    }
    const before = identities(prefix);
    const again = await init(prefix, "--json");
    expect(rowsOf(again).channels.map(({ state }) => state)).toEqual(Array(8).fill("present"));
    expect(identities(prefix)).toEqual(before);

    const gone = await destroy(prefix, "--json");
    expect(gone.code).toBe(0);
    expect(gone.parsed<{ channels: Row[] }>().channels.map(({ state }) => state)).toEqual(Array(8).fill("removed"));
    expect(filesOf(prefix)).toEqual([]);
    const nothing = await destroy(prefix);
    expect(nothing.code).toBe(0);
    expect(nothing.lines).toHaveLength(9);
    expect(nothing.lines[1]).toMatch(/^tpu_to_qos +absent +\/dev\/shm\//);
  });

  test("prints a table, and what is not as it was asked for", async () => {
    const prefix = freshPrefix();
    const first = await init(prefix, "--mode", "0640");
    expect(first.lines[0].split(/ +/)).toEqual([
      "channel",
      "state",
      "elements",
      "bytes",
      "MiB",
      "mode",
      "owner",
      "file",
    ]);
    expect(first.lines[1]).toMatch(
      new RegExp(`^tpu_to_qos +created +16384 +4160 +65 +0640 +\\S+ +/dev/shm/${prefix}tpu_to_qos$`),
    );
    const second = await init(prefix, "--mode", "660");
    expect(second.code).toBe(0);
    expect(second.notes).toHaveLength(8);
    expect(second.notes[0]).toContain("has mode 0640, not 0660: --force re-creates it");
    await destroy(prefix);
  });

  const notRoot = process.geteuid?.() !== 0;
  test.skipIf(notRoot)("names a channel that another user made, which no sidecar would join (needs root)", async () => {
    const prefix = freshPrefix();
    const { channels } = rowsOf(await init(prefix, "--group", "0", "--json"));
    fs.chownSync(channels[7].path, 65_534, 65_534);
    const { notes } = rowsOf(await init(prefix, "--json"));
    expect(notes).toEqual([expect.stringContaining(`${channels[7].path} belongs to nobody (uid 65534)`)]);
    expect(rowsOf(await init(prefix, "--group", "65534", "--json")).notes.join()).not.toContain("(uid 65534)");
    await destroy(prefix);
  });

  test("gives the files to a group, with 0660 unless told otherwise", async () => {
    const gid = process.getgid?.() ?? 0;
    const prefix = freshPrefix();
    const { channels } = rowsOf(await init(prefix, "--group", String(gid), "--json"));
    expect(channels.map(({ mode }) => mode)).toEqual(Array(8).fill("0660"));
    expect(fs.statSync(channels[0].path).gid).toBe(gid);
    const open = await init(prefix, "--mode", "0666", "--force", "--json");
    expect(rowsOf(open).notes.join()).toContain("any user of this host can open the channels");
    const again = await init(prefix, "--json");
    expect(rowsOf(again).notes.join()).toContain("can be written to by every user of this host");
    await destroy(prefix);
    const unknown = await init(prefix, "--group", "no-such-group-here");
    expect([unknown.code, unknown.notes[0]]).toEqual([2, expect.stringContaining('no group "no-such-group-here"')]);
    for (const mode of ["0060", "999", "rw", "06600"]) expect((await init(prefix, "--mode", mode)).code).toBe(2);
    expect(filesOf(prefix)).toEqual([]);
  });

  test("makes what is missing beside what is there, and completes what somebody waits for", async () => {
    const prefix = freshPrefix();
    await init(prefix);
    fs.unlinkSync(`/dev/shm/${prefix}sig_to_qos`);
    fs.truncateSync(`/dev/shm/${prefix}sch_to_qos`, 0);
    const { channels } = rowsOf(await init(prefix, "--json"));
    const states = Object.fromEntries(channels.map(({ name, state }) => [name, state]));
    expect([states.sig_to_qos, states.sch_to_qos, states.tpu_to_qos]).toEqual(["created", "completed", "present"]);
    await destroy(prefix);
  });

  test("creates nothing where one is not a channel of this shape; --force makes all anew", async () => {
    const prefix = freshPrefix();
    fs.writeFileSync(`/dev/shm/${prefix}qos_to_sig`, "something else entirely");
    const refused = await init(prefix);
    expect([refused.code, refused.notes[0]]).toEqual([
      1,
      expect.stringMatching(/qos_to_sig has 23 bytes.*no channel was created$/),
    ]);
    expect(filesOf(prefix)).toEqual([`/dev/shm/${prefix}qos_to_sig`]);
    const { channels } = rowsOf(await init(prefix, "--force", "--json"));
    expect(channels.map(({ state }) => state)).toEqual([...Array(7).fill("created"), "re-created"]);
    const before = identities(prefix);
    const other = await init(prefix, "--packet-layout", "agave4");
    const bothNamed = "it has packets of --packet-layout large, and this is agave4";
    expect([other.code, other.notes[0]]).toEqual([1, expect.stringContaining(bothNamed)]);
    expect(identities(prefix)).toEqual(before);
    const forced = await init(prefix, "--packet-layout", "agave4", "--force", "--json");
    expect(
      rowsOf(forced)
        .channels.map(({ elementBytes }) => elementBytes)
        .slice(0, 2),
    ).toEqual([1296, 1296]);
    await destroy(prefix);
    expect(filesOf(prefix)).toEqual([]);
  });

  test("makes the layout large unless told otherwise; auto completes those that are there", async () => {
    const prefix = freshPrefix();
    await init(prefix, "--packet-layout", "agave4");
    fs.unlinkSync(`/dev/shm/${prefix}qos_to_sig`);
    const large = await init(prefix);
    const bothNamed = "it has packets of --packet-layout agave4, and this is large";
    expect([large.code, large.notes[0]]).toEqual([1, expect.stringContaining(bothNamed)]);
    const { channels } = rowsOf(await init(prefix, "--packet-layout", "auto", "--json"));
    expect(channels.map(({ elementBytes }) => elementBytes)).toEqual([1296, 1296, 1296, 1296, 1296, 16, 64, 1296]);
    expect(channels.map(({ state }) => state)).toEqual([...Array(7).fill("present"), "created"]);
    await destroy(prefix);
    const none = rowsOf(await init(prefix, "--packet-layout", "auto", "--json"));
    expect(none.channels[0]).toMatchObject({ state: "created", elementBytes: 4160, capacity: 16_384 });
    await destroy(prefix);
  });

  test("takes no empty prefix: an unset variable must not name the production channels", async () => {
    for (const out of [await init(""), await destroy(""), await init("", "--force"), await destroy("", "--force")]) {
      expect([out.code, out.notes[0]]).toEqual([
        2,
        expect.stringMatching(/--prefix: "" is empty .*leave the flag out$/),
      ]);
    }
  });

  test("does not touch a folder, forced or not", async () => {
    const prefix = freshPrefix();
    fs.mkdirSync(`/dev/shm/${prefix}tpu_to_qos`);
    expect((await init(prefix)).notes[0]).toContain("a folder");
    expect((await init(prefix, "--force")).notes[0]).toContain("is a folder");
    expect((await destroy(prefix, "--force")).notes[0]).toContain("is a folder");
    expect(fs.statSync(`/dev/shm/${prefix}tpu_to_qos`).isDirectory()).toBe(true);
  });
});
