// The writer between a loop that never waits and databases that are healthy, slow, locked, gone, mute or of another version:
// every record is in the database once, or counted.

import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import type { Batch } from "../../src/database/batch.ts";
import { DatabaseProblem, type Retry } from "../../src/database/problem.ts";
import { rowsOf } from "../../src/database/rows.ts";
import { openSink, type Sink } from "../../src/database/sink.ts";
import type { TransactionRow } from "../../src/database/tables.ts";
import { Writer, type WriterParts, type WriterSettings } from "../../src/database/writer.ts";
import { readWriterNumbers, type WriterNumbers } from "../../src/database/writer-status.ts";
import { type Location, postgresLocation } from "../../src/settings/database-location.ts";
import { noPostgres, PASSWORD, Postgres } from "./postgres.ts";
import { Rig, SMALL } from "./rig.ts";

const folder = fs.mkdtempSync("/tmp/qos-writer-");
let postgres: Postgres | undefined;
beforeAll(async () => {
  if (noPostgres === undefined) postgres = await Postgres.start();
}, 60_000);
afterAll(async () => {
  await postgres?.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

let made = 0;
const running = new Set<Bench>();
afterEach(async () => {
  for (const bench of running) await bench.stop();
});

interface Options {
  readonly location?: Location;
  readonly open?: WriterParts["open"];
  readonly memoryBytes?: number;
  readonly spillBytes?: number;
  readonly spillPath?: string;
  readonly share?: number;
  readonly fatesShare?: number;
  readonly keepMs?: number;
}

/** A loop's records and a writer, both of this thread. */
class Bench {
  readonly rig = new Rig({ ...SMALL, outcomeRecords: 16_384, fateRecords: 16_384 });
  readonly said: string[] = [];
  readonly settings: WriterSettings;
  readonly #writer: Writer;
  readonly #ended: Promise<void>;
  sent = 0;

  constructor(options: Options) {
    made += 1;
    const session = `session-${made}`;
    this.settings = {
      session,
      host: "host",
      location: options.location ?? { kind: "sqlite", path: `${folder}/${made}.db` },
      transactionsShare: options.share ?? 1,
      fatesShare: options.fatesShare ?? 0,
      scoresIntervalMs: 1_000,
      statisticsIntervalMs: 1e9,
      keepMs: options.keepMs,
      spillPath: options.spillPath ?? `${folder}/${made}.spill`,
      spillBytes: options.spillBytes ?? 64 * 1024 * 1024,
      sessionRow: {
        session,
        startedUs: 1,
        host: "host",
        version: "1",
        settings: "{}",
        transactionsShare: 1,
        fatesShare: 0,
      },
    };
    this.#writer = new Writer(this.rig.arena, this.rig.layout, this.settings, {
      open: options.open ?? openSink,
      tryLock: () => true,
      say: (_, message) => this.said.push(message),
      wallMs: () => Date.now(),
      nowMs: () => performance.now(),
      ...(options.memoryBytes === undefined ? {} : { memoryBytes: options.memoryBytes }),
    });
    this.#ended = this.#writer.run();
    running.add(this);
  }

  get numbers(): WriterNumbers {
    return readWriterNumbers(this.rig.arena, this.rig.layout.writerStatusAt);
  }

  /** The loop's side: outcomes, a few hundred a turn, as fast as the rings can hold them. */
  async send(count: number): Promise<void> {
    for (let i = 0; i < count; i += 500) {
      for (let j = i; j < Math.min(count, i + 500); j++) this.rig.outcome(this.sent++);
      this.rig.turn();
      await Bun.sleep(2);
    }
  }

  async until(what: (numbers: WriterNumbers) => boolean): Promise<void> {
    const endMs = performance.now() + 40_000;
    while (!what(this.numbers)) {
      if (performance.now() > endMs) throw new Error(`never: ${JSON.stringify(this.numbers)} ${this.said.join("; ")}`);
      await Bun.sleep(5);
    }
  }

  async stop(): Promise<void> {
    running.delete(this);
    this.#writer.stop();
    await this.#ended;
  }
}

