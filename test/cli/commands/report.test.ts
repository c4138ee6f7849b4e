import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { remarkOf } from "../../../src/cli/commands/report.ts";
import { openSink } from "../../../src/database/sink.ts";
import { batchOf } from "../../database/rig.ts";
import { run } from "../../tools/command-line.ts";

const folder = fs.mkdtempSync("/tmp/qos-report-command-");
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const rows = (first: string, last: string) => ({
  first: `2026-01-02T${first}:00.000Z`,
  last: `2026-01-02T${last}:00.000Z`,
});
const range = (from: string, to: string) => ({ from: `2026-01-02T${from}:00.000Z`, to: `2026-01-02T${to}:00.000Z` });
const now = Date.parse("2026-01-02T12:00:00Z");

describe("what a reader of a report is told", () => {
  test("nothing, where the rows reach into the range and to now", () => {
    expect(remarkOf({ ...range("10:00", "12:00"), rows: rows("09:00", "11:59") }, now)).toBeUndefined();
    expect(remarkOf({ ...range("08:00", "09:30"), rows: rows("09:00", "09:20") }, undefined)).toBeUndefined();
  });

  test("that the range has no rows, and where there are some", () => {
    expect(remarkOf({ ...range("10:00", "11:00"), rows: null }, undefined)).toBe("the database holds no rows yet");
    const early = remarkOf({ ...range("06:00", "07:00"), rows: rows("09:00", "09:20") }, undefined);
    expect(early).toContain("there are no rows between 2026-01-02T06:00:00.000Z and 2026-01-02T07:00:00.000Z");
    expect(early).toEndWith("the database has them from 2026-01-02T09:00:00.000Z to 2026-01-02T09:20:00.000Z");
  });

  test("how far the writer lags", () => {
    const lag = remarkOf({ ...range("11:59", "12:00"), rows: rows("09:00", "11:58") }, now);
    expect(lag).toContain("there are no rows between");
    expect(lag).toContain("its newest row is 120 s old: the writer lags");
    expect(remarkOf({ ...range("11:00", "12:00"), rows: rows("09:00", "11:58") }, now)).toStartWith(
      "the database does not reach to now: its newest row is 120 s old",
    );
  });
});

describe("qos report", () => {
  test("names the hosts where the one that was asked for is none of them", async () => {
    const path = `${folder}/hosts.db`;
    const sink = await openSink({ kind: "sqlite", path });
    const session = { session: "s", startedUs: 1, host: "ams1\u001b[2J", version: "1", settings: "{}" };
    const payload = Buffer.from(JSON.stringify([{ ...session, transactionsShare: 1, fatesShare: 1 }]));
    await sink.insert({ kind: "session", session: "s", host: "ams1", wallOffsetMs: 0, count: 1, payload });
    await sink.insert({ ...batchOf("transactions", 3), host: "ams1" });
    await sink.close();
    const found = await run("report", "--db", `sqlite:${path}`, "--host", "nope");
    expect(found.code).toBe(1);
    expect(found.notes[0]).toContain('--host: the database has no rows of "nope"; its hosts are ams1');
    const all = await run("report", "--db", `sqlite:${path}`, "--table", "totals");
    expect([all.code, all.notes]).toEqual([0, []]);
    expect(all.lines.join("\n")).toMatch(/^SOL captured +[\d.e-]+$/m);
    const elsewhen = await run(
      "report",
      "--db",
      `sqlite:${path}`,
      "--from",
      "2020-01-01T00:00:00Z",
      "--to",
      "2020-01-02T00:00:00Z",
    );
    expect(elsewhen.notes[0]).toContain("there are no rows between 2020-01-01");
  });

  test("prints nothing that a terminal obeys, whatever the database holds", async () => {
    const path = `${folder}/hostile.db`;
    const sink = await openSink({ kind: "sqlite", path });
    const payload = Buffer.from(
      JSON.stringify([
        {
          session: "s",
          startedUs: 1,
          host: "h\u001b]0;owned\u0007",
          version: "\u009b2J",
          settings: "{}",
          transactionsShare: 1,
          fatesShare: 1,
        },
      ]),
    );
    await sink.insert({ kind: "session", session: "s", host: "h", wallOffsetMs: 0, count: 1, payload });
    const value = { session: "s", host: "h\u001b[2J", atUs: 5, name: "totalPackets", value: 1 };
    const statistics = Buffer.from(JSON.stringify([value]));
    await sink.insert({ kind: "statistics", session: "s", host: "h", wallOffsetMs: 0, count: 1, payload: statistics });
    await sink.close();
    const main = `${import.meta.dir}/../../../src/main.ts`;
    for (const form of [[], ["--csv"], ["--json"]]) {
      const done = Bun.spawnSync([process.execPath, main, "report", "--db", `sqlite:${path}`, ...form]);
      const text = done.stdout.toString();
      expect(done.exitCode).toBe(0);
      expect(text).toContain("owned");
      expect(text).not.toMatch(/(?![\n\t])\p{Cc}/u);
    }
  });
});
