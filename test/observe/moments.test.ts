import { afterEach, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { tryLock } from "../../ffi/shared-memory.ts";
import { StatusPage } from "../../src/engine/status.ts";
import { type Board, writeBoard } from "../../src/observe/board.ts";
import { Faults } from "../../src/observe/faults.ts";
import { isStoppedProcess, type Moment, Moments } from "../../src/observe/moments.ts";
import { parseBoard, statusPath } from "../../src/observe/status-reader.ts";
import { Arena } from "../../src/shape/arena.ts";
import { STATUS_BYTES } from "../../src/shape/layout.ts";
import { STAT } from "../../src/shape/statistics.ts";

const board: Board = {
  version: "1",
  pid: process.pid,
  startedMs: 1_000,
  writtenMs: 2_000,
  prefix: "p_",
  model: "evidence",
  packetLayout: "agave2",
  targetPps: 5,
  paused: false,
  heartbeatAgeMs: { tpu_to_qos: null },
  loopAgeMs: 3,
  updates: [],
  senders: { ips: { known: 0, top: [], bottom: [] }, payers: { known: 0, top: [], bottom: [] } },
  database: null,
  faults: new Faults().counts,
  detached: {},
  ended: null,
};

/** A sidecar's status page, held by this process. */
class Page {
  readonly prefix = `moments_${process.pid}_`;
  readonly #path = statusPath(this.prefix);
  readonly #arena = Arena.reserve(STATUS_BYTES);
  readonly #status = new StatusPage(this.#arena, 0);
  readonly #fd: number;

  constructor() {
    fs.rmSync(this.#path, { force: true });
    fs.writeFileSync(this.#path, new Uint8Array(STATUS_BYTES));
    this.#fd = fs.openSync(this.#path, "r+");
    tryLock(this.#fd, this.#path);
  }

  write(clockMs: number, packets: number, more: Partial<Board> = {}): void {
    this.#status.words[STAT.clockMs] = clockMs;
    this.#status.words[STAT.totalPackets] = packets;
    this.#status.publish();
    writeBoard(this.#arena.buffer, 0, JSON.stringify({ ...board, ...more }));
    fs.writeSync(this.#fd, this.#arena.u8, 0, STATUS_BYTES, 0);
  }

  remove(): void {
    fs.closeSync(this.#fd);
    fs.rmSync(this.#path, { force: true });
  }
}

const pages: Page[] = [];
const page = (): Page => {
  const made = new Page();
  pages.push(made);
  return made;
};
afterEach(() => {
  for (const one of pages.splice(0)) one.remove();
});

describe("a sidecar's moments", () => {
  test("come from the second look on, with rates by the loop's clock", () => {
    const one = page();
    let nowMs = 0;
    const moments = new Moments(one.prefix, "ips", () => nowMs);
    expect(moments.look()).toContain("starting"); // nothing is written yet
    one.write(1_000, 10);
    expect(moments.look()).toBeUndefined();
    one.write(1_250, 60);
    nowMs = 900; // whenever it was looked
    const seen = moments.look() as Moment;
    expect([seen.elapsedMs, seen.stillMs]).toEqual([250, 0]);
    expect(seen.now.snapshot.counters.totalPackets - seen.before.snapshot.counters.totalPackets).toBe(50);
    expect(moments.latest?.snapshot.counters.totalPackets).toBe(60);
    moments.close();
  });

  test("say for how long the loop has not turned, by this process's clock, whatever the wall clock does", () => {
    const one = page();
    let nowMs = 0;
    const moments = new Moments(one.prefix, undefined, () => nowMs);
    one.write(1_000, 0);
    moments.look();
    for (const at of [500, 1_500, 4_000]) {
      nowMs = at;
      expect((moments.look() as Moment).stillMs).toBe(at);
    }
    one.write(1_001, 0);
    expect((moments.look() as Moment).stillMs).toBe(0);
    moments.close();
  });

  test("begin anew with the next sidecar, and end with the page", () => {
    const first = page();
    const moments = new Moments(first.prefix, undefined);
    first.write(5_000, 100);
    moments.look();
    first.remove();
    pages.pop();
    expect(moments.look()).toContain("no sidecar runs here");
    const second = page();
    second.write(10, 1, { startedMs: 9_000 });
    expect(moments.look()).toBeUndefined();
    second.write(20, 3, { startedMs: 9_000 });
    expect((moments.look() as Moment).elapsedMs).toBe(10);
    moments.close();
  });
});

test("a process that is stopped is told from one that runs", async () => {
  const child = Bun.spawn(["sleep", "60"]);
  try {
    expect(isStoppedProcess(child.pid)).toBe(false);
    process.kill(child.pid, "SIGSTOP");
    for (let look = 0; look < 200 && !isStoppedProcess(child.pid); look++) await Bun.sleep(5);
    expect(isStoppedProcess(child.pid)).toBe(true);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
  expect(isStoppedProcess(2 ** 30)).toBe(false);
});

describe("a board of a stranger", () => {
  test("has no text that a terminal obeys", () => {
    const text = JSON.stringify({ ...board, version: "\u001b[2J1", prefix: "\u009b" });
    expect(parseBoard(text)).toMatchObject({ version: "?[2J1", prefix: "?" });
  });

  test("is refused where it is none, or a field of it is of another kind", () => {
    for (const text of ["", "{", "null", "[]", "1"]) expect(parseBoard(text)).toBeUndefined();
    expect(parseBoard(JSON.stringify(board))).toEqual(board);
    for (const [field, wrong] of Object.entries({
      version: 1,
      pid: "1",
      targetPps: null,
      heartbeatAgeMs: { a: "1" },
      updates: [{}],
      senders: { ips: {} },
      faults: { clockSteps: "1" },
      detached: { a: null },
      database: 1,
    })) {
      expect(parseBoard(JSON.stringify({ ...board, [field]: wrong })), field).toBeUndefined();
    }
  });
});