/** A database of this test's own: keeps keys, and does what it is told. */
class FakeDatabase {
  readonly keys = new Map<string, number>();
  trouble: Retry | undefined;
  delayMs = 0;
  hangs = false;
  attempts = 0;
  /** Pieces of retention that were asked for. */
  retained = 0;
  /** Rejects what hangs when the connection is closed, as drivers do. */
  readonly #closed = Promise.withResolvers<never>();

  constructor() {
    this.#closed.promise.catch(() => undefined); // most tests wait for no answer then
  }

  readonly open = async (): Promise<Sink> => {
    this.attempts += 1;
    this.#check();
    return {
      insert: async (batch: Batch) => {
        await Bun.sleep(this.delayMs);
        if (this.hangs) await this.#closed.promise;
        this.#check();
        if (batch.kind !== "transactions") return batch.count;
        for (const row of rowsOf(batch) as TransactionRow[]) {
          const key = `${row.session} ${row.sequence} ${row.completedUs}`;
          this.keys.set(key, (this.keys.get(key) ?? 0) + 1);
        }
        return batch.count;
      },
      retain: async () => {
        this.retained += 1;
        return true; // there is always more
      },
      close: async () => this.#closed.reject(new DatabaseProblem("the database went away", "soon")),
    };
  };

  #check(): void {
    if (this.trouble !== undefined) throw new DatabaseProblem("the database is in trouble", this.trouble);
  }
}

/** Sequences of the outcomes that a session has in a database, sorted. */
function sequencesOf(path: string, session: string): number[] {
  const client = new Database(path, { readonly: true });
  try {
    const rows = client.query("SELECT sequence FROM qos_transactions WHERE session = ? ORDER BY 1").all(session);
    return (rows as { sequence: number }[]).map((row) => row.sequence);
  } finally {
    client.close();
  }
}

const firstSequences = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe("a healthy database", () => {
  test("has every outcome, once, and the session and statistics beside them", async () => {
    const bench = new Bench({});
    await bench.send(5_000);
    await bench.stop();
    const { location, session } = bench.settings;
    const path = location.kind === "sqlite" ? location.path : "";
    expect(sequencesOf(path, session)).toEqual(firstSequences(5_000));
    const client = new Database(path, { readonly: true });
    expect(client.query("SELECT session FROM qos_sessions").all()).toEqual([{ session }]);
    expect(client.query("SELECT count(*) AS rows FROM qos_statistics WHERE name = 'turns'").get()).toEqual({ rows: 2 });
    client.close();
    const { recordsTaken, dropped, lappedOutcomes, waiting } = bench.numbers;
    expect([recordsTaken, dropped, lappedOutcomes, waiting]).toEqual([5_000, 0, 0, 0]);
    expect(fs.existsSync(bench.settings.spillPath)).toBe(false);
  });

  test("is where every record is that was taken and does not wait, at any moment", async () => {
    const fake = new FakeDatabase();
    const bench = new Bench({ open: fake.open });
    await bench.send(4_500); // a batch that is full and one that stays open for a while
    await bench.until(({ recordsTaken, waiting }) => {
      expect(fake.keys.size + waiting).toBeGreaterThanOrEqual(recordsTaken);
      return recordsTaken === 4_500 && waiting === 0;
    });
    expect(fake.keys.size).toBe(4_500);
    await bench.stop();
  });

  test("keeps what happened at the time when it happened, by the world's clock", async () => {
    const bench = new Bench({});
    bench.rig.turn();
    await Bun.sleep(30);
    const beforeUs = Date.now() * 1_000;
    const loopMs = bench.rig.now;
    await bench.send(1);
    await bench.stop();
    const { location } = bench.settings;
    const client = new Database(location.kind === "sqlite" ? location.path : "", { readonly: true });
    const row = client.query("SELECT completed_us FROM qos_transactions").get() as { completed_us: number };
    client.close();
    expect(bench.rig.now - loopMs).toBe(1);
    expect(Math.abs(row.completed_us - beforeUs)).toBeLessThan(2_000_000);
  });

  test("gets a sample by packet hash, the same one of outcomes and fates", async () => {
    const fake = new FakeDatabase();
    const bench = new Bench({ open: fake.open, share: 0.25 });
    await bench.send(4_000);
    await bench.stop();
    const { recordsTaken, sampledOut } = bench.numbers;
    expect(recordsTaken + sampledOut).toBe(4_000);
    expect(recordsTaken).toBeWithin(800, 1_200);
    expect(fake.keys.size).toBe(recordsTaken);
  });
});

