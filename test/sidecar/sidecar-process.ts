// A sidecar in a process of its own, started from source under a prefix of its own, and what it says and writes.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { ANYBODY } from "../../src/channel/owners.ts";
import { ask } from "../../src/cli/commands/ctl.ts";
import { Failure } from "../../src/failure.ts";
import type { ControlRequest } from "../../src/sidecar/endpoints/control.ts";
import { controlPath } from "../../src/sidecar/endpoints/control-server.ts";
import { isTreeOpen } from "../tools/open-tree.ts";
import type { Peer } from "./peer.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;
/** A sidecar that becomes another user loads parts later on: from the binary, if that user cannot read the sources. */
const PROGRAM = isTreeOpen() ? [process.execPath, MAIN] : [new URL("../../dist/qos", import.meta.url).pathname];
/** The machine may be small and busy. */
const LIMIT_MS = 40_000;
const POLL_MS = 10;

let prefixes = 0;

/** A prefix that no other test has. */
export function freshPrefix(): string {
  prefixes += 1;
  return `t${process.pid}_${prefixes}_`;
}

/** Waits until a condition holds. @throws Error that says what was waited for */
export async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`waited ${LIMIT_MS} ms in vain: ${what}`);
    await Bun.sleep(POLL_MS);
  }
}

/**
 * Asks a sidecar over its control socket. One that is just starting is waited for: its loop beats before its socket is
 * there, the socket's file is there before anybody listens at it, and somebody listens before the loop has shown a number.
 */
export async function askOnceUp(prefix: string, request: ControlRequest): Promise<Readonly<Record<string, unknown>>> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    try {
      return await ask(controlPath(prefix), request, ANYBODY);
    } catch (error) {
      const isStarting = error instanceof Failure && /no sidecar listens|has not begun/.test(error.message);
      if (!isStarting || performance.now() > end) throw error;
    }
    await Bun.sleep(POLL_MS);
  }
}

export interface Stats {
  readonly sidecar: Record<string, unknown>;
  readonly counters: Record<string, number>;
  readonly channels: Record<
    string,
    { state: string; received: number; lapped: number; torn: number; tail: number; depth: number; detached: number }
  >;
  readonly queue: { size: number };
  readonly faults: Record<string, number>;
  /** With a database only. */
  readonly database?: Record<string, number>;
  readonly senders: Record<"ips" | "payers", { known: number; top: { sender: string; score: number }[] }>;
}

/** The two sides of the law (engine.md; statistics of the file). */
export function lawOf({ counters }: Stats): [total: number, accounted: number] {
  const ends = [
    "nonIpv4",
    "invalidMetaSize",
    "invalidPacketData",
    "failedView",
    "failedSanitize",
    "denied",
    "recentlyProcessed",
  ];
  ends.push(
    "duplicatePackets",
    "leakedPriority",
    "expired",
    "recentlyProcessedQueued",
    "bankingTransmissions",
    "queued",
  );
  return [counters.totalPackets, ends.reduce((sum, name) => sum + counters[name], 0)];
}

export class SidecarProcess implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "qos-sidecar-"));
  /** All that it wrote to standard error. */
  log = "";
  readonly #child: Subprocess<"ignore", "ignore", "pipe">;
  readonly #logged: Promise<void>;

  /**
   * @param flags behind the ones that every test needs
   * @param statsPath where its statistics go; the caller must remove it
   */
  constructor(
    prefix: string,
    flags: readonly string[] = [],
    env: Record<string, string> = {},
    readonly statsPath: string = join(this.folder, "stats.json"),
  ) {
    const always = ["--prefix", prefix, "--idle", "backoff", "--allow-root", "--stats-json", this.statsPath];
    this.#child = Bun.spawn([...PROGRAM, "run", ...always, ...flags], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      env: { PATH: process.env.PATH ?? "", ...env },
    });
    this.#logged = this.#collect();
  }

  get pid(): number {
    return this.#child.pid;
  }

  stats(): Stats {
    return JSON.parse(readFileSync(this.statsPath, "utf8")) as Stats;
  }

  /** Waits for a line of its log. */
  async says(pattern: RegExp): Promise<void> {
    await until(`${pattern} in:\n${this.log}`, () => pattern.test(this.log));
  }

  /** Waits until it reads (or, the output, writes) a channel. @throws Error with its log if it ended instead */
  async reads(peer: Peer, id: number): Promise<void> {
    const before = peer.heartbeat(id);
    const beats = (): boolean => {
      if (peer.heartbeat(id) > before) return true;
      if (this.#child.exitCode === null && this.#child.signalCode === null) return false;
      throw new Error(`the sidecar ended before it read ${peer.path(id)}:\n${this.log}`);
    };
    try {
      await until(`a heartbeat in ${peer.path(id)}`, beats);
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}\n${this.log}`);
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for its end. @returns the exit code; null if a signal ended it */
  async ended(): Promise<number | null> {
    await this.#child.exited;
    await this.#logged;
    return this.#child.signalCode === null ? this.#child.exitCode : null;
  }

  /** Ends it in good order. @returns the exit code */
  async stop(): Promise<number | null> {
    this.kill("SIGTERM");
    return await this.ended();
  }

  /** Ends it if the test has not, and waits for its end: its files and mounts are free then. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #collect(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stderr) this.log += decoder.decode(bytes, { stream: true });
  }
}
