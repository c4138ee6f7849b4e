// Fault drills, with real processes: whatever happens to the files, the clock, the readers and the processes around a
// sidecar, nothing that the wire delivered is lost uncounted, nothing hangs, and every fault can be seen. (Killed producers,
// re-created channels, laps while stopped: sidecar.test.ts. Databases that fail: database.test.ts. Bad control requests:
// control.test.ts. A taken port: operator.test.ts.)

import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask } from "../../src/cli/commands/ctl.ts";
import { OUTPUT_CHANNEL, PACKET_CHANNELS } from "../../src/shape/channels.ts";
import { controlPath } from "../../src/sidecar/endpoints/control-server.ts";
import { decodeCheckpoint } from "../../src/sidecar/scores/checkpoint.ts";
import { corpus, salted } from "../engine/rig.ts";
import { Peer, TPU } from "./peer.ts";
import { askOnceUp, freshPrefix, lawOf, SidecarProcess, type Stats, until } from "./sidecar-process.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;
const IS_ROOT = process.geteuid?.() === 0;
const HOUR_S = 3_600;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "qos-drills-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const peers: Peer[] = [];
const children: Bun.Subprocess[] = [];
afterEach(async () => {
  // Those that a failing test left; a child that has ended is not heard.
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
  for (const peer of peers.splice(0)) peer.close();
});

/** A small file system of its own. Its writers must have ended before it is disposed of. */
class SmallDisk implements Disposable {
  readonly path: string;

