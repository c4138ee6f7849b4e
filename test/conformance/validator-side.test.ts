// The validator's side as docs/integration.md shows it, in Rust on the crate `que`, against a whole sidecar: with it, without
// it after a kill -9 under load, and with its successor.

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHANNELS } from "../../src/channel/channels.ts";
import { freshPrefix, type Stats, until } from "../sidecar/sidecar-process.ts";
import { rust } from "./que-peer.ts";

const BINARY = new URL("../../dist/qos", import.meta.url).pathname;
const SOURCE = new URL("../../src/main.ts", import.meta.url).pathname;
/** Really signed and really verified packets a second: what a part of one small core can do. */
const RATE = 1_500;
const SEED = "18446744073709551557";

interface Report {
  readonly event: "status" | "done";
  readonly alive: boolean;
  readonly sent: number;
  readonly offered: number;
  readonly bypassed: number;
  readonly fromSidecar: number;
  readonly failed: number;
  readonly included: number;
  readonly twice: number;
  readonly missing: number;
}

const children: Bun.Subprocess[] = [];
const prefixes: string[] = [];
const folder = mkdtempSync(join(tmpdir(), `qos-validator-side-${process.pid}-`));

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
  for (const prefix of prefixes.splice(0)) {
    for (const { name } of CHANNELS)
      if (existsSync(`/dev/shm/${prefix}${name}`)) unlinkSync(`/dev/shm/${prefix}${name}`);
  }
  rmSync(folder, { recursive: true, force: true });
});

class Validator {
  readonly reports: Report[] = [];
  readonly child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #read: Promise<void>;

  constructor(prefix: string) {
    this.child = Bun.spawn([join(rust.binDir, "validator-side"), "--prefix", prefix, "--rate", `${RATE}`], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    children.push(this.child);
    this.#read = this.#collect();
  }

  get latest(): Report | undefined {
    return this.reports.at(-1);
  }

  /** Waits for a report of which something holds, and gives it. */
  async when(what: string, holds: (report: Report) => boolean): Promise<Report> {
    return await until(what, () => (this.latest !== undefined && holds(this.latest) ? this.latest : undefined));
  }

  /** Ends the traffic, lets what is under way arrive, and gives the last report. */
  async finish(): Promise<Report> {
    this.child.stdin.end();
    await this.#read;
    return this.latest!;
  }

  async #collect(): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of this.child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.reports.push(JSON.parse(line) as Report);
    }
  }
}

function startSidecar(prefix: string, statsPath: string): Bun.Subprocess {
  const program = existsSync(BINARY) ? [BINARY] : [process.execPath, SOURCE];
  const flags = [
    "--prefix",
    prefix,
    "--idle",
    "backoff",
    "--allow-root",
    "--xxhash-seed",
    SEED,
    "--stats-json",
    statsPath,
  ];
  const child = Bun.spawn([...program, "run", ...flags], { stdout: "ignore", stderr: "ignore", env: {} });
  children.push(child);
  return child;
}

describe.skipIf(!rust.ok)("the validator's side of the guide", () => {
  test("goes through the sidecar, past a dead one, and back", async () => {
    const prefix = freshPrefix();
    prefixes.push(prefix);
    const validator = new Validator(prefix);

    // No sidecar yet: everything goes straight to sigverify.
    const alone = await validator.when("packets pass by", ({ bypassed }) => bypassed > 100);
    expect(alone).toMatchObject({ alive: false, offered: 0, missing: 0 });

    const first = startSidecar(prefix, join(folder, "first.json"));
    const helped = await validator.when("packets go through", ({ fromSidecar }) => fromSidecar > 2 * RATE);
    expect(helped.alive).toBe(true);

    // It dies under load, without a word.
    first.kill("SIGKILL");
    await first.exited;
    const atDeath = validator.latest!;
    const past = await validator.when("packets pass by again", ({ bypassed }) => bypassed > atDeath.bypassed + RATE);
    expect(past.alive).toBe(false);
    expect(past.failed + past.included).toBeGreaterThan(atDeath.failed + atDeath.included);

    const second = startSidecar(prefix, join(folder, "second.json"));
    await validator.when("packets go through again", ({ fromSidecar }) => fromSidecar > past.fromSidecar + 2 * RATE);

    const last = await validator.finish();
    expect(last.event).toBe("done");
    expect(last.offered + last.bypassed).toBe(last.sent);
    expect(last.twice).toBe(0);
    // Lost is only what the dead one held: a silence's worth and a transmit tick's worth, many times over for a busy machine.
    expect(last.fromSidecar + last.bypassed + last.missing).toBe(last.sent);
    expect(last.missing).toBeLessThan(2 * RATE);

    // What the second sidecar learned says that hashes, failures and signatures were understood.
    second.kill("SIGTERM");
    expect(await second.exited).toBe(0);
    const { counters, channels } = JSON.parse(readFileSync(join(folder, "second.json"), "utf8")) as Stats;
    expect(counters.failedView + counters.failedSanitize + counters.invalidPacketData).toBe(0);
    expect(counters.completed).toBeGreaterThan(RATE);
    expect(counters.recentSignaturesReceived).toBeGreaterThan(RATE / 2);
    expect(counters.sigverifyFeedback).toBeGreaterThan(RATE / 40);
    expect(channels.tpu_to_qos).toMatchObject({ state: "attached", torn: 0 });
    expect(counters.totalPackets).toBe(channels.tpu_to_qos.received + channels.fwd_to_qos.received);
  }, 180_000);
});
