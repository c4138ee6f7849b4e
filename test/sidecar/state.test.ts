// What outlives a sidecar, and what changes under one: the checkpoint of its scores, the stake file.

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { xxh3 } from "@node-rs/xxhash";
import { packetHashSecret } from "../../src/kernel/secret.ts";
import { OUTCOME_CHANNEL, OUTPUT_CHANNEL } from "../../src/shape/channels.ts";
import { corpus, salted } from "../engine/rig.ts";
import { Peer, TPU } from "./peer.ts";
import { freshPrefix, SidecarProcess, until } from "./sidecar-process.ts";

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
  peer.open(OUTCOME_CHANNEL);
  return peer;
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "qos-state-"));
  folders.push(path);
  return path;
}

const SEED = 420n;

/** The packet hash as the scheduler computes it (wire.md, 8). */
function packetHash(payload: Uint8Array, octets: readonly number[]): bigint {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(payload.length));
  return xxh3.xxh64WithSecret(Buffer.concat([payload, size, Uint8Array.from(octets)]), packetHashSecret(SEED));
}

/** Lets a sidecar learn: transactions of few senders, all of them included. */
async function teach(peer: Peer, flags: readonly string[]): Promise<SidecarProcess> {
  await using started = new AsyncDisposableStack();
  const sidecar = started.use(new SidecarProcess(peer.prefix, ["--xxhash-seed", `${SEED}`, ...flags]));
  await sidecar.reads(peer, TPU);
  peer.open(OUTPUT_CHANNEL);
  const count = 450;
  const packets: { payload: Uint8Array; ip: number[] }[] = [];
  for (let i = 0; i < count; i++) packets.push({ payload: salted(corpus[i % 4], i), ip: [10, 1, 1, i % 3] });
  for (const { payload, ip } of packets) peer.send(TPU, payload, ip);
  peer.sync(TPU);
  let out = 0;
  await until(`${count} packets out`, () => {
    out += peer.received().length;
    return out >= count;
  });
  for (const { payload, ip } of packets) peer.sendOutcome(packetHash(payload, ip), 50_000n);
  peer.sync(OUTCOME_CHANNEL);
  started.move(); // the caller's from here on
  return sidecar;
}

describe("--state", () => {
  test("scores survive a restart; each start reads what the last stop wrote", async () => {
    const peer = validator();
    const file = join(folder(), "scores");
    const model = ["--model", "ip-signer"]; // exact: its scores come back to the last bit
    await using first = await teach(peer, ["--state", file, "--stats-interval", "100ms", ...model]);
    await until("the model to learn", () => existsSync(first.statsPath) && first.stats().senders.ips.known === 3);
    expect(await first.stop()).toBe(0);
    const learned = first.stats().senders;
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await using second = new SidecarProcess(peer.prefix, ["--state", file, "--duration", "500ms", ...model]);
    expect(await second.ended()).toBe(0);
    expect(second.stats().senders).toEqual(learned as never);
    expect(second.log).toContain("scores read from");
    // Without the flag nothing is read or written.
    const before = statSync(file).mtimeMs;
    await using third = new SidecarProcess(peer.prefix, ["--duration", "300ms"]);
    expect(await third.ended()).toBe(0);
    expect([third.stats().senders.ips.known, statSync(file).mtimeMs]).toEqual([0, before]);
  });

  test("what the evidence model knows of senders survives a restart", async () => {
    const peer = validator();
    const file = join(folder(), "scores");
    const flags = ["--model", "evidence", "--state", file];
    await using first = await teach(peer, [...flags, "--stats-interval", "100ms"]);
    await until("the model to learn", () => existsSync(first.statsPath) && first.stats().senders.ips.known === 3);
    expect(await first.stop()).toBe(0);
    await using second = new SidecarProcess(peer.prefix, [...flags, "--duration", "500ms"]);
    expect(await second.ended()).toBe(0);
    const before = first.stats().senders;
    const after = second.stats().senders;
    expect([after.ips.known, after.payers.known]).toEqual([before.ips.known, before.payers.known]);
    const scores = new Map(before.ips.top.map(({ sender, score }) => [sender, score]));
    for (const { sender, score } of after.ips.top) expect(score).toBeCloseTo(scores.get(sender)!, 6);
  });

  test("a file that is broken, or of another model, is set aside", async () => {
    const peer = validator();
    const file = join(folder(), "scores");
    writeFileSync(file, "not scores");
    await using broken = new SidecarProcess(peer.prefix, ["--state", file, "--duration", "300ms"]);
    expect(await broken.ended()).toBe(0);
    expect(broken.log).toContain(`set aside as ${file}.bad, starting without`);
    expect(readFileSync(`${file}.bad`, "utf8")).toBe("not scores");
    const own = readFileSync(file);
    await using foreign = new SidecarProcess(peer.prefix, [
      "--state",
      file,
      "--duration",
      "300ms",
      "--model",
      "ip-signer-stake",
    ]);
    expect(await foreign.ended()).toBe(0);
    expect(foreign.log).toContain('it is of the model "evidence", and this one is ip-signer-stake');
    expect(readFileSync(`${file}.bad`).equals(own)).toBe(true);
  });

  test("a place that takes no file is said and ends nothing", async () => {
    const peer = validator();
    const file = join(folder(), "no", "such", "folder", "scores");
    await using sidecar = new SidecarProcess(peer.prefix, ["--state", file, "--duration", "300ms"]);
    expect(await sidecar.ended()).toBe(0);
    expect(sidecar.log).toContain(`scores cannot be written to ${file}: ENOENT`);
  });
});

