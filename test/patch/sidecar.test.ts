// The bridge around a small validator, against a whole sidecar over real channels: through it, past a dead or a stopped one,
// and a graceful stop without a loss. The packets are really signed and really checked; some are of version 1 with 4,096 bytes.

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hugePageMountProblem, hugePages } from "../../ffi/huge-pages.ts";
import { buildAgave } from "../rust/build.ts";
import { freshPrefix, type Stats, until } from "../sidecar/sidecar-process.ts";

const BINARY = new URL("../../dist/qos", import.meta.url).pathname;
const RATE = 1_000;

interface Report {
  readonly event: "status" | "done";
  readonly sent: number;
  readonly arrived: number;
  readonly failed: number;
  readonly included: number;
  readonly twice: number;
  readonly altered: number;
  readonly missing: number;
  readonly missingGood: number;
}

interface LogLine {
  readonly event: "log";
  readonly text: string;
}

const rust = buildAgave();
const children: Bun.Subprocess[] = [];
const prefixes: string[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
  for (const prefix of prefixes.splice(0)) {
    for (const name of readdirSync("/dev/shm")) if (name.startsWith(prefix)) unlinkSync(`/dev/shm/${name}`);
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

class Validator {
  latest: Report | undefined;
  readonly logs: string[] = [];
  readonly child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #read: Promise<void>;

  constructor(channels: string | undefined, leaveOut: string[] = []) {
    this.child = Bun.spawn([join(rust.binDir, "bridge"), "--rate", `${RATE}`, ...leaveOut], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
      env: channels === undefined ? {} : { QOS_CHANNELS: channels },
    });
    children.push(this.child);
    this.#read = this.#collect();
  }

  async when(what: string, holds: (report: Report) => boolean): Promise<Report> {
    return await until(what, () => (this.latest !== undefined && holds(this.latest) ? this.latest : undefined));
  }

  async logged(text: string, times = 1): Promise<void> {
    await until(`the log to say "${text}"`, () => this.logs.filter((line) => line.includes(text)).length >= times);
  }

  async finish(): Promise<{ report: Report; counts: Record<string, number> }> {
    this.child.stdin.end();
    await this.#read;
    const words = this.logs.findLast((line) => line.includes("ended: "))?.split("ended: ")[1] ?? "";
    const counts = Object.fromEntries(words.split(" ").map((word) => word.split("=") as [string, string]));
    return {
      report: this.latest!,
      counts: Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Number(count)])),
    };
  }

  async #collect(): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of this.child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const one = JSON.parse(line) as Report | LogLine;
        if (one.event === "log") this.logs.push(one.text);
        else this.latest = one;
      }
    }
  }
}

class Sidecar {
  readonly child: Bun.Subprocess;
  readonly #statsPath: string;