describe("old rows", () => {
  test("go also where the database is never idle", async () => {
    const fake = new FakeDatabase();
    const bench = new Bench({ open: fake.open, keepMs: 1_000 });
    await bench.until(({ connected, waiting }) => connected === 1 && waiting === 0);
    fake.delayMs = 400; // for each batch, and there are always some
    const before = fake.retained;
    await bench.send(30_000);
    await bench.until(({ recordsTaken }) => recordsTaken === 30_000 && fake.keys.size > 12_000);
    expect(bench.numbers.waiting).toBeGreaterThan(4_096);
    expect(fake.retained).toBeGreaterThan(before);
    fake.delayMs = 0;
    await bench.stop();
  });

  test("stay where nothing is said of how long", async () => {
    const fake = new FakeDatabase();
    const bench = new Bench({ open: fake.open });
    await bench.send(5_000);
    await bench.until(({ waiting, recordsTaken }) => waiting === 0 && recordsTaken === 5_000);
    await bench.stop();
    expect(fake.retained).toBe(0);
  });
});

describe("a slow database", () => {
  test("makes the oldest spill, and gets everything once", async () => {
    const fake = new FakeDatabase();
    fake.delayMs = 40;
    const bench = new Bench({ open: fake.open, memoryBytes: 300_000 });
    await bench.send(20_000);
    await bench.until(({ waiting, recordsTaken }) => waiting === 0 && recordsTaken === 20_000);
    await bench.stop();
    expect(fake.keys.size).toBe(20_000);
    const { spilled, replayed, dropped, lappedOutcomes } = bench.numbers;
    expect(spilled).toBeGreaterThan(0);
    expect([replayed, dropped, lappedOutcomes]).toEqual([spilled, 0, 0]);
  });

  test("with a spill file that is too small: the rest is dropped and counted", async () => {
    const fake = new FakeDatabase();
    fake.trouble = "soon";
    const bench = new Bench({ open: fake.open, memoryBytes: 300_000, spillBytes: 1_000_000 });
    await bench.send(20_000);
    await bench.until(({ recordsTaken, dropped }) => recordsTaken === 20_000 && dropped > 0);
    const dropping = bench.said.filter((text) => text.includes("the spill file is full"));
    expect(dropping.length).toBe(1);
    fake.trouble = undefined;
    await bench.until(({ waiting }) => waiting === 0);
    await bench.stop();
    expect(fake.keys.size + bench.numbers.dropped).toBe(20_000);
    expect([...fake.keys.values()].every((times) => times === 1)).toBe(true);
  });
});

