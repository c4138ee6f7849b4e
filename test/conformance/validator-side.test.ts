// The validator's side as docs/integration.md shows it, in Rust on the crate `que`, against a whole sidecar: with it, without
// it after a kill -9 under load, and with its successor.

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHANNELS } from "../../src/shape/channels.ts";
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
    "--stats-interval",
    "100ms",
  ];
  const child = Bun.spawn([...program, "run", ...flags], { stdout: "ignore", stderr: "ignore", env: {} });
  children.push(child);
  return child;
}

const statsOf = (name: string): Stats => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Stats;

describe.skipIf(!rust.ok)("the validator's side of the guide (needs cargo)", () => {
  test("goes through the sidecar, past a dead one, and back", async () => {
    const prefix = freshPrefix();
    prefixes.push(prefix);
    const validator = new Validator(prefix);

    // No sidecar yet: everything goes straight to sigverify.
    const alone = await validator.when("packets pass by", ({ bypassed }) => bypassed > 100);
    expect(alone).toMatchObject({ alive: false, offered: 0, missing: 0 });

    const first = startSidecar(prefix, join(folder, "first.json"));
    // Alive, but for the moments in which a busy machine holds it up.
    await validator.when("packets go through", ({ alive, fromSidecar }) => alive && fromSidecar > 2 * RATE);

    // It dies under load, without a word.
    first.kill("SIGKILL");
    await first.exited;
    const atDeath = validator.latest!;
    const past = await validator.when("packets pass by again", ({ bypassed }) => bypassed > atDeath.bypassed + RATE);
    expect(past.alive).toBe(false);
    expect(past.failed + past.included).toBeGreaterThan(atDeath.failed + atDeath.included);

    const second = startSidecar(prefix, join(folder, "second.json"));
    const again = await validator.when("packets come again", ({ fromSidecar }) => fromSidecar > past.fromSidecar);
    await validator.when("packets go through again", ({ fromSidecar }) => fromSidecar > past.fromSidecar + 2 * RATE);

    const last = await validator.finish();
    expect(last.event).toBe("done");
    expect(last.offered + last.bypassed).toBe(last.sent);
    expect(last.twice).toBe(0);
    expect(last.fromSidecar + last.bypassed + last.missing).toBe(last.sent);

    // What was said last may still be on its way.
    const executed = (report: Report): number => report.fromSidecar + report.bypassed - report.failed;
    await until("the second one to have read everything", () => {
      const channels = existsSync(join(folder, "second.json")) ? statsOf("second").channels : undefined;
      if (channels === undefined) return false;
      const { sig_to_qos, sch_to_qos, tx_status_cache } = channels;
      const isSaid = sig_to_qos!.tail === last.failed && sch_to_qos!.tail === executed(last);
      const all = [sig_to_qos!, sch_to_qos!, tx_status_cache!];
      return isSaid && tx_status_cache!.tail === last.included && all.every(({ depth }) => depth === 0);
    });
    second.kill("SIGTERM");
    expect(await second.exited).toBe(0);
    const { counters, channels } = statsOf("second");
    expect(counters.failedView + counters.failedSanitize + counters.invalidPacketData).toBe(0);
    expect(channels.tpu_to_qos).toMatchObject({ state: "attached", torn: 0, lapped: 0 });
    expect(channels.fwd_to_qos).toMatchObject({ state: "attached", torn: 0, lapped: 0 });

    // It took all that was offered, and what it sent came.
    expect(counters.totalPackets).toBe(channels.tpu_to_qos.received + channels.fwd_to_qos.received);
    expect(counters.totalPackets).toBe(last.offered - past.offered);
    expect(counters.bankingTransmissions).toBe(last.fromSidecar - past.fromSidecar);

    // It heard all that was said since it came: later than `past`, and before its first packet was seen in `again`.
    const heard = (count: number, of: (report: Report) => number): void => {
      expect(count).toBeGreaterThanOrEqual(of(last) - of(again));
      expect(count).toBeLessThanOrEqual(of(last) - of(past));
      expect(count).toBeGreaterThan(0);
    };
    heard(counters.sigverifyFeedback, ({ failed }) => failed);
    heard(counters.recentSignaturesReceived, ({ included }) => included);
    heard(counters.completed + counters.unknownOutcomes, executed);
    // Hashes were understood: whatever it sent was found again by its outcome, unless its signature was wrong. There are few
    // of those: three senders of sixty sign nothing rightly, and are soon held back.
    expect(counters.completed).toBeLessThanOrEqual(counters.bankingTransmissions);
    expect(counters.completed + counters.sigverifyFeedback).toBeGreaterThanOrEqual(counters.bankingTransmissions);
    expect(counters.completed).toBeGreaterThan(RATE);

    // What the second one holds is not lost. Lost is what the dead one held, by the last that it said itself, and what was
    // offered since: a silence's worth and an interval of its statistics, many times over for a busy machine.
    const holds = ({ counters }: Stats): number => counters.totalPackets - counters.bankingTransmissions;
    const lost = last.missing - holds(statsOf("second"));
    const dead = statsOf("first");
    expect(lost).toBeGreaterThanOrEqual(0);
    expect(lost - holds(dead), `the dead one said ${JSON.stringify(dead.counters)}`).toBeLessThan(RATE);
  }, 180_000);
});
