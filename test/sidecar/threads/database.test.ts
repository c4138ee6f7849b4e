// Whole sidecars with a database: what they wrote against their own numbers, what `qos explain` and `qos report` make of it,
// and what becomes of the fates' file. Real processes over real channels.

import { Database } from "bun:sqlite";
import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { recentFates, ringProblem } from "../../../src/records/fates-reader.ts";
import { Outlet } from "../../../src/records/outlet.ts";
import { Arena } from "../../../src/shape/arena.ts";
import { arenaLayout } from "../../../src/shape/layout.ts";
import { FatesFile } from "../../../src/sidecar/files/fates-file.ts";
import { noPostgres, PASSWORD, Postgres } from "../../database/postgres.ts";
import { Rig, SMALL } from "../../database/rig.ts";
import { until } from "../sidecar-process.ts";

const BINARY = new URL("../../../dist/qos", import.meta.url).pathname;
const folder = fs.mkdtempSync("/tmp/qos-sidecar-db-");
const prefix = `qd${process.pid}_`;
afterAll(() => {
  for (const name of fs.readdirSync("/dev/shm")) if (name.startsWith(prefix)) fs.rmSync(`/dev/shm/${name}`);
  fs.rmSync(folder, { recursive: true, force: true });
});

interface Statistics {
  readonly counters: Readonly<Record<string, number>>;
  readonly database: Readonly<Record<string, number>>;
}

function qos(...words: string[]): { exitCode: number; stdout: string; stderr: string } {
  const done = Bun.spawnSync([BINARY, ...words], { cwd: folder, env: { PATH: "/usr/bin:/bin" }, stdin: "ignore" });
  return { exitCode: done.exitCode, stdout: done.stdout.toString(), stderr: done.stderr.toString() };
}

/**
 * A sidecar with traffic beside it, until both are done.
 * @param meanwhile when it is through, the traffic ends; without it after four seconds
 */
async function run(
  name: string,
  words: readonly string[],
  meanwhile?: (statistics: () => Statistics | undefined) => Promise<void>,
): Promise<{ log: string; statistics: Statistics }> {
  const stats = `${folder}/${name}.json`;
  const statistics = (): Statistics => JSON.parse(fs.readFileSync(stats, "utf8")) as Statistics;
  const always = ["--prefix", `${prefix}${name}_`, "--allow-root", "--idle", "backoff"];
  always.push("--stats-json", stats, "--stats-interval", "100ms");
  const options = { cwd: folder, env: { PATH: "/usr/bin:/bin" }, stdin: "ignore", stdout: "ignore" } as const;
  const sidecar = Bun.spawn([BINARY, "run", ...always, ...words], { ...options, stderr: "pipe" });
  const said = new Response(sidecar.stderr).text();
  const traffic = ["--duration", meanwhile === undefined ? "4s" : "100s", "--rate", "3000", "--seed", "3"];
  const validator = Bun.spawn([BINARY, "simulate", "--prefix", `${prefix}${name}_`, ...traffic], {
    ...options,
    stderr: "ignore",
  });
  try {
    if (meanwhile !== undefined) {
      await meanwhile(() => (fs.existsSync(stats) ? statistics() : undefined));
      validator.kill("SIGINT");
    }
    expect(await validator.exited).toBe(0);
    sidecar.kill("SIGTERM");
    const log = await said;
    expect({ log, exitCode: await sidecar.exited }).toMatchObject({ exitCode: 0 });
    return { log, statistics: statistics() };
  } finally {
    for (const child of [validator, sidecar]) {
      child.kill("SIGKILL"); // where the above went wrong
      await child.exited;
    }
  }
}

/** Each outcome that the loop counted is there, but for those that were counted as lapped (a machine under load). */
function expectAllThere(rows: number, { counters, database }: Statistics): void {
  const completed = counters.completed ?? Number.NaN;
  expect(rows).toBeLessThanOrEqual(completed);
  expect(rows + (database.lappedOutcomes ?? 0)).toBeGreaterThanOrEqual(completed);
  expect(database).toMatchObject({ dropped: 0, waiting: 0 });
}

