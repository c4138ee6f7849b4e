// Both engines, by the same tests: the tables are those of the schemas, rows come once, old ones go, and every trouble is a
// sentence without a password.

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { getTableConfig as postgresConfig } from "drizzle-orm/pg-core";
import { getTableConfig as sqliteConfig } from "drizzle-orm/sqlite-core";
import type { Batch } from "../../src/database/batch.ts";
import { SCHEMA_VERSION } from "../../src/database/migrations.ts";
import { POSTGRES_TABLES } from "../../src/database/postgres-schema.ts";
import { Connection, partitionName } from "../../src/database/postgres-sink.ts";
import { DatabaseProblem } from "../../src/database/problem.ts";
import { openReader } from "../../src/database/reader.ts";
import { openSink } from "../../src/database/sink.ts";
import { SQLITE_TABLES } from "../../src/database/sqlite-schema.ts";
import { columnName, rowFrom, TABLES, type TableSpec, TIMED_KINDS } from "../../src/database/tables.ts";
import { endingsOf } from "../../src/report/figures.ts";
import { endings } from "../../src/report/queries.ts";
import { type Location, postgresLocation } from "../../src/settings/database-location.ts";
import { ENDS } from "../../src/shape/ends.ts";
import { openPrograms } from "../tools/open-tree.ts";
import { noPostgres, PASSWORD, Postgres } from "./postgres.ts";
import { batchOf } from "./rig.ts";

