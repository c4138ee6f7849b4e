import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { Backlog } from "../../src/database/backlog.ts";
import { type Batch, encodeBatch } from "../../src/database/batch.ts";
import { Spill } from "../../src/database/spill.ts";
import { batchOf } from "./rig.ts";

const folder = fs.mkdtempSync("/tmp/qos-spill-");
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

let made = 0;
const fresh = (): string => `${folder}/${made++}.spill`;
const free = (): boolean => true;
const MIB = 1024 * 1024;
const open = (path: string, limit = MIB): Spill => Spill.open(path, limit, free);
const batch = (number: number, count = 10): Batch => batchOf("transactions", count, `session-${number}`, number);
const bytesOf = encodeBatch(batch(100)).length;

function replay(spill: Spill): string[] {
  const found: string[] = [];
  for (let next = spill.peek(); next !== undefined; next = spill.peek()) {
    found.push(next.session);
    spill.drop(next);
  }
  return found;
}

describe("the spill file", () => {
  test("gives back what was put in, in order, also to a later run", () => {
    const path = fresh();
    const first = open(path);
    for (let i = 0; i < 5; i++) expect(first.append(batch(i))).toBe(true);
    expect(first.records).toBe(50);
    first.drop(first.peek()!);
    first.close();
    const second = open(path);
    expect(second.records).toBe(40);
    expect(replay(second)).toEqual(["session-1", "session-2", "session-3", "session-4"]);
    expect([second.empty, second.records, second.bytes]).toEqual([true, 0, 0]);
    second.close();
    expect(fs.existsSync(path)).toBe(false); // an empty one leaves nothing behind
  });

  test("is for its owner alone", () => {
    const path = fresh();
    const spill = open(path);
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
    spill.close();
  });

  test("never grows beyond its limit, and has room again when batches were sent", () => {
    const path = fresh();
    const spill = open(path, 64 + 3 * bytesOf + 100);
    expect([0, 1, 2, 3].map((i) => spill.append(batch(100 + i)))).toEqual([true, true, true, false]);
    spill.drop(spill.peek()!);
    spill.drop(spill.peek()!);
    expect(spill.append(batch(104))).toBe(true);
    expect(fs.statSync(path).size).toBeLessThanOrEqual(64 + 3 * bytesOf + 100);
    expect(replay(spill)).toEqual(["session-102", "session-104"]);
    spill.close();
  });

  test("moves batches to its front only where both copies have room: a crash meanwhile loses none", () => {
    const path = fresh();
    const limit = 64 + 4 * bytesOf;
    const spill = open(path, limit);
    for (let i = 0; i < 4; i++) expect(spill.append(batch(100 + i))).toBe(true);
    spill.drop(spill.peek()!);
    // One batch is sent and three wait: moved to the front, they would overlap the place that the header still names.
    const before = fs.readFileSync(path);
    expect(spill.append(batch(104))).toBe(false);
    expect(fs.readFileSync(path)).toEqual(before);
    spill.drop(spill.peek()!);
    // Two are sent and two wait. A crash after the move and before the header: the old offset names whole batches.
    expect(spill.append(batch(104))).toBe(true);
    const crashed = fresh();
    const bytes = Buffer.concat([
      fs.readFileSync(path).subarray(0, 64 + 2 * bytesOf),
      before.subarray(64 + 2 * bytesOf),
    ]);
    bytes.writeDoubleLE(64 + 2 * bytesOf, 16);
    fs.writeFileSync(crashed, bytes);
    const again = open(crashed);
    expect(replay(again)).toEqual(["session-102", "session-103"]);
    again.close();
    expect(replay(spill)).toEqual(["session-102", "session-103", "session-104"]);
    spill.close();
  });

  test("passes over damage, wherever it is, and says how much", () => {
    for (let damaged = 0; damaged < 3; damaged++) {
      const path = fresh();
      const spill = open(path);
      for (let i = 0; i < 3; i++) spill.append(batch(100 + i));
      spill.close();
      const bytes = fs.readFileSync(path);
      bytes[64 + damaged * bytesOf + 50] ^= 1;
      fs.writeFileSync(path, bytes);
      const again = open(path);
      const expected = [100, 101, 102].filter((i) => i !== 100 + damaged).map((i) => `session-${i}`);
      expect(again.records).toBe(20);
      expect(replay(again)).toEqual(expected);
      expect(again.damagedBytes).toBe(bytesOf);
      again.close();
    }
  });

  test("that was cut short anywhere gives the whole batches before the cut", () => {
    const path = fresh();
    const spill = open(path);
    for (let i = 0; i < 3; i++) spill.append(batch(100 + i));
    spill.close();
    const whole = fs.readFileSync(path);
    for (let length = 64; length < whole.length; length += 97) {
      fs.writeFileSync(path, whole.subarray(0, length));
      const again = open(path);
      expect(replay(again).length).toBe(Math.floor((length - 64) / bytesOf));
      expect(again.append(batch(1))).toBe(true);
      again.close();
    }
  });

  test("is no other program's file, no link, and one sidecar's", () => {
    const other = fresh();
    fs.writeFileSync(other, "somebody's letters, which are longer than a header is, and stay as they are");
    const before = fs.readFileSync(other);
    expect(() => open(other)).toThrow("not a spill file");
    expect(fs.readFileSync(other)).toEqual(before);
    const link = fresh();
    fs.symlinkSync(other, link);
    expect(() => open(link)).toThrow("cannot be opened (ELOOP)");
    expect(() => open(`${folder}/absent/file`)).toThrow("cannot be opened (ENOENT)");
    expect(() => Spill.open(fresh(), MIB, () => false)).toThrow("in use by another sidecar");
  });

  test("on a full disk keeps what it has and says so", () => {
    // /dev/full accepts no byte; a real file whose growth is limited comes nearer.
    const path = fresh();
    const script = `
      import { Spill } from "${import.meta.dir}/../../src/database/spill.ts";
      import { batchOf } from "${import.meta.dir}/rig.ts";
      process.on("SIGXFSZ", () => undefined);
      const spill = Spill.open(${JSON.stringify(path)}, 1e9, () => true);
      const taken = [0, 1, 2, 3].map((i) => spill.append(batchOf("transactions", 10, "session-" + i, i)));
      console.log(JSON.stringify({ taken, trouble: spill.trouble, records: spill.records }));
      spill.close();`;
    const limited = Bun.spawnSync(["sh", "-c", `ulimit -f 10 && exec "$0" -e "$1"`, process.execPath, script]);
    expect(limited.stderr.toString()).toBe("");
    const said = JSON.parse(limited.stdout.toString()) as { taken: boolean[]; trouble: string; records: number };
    expect(said.taken).toEqual([true, true, false, false]);
    expect(said.trouble).toContain("cannot be written (EFBIG)");
    const again = open(path);
    expect(replay(again)).toEqual(["session-0", "session-1"]);
    again.close();
  });
});

