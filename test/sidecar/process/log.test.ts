import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LineWriter, RateLimit } from "../../../src/sidecar/process/log.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "qos-log-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("lines", () => {
  test("arrive whole and in order", async () => {
    const path = join(folder, "lines");
    const descriptor = openSync(path, "w");
    const lines = new LineWriter(descriptor);
    const expected = Array.from({ length: 500 }, (_, i) => `line ${i} ${"x".repeat(i)}`);
    for (const line of expected) lines.line(line);
    await lines.flush(10_000);
    closeSync(descriptor);
    expect(readFileSync(path, "utf8")).toBe(`${expected.join("\n")}\n`);
  });

  test("beyond what may wait are dropped, and their number is said", async () => {
    const path = join(folder, "dropped");
    const descriptor = openSync(path, "w");
    let dropped = 0;
    const lines = new LineWriter(descriptor, 3, (count) => {
      dropped += count;
    });
    for (let i = 0; i < 10; i++) lines.line(`line ${i}`); // the first is being written, three wait
    await lines.flush(10_000);
    lines.line("later");
    await lines.flush(10_000);
    closeSync(descriptor);
    expect(dropped).toBe(6);
    expect(readFileSync(path, "utf8").trim().split("\n")).toEqual([
      "line 0",
      "line 1",
      "line 2",
      "line 3",
      "(6 lines dropped: their reader was too slow)",
      "later",
    ]);
  });

  test("to a place that takes none are forgotten, and nothing waits for them", async () => {
    const descriptor = openSync("/dev/full", "w");
    let dropped = 0;
    const lines = new LineWriter(descriptor, 1_000, (count) => {
      dropped += count;
    });
    lines.line("nobody reads this");
    await lines.flush(10_000);
    lines.line("nor this");
    await lines.flush(10_000);
    closeSync(descriptor);
    expect(dropped).toBe(2);
  });
});

describe("warnings", () => {
  test("of a kind are ten in ten seconds, and the next one says how many were left out", () => {
    const limit = new RateLimit();
    const passed = Array.from({ length: 25 }, (_, i) => limit.pass(`line ${i}: "x${i}" is wrong`, i)).filter(Boolean);
    expect(passed).toEqual(Array.from({ length: 10 }, () => ({ leftOut: 0 })));
    expect(limit.pass("something else", 30)).toEqual({ leftOut: 0 });
    expect(limit.pass('line 7: "" is wrong', 9_999)).toBeUndefined();
    expect(limit.pass('line 8: "y" is wrong', 10_000)).toEqual({ leftOut: 16 });
    expect(limit.pass('line 9: "z" is wrong', 10_001)).toEqual({ leftOut: 0 });
  });

  test("of endless kinds take no endless memory", () => {
    const limit = new RateLimit();
    const word = (i: number): string => [...String(i)].map((digit) => "abcdefghij"[Number(digit)]).join("");
    for (let i = 0; i < 2_000; i++) expect(limit.pass(`trouble ${word(i)}`, i)).toEqual({ leftOut: 0 });
  });
});

test("JSON lines are pino's: level, time, message and fields, one object a line", async () => {
  const program = `
    import { openLog } from ${JSON.stringify(new URL("../../../src/sidecar/process/log.ts", import.meta.url).pathname)};
    const log = await openLog("json");
    log.info("two\\nlines", { packets: 3 });
    log.warn("careful");
    await log.flush(5_000);
  `;
  const child = Bun.spawn([process.execPath, "-e", program], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const lines = (await new Response(child.stdout).text()).trimEnd().split("\n");
  expect(await child.exited).toBe(0);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: "info", time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), packets: 3, message: "two\nlines" },
    { level: "warn", time: expect.any(String), message: "careful" },
  ]);
});

test("a line of the text log is one line without control characters, whatever its message repeats", async () => {
  const module = new URL("../../../src/sidecar/process/log.ts", import.meta.url).pathname;
  const message = "bad file a\nb\u001b]0;owned\u0007\u009b2J";
  const program = `
    const { openLog } = await import(${JSON.stringify(module)});
    const log = await openLog("text");
    log.warn(${JSON.stringify(message)});
    await log.flush(1000);`;
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "ignore", stderr: "pipe" });
  const said = await new Response(child.stderr).text();
  expect(said).toEndWith(" WARN  bad file a b?]0;owned??2J\n");
});

test("in the journal a line has its priority; lines below the level are left out, and counted", async () => {
  const module = new URL("../../../src/sidecar/process/log.ts", import.meta.url).pathname;
  const program = `
    const { dev, ino } = require("node:fs").fstatSync(2);
    process.env.JOURNAL_STREAM = process.argv[1] === "journal" ? dev + ":" + ino : "1:2";
    const { openLog } = await import(${JSON.stringify(module)});
    const log = await openLog("text", process.argv[2]);
    log.info("a");
    log.warn("b");
    log.error("c");
    await log.flush(1000);
    console.log(JSON.stringify(log.counts));`;
  const said = async (...words: string[]): Promise<string[]> => {
    const child = Bun.spawn([process.execPath, "-e", program, ...words], { stdout: "pipe", stderr: "pipe" });
    expect(JSON.parse(await new Response(child.stdout).text())).toEqual({ warn: 1, error: 1 });
    const lines = (await new Response(child.stderr).text()).trimEnd().split("\n");
    return lines.map((line) => line.replace(/\d{4}-\S+ /, ""));
  };
  expect(await said("journal", "info")).toEqual(["<6>INFO  a", "<4>WARN  b", "<3>ERROR c"]);
  expect(await said("terminal", "info")).toEqual(["INFO  a", "WARN  b", "ERROR c"]);
  expect(await said("journal", "error")).toEqual(["<3>ERROR c"]);
});

test("a log that standard output does not take is said on standard error, once, and ends nothing", async () => {
  const module = new URL("../../../src/sidecar/process/log.ts", import.meta.url).pathname;
  const program = `
    const { openLog } = await import(${JSON.stringify(module)});
    const log = await openLog("json");
    for (let i = 0; i < 3; i++) {
      log.info("a" + i);
      await log.flush(1000);
    }`;
  const full = openSync("/dev/full", "w");
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: full, stderr: "pipe" });
  expect(await new Response(child.stderr).text()).toBe(
    "qos: the log cannot be written to standard output (ENOSPC); nothing more is written there\n",
  );
  expect(await child.exited).toBe(0);
  closeSync(full);
});
