// The writer as a thread of its own: it writes, and its death is a sentence and no more.

import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import fs from "node:fs";
import { readWriterNumbers } from "../../src/database/writer-status.ts";
import { startWriter } from "../../src/database/writer-thread.ts";
import { Rig, SMALL } from "./rig.ts";

const folder = fs.mkdtempSync("/tmp/qos-thread-");
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const settings = (name: string, path = `${folder}/${name}.db`) => ({
  session: name,
  host: "host",
  location: { kind: "sqlite" as const, path },
  transactionsShare: 1,
  fatesShare: 1,
  scoresIntervalMs: 1_000,
  statisticsIntervalMs: 1e9,
  keepMs: undefined,
  spillPath: `${folder}/${name}.spill`,
  spillBytes: 1e7,
  sessionRow: {
    session: name,
    startedUs: 1,
    host: "host",
    version: "1",
    settings: "{}",
    transactionsShare: 1,
    fatesShare: 1,
  },
});

test("writes while the loop goes on, and what is left when it is told to stop", async () => {
  const rig = new Rig();
  const said: string[] = [];
  const writer = startWriter({ memory: rig.arena.memory, layout: SMALL, settings: settings("a") }, (_, message) =>
    said.push(message),
  );
  rig.turn();
  for (let i = 0; i < 300; i++) rig.outcome(i);
  rig.turn();
  const endMs = performance.now() + 30_000;
  const numbers = () => readWriterNumbers(rig.arena, rig.layout.writerStatusAt);
  while (numbers().recordsTaken < 600 && performance.now() < endMs) await Bun.sleep(5);
  for (let i = 300; i < 400; i++) rig.outcome(i);
  rig.turn();
  await writer.stop();
  const client = new Database(`${folder}/a.db`, { readonly: true });
  expect(client.query("SELECT count(*) AS rows FROM qos_transactions").get()).toEqual({ rows: 400 });
  expect(client.query("SELECT count(*) AS rows FROM qos_fates").get()).toEqual({ rows: 400 });
  client.close();
  expect(said).toEqual([]);
});

test("that dies says so, and the stop does not wait for it", async () => {
  const rig = new Rig();
  const said: string[] = [];
  // A layout that is none: the thread throws while it starts.
  const broken = { ...SMALL, fateRecords: 100 };
  const writer = startWriter({ memory: rig.arena.memory, layout: broken, settings: settings("b") }, (_, message) =>
    said.push(message),
  );
  const endMs = performance.now() + 30_000;
  while (said.length === 0 && performance.now() < endMs) await Bun.sleep(5);
  expect(said[0]).toContain("the database's writer died, and the sidecar goes on without it");
  await writer.stop();
});
