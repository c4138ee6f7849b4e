import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { base58 } from "@scure/base";
import fc from "fast-check";
import { ask, requestOf } from "../../../src/cli/commands/ctl.ts";
import type { Mailbox } from "../../../src/engine/mailbox.ts";
import { ScoreReader } from "../../../src/rank/reference/score-reader.ts";
import { Senders } from "../../../src/rank/reference/senders.ts";
import { UsageError } from "../../../src/settings/errors.ts";
import { IP_ID_AT, IP_KEY_AT, PAYER_ID_AT, PAYER_KEY_AT } from "../../../src/shape/digest-layout.ts";
import {
  answer,
  type Commands,
  type ControlParts,
  readRequest,
  senderOf,
} from "../../../src/sidecar/endpoints/control.ts";
import { ControlServer } from "../../../src/sidecar/endpoints/control-server.ts";
import { MemoryLog, settingsFor, smallMemory } from "../parts.ts";
import { until } from "../sidecar-process.ts";

const PAYER = new Uint8Array(32).fill(5);

/** A control over tables with three addresses (10.0.0.1 best) and one payer. */
function parts(more: Partial<Commands> = {}, model = "ip-signer"): ControlParts & { said: string[]; mailbox: Mailbox } {
  const memory = smallMemory();
  const { arena, layout, mailbox } = memory;
  const senders = new Senders(arena, layout);
  const at = layout.digestsAt;
  for (const [last, score] of [
    [3, 1],
    [2, 2],
    [1, 4],
  ] as const) {
    arena.u8.set([10, 0, 0, last, 0, 0, 0, 0], at + IP_KEY_AT);
    arena.u64[(at + IP_ID_AT) / 8] = BigInt(last);
    senders.restoreIp(at, score);
  }
  arena.u8.set(PAYER, at + PAYER_KEY_AT);
  arena.u64[(at + PAYER_ID_AT) / 8] = 9n;
  senders.restorePayer(at, 7);
  mailbox.setTargetPps(1_000);
  const log = new MemoryLog();
  const commands = {
    statistics: () => ({ counters: { totalPackets: 3 } }),
    reload: async () => ["/stakes"],
    checkpoint: undefined,
    ...more,
  };
  const settings = settingsFor("--model", model);
  const readers = { ips: new ScoreReader(arena, layout.ips), payers: new ScoreReader(arena, layout.signers) };
  return { runtime: { settings, mailbox, readers, log }, commands, said: log.lines, mailbox };
}

const say = (request: unknown, to = parts()) => answer(JSON.stringify(request), to);

describe("requests", () => {
  test("are done and answered", async () => {
    const to = parts();
    expect(await say({ command: "stats" }, to)).toEqual({ ok: true, statistics: { counters: { totalPackets: 3 } } });
    expect(await say({ command: "set", name: "target-pps", value: 50 }, to)).toMatchObject({ ok: true, before: 1_000 });
    expect(to.mailbox.targetPps).toBe(50);
    expect(await say({ command: "pause" }, to)).toEqual({ ok: true, paused: true, before: false });
    expect(to.mailbox.paused).toBe(true);
    expect(await say({ command: "resume" }, to)).toMatchObject({ before: true });
    expect(to.mailbox.paused).toBe(false);
    expect(await say({ command: "reload" }, to)).toEqual({ ok: true, reloaded: ["/stakes"] });
    expect(to.said).toHaveLength(3);
  });

  test("a checkpoint is written where there is one to write", async () => {
    expect(await say({ command: "checkpoint" })).toMatchObject({ ok: false });
    expect(await say({ command: "checkpoint" }, parts({ checkpoint: async () => true }))).toEqual({ ok: true });
    expect(await say({ command: "checkpoint" }, parts({ checkpoint: async () => false }))).toMatchObject({ ok: false });
  });

  test("top has both ends of both tables", async () => {
    const given = await say({ command: "top", count: 2 });
    expect(given).toMatchObject({
      ok: true,
      ips: {
        known: 3,
        top: [
          { sender: "10.0.0.1", score: 4 },
          { sender: "10.0.0.2", score: 2 },
        ],
        bottom: [
          { sender: "10.0.0.3", score: 1 },
          { sender: "10.0.0.2", score: 2 },
        ],
      },
      payers: { known: 1, top: [{ sender: base58.encode(PAYER), score: 7 }] },
    });
  });

  test("explain says where a sender stands, known or not", async () => {
    const explain = (sender: string, model = "ip-signer") => say({ command: "explain", sender }, parts({}, model));
    expect(await explain("10.0.0.2")).toMatchObject({ known: true, score: 2, place: 2, of: 3, best: 4, worst: 1 });
    expect(await explain("10.0.0.9")).toMatchObject({ known: false, score: 2, place: null });
    expect(await explain("10.0.0.9", "evidence")).toMatchObject({ known: false, score: null });
    expect(await explain(base58.encode(PAYER))).toMatchObject({ kind: "payer", known: true, score: 7, place: 1 });
    expect(await explain("banana")).toMatchObject({ ok: false });
  });

  test("that are none are refused with a sentence", () => {
    for (const wrong of ["", "{", "null", "[]", '"stats"', "{}", '{"command":"rm"}', '{"command":"stats","x":1}']) {
      expect(typeof readRequest(wrong)).toBe("string");
    }
    for (const value of [9, 1.5, -1, 1e99, "500", null]) {
      expect(typeof readRequest(JSON.stringify({ command: "set", name: "target-pps", value }))).toBe("string");
    }
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        expect(typeof readRequest(line)).toBe("string");
      }),
      { seed: 8 },
    );
  });

  test("senders are read as people write them", () => {
    expect(senderOf("1.2.3.4")).toMatchObject({ kind: "ip", isIpv6: false });
    expect(senderOf("2001:db8::/64")).toMatchObject({ kind: "ip", isIpv6: true });
    expect(senderOf("0OIl")).toBeUndefined();
  });
});