const folder = fs.mkdtempSync("/tmp/qos-sinks-");
let postgres: Postgres;
beforeAll(async () => {
  if (noPostgres === undefined) postgres = await Postgres.start();
}, 60_000);
afterAll(async () => {
  await postgres?.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

const DAY_MS = 86_400_000;
let made = 0;

const sqliteFile = (): Location => ({ kind: "sqlite", path: `${folder}/${made++}.db` });
const at = (url: string): Location => postgresLocation(url)!;

const rows = (kind: "session" | "scores" | "statistics", payload: readonly object[]): Batch => ({
  kind,
  session: "session",
  host: "host",
  wallOffsetMs: 0,
  count: payload.length,
  payload: Buffer.from(JSON.stringify(payload)),
});

/** What went wrong. */
async function problemOf(attempt: () => Promise<unknown>): Promise<DatabaseProblem> {
  try {
    await attempt();
  } catch (error) {
    if (!(error instanceof DatabaseProblem)) throw error;
    expect(error.message).not.toContain(PASSWORD);
    expect(error.message).not.toContain("wrong-word");
    return error;
  }
  throw new Error("nothing went wrong");
}

interface Engine {
  readonly name: string;
  readonly skip: boolean;
  readonly fresh: () => Promise<Location>;
  readonly query: (location: Location, text: string) => Promise<Record<string, unknown>[]>;
}

const ENGINES: readonly Engine[] = [
  {
    name: "SQLite",
    skip: false,
    fresh: async () => sqliteFile(),
    query: async (location, text) => {
      const client = new Database(location.kind === "sqlite" ? location.path : "");
      try {
        return client.query(text).all() as Record<string, unknown>[];
      } finally {
        client.close();
      }
    },
  },
  {
    name: "PostgreSQL (needs postgresql)",
    skip: noPostgres !== undefined,
    fresh: async () => at(await postgres.database()),
    query: (location, text) => postgres.query(text, location.kind === "postgres" ? location.url : ""),
  },
];

for (const { name, skip, fresh, query } of ENGINES) {
  // a name that may be skipped says so: (needs ...)
  describe.skipIf(skip)(name, () => {
    test("takes each row once, of every kind", async () => {
      const location = await fresh();
      const sink = await openSink(location);
      const session = { session: "s", startedUs: 1, host: 'h"\\{},', version: "1", settings: "{}" };
      const batches: (readonly [Batch, number])[] = [
        [batchOf("transactions", 1_500), 1_500],
        [batchOf("fates", 20), 20],
        [rows("session", [{ ...session, transactionsShare: 1, fatesShare: 0.5 }]), 1],
        [
          rows("scores", [
            { session: "s", host: "h", updatedUs: 5e15, kind: "ip", sender: "1.2.3.4", modelUpdate: 3, score: 0.25 },
          ]),
          1,
        ],
        [rows("statistics", [{ session: "s", host: "h", atUs: 5e15, name: "totalPackets", value: 2 ** 53 }]), 1],
      ];
      for (const [batch, count] of batches) {
        expect(await sink.insert(batch)).toBe(count);
        expect(await sink.insert(batch)).toBe(0);
      }
      await sink.close();
      const [row] = await query(location, "SELECT * FROM qos_transactions WHERE sequence = 1400");
      const fields = { ...row, sequence: Number(row?.sequence), fee_lamports: Number(row?.fee_lamports) };
      expect(fields).toMatchObject({ session: "session", host: "host", fee_lamports: 6_400, ip: "10.0.0.0" });
      expect(Boolean(row?.included)).toBe(true);
      const [there] = await query(location, "SELECT host FROM qos_sessions");
      expect(there?.host).toBe('h"\\{},');
    });

    test("has the tables of its schema, and is not made twice", async () => {
      const location = await fresh();
      await (await openSink(location)).close();
      await (await openSink(location)).close();
      const versions = await query(location, "SELECT version FROM qos_schema");
      const steps = Array.from({ length: SCHEMA_VERSION }, (_, i) => i + 1);
      expect(versions.map(({ version }) => Number(version)).sort()).toEqual(steps);
    });

    test("written by version 1 is read under the present names of ends, before and after its step", async () => {
      const location = await fresh();
      const old = await openSink(location);
      await old.insert(batchOf("fates", 8));
      await old.close();
      // As version 1 left it: its names of ends, and no later step.
      const change = async (text: string): Promise<unknown> => query(location, text);
      for (const [sequence, { formerly }] of ENDS.slice(0, 8).entries())
        await change(`UPDATE qos_fates SET ending = '${formerly}' WHERE sequence = ${sequence}`);
      await change("DROP TABLE qos_former_endings");
      await change("DELETE FROM qos_schema WHERE version > 1");
      const names = ENDS.slice(0, 8).map(({ name }) => name as string);
      const range = { fromUs: 0, toUs: 8e15, host: undefined };
      const seen = async (): Promise<unknown[]> => {
        const reader = await openReader(location);
        const rows = await reader.all(endings(range));
        await reader.close();
        return endingsOf(rows)
          .map(({ ending }) => ending)
          .sort();
      };
      expect(await seen()).toEqual([...names].sort());
      await (await openSink(location)).close();
      const versions = await query(location, "SELECT max(version) AS version FROM qos_schema");
      expect(Number(versions[0].version)).toBe(SCHEMA_VERSION);
      expect(await seen()).toEqual([...names].sort());
      const [joined] = await query(location, "SELECT ending FROM qos_former_endings WHERE former = 'pushed-out'");
      expect(joined.ending).toBe("leakedPriority");
    });

    test("is opened by several at one moment", async () => {
      const location = await fresh();
      const attempts = await Promise.allSettled(Array.from({ length: 6 }, () => openSink(location)));
      for (const one of attempts) {
        if (one.status === "rejected") expect((one.reason as DatabaseProblem).retry).toBe("soon");
        else await one.value.close();
      }
      expect(attempts.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(0);
    });

    test("of a newer version is left alone, with both versions named", async () => {
      const location = await fresh();
      await (await openSink(location)).close();
      await query(location, "INSERT INTO qos_schema VALUES (99, 0)");
      const problem = await problemOf(() => openSink(location));
      expect(problem.retry).toBe("never");
      expect(problem.message).toContain(`version 99, and this qos knows version ${SCHEMA_VERSION}; use a newer qos`);
    });

    test("with other tables of our names is refused", async () => {
      const location = await fresh();
      await query(location, "CREATE TABLE qos_transactions (letter text)");
      const problem = await problemOf(async () => {
        const sink = await openSink(location);
        await sink.insert(batchOf("transactions", 1));
      });
      expect(problem.message).toContain("has other tables");
      expect(problem.retry).toBe("never");
    });

    test("loses what is older than it is to keep, and nothing else", async () => {
      const location = await fresh();
      const sink = await openSink(location);
      const old = Date.UTC(2026, 0, 2);
      for (const day of [0, 1, 2]) {
        const batch = { ...batchOf("transactions", 30, `day-${day}`), wallOffsetMs: old + day * DAY_MS };
        await sink.insert(batch);
        await sink.insert({ ...batchOf("fates", 7, `day-${day}`), wallOffsetMs: old + day * DAY_MS });
      }
      while (await sink.retain((old + 2 * DAY_MS) * 1_000));
      await sink.close();
      const left = async (table: string) => (await query(location, `SELECT DISTINCT session FROM ${table}`)).length;
      expect([await left("qos_transactions"), await left("qos_fates")]).toEqual([1, 1]);
    });
  });
}

describe("the list of columns", () => {
  test("names what sinks and readers go by: keys and times are columns, times are in the keys", () => {
    for (const [kind, spec] of Object.entries(TABLES) as [string, TableSpec][]) {
      for (const field of spec.key) expect(spec.columns[field].isNullable).toBe(false);
      expect(spec.time === undefined ? kind : spec.key).toContain(spec.time ?? "session");
    }
    expect(Object.keys(TABLES).filter((kind) => kind !== "session")).toEqual([...TIMED_KINDS]);
    expect(columnName("completedUs")).toBe("completed_us");
  });

  test("reads a row of either engine as the same", () => {
    const fields = { session: "s", host: "h", packet_hash: "ff", signature_key: "aa", ip: "1.2.3.4", payer: "p" };
    const sqlite = { ...fields, sequence: 7, completed_us: 5, fee_lamports: 1.5, transmit_us: null, included: 1 };
    const postgres = {
      ...fields,
      sequence: "7",
      completed_us: "5",
      fee_lamports: 1.5,
      transmit_us: null,
      included: true,
    };
    const found = rowFrom("transactions", sqlite);
    expect(found).toMatchObject({ sequence: 7, completedUs: 5, feeLamports: 1.5, transmitUs: null, included: true });
    expect(rowFrom("transactions", postgres)).toEqual(found);
    expect(Object.keys(found)).toEqual(Object.keys(TABLES.transactions.columns));
  });
});

describe("the two schemas", () => {
  test("have the same tables, columns, nullability and keys", () => {
    interface Shape {
      readonly name: string;
      readonly columns: readonly { readonly name: string; readonly notNull: boolean; getSQLType(): string }[];
      readonly primaryKeys: readonly { readonly columns: readonly { readonly name: string }[] }[];
    }
    const shapeOf = ({ name, columns, primaryKeys }: Shape) => ({
      name,
      columns: columns.map((column) => `${column.name}${column.notNull ? "!" : ""} ${kindOf(column.getSQLType())}`),
      key: primaryKeys[0]?.columns.map((column) => column.name),
    });
    expect(Object.values(POSTGRES_TABLES).map((table) => shapeOf(postgresConfig(table)))).toEqual(
      Object.values(SQLITE_TABLES).map((table) => shapeOf(sqliteConfig(table))),
    );
  });

  test("are what SQLite has after the migrations", async () => {
    const location = sqliteFile();
    await (await openSink(location)).close();
    const client = new Database(location.kind === "sqlite" ? location.path : "");
    for (const table of Object.values(SQLITE_TABLES)) {
      const { name, columns, primaryKeys } = sqliteConfig(table);
      const found = client.query(`PRAGMA table_info(${name})`).all() as {
        name: string;
        type: string;
        notnull: number;
        pk: number;
      }[];
      const key = found.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
      expect(key.map((one) => one.name)).toEqual(primaryKeys[0].columns.map((column) => column.name));
      expect(found.map((one) => [one.name, one.type.toLowerCase(), one.notnull === 1])).toEqual(
        columns.map((column) => [column.name, column.getSQLType(), column.notNull]),
      );
    }
    client.close();
  });

  test.skipIf(noPostgres !== undefined)("are what PostgreSQL has after the migrations (needs postgresql)", async () => {
    const url = await postgres.database();
    await (await openSink(at(url))).close();
    for (const table of Object.values(POSTGRES_TABLES)) {
      const { name, columns } = postgresConfig(table);
      const found = await postgres.query(
        `SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = '${name}' ORDER BY ordinal_position`,
        url,
      );
      expect(found.map((one) => [one.column_name, one.data_type, one.is_nullable === "NO"])).toEqual(
        columns.map((column) => [column.name, column.getSQLType(), column.notNull]),
      );
    }
  });
});

/** Types that mean the same. */
function kindOf(type: string): string {
  return { bigint: "integer", boolean: "integer", "double precision": "real" }[type] ?? type;
}

describe("SQLite's troubles", () => {
  test("a file that is none, a folder, a place that is not there", async () => {
    const path = `${folder}/letters.db`;
    fs.writeFileSync(path, "no database at all, but long enough to be looked at as one ".repeat(20));
    const before = fs.readFileSync(path);
    expect(await problemOf(() => openSink({ kind: "sqlite", path }))).toMatchObject({ retry: "never" });
    expect(fs.readFileSync(path)).toEqual(before);
    for (const wrong of [folder, `${folder}/absent/x.db`]) {
      const problem = await problemOf(() => openSink({ kind: "sqlite", path: wrong }));
      expect(problem.retry).toBe("later");
      expect(problem.message).toContain("cannot be opened");
    }
  });

  test("one that is locked: soon over", async () => {
    const location = sqliteFile();
    const path = location.kind === "sqlite" ? location.path : "";
    const sink = await openSink(location);
    const other = new Database(path);
    other.run("BEGIN EXCLUSIVE");
    const problem = await problemOf(() => sink.insert(batchOf("transactions", 1)));
    expect([problem.retry, problem.message.includes("is locked by another process")]).toEqual(["soon", true]);
    other.run("COMMIT");
    expect(await sink.insert(batchOf("transactions", 1))).toBe(1);
    other.close();
    await sink.close();
  });

  test("one that is read-only", async () => {
    const location = sqliteFile();
    const path = location.kind === "sqlite" ? location.path : "";
    await (await openSink(location)).close();
    // Root writes everywhere: as somebody else, or over a mount; a child as the nobody user is enough here.
    fs.chmodSync(path, 0o444);
    fs.chmodSync(folder, 0o555);
    const script = `
      import { openSink } from "${import.meta.dir}/../../src/database/sink.ts";
      import { batchOf } from "${import.meta.dir}/rig.ts";
      try {
        const sink = await openSink(${JSON.stringify(location)});
        await sink.insert(batchOf("transactions", 1));
        console.log("written");
      } catch (error) { console.log(error.retry + ": " + error.message); }`;
    const root = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
    const source = `${folder}/read-only.ts`;
    fs.writeFileSync(source, script);
    const open = await openPrograms(source);
    const child = Bun.spawnSync([...root, process.execPath, `${open.folder}/read-only.ts`], {
      cwd: "/",
      env: { HOME: "/tmp", ...process.env },
    });
    fs.chmodSync(folder, 0o755);
    open.remove();
    expect(child.stderr.toString()).toBe("");
    expect(child.stdout.toString()).toMatch(/^later: .* (is read-only|cannot be opened)/);
  });

  test("a full disk", async () => {
    const location = sqliteFile();
    const path = location.kind === "sqlite" ? location.path : "";
    const sink = await openSink(location);
    await sink.close();
    const client = new Database(path);
    client.run("PRAGMA max_page_count = 40");
    client.close();
    const script = `
      import { openSink } from "${import.meta.dir}/../../src/database/sink.ts";
      import { batchOf } from "${import.meta.dir}/rig.ts";
      process.on("SIGXFSZ", () => undefined);
      try {
        const sink = await openSink(${JSON.stringify(location)});
        for (let i = 0; i < 40; i++) await sink.insert(batchOf("transactions", 500, "s" + i));
        console.log("written");
      } catch (error) { console.log(error.retry + ": " + error.message); }`;
    const child = Bun.spawnSync(["sh", "-c", `ulimit -f 600 && exec "$0" -e "$1"`, process.execPath, script]);
    expect(child.stdout.toString()).toMatch(/^soon: .* (lies on a full disk|cannot be written)/);
  });
});

describe.skipIf(noPostgres !== undefined)("PostgreSQL's troubles (needs postgresql)", () => {
  test("a wrong password, user or database: named, without the password", async () => {
    const wrong = await problemOf(() => openSink(at(postgres.url("postgres", "wrong-word"))));
    expect(wrong.message).toContain("refuses the user or the password");
    expect(wrong.retry).toBe("later");
    const absent = await problemOf(() => openSink(at(postgres.url("not_there"))));
    expect(absent.message).toContain("has no database of that name");
  });

  test("a server that is not there", async () => {
    const problem = await problemOf(() => openSink(at(`postgres://me:${PASSWORD}@127.0.0.1:1/x`)));
    expect([problem.retry, problem.message.includes("the connection was refused")]).toEqual(["soon", true]);
  });

  test("a server that accepts and never answers", async () => {
    const mute = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    try {
      const problem = await problemOf(() => openSink(at(`postgres://me:${PASSWORD}@127.0.0.1:${mute.port}/x`)));
      expect([problem.retry, problem.message.includes("does not answer")]).toEqual(["soon", true]);
    } finally {
      mute.stop(true);
    }
  });

  test("a server that speaks something else", async () => {
    const odd = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket) {
          socket.write("HTTP/1.1 400 Bad Request\r\n\r\n");
          socket.end();
        },
      },
    });
    try {
      const problem = await problemOf(() => openSink(at(`postgres://me:${PASSWORD}@127.0.0.1:${odd.port}/x`)));
      expect(problem.message).toStartWith(`the database postgres://me@127.0.0.1:${odd.port}/x`);
    } finally {
      odd.stop(true);
    }
  });

  test("a statement that never ends is given up", async () => {
    const connection = new Connection({ kind: "postgres", url: postgres.url(), shown: "it" }, 200);
    const problem = await problemOf(() => connection.run("SELECT pg_sleep(60)"));
    expect([problem.retry, problem.message]).toEqual(["soon", "the database it does not answer"]);
    const startedMs = performance.now();
    await connection.close();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  test("a user who may not write", async () => {
    const url = await postgres.database();
    await (await openSink(at(url))).close();
    await postgres.query("CREATE ROLE reader LOGIN PASSWORD 'wrong-word'; GRANT USAGE ON SCHEMA public TO reader", url);
    await postgres.query("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", url);
    const location = at(url.replace(`qos:${PASSWORD}`, "reader:wrong-word"));
    const problem = await problemOf(async () => {
      await (await openSink(location)).insert(batchOf("transactions", 1));
    });
    expect([problem.retry, problem.message.includes("does not let this user do that")]).toEqual(["later", true]);
  });

  test("partitions are by day, and only ours are dropped", async () => {
    const url = await postgres.database();
    const sink = await openSink(at(url));
    await sink.insert(batchOf("fates", 2));
    expect(partitionName("qos_fates", 0)).toBe("qos_fates_19700101");
    const find = "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1";
    const partitions = async () => (await postgres.query(find, url)).map(({ relname }) => relname);
    expect(await partitions()).toEqual(["qos_fates_20260102"]);
    await postgres.query("CREATE TABLE mine PARTITION OF qos_fates FOR VALUES FROM (1) TO (2)", url);
    await sink.retain(Date.UTC(2030, 0, 1) * 1_000);
    expect(await partitions()).toEqual(["mine"]);
    await sink.close();
  });
});

test("a SQLite file that is made is its owner's alone, with what stands beside it; one that was there keeps its mode", async () => {
  const modeOf = (path: string): string => (fs.statSync(path).mode & 0o777).toString(8);
  const made = sqliteFile() as Extract<Location, { kind: "sqlite" }>;
  const sink = await openSink(made);
  await sink.insert(batchOf("transactions", 5));
  expect(["", "-wal", "-shm"].map((end) => modeOf(made.path + end))).toEqual(["600", "600", "600"]);
  await sink.close();
  const shared = sqliteFile() as Extract<Location, { kind: "sqlite" }>;
  fs.writeFileSync(shared.path, "", { mode: 0o640 });
  fs.chmodSync(shared.path, 0o640);
  await (await openSink(shared)).close();
  expect(modeOf(shared.path)).toBe("640");
});