describe("a database that is gone at the end", () => {
  test("gets what was spilled from the next run, once", async () => {
    const fake = new FakeDatabase();
    const first = new Bench({ open: fake.open });
    await first.send(1_000);
    await first.until(({ waiting, recordsTaken }) => waiting === 0 && recordsTaken === 1_000);
    fake.trouble = "soon";
    await first.send(2_500);
    await first.stop();
    expect(first.said.at(-1)).toMatch(/records wait in .* for the next run/);
    expect(fs.existsSync(first.settings.spillPath)).toBe(true);
    fake.trouble = undefined;
    const second = new Bench({ open: fake.open, spillPath: first.settings.spillPath });
    expect(second.said[0]).toMatch(/records of an earlier run wait in/);
    await second.send(10);
    await second.stop();
    expect(fake.keys.size).toBe(3_510);
    expect(fs.existsSync(first.settings.spillPath)).toBe(false);
  });

  test("and hangs: the run ends all the same, and the rest is spilled", async () => {
    const fake = new FakeDatabase();
    const bench = new Bench({ open: fake.open });
    await bench.until(({ connected }) => connected === 1);
    fake.hangs = true;
    await bench.send(1_000);
    const startedMs = performance.now();
    await bench.stop();
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(bench.numbers.spilled).toBeGreaterThanOrEqual(1_000);
    await Bun.sleep(20);
    expect(bench.said.filter((text) => text.includes("went away"))).toEqual([]); // qos closed it itself
    const again = new FakeDatabase();
    await new Bench({ open: again.open, spillPath: bench.settings.spillPath }).stop();
    expect(again.keys.size).toBe(1_000);
  });
});

describe("trouble", () => {
  test("that will not pass is said once and not tried again; the records wait in the file", async () => {
    const fake = new FakeDatabase();
    fake.trouble = "never";
    const bench = new Bench({ open: fake.open, memoryBytes: 300_000 });
    await bench.send(4_000);
    await bench.until(({ recordsTaken, spilled }) => recordsTaken === 4_000 && spilled > 0);
    await bench.stop();
    expect(fake.attempts).toBe(1);
    expect(bench.said.filter((text) => text.startsWith("the database is in trouble"))).toEqual([
      "the database is in trouble; records go to the spill file",
    ]);
    expect(bench.numbers.dropped).toBe(0);
  });

  test("that comes and goes is said when it comes, once, and when it goes", async () => {
    const fake = new FakeDatabase();
    const bench = new Bench({ open: fake.open });
    await bench.until(({ connected }) => connected === 1);
    fake.trouble = "soon";
    await bench.send(500);
    await bench.until(({ failures }) => failures >= 2);
    fake.trouble = undefined;
    await bench.until(({ waiting, connected }) => waiting === 0 && connected === 1);
    expect(bench.said).toEqual(["the database is in trouble; it is tried again", "the database takes records again"]);
    await bench.stop();
    expect(fake.keys.size).toBe(500);
  });

  test("of some rows alone costs these rows alone", async () => {
    const fake = new FakeDatabase();
    const bench = new Bench({ open: fake.open });
    await bench.until(({ connected, waiting }) => connected === 1 && waiting === 0);
    fake.trouble = "batch";
    await bench.send(500);
    await bench.until(({ dropped }) => dropped >= 500);
    fake.trouble = undefined;
    await bench.send(500);
    await bench.until(({ waiting, recordsTaken }) => waiting === 0 && recordsTaken === 1_000);
    await bench.stop();
    expect(fake.keys.size).toBe(500);
    expect(bench.said.some((text) => text.includes("rows of transactions were left out"))).toBe(true);
  });

  test("with the spill file: said, and the writer goes on without one", async () => {
    const fake = new FakeDatabase();
    const bench = new Bench({ open: fake.open, spillPath: `${folder}/absent/spill` });
    await bench.send(500);
    await bench.stop();
    expect(bench.said[0]).toMatch(/cannot be opened \(ENOENT\); what memory does not hold will be dropped/);
    expect(fake.keys.size).toBe(500);
  });

  test("of a locked SQLite file holds up nobody, and passes", async () => {
    const bench = new Bench({});
    await bench.until(({ connected }) => connected === 1);
    const { location, session } = bench.settings;
    const path = location.kind === "sqlite" ? location.path : "";
    const other = new Database(path);
    other.run("BEGIN EXCLUSIVE");
    await bench.send(6_000);
    await bench.until(({ failures, recordsTaken }) => failures > 0 && recordsTaken === 6_000);
    expect(bench.numbers.lappedOutcomes).toBe(0);
    other.run("COMMIT");
    other.close();
    await bench.until(({ waiting }) => waiting === 0);
    await bench.stop();
    expect(sequencesOf(path, session)).toEqual(firstSequences(6_000));
    expect(bench.said[0]).toContain("is locked by another process");
  });
});

