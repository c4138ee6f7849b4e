// What others may do to a running sidecar: signals that mean nothing to it, floods of its metrics' port, a second sidecar with
// the same files, files that are not files.

import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Peer, TPU } from "./peer.ts";
import { askOnceUp, freshPrefix, SidecarProcess, until } from "./sidecar-process.ts";

const peers: Peer[] = [];
const folders: string[] = [];
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function validator(): Peer {
  const peer = new Peer(freshPrefix());
  peers.push(peer);
  peer.open(TPU);
  return peer;
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "qos-strangers-"));
  folders.push(folder);
  return folder;
}

test("signals of other programs end nothing, and SIGHUP reads the lists again", async () => {
  const peer = validator();
  const deny = join(newFolder(), "deny");
  writeFileSync(deny, "10.0.0.1\n");
  await using sidecar = new SidecarProcess(peer.prefix, ["--deny", deny]);
  await sidecar.reads(peer, TPU);
  await sidecar.says(/1 addresses and prefixes and 0 payers denied/);
  await until("the control socket", () => statSync(`/dev/shm/${peer.prefix}qos_control`, { throwIfNoEntry: false }));
  for (const signal of ["SIGUSR1", "SIGUSR2", "SIGALRM"] as const) {
    sidecar.kill(signal);
    await sidecar.says(new RegExp(`WARN +${signal} means nothing to qos, and is ignored`));
  }
  sidecar.kill("SIGHUP");
  await sidecar.says(/lists of senders: nothing has changed/);
  writeFileSync(deny, "10.0.0.1\n10.0.0.2\n");
  sidecar.kill("SIGHUP");
  await sidecar.says(/2 addresses and prefixes and 0 payers denied/);
  expect(await sidecar.stop()).toBe(0);
});

test("a second sidecar with the same checkpoint is refused, and takes nothing away", async () => {
  const [first, second] = [validator(), validator()];
  const state = join(newFolder(), "scores");
  await using one = new SidecarProcess(first.prefix, ["--state", state]);
  await one.reads(first, TPU);
  await askOnceUp(first.prefix, { command: "checkpoint" });
  const before = readFileSync(state);
  await using two = new SidecarProcess(second.prefix, ["--state", state]);
  expect(await two.ended()).toBe(1);
  expect(two.log).toContain(`--state ${state} is in use by another sidecar (process ${one.pid})`);
  expect(readFileSync(state)).toEqual(before);
  expect(await one.stop()).toBe(0);
  expect(statSync(`${state}.lock`, { throwIfNoEntry: false })).toBeUndefined();
});

test("what is not a file is not made one: a state is refused, statistics are written in place", async () => {
  const peer = validator();
  const link = join(newFolder(), "link");
  symlinkSync("/dev/full", link);
  await using refused = new SidecarProcess(peer.prefix, ["--state", link]);
  expect(await refused.ended()).toBe(1);
  expect(refused.log).toContain(`--state ${link} is not a plain file`);
  const flags = ["--stats-interval", "100ms"];
  await using sidecar = new SidecarProcess(peer.prefix, flags, {}, link);
  await sidecar.says(new RegExp(`statistics cannot be written to ${link}: ENOSPC`));
  expect(await sidecar.stop()).toBe(0);
  expect(statSync("/dev/full").isCharacterDevice()).toBe(true);
});

const CONNECTIONS = 200;
const REQUESTS = 1_000;
/** The attack took 2.6 GB before connections answered one request each. */
const RSS_GROWTH_MAX_KIB = 256 * 1_024;

const residentKib = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);

test("200 connections of 1,000 requests each that read nothing: memory stays, and control, health and the loop go on", async () => {
  const peer = validator();
  await using sidecar = new SidecarProcess(peer.prefix, ["--metrics", "127.0.0.1:0"]);
  await sidecar.reads(peer, TPU);
  await sidecar.says(/metrics at http/);
  const base = /metrics at (http:\S+)\/metrics/.exec(sidecar.log)?.[1] ?? "";
  await askOnceUp(peer.prefix, { command: "stats" });
  const before = residentKib(sidecar.pid);
  let most = before;
  const request = Buffer.from("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(REQUESTS));
  let ended = 0;
  const handlers = {
    open: (socket: { pause: () => void; write: (bytes: Buffer) => number }) => {
      socket.pause(); // nothing is read
      socket.write(request);
    },
    data: () => undefined,
    error: () => undefined,
    close: () => {
      ended += 1;
    },
  };
  const { port } = new URL(base);
  const sockets = await Promise.all(
    Array.from({ length: CONNECTIONS }, () =>
      Bun.connect({ hostname: "127.0.0.1", port: Number(port), socket: handlers }),
    ),
  );
  for (let look = 0; look < 20; look++) {
    most = Math.max(most, residentKib(sidecar.pid));
    expect(await askOnceUp(peer.prefix, { command: "stats" })).toMatchObject({ ok: true });
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
  }
  expect(most - before).toBeLessThan(RSS_GROWTH_MAX_KIB);
  for (const socket of sockets) socket.terminate();
  expect(ended).toBeLessThanOrEqual(CONNECTIONS);
  expect(await sidecar.stop()).toBe(0);
});