describe("a sidecar with SQLite", () => {
  test("writes what its own numbers say, and its report and explanations come from there", async () => {
    const file = `${folder}/qos.db`;
    const { statistics } = await run("a", ["--db", `sqlite:${file}`, "--db-sample-fates", "1", "--db-scores", "1s"]);
    const { counters, database } = statistics;
    expect(counters.completed).toBeGreaterThan(100);
    const client = new Database(file, { readonly: true });
    const count = (text: string): number =>
      (client.query(`SELECT count(*) AS rows FROM ${text}`).get() as { rows: number }).rows;
    expectAllThere(count("qos_transactions WHERE NOT failed_signature"), statistics);
    expect(count("qos_fates") + database.lappedFates!).toBeGreaterThan(counters.totalPackets! - counters.queued!);
    expect(count("qos_sessions")).toBe(1);
    expect(count("qos_scores")).toBeGreaterThan(0);
    expect(count("qos_statistics WHERE name = 'totalPackets'")).toBeGreaterThanOrEqual(1);
    const { hash } = client.query("SELECT packet_hash AS hash FROM qos_transactions WHERE included LIMIT 1").get() as {
      hash: string;
    };
    client.close();

    const told = qos("explain", "--db", `sqlite:${file}`, hash);
    expect(told.stderr).toBe("");
    expect(told.stdout).toContain("included: it was executed and included in a block");
    const report = qos("report", "--db", `sqlite:${file}`, "--json", "--html", `${folder}/report.html`);
    const { totals } = JSON.parse(report.stdout) as { totals: Record<string, number> };
    expect(totals.included).toBeGreaterThan(0);
    expect(fs.readFileSync(`${folder}/report.html`, "utf8")).toContain("<title>qos report</title>");
    expect(qos("report", "--db", `sqlite:${file}`, "--csv", "--table", "earners").stdout).toStartWith(
      "table,kind,sender",
    );
    expect(qos("report", "--db", `sqlite:${file}`).stdout).toContain("Who earns what");
    expect(qos("explain", "--db", `sqlite:${file}`, "0123456789abcdef").exitCode).toBe(1);
  }, 120_000);
});

// skipped if no server is installed (noPostgres says so)
describe.skipIf(noPostgres !== undefined)("a sidecar with PostgreSQL (needs postgresql)", () => {
  test("loses no outcome when the server is killed and started again in the middle", async () => {
    const postgres = await Postgres.start();
    try {
      const url = await postgres.database();
      const secret = `${folder}/url`;
      fs.writeFileSync(secret, url, { mode: 0o600 });
      const rows = async (): Promise<number> => {
        const [row] = await postgres.query(
          "SELECT count(*) AS rows FROM qos_transactions WHERE NOT failed_signature",
          url,
        );
        return Number(row?.rows);
      };
      const flags = ["--db-url-file", secret, "--db-sample-fates", "0.1"];
      const { log, statistics } = await run("p", flags, async (numbers) => {
        const shown = (what: string, holds: (database: Statistics["database"]) => boolean): Promise<unknown> =>
          until(what, () => {
            const now = numbers();
            return now !== undefined && holds(now.database);
          });
        const end = performance.now() + 30_000;
        while ((await rows().catch(() => 0)) === 0 && performance.now() < end) await Bun.sleep(50);
        await postgres.end("SIGKILL");
        await shown("a failure", ({ failures, connected }) => failures! > 0 && connected === 0);
        const missed = numbers()!.database.recordsTaken!;
        await shown("more records", ({ recordsTaken }) => recordsTaken! > missed + 100); // it is away for a while
        await postgres.resume();
        await shown("the database again", ({ connected }) => connected === 1);
      });
      expectAllThere(await rows(), statistics);
      expect(statistics.database.failures).toBeGreaterThan(0);
      expect(log).toContain("the database takes records again");
      expect(log).not.toContain(PASSWORD);
      const report = qos("report", "--db-url-file", secret, "--json");
      expect((JSON.parse(report.stdout) as { totals: Record<string, number> }).totals.outcomes).toBeGreaterThan(0);
    } finally {
      await postgres.remove();
    }
  }, 120_000);
});