describe("words of the command line", () => {
  test("are requests", () => {
    expect(requestOf(["stats"], 5)).toEqual({ command: "stats" });
    expect(requestOf(["top"], 5)).toEqual({ command: "top", count: 5 });
    expect(requestOf(["set", "target-pps", "50"], 5)).toEqual({ command: "set", name: "target-pps", value: 50 });
    expect(requestOf(["explain", "1.2.3.4"], 5)).toEqual({ command: "explain", sender: "1.2.3.4" });
  });

  test("or mistakes", () => {
    for (const wrong of [["stast"], ["stats", "x"], ["set"], ["set", "target-pps"], ["set", "x", "1"], ["explain"]]) {
      expect(() => requestOf(wrong, 5)).toThrow(UsageError);
    }
    expect(() => requestOf(["stast"], 5)).toThrow("did you mean stats?");
    for (const wrong of ["9", "-3"]) {
      expect(() => requestOf(["set", "target-pps", wrong], 5)).toThrow("whole number from 10");
    }
    expect(requestOf(["set", "target-pps", "50k"], 5)).toMatchObject({ value: 50_000 });
  });
});

describe("the socket", () => {
  const made: { server: ControlServer; folder: string }[] = [];
  afterEach(() => {
    for (const { server, folder } of made.splice(0)) {
      server.close();
      rmSync(folder, { recursive: true });
    }
  });

  async function open(to = parts()) {
    const folder = mkdtempSync(join(tmpdir(), "qos-control-"));
    const path = join(folder, "socket");
    const log = new MemoryLog();
    const server = new ControlServer(path, to, log);
    made.push({ server, folder });
    await server.open();
    return { path, server, log, to };
  }

  /** Sends bytes as they are. @returns all that comes back until the other side ends, or the time is over */
  async function raw(path: string, bytes: string, mostMs = 200): Promise<string> {
    let text = "";
    const { promise, resolve } = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      unix: path,
      socket: {
        data: (_, got) => {
          text += got.toString();
        },
        close: () => resolve(),
      },
    });
    socket.write(bytes);
    const timer = setTimeout(resolve, mostMs);
    await promise;
    clearTimeout(timer);
    socket.end();
    return text;
  }

  const post = (path: string, body: string) =>
    fetch("http://qos/", { unix: path, method: "POST", body }).then(async (response) => ({
      status: response.status,
      text: await response.text(),
    }));

  test("is its owner's alone, answers, and is gone at the end", async () => {
    const { path, server } = await open();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await ask(path, { command: "stats" })).toMatchObject({ statistics: { counters: { totalPackets: 3 } } });
    await expect(ask(path, { command: "checkpoint" })).rejects.toThrow("refused: no --state");
    server.close();
    await expect(ask(path, { command: "stats" })).rejects.toThrow("no sidecar listens");
    expect(() => statSync(path)).toThrow();
  });

  test("a dead one's is replaced, a living one's and what is no socket are left", async () => {
    const { path } = await open();
    const log = new MemoryLog();
    const second = new ControlServer(path, parts(), log);
    await second.open();
    second.close();
    expect(log.lines).toEqual([`warn: no control socket at ${path}: another sidecar listens there; trying again`]);
    expect(await ask(path, { command: "stats" })).toMatchObject({ ok: true });

    const file = `${path}.file`;
    writeFileSync(file, "mine");
    const onFile = new ControlServer(file, parts(), log);
    await onFile.open();
    onFile.close();
    expect(log.lines.at(-1)).toContain("something that is not a socket is there");

    const stale = `${path}.stale`;
    const dying = Bun.spawn([
      process.execPath,
      "-e",
      `Bun.listen({ unix: ${JSON.stringify(stale)}, socket: { data() {} } }); process.kill(process.pid, "SIGKILL")`,
    ]);
    await dying.exited;
    expect(statSync(stale).isSocket()).toBe(true);
    const third = new ControlServer(stale, parts(), log);
    await third.open();
    expect(await ask(stale, { command: "stats" })).toMatchObject({ ok: true });
    third.close();
  });

  test("is tried again until the one before lets go of it", async () => {
    const { path, server } = await open();
    const log = new MemoryLog();
    const second = new ControlServer(path, parts(), log, 10);
    await second.open();
    server.close();
    await until("the second one listens", () => log.lines.length === 2);
    expect(log.lines[1]).toBe(`info: the control socket is at ${path} now`);
    expect(await ask(path, { command: "stats" })).toMatchObject({ ok: true });
    second.close();
  });

  test("bad requests are refused one by one, and it still answers", async () => {
    const { path, log } = await open();
    for (let round = 0; round < 20; round++) {
      const refused = await Promise.all(Array.from({ length: 20 }, (_, i) => post(path, `{"command":"bad ${i}"}`)));
      expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([400]));
    }
    expect((await fetch("http://qos/", { unix: path })).status).toBe(405);
    expect(log.faults.counts.controlRefusals).toBe(401);
    expect(await ask(path, { command: "stats" })).toMatchObject({ ok: true });
  });

  test("a connection answers one request, however many stand behind it", async () => {
    const { path } = await open();
    const body = '{"command":"pause"}';
    const request = `POST / HTTP/1.1\r\nHost: qos\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const text = await raw(path, request.repeat(1_000), 5_000);
    expect(text.match(/HTTP\/1.1 200/g)).toHaveLength(1);
  });

  test("a request that is too long is refused, and so are too many at once", async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const { path } = await open(parts({ checkpoint: () => promise }));
    expect((await post(path, "x".repeat(4_097))).status).toBe(413);
    const refused: string[] = [];
    const waiting = Array.from({ length: 40 }, async () => {
      const { status, text } = await post(path, '{"command":"checkpoint"}');
      if (status === 503) refused.push(text);
      return status;
    });
    await until("the eight beyond 32 are refused", () => refused.length === 8); // the others wait for the disk
    expect(refused[0]).toContain("too many requests at once");
    resolve(true);
    expect((await Promise.all(waiting)).filter((status) => status === 200)).toHaveLength(32);
    expect(await ask(path, { command: "stats" })).toMatchObject({ ok: true });
  });

  test("a connection that says nothing is closed", async () => {
    const { path } = await open();
    const text = await raw(path, "POST / HT", 40_000); // returns at the close, or fails the time below
    expect(text).not.toContain("200");
  }, 30_000);

  test("somebody else's socket is not believed", async () => {
    const { path } = await open();
    const nobody = { uids: new Set([-1]), gids: new Set<number>() };
    await expect(ask(path, { command: "stats" }, nobody)).rejects.toThrow("could be anybody's");
  });

  test("a path that is too long is no fault", async () => {
    const log = new MemoryLog();
    const server = new ControlServer(`/tmp/${"x".repeat(200)}`, parts(), log);
    await server.open();
    server.close();
    expect(log.lines[0]).toContain("too long for a socket");
  });
});