// skipped if no server is installed (noPostgres says so)
describe.skipIf(noPostgres !== undefined)("a real PostgreSQL server (needs postgresql)", () => {
  const server = (): Postgres => {
    if (postgres === undefined) throw new Error("there is no server");
    return postgres;
  };
  const countOf = async (url: string): Promise<number[]> => {
    const [row] = await server().query(
      "SELECT count(*) AS rows, count(DISTINCT sequence) AS keys FROM qos_transactions",
      url,
    );
    return [Number(row?.rows), Number(row?.keys)];
  };

  for (const signal of ["SIGKILL", "SIGINT"] as const) {
    test(`ended by ${signal} in the middle of a run and started again loses no record`, async () => {
      const url = await server().database();
      const bench = new Bench({ location: postgresLocation(url)!, memoryBytes: 400_000 });
      await bench.send(6_000);
      await bench.until(({ rowsWritten }) => rowsWritten > 2_000);
      await bench.send(2_000); // under way while it ends
      await server().end(signal);
      await bench.send(8_000);
      await bench.until(({ failures, spilled }) => failures > 0 && spilled > 0);
      await server().resume();
      await bench.send(2_000);
      await bench.until(({ waiting, recordsTaken }) => waiting === 0 && recordsTaken === 18_000);
      await bench.stop();
      expect(await countOf(url)).toEqual([18_000, 18_000]);
      expect([bench.numbers.dropped, bench.numbers.lappedOutcomes]).toEqual([0, 0]);
      for (const text of bench.said) expect(text).not.toContain(PASSWORD);
    }, 120_000);
  }

  test("that is not there when the sidecar starts and stops gets its records from the next run", async () => {
    const url = await server().database();
    await server().end("SIGINT");
    const first = new Bench({ location: postgresLocation(url)! });
    await first.send(1_500);
    await first.until(({ failures }) => failures > 0);
    await first.stop();
    await server().resume();
    const second = new Bench({ location: postgresLocation(url)!, spillPath: first.settings.spillPath });
    await second.stop();
    expect(await countOf(url)).toEqual([1_500, 1_500]);
  }, 120_000);

  test("that accepts and never answers: records are taken, and the end does not wait for it", async () => {
    const mute = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    try {
      const location = postgresLocation(`postgres://me:${PASSWORD}@127.0.0.1:${mute.port}/x`)!;
      const bench = new Bench({ location, memoryBytes: 300_000 });
      await bench.send(10_000);
      await bench.until(({ recordsTaken, spilled }) => recordsTaken === 10_000 && spilled > 0);
      expect(bench.numbers.lappedOutcomes).toBe(0);
      const startedMs = performance.now();
      await bench.stop();
      expect(performance.now() - startedMs).toBeLessThan(12_000);
      expect(bench.numbers.dropped).toBe(0);
      for (const text of bench.said) expect(text).not.toContain(PASSWORD);
    } finally {
      mute.stop(true);
    }
  }, 60_000);

  test("drops the days that are older than it is to keep", async () => {
    const url = await server().database();
    const bench = new Bench({ location: postgresLocation(url)!, keepMs: 1_000 });
    await bench.until(({ connected }) => connected === 1);
    await server().query(
      "CREATE TABLE qos_fates_20200101 PARTITION OF qos_fates FOR VALUES FROM (1577836800000000) TO (1577923200000000)",
      url,
    );
    await bench.stop();
    const again = new Bench({ location: postgresLocation(url)!, keepMs: 1_000 });
    const there = async (): Promise<unknown[]> =>
      server().query("SELECT 1 FROM pg_class WHERE relname = 'qos_fates_20200101'", url);
    const endMs = performance.now() + 30_000;
    while ((await there()).length > 0 && performance.now() < endMs) await Bun.sleep(20);
    expect((await there()).length).toBe(0);
    await again.stop();
  }, 60_000);
});