describe("--stake-file", () => {
  test("is read at the start and again when it changes; bad lines are named, a bad file changes nothing", async () => {
    const peer = validator();
    const file = join(folder(), "stakes");
    writeFileSync(file, "10.0.0.1 300\nnonsense\n2001:db8::1 50 # a host\n");
    await using sidecar = new SidecarProcess(peer.prefix, ["--model", "ip-signer-stake", "--stake-file", file]);
    await sidecar.says(/2 stakes of 350 lamports in all/);
    expect(sidecar.log).toContain(`${file}, line 2: "nonsense" is not "IP LAMPORTS"`);
    await sidecar.reads(peer, TPU);
    // Replaced as editors do, by a new file; then written to in place.
    writeFileSync(`${file}.new`, "10.0.0.1 300\ntotal 1000\n");
    renameSync(`${file}.new`, file);
    await sidecar.says(/1 stakes of 1000 lamports in all/);
    writeFileSync(file, "10.0.0.1 301\n10.0.0.2 302\n10.0.0.3 303\n");
    await sidecar.says(/3 stakes of 906 lamports in all/);
    rmSync(file);
    await sidecar.says(/stakes cannot be read: .*; those of before stay in use/);
    writeFileSync(file, "10.0.0.9 9\n");
    await sidecar.says(/1 stakes of 9 lamports in all/);
    expect(await sidecar.stop()).toBe(0);
  });

  test("ranks the staked sender first", async () => {
    const peer = validator();
    const file = join(folder(), "stakes");
    writeFileSync(file, "10.0.0.77 1000000\n");
    // One packet a tick goes out: the highest.
    const flags = ["--model", "ip-signer-stake", "--stake-file", file, "--target-pps", "10"];
    await using sidecar = new SidecarProcess(peer.prefix, flags);
    await sidecar.reads(peer, TPU);
    peer.open(OUTPUT_CHANNEL);
    for (let i = 0; i < 20; i++) peer.send(TPU, salted(corpus[5], i), [10, 0, 0, i === 15 ? 77 : 1]);
    peer.sync(TPU);
    const packets: Uint8Array[] = [];
    await until("a packet", () => {
      packets.push(...peer.received());
      return packets.length > 0;
    });
    expect([...packets[0].subarray(1241, 1245)]).toEqual([10, 0, 0, 77]);
    expect(await sidecar.stop()).toBe(0);
  });
});