  constructor(name: string, size: string) {
    this.path = join(folder, name);
    mkdirSync(this.path);
    const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${size},mode=0777`, "tmpfs", this.path]);
    if (mounted.exitCode !== 0) throw new Error(`no file system at ${this.path}: ${mounted.stderr}`);
  }

  get #ballast(): string {
    return join(this.path, "ballast");
  }

  /** Takes all the room that there is. */
  fill(): void {
    Bun.spawnSync(["dd", "if=/dev/zero", `of=${this.#ballast}`, "bs=4k", "count=4096"], { stderr: "ignore" });
  }

  /** Gives it back. */
  clear(): void {
    rmSync(this.#ballast);
  }

  [Symbol.dispose](): void {
    const { exitCode, stderr } = Bun.spawnSync(["umount", this.path]);
    if (exitCode !== 0) throw new Error(`${stderr}`);
  }
}

function validator(ids: readonly number[]): Peer {
  const peer = new Peer(freshPrefix());
  peers.push(peer);
  for (const id of ids) peer.open(id);
  return peer;
}

let salt = 0;
function send(peer: Peer, count: number): void {
  for (let i = 0; i < count; i++) {
    salt += 1;
    peer.send(TPU, salted(corpus[i % corpus.length], salt), [10, 0, salt % 5, 1]);
  }
  peer.sync(TPU);
}

/** The statistics. A sidecar that is just starting is waited for. */
async function stats(peer: Peer): Promise<Stats> {
  const answer = await askOnceUp(peer.prefix, { command: "stats" });
  return answer.statistics as Stats;
}

/** Waits for statistics of which something holds. */
async function shown(peer: Peer, what: string, holds: (now: Stats) => boolean): Promise<Stats> {
  const end = performance.now() + 40_000;
  for (;;) {
    const now = await stats(peer);
    if (holds(now)) return now;
    if (performance.now() > end) throw new Error(`in vain: ${what}: ${JSON.stringify(now)}`);
    await Bun.sleep(10);
  }
}

/** Waits until a counter is at least so high. */
async function counted(peer: Peer, name: string, least: number): Promise<Stats> {
  return await shown(peer, `${name} of ${least}`, ({ counters }) => counters[name] >= least);
}

/** Waits until the page of metrics has all of these lines. */
async function exposed(page: string, ...lines: RegExp[]): Promise<void> {
  const end = performance.now() + 40_000;
  for (;;) {
    const text = await (await fetch(page)).text();
    if (lines.every((line) => line.test(text))) return;
    if (performance.now() > end) throw new Error(`in vain: ${lines.join(", ")} in:\n${text}`);
    await Bun.sleep(10);
  }
}

/** Both laws: packets and their ends; elements published, taken and lost. */
function expectLaws(now: Stats): void {
  const [total, accounted] = lawOf(now);
  expect(accounted).toBe(total);
  for (const id of PACKET_CHANNELS) {
    const { received, lapped, tail, state } = Object.values(now.channels)[id];
    if (state === "attached") expect(received + lapped).toBe(tail);
  }
}

describe("files", () => {
  test("a channel's file that is cut short ends the process, never the host's service: it comes back with its scores", async () => {
    const peer = validator([TPU]);
    const state = join(folder, "truncated-state");
    await using first = new SidecarProcess(peer.prefix, ["--state", state]);
    await first.reads(peer, TPU);
    send(peer, 20);
    await counted(peer, "totalPackets", 20);
    await ask(controlPath(peer.prefix), { command: "checkpoint" });
    const path = peer.path(TPU);
    peer.leave(TPU); // or this process would fault as well
    truncateSync(path, 0);
    const code = await first.ended();
    expect(code === null || code !== 0).toBe(true);
    rmSync(path);

    await using second = new SidecarProcess(peer.prefix, ["--state", state]);
    peer.open(TPU);
    await second.reads(peer, TPU);
    send(peer, 10);
    expectLaws(await counted(peer, "totalPackets", 10));
    expect(second.log).toContain(`scores read from ${state}`);
    expect(await second.stop()).toBe(0);
  });

  // Skipped without root: a small file system is mounted.
  test.skipIf(!IS_ROOT)(
    "a full disk under checkpoint, statistics and database: what waits is written when there is room, what is lost is counted (needs root)",
    async () => {
      using disk = new SmallDisk("disk", "8m");
      const peer = validator([TPU]);
      const file = join(disk.path, "qos.db");
      const rows = (table: string): number => {
        const client = new Database(file, { readonly: true });
        try {
          return (client.query(`SELECT count(*) AS rows FROM ${table}`).get() as { rows: number }).rows;
        } finally {
          client.close();
        }
      };
      await using sidecar = new SidecarProcess(peer.prefix, [
        ...["--state", join(disk.path, "state"), "--db", `sqlite:${file}`, "--metrics", "127.0.0.1:0"],
        ...["--db-spill", join(disk.path, "spill"), "--db-sample-fates", "1", "--stats-interval", "100ms"],
      ]);
      const written = (what: string, holds: (database: Record<string, number>) => boolean): Promise<Stats> =>
        shown(peer, what, ({ database }) => holds(database!));
      await sidecar.reads(peer, TPU);
      await written("the tables", ({ connected, rowsWritten }) => connected === 1 && rowsWritten! > 0);

      // Full: everything waits, and can be seen to.
      disk.fill();
      send(peer, 8_000);
      const full = await counted(peer, "bankingTransmissions", 8_000);
      expectLaws(full);
      await expect(ask(controlPath(peer.prefix), { command: "checkpoint" })).rejects.toThrow("could not be written");
      await sidecar.says(/scores cannot be written to .*ENOSPC/);
      const stuck = await written("a failure", ({ failures, connected }) => failures! > 0 && connected === 0);
      expect(stuck.database!.waiting).toBeGreaterThan(0);
      await written("a lag", ({ lagMs }) => lagMs! > 100);
      await sidecar.says(/the database .* lies on a full disk .*it is tried again/);
      await exposed(
        /metrics at (\S+)/.exec(sidecar.log)![1],
        /^qos_state_failures_total [1-9]\d*$/m,
        /^qos_database_connected 0$/m, // also after the first failure: but for the moments of another attempt
        /^qos_database_failures_total [1-9]\d*$/m,
        /^qos_database_waiting [1-9]\d*$/m,
      );

      // Room again: every fate is a row, but for those that were counted as lapped.
      disk.clear();
      await ask(controlPath(peer.prefix), { command: "checkpoint" });
      await sidecar.says(/scores are written to .* again/);
      const through = await written("all of it", ({ connected, waiting, recordsTaken, lappedFates }) => {
        return connected === 1 && waiting === 0 && recordsTaken! + lappedFates! >= 8_000;
      });
      await sidecar.says(/the database takes records again/);
      expect(through.database).toMatchObject({ dropped: 0, lagMs: 0 });
      expect(rows("qos_fates") + through.database!.lappedFates!).toBe(8_000);

      // Full at the end: what finds no place is counted and said, and what was written stays.
      disk.fill();
      send(peer, 8_000);
      await counted(peer, "bankingTransmissions", 16_000);
      expect(await sidecar.stop()).toBe(0);
      const last = sidecar.stats();
      expectLaws(last);
      const { dropped, lappedFates, waiting, rowsWritten } = last.database!;
      expect(dropped).toBeGreaterThan(0);
      expect(sidecar.log).toMatch(/\d+ records for the database found no place and are lost: the spill file .*ENOSPC/);
      disk.clear();
      const fates = rows("qos_fates");
      expect(fates).toBeGreaterThanOrEqual(8_000 - through.database!.lappedFates!);
      expect(fates + dropped! + lappedFates! + waiting!).toBeGreaterThanOrEqual(16_000);
      const tables = ["fates", "transactions", "statistics", "sessions", "scores"];
      expect(tables.reduce((sum, table) => sum + rows(`qos_${table}`), 0)).toBe(rowsWritten!);
      expect(decodeCheckpoint(readFileSync(join(disk.path, "state")), "evidence").state).toBe("good");
    },
  );

  // Skipped without root, as above.
  test.skipIf(!IS_ROOT)(
    "a full disk under the statistics' file is counted, and the file is whole when there is room (needs root)",
    async () => {
      using disk = new SmallDisk("statistics", "128k");
      disk.fill();
      const peer = validator([TPU]);
      const path = join(disk.path, "stats.json");
      await using sidecar = new SidecarProcess(peer.prefix, ["--stats-interval", "100ms"], {}, path);
      await sidecar.reads(peer, TPU);
      send(peer, 50);
      await counted(peer, "totalPackets", 50);
      const { faults } = await shown(peer, "failures", (now) => now.faults.statisticsFailures! >= 3);
      expect(existsSync(path)).toBe(false);
      disk.clear();
      await until("the file", () => existsSync(path));
      expect(await sidecar.stop()).toBe(0);
      const last = sidecar.stats();
      expectLaws(last);
      expect(last.counters.totalPackets).toBe(50);
      expect(last.faults.statisticsFailures).toBeGreaterThanOrEqual(faults.statisticsFailures!);
      expect(sidecar.log).toMatch(/statistics cannot be written to .*ENOSPC[\s\S]*statistics are written to .* again/);
    },
  );

  test("killed at any moment of writing, the checkpoint is the last one or the one before", async () => {
    const path = join(folder, "killed-state");
    const program = new URL("./checkpoint-program.ts", import.meta.url).pathname;
    for (let round = 0; round < 8; round++) {
      const child = Bun.spawn([process.execPath, program, path], { stdin: "ignore", stdout: "pipe" });
      children.push(child);
      let said = "";
      const reading = (async () => {
        for await (const bytes of child.stdout) said += new TextDecoder().decode(bytes);
      })();
      await until("the first checkpoint", () => said.includes("writing"));
      await Bun.sleep(7 * round); // somewhere in the writing of a later one
      child.kill("SIGKILL");
      await child.exited;
      await reading;
      expect(decodeCheckpoint(readFileSync(path), "ip-signer").state).toBe("good");
    }
  });
});

describe("readers and writers", () => {
  test("a log whose reader is gone holds up nothing", async () => {
    const peer = validator([TPU]);
    const statsPath = join(folder, "no-log.json");
    const flags = ["--prefix", peer.prefix, "--idle", "backoff", "--allow-root", "--log-interval", "100ms"];
    const child = Bun.spawn([process.execPath, MAIN, "run", ...flags, "--stats-json", statsPath, "--json"], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    children.push(child);
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel(); // the pipe is closed
    await until("it reads", () => peer.heartbeat(TPU) > 0);
    send(peer, 100);
    await counted(peer, "totalPackets", 100);
    // Found out with the next line, which may be a while; from then on packets go through as before.
    const found = await shown(peer, "lines dropped", ({ faults }) => faults.logLinesDropped! > 0);
    send(peer, 100);
    expectLaws(await counted(peer, "totalPackets", 200));
    const more = ({ faults }: Stats): boolean => faults.logLinesDropped! > found.faults.logLinesDropped!;
    await shown(peer, "more lines dropped", more);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });

  const goneSeconds = 60;
  test(
    `an output that nobody reads for ${goneSeconds} s goes on, and its reader's absence is seen: who comes back finds the newest`,
    async () => {
      const peer = validator([TPU]);
      await using sidecar = new SidecarProcess(peer.prefix, ["--metrics", "127.0.0.1:0"]);
      await sidecar.reads(peer, TPU);
      await sidecar.says(/metrics at/);
      const page = /metrics at (\S+)/.exec(sidecar.log)![1];
      peer.open(OUTPUT_CHANNEL);
      await sidecar.reads(peer, OUTPUT_CHANNEL);
      for (let i = 0; i < 60; i++) {
        peer.received(); // beats, so that its heartbeat is known to move
        await Bun.sleep(50);
      }
      peer.leave(OUTPUT_CHANNEL);
      const back = performance.now() + goneSeconds * 1_000;
      // More than the ring holds, a few thousand at a time so that no input laps.
      let sent = 0;
      while (performance.now() < back || sent < 40_000) {
        send(peer, 4_000);
        sent += 4_000;
        await counted(peer, "totalPackets", sent);
        await Bun.sleep(sent < 40_000 ? 5_000 : 500);
      }
      const gone = await counted(peer, "bankingTransmissions", 32_769);
      expectLaws(gone);
      await exposed(page, /qos_channel_heartbeat_age_seconds\{channel="qos_to_sig"\} (5[5-9]|[6-9]\d)/);
      peer.open(OUTPUT_CHANNEL);
      send(peer, 7);
      let received = 0;
      await until("packets again", () => {
        received += peer.received().length;
        return received >= 7;
      });
      expect(await sidecar.stop()).toBe(0);
      expectLaws(sidecar.stats());
    },
    (goneSeconds + 60) * 1_000,
  );

  test("a validator that is stopped in its tracks is seen by its heartbeat, and read on when it may go on", async () => {
    const peer = validator([]);
    const program = new URL("./flood-program.ts", import.meta.url).pathname;
    const flood = Bun.spawn([process.execPath, program, peer.prefix], { stdin: "ignore", stdout: "ignore" });
    children.push(flood);
    try {
      await until("the producer's channel", () => existsSync(peer.path(TPU)));
      await using sidecar = new SidecarProcess(peer.prefix, ["--metrics", "127.0.0.1:0"]);
      await sidecar.says(/metrics at/);
      const page = /metrics at (\S+)/.exec(sidecar.log)![1];
      const heartbeatAge = async (): Promise<number> => {
        const text = await (await fetch(page)).text();
        return Number(/qos_channel_heartbeat_age_seconds\{channel="tpu_to_qos"\} (\S+)/.exec(text)?.[1] ?? Number.NaN);
      };
      for (let age = Number.NaN; !(age < 2); age = await heartbeatAge()) await Bun.sleep(50);
      flood.kill("SIGSTOP");
      for (let age = 0; !(age > 2.5); age = await heartbeatAge()) await Bun.sleep(50);
      const before = (await stats(peer)).counters.totalPackets!;
      flood.kill("SIGCONT");
      await counted(peer, "totalPackets", before + 100);
      expect(await sidecar.stop()).toBe(0);
      expect(lawOf(sidecar.stats())[0]).toBe(lawOf(sidecar.stats())[1]);
    } finally {
      flood.kill("SIGKILL");
      await flood.exited;
    }
  });
});

describe("the clock", () => {
  const compiler = Bun.which("cc");

  // Skipped without a C compiler: the clock of one process is set by a preloaded library.
  test.skipIf(compiler === null)(
    "set forward and back by hours, nothing expires, nothing stands still (needs a C compiler)",
    async () => {
      const library = join(folder, "wall-clock.so");
      const source = new URL("./wall-clock.c", import.meta.url).pathname;
      const built = Bun.spawnSync([compiler!, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"]);
      expect(built.stderr.toString()).toBe("");
      const clock = join(folder, "clock");
      const setClock = (seconds: number): void => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64LE(BigInt(seconds));
        writeFileSync(clock, bytes, { flag: existsSync(clock) ? "r+" : "w" });
      };
      setClock(0);
      const peer = validator([TPU]);
      await using sidecar = new SidecarProcess(peer.prefix, ["--log-interval", "100ms", "--target-pps", "1000"], {
        LD_PRELOAD: library,
        QOS_TEST_CLOCK: clock,
      });
      await sidecar.reads(peer, TPU);
      peer.open(OUTPUT_CHANNEL);
      await sidecar.reads(peer, OUTPUT_CHANNEL);
      const year = (): string => sidecar.log.trimEnd().split("\n").at(-1)!.slice(0, 13);
      let sent = 0;
      let steps = -1;
      for (const hours of [0, 48, -48, 0]) {
        setClock(hours * HOUR_S);
        steps += 1;
        const end = performance.now() + 40_000;
        for (let seen = -1; seen < steps; seen = (await counted(peer, "totalPackets", 0)).faults.clockSteps!) {
          if (performance.now() > end) throw new Error(`${seen} steps of the clock seen, ${steps} made`);
          await Bun.sleep(20);
        }
        // Asked each time: the day may change meanwhile.
        const expected = (): string => new Date(Date.now() + hours * HOUR_S * 1_000).toISOString().slice(0, 10);
        await until(`a line of ${expected()}`, () => year().startsWith(expected()));
        send(peer, 100);
        sent += 100;
        const now = await counted(peer, "bankingTransmissions", sent);
        expect(now.counters.expired).toBe(0);
        expectLaws(now);
      }
      expect(await sidecar.stop()).toBe(0);
      expect(sidecar.stats().faults.clockSteps).toBe(steps);
      for (const way of ["forward", "back"]) expect(sidecar.log).toContain(`the host's clock was set ${way} by `);
    },
  );
});

describe("soak", () => {
  /** Seconds: a short one here; QOS_SOAK_SECONDS=1800 for half an hour. */
  const seconds = Number(process.env.QOS_SOAK_SECONDS ?? 12);

  test(
    `under load for ${seconds} s the memory stays flat, and every packet is accounted for`,
    async () => {
      const peer = validator([TPU]);
      await using sidecar = new SidecarProcess(peer.prefix, ["--metrics", "127.0.0.1:0", "--log-interval", "1s"]);
      await sidecar.reads(peer, TPU);
      peer.open(OUTPUT_CHANNEL);
      await sidecar.says(/metrics at/);
      const page = /metrics at (\S+)/.exec(sidecar.log)![1];
      const residentKib = (): number =>
        Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${sidecar.pid}/status`, "latin1"))![1]);
      const end = performance.now() + seconds * 1_000;
      const third = performance.now() + (seconds * 1_000) / 3;
      let early = 0;
      while (performance.now() < end) {
        send(peer, 200);
        peer.received();
        await Bun.sleep(20);
        if (performance.now() % 1_000 < 40) await (await fetch(page)).text();
        if (early === 0 && performance.now() > third) early = residentKib();
      }
      const late = residentKib();
      // The tables are faulted in at the start; what grows afterwards is the runtime's heap between two collections.
      expect(late - early).toBeLessThan(96 * 1024);
      await counted(peer, "totalPackets", 1);
      expect(await sidecar.stop()).toBe(0);
      expectLaws(sidecar.stats());
      expect(statSync(sidecar.statsPath).size).toBeGreaterThan(100);
    },
    (seconds + 60) * 1_000,
  );
});