  constructor(prefix: string, more: readonly string[] = []) {
    const folder = mkdtempSync(join(tmpdir(), "qos-bridge-"));
    folders.push(folder);
    this.#statsPath = join(folder, "stats.json");
    const flags = ["--packet-layout", "large", "--idle", "backoff", "--allow-root", "--stats-interval", "100ms"];
    // Ten times what comes: nothing is held back for want of room.
    const sizes = ["--target-pps", `${10 * RATE}`];
    this.child = Bun.spawn(
      [BINARY, "run", "--prefix", prefix, ...flags, ...sizes, "--stats-json", this.#statsPath, ...more],
      {
        stdout: "ignore",
        stderr: "ignore",
        env: {},
      },
    );
    children.push(this.child);
  }

  get stats(): Stats | undefined {
    return existsSync(this.#statsPath) ? (JSON.parse(readFileSync(this.#statsPath, "utf8")) as Stats) : undefined;
  }

  async end(signal: NodeJS.Signals): Promise<number> {
    this.child.kill(signal);
    return await this.child.exited;
  }
}

/** What the channels of the layout `large` take, the relayer's two too. */
const HUGE_PAGES = 245;
const hasHugePages = hugePageMountProblem() === undefined && (hugePages()?.free ?? 0) >= HUGE_PAGES;

const THROUGH = "packets go through it";
const PAST = "packets pass it by";

describe.skipIf(!rust.ok || !existsSync(BINARY))("the bridge and a sidecar (needs cargo and dist/qos)", () => {
  test("off is off: no channel, no thread, no line in the log", async () => {
    const before = readdirSync("/dev/shm");
    const validator = new Validator(undefined);
    await validator.when("packets arrive", ({ arrived }) => arrived > RATE / 2);
    const threads = readdirSync(`/proc/${validator.child.pid}/task`).map((id) =>
      readFileSync(`/proc/${validator.child.pid}/task/${id}/comm`, "utf8").trim(),
    );
    expect(threads.filter((name) => name.startsWith("qos"))).toEqual([]);
    const { report } = await validator.finish();
    expect(validator.logs).toEqual([]);
    expect(report).toMatchObject({ missing: 0, twice: 0, altered: 0 });
    expect(readdirSync("/dev/shm").filter((name) => !before.includes(name))).toEqual([]);
  }, 60_000);

  test("everything goes through, nothing is changed, and each outcome is understood", async () => {
    const prefix = freshPrefix();
    prefixes.push(prefix);
    const validator = new Validator(`${prefix},not-included-after=5`, ["--leave-out", "3"]);
    const sidecar = new Sidecar(prefix);
    await validator.logged(THROUGH, 2);
    const at = validator.latest?.sent ?? 0;
    await validator.when("traffic to have gone through", ({ sent }) => sent > at + 10 * RATE);
    const { report, counts } = await validator.finish();
    expect(report).toMatchObject({ twice: 0, altered: 0, missingGood: 0 });
    expect(counts.offered + counts.bypassed).toBe(report.sent);
    expect(counts).toMatchObject({ unfit: 0, full: 0, untold: 0, lapped: 0 });
    expect(counts.failed + counts.passed).toBe(counts.fromSidecar);
    await until("the sidecar to have read everything", () => sidecar.stats?.channels.sch_to_qos?.depth === 0);
    expect(await sidecar.end("SIGTERM")).toBe(0);
    const { counters } = sidecar.stats!;
    expect(counters.totalPackets).toBe(counts.offered);
    expect(counters.bankingTransmissions).toBe(counts.fromSidecar);
    expect(counters.failedView + counters.failedSanitize + counters.invalidPacketData).toBe(0);
    expect(counters.unknownOutcomes).toBe(0);
    expect(counters.included).toBe(counts.committed);
    expect(counters.completed).toBe(counts.committed + counts.notIncluded);
    expect(counts.notIncluded).toBeGreaterThan(RATE);
  }, 120_000);

  test.skipIf(!hasHugePages)(
    "on huge pages as on others (needs 245 free huge pages, mounted)",
    async () => {
      const prefix = freshPrefix();
      const validator = new Validator(`${prefix},huge-pages`);
      try {
        const sidecar = new Sidecar(prefix, ["--use-huge-pages"]);
        await validator.logged(THROUGH, 2);
        const at = validator.latest?.sent ?? 0;
        await validator.when("traffic to have gone through", ({ sent }) => sent > at + RATE);
        expect(await sidecar.end("SIGTERM")).toBe(0);
        const { report, counts } = await validator.finish();
        expect(report).toMatchObject({ altered: 0, missingGood: 0 });
        expect(counts.fromSidecar).toBeGreaterThan(RATE / 2);
        expect(readdirSync("/dev/shm").filter((name) => name.startsWith(prefix) && name.includes("_to_"))).toEqual([]);
      } finally {
        for (const name of readdirSync("/mnt/hugepages")) {
          if (name.startsWith(prefix)) unlinkSync(`/mnt/hugepages/${name}`);
        }
        prefixes.push(prefix);
      }
    },
    60_000,
  );

  test("a graceful stop loses nothing", async () => {
    const prefix = freshPrefix();
    prefixes.push(prefix);
    const validator = new Validator(prefix);
    const sidecars: Sidecar[] = [];
    for (let round = 1; round <= 3; round++) {
      const sidecar = new Sidecar(prefix);
      sidecars.push(sidecar);
      await validator.logged(THROUGH, 2 * round);
      const at = validator.latest?.sent ?? 0;
      await validator.when("traffic to have gone through", ({ sent }) => sent > at + 2 * RATE);
      expect(await sidecar.end("SIGTERM")).toBe(0);
      await validator.logged(PAST, 2 * round);
    }
    const { report, counts } = await validator.finish();
    expect(counts.fromSidecar).toBeGreaterThan(3 * RATE);
    expect(report).toMatchObject({ missingGood: 0, altered: 0 });
    for (const { stats } of sidecars) expect(stats?.counters.unknownOutcomes).toBe(0);
  }, 120_000);

  test("kill -9 under load loses what the dead one held, and no more", async () => {
    const prefix = freshPrefix();
    prefixes.push(prefix);
    const validator = new Validator(prefix);
    const first = new Sidecar(prefix);
    await validator.logged(THROUGH, 2);
    const at = validator.latest?.sent ?? 0;
    await validator.when("traffic to have gone through", ({ sent }) => sent > at + 2 * RATE);
    await first.end("SIGKILL");
    await validator.logged(PAST, 2);
    const past = validator.latest!;
    await validator.when("packets to pass by", ({ arrived }) => arrived > past.arrived + RATE);
    new Sidecar(prefix);
    await validator.logged(THROUGH, 4);
    const { report, counts } = await validator.finish();
    expect(report.twice).toBeLessThanOrEqual(counts.recalled);
    expect(report.altered).toBe(0);
    // A transmit's interval of traffic, several times over for a busy machine.
    expect(report.missingGood).toBeLessThan(RATE / 2);
  }, 120_000);

  test("SIGSTOP passes by, SIGCONT goes through, and nothing is lost", async () => {
    const prefix = freshPrefix();
    prefixes.push(prefix);
    const validator = new Validator(prefix);
    const sidecar = new Sidecar(prefix);
    await validator.logged(THROUGH, 2);
    sidecar.child.kill("SIGSTOP");
    await validator.logged(PAST, 2);
    const past = validator.latest!;
    await validator.when("packets to pass by", ({ arrived }) => arrived > past.arrived + RATE);
    sidecar.child.kill("SIGCONT");
    await validator.logged(THROUGH, 4);
    const { report } = await validator.finish();
    expect(report).toMatchObject({ missingGood: 0, altered: 0 });
  }, 120_000);
});