describe("the backlog", () => {
  test("spills the oldest, drops what finds no room, and sends the oldest first", () => {
    const spill = open(fresh(), 64 + 2 * bytesOf + 100);
    const backlog = new Backlog(spill, 2 * bytesOf + 100);
    for (let i = 0; i < 6; i++) backlog.push(batch(100 + i));
    expect([backlog.spilled, backlog.dropped, backlog.records]).toEqual([20, 20, 40]);
    const sent: string[] = [];
    for (let next = backlog.next(); next !== undefined; next = backlog.next()) {
      sent.push(next.session);
      backlog.sent(next);
    }
    expect(sent).toEqual(["session-100", "session-101", "session-104", "session-105"]);
    expect([backlog.replayed, backlog.records]).toEqual([20, 0]);
    spill.close();
  });

  test("keeps a batch that is spilled while it is under way from being lost or sent for ever", () => {
    const spill = open(fresh());
    const backlog = new Backlog(spill, bytesOf + 100);
    backlog.push(batch(100));
    const underWay = backlog.next()!;
    backlog.push(batch(101)); // spills 100
    expect(spill.records).toBe(10);
    backlog.sent(underWay);
    expect(backlog.next()?.session).toBe("session-101");
    expect(backlog.records).toBe(10);
    spill.close();
  });

  test("without a spill file drops and counts", () => {
    const backlog = new Backlog(undefined, bytesOf + 100);
    for (let i = 0; i < 3; i++) backlog.push(batch(100 + i));
    expect([backlog.dropped, backlog.records]).toEqual([20, 10]);
    backlog.spillAll();
    expect([backlog.dropped, backlog.records]).toEqual([30, 0]);
  });
});