describe("a running sidecar", () => {
  test("shows recent fates to qos explain, and takes them with it when it ends", async () => {
    const name = `${prefix}b_`;
    const sidecar = Bun.spawn(
      [BINARY, "run", "--prefix", name, "--allow-root", "--idle", "backoff", "--fates", "1000"],
      {
        cwd: folder,
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
      },
    );
    const path = `/dev/shm/${name}qos_fates`;
    try {
      qos("simulate", "--prefix", name, "--duration", "2s", "--rate", "1000", "--seed", "3");
      const bytes = fs.readFileSync(path);
      expect(ringProblem(bytes)).toBeUndefined();
      const recent = recentFates(bytes, bytes);
      expect(recent.count).toBeGreaterThan(100);
      expect(Math.abs(recent.wallOffsetMs - Date.now())).toBeLessThan(3_600_000);
      const hash = Buffer.from(recent.records.subarray(0, 8)).reverse().toString("hex");
      const told = qos("explain", "--prefix", name, "--json", hash === "0".repeat(16) ? "1".repeat(16) : hash);
      expect(told.stderr + told.stdout).toMatch(/"source":"running sidecar"|nothing is known of it/);
      sidecar.kill("SIGTERM");
      expect(await sidecar.exited).toBe(0);
      expect(fs.existsSync(path)).toBe(false);
      const gone = qos("explain", "--prefix", name, hash);
      expect([gone.exitCode, gone.stderr.includes("nowhere to look")]).toEqual([1, true]);
    } finally {
      sidecar.kill("SIGKILL"); // where the above went wrong
      await sidecar.exited;
    }
  }, 60_000);

  test("goes on without a database that it cannot write, and says why", async () => {
    const flags = ["--db", `sqlite:${folder}/absent/qos.db`, "--db-spill", `${folder}/c.spill`];
    const { log, statistics } = await run("c", flags);
    expect(log).toMatch(/WARN .*the database .*absent\/qos.db cannot be opened/);
    expect(statistics.counters.bankingTransmissions).toBeGreaterThan(0);
    expect(statistics.database).toMatchObject({ rowsWritten: 0, dropped: 0, connected: 0 });
    expect(fs.existsSync(`${folder}/c.spill`)).toBe(true);
    const after = qos("run", "--prefix", `${prefix}d_`, "--db", "postgres://me:hunter2@h/d");
    expect([after.exitCode, after.stderr.includes("hunter2")]).toEqual([2, false]);
  }, 60_000);
});

describe("the fates' file", () => {
  const open = (name: string, rig = new Rig()): FatesFile | string =>
    FatesFile.open(rig.arena, rig.layout.fates!, `${prefix}${name}_`, "0123456789abcdef");

  test("holds what the loop tells, for its owner alone", () => {
    const layout = arenaLayout(SMALL);
    const arena = Arena.reserve(layout.bytes);
    const file = FatesFile.open(arena, layout.fates!, `${prefix}e_`, "0123456789abcdef");
    if (typeof file === "string") throw new Error(file);
    const outlet = new Outlet(arena, layout);
    const path = `/dev/shm/${prefix}e_qos_fates`;
    for (let i = 0; i < 2_000; i++) {
      outlet.refused(layout.digestsAt, 7, 0, i);
      if (i % 100 === 99) outlet.sync();
    }
    const bytes = fs.readFileSync(path);
    expect(ringProblem(bytes)).toBeUndefined();
    const recent = recentFates(bytes, bytes);
    expect([recent.session, recent.count]).toEqual(["0123456789abcdef", 768]);
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
    file.close();
    expect(fs.existsSync(path)).toBe(false);
  });

  test("has the memory of all of it", () => {
    const rig = new Rig();
    const layout = arenaLayout({ ...rig.layout.options, fateRecords: 65_536 });
    const file = FatesFile.open(Arena.reserve(layout.bytes), layout.fates!, `${prefix}g_`, "0123456789abcdef");
    if (typeof file === "string") throw new Error(file);
    const stats = fs.statSync(`/dev/shm/${prefix}g_qos_fates`);
    expect([stats.size, stats.blocks * 512]).toEqual([layout.fates!.bytes, layout.fates!.bytes]);
    file.close();
  });

  test("of a killed sidecar is replaced, a living one's is not", () => {
    const path = `/dev/shm/${prefix}f_qos_fates`;
    fs.writeFileSync(path, "left behind");
    const first = open("f");
    expect(typeof first).toBe("object");
    expect(open("f")).toBe(`${path} is another sidecar's`);
    if (typeof first === "object") first.close();
  });

  test("of a killed sidecar goes with qos destroy, a living one's stays", () => {
    const path = `/dev/shm/${prefix}h_qos_fates`;
    fs.writeFileSync(path, "left behind");
    expect(qos("destroy", "--prefix", `${prefix}h_`).exitCode).toBe(0);
    expect(fs.existsSync(path)).toBe(false);
    const file = open("h");
    expect(qos("destroy", "--prefix", `${prefix}h_`).exitCode).toBe(0);
    expect(fs.existsSync(path)).toBe(true);
    if (typeof file === "object") file.close();
  });

  test("is no link and no folder", () => {
    const path = `/dev/shm/${prefix}g_qos_fates`;
    fs.symlinkSync("/etc/passwd", path);
    expect(open("g")).toContain("ELOOP");
    fs.rmSync(path);
  });

  test("that is none is refused by its reader", () => {
    expect(ringProblem(new Uint8Array(10))).toContain("too short");
    expect(ringProblem(new Uint8Array(1_000))).toContain("wrong magic");
    const bytes = new Uint8Array(1_000);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(632, 5494763520971851092n, true);
    for (const capacity of [3n, 4n, 1n << 60n]) {
      view.setBigUint64(624, capacity, true);
      expect(ringProblem(bytes)).toContain("does not fit its size");
    }
  });
});
