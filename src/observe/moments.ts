// A sidecar's pictures one after the other, two of which make a moment: rates, and whether the loop turns. It goes on through
// the sidecar's restarts. `qos monitor` and the demo show its moments.

import { readFileSync } from "node:fs";
import { type Trust, trustOf } from "../channel/owners.ts";
import { readFates } from "./fates-file.ts";
import { countSenders, type SenderCount } from "./sender-fates.ts";
import { type SidecarPicture, StatusReader } from "./status-reader.ts";

export type Kind = "ips" | "payers";

export interface Moment {
  readonly before: SidecarPicture;
  readonly now: SidecarPicture;
  /** Milliseconds between the two by the loop's own clock: rates are exact whenever the pictures were taken. */
  readonly elapsedMs: number;
  /** For how long the loop has not been seen to turn, by a clock of this process. */
  readonly stillMs: number;
  /** Whether the process is stopped (SIGSTOP), which its own page cannot say. */
  readonly isStopped: boolean;
  readonly fates: ReadonlyMap<string, SenderCount>;
}

/** Reading the ring of fates takes some milliseconds: not for each picture. */
const FATES_INTERVAL_MS = 2_000;
/** States of /proc: stopped by a signal, or by a debugger. */
const STOPPED = /^[Tt]$/;

/** @returns whether a process is stopped; false if that cannot be known */
export function isStoppedProcess(pid: number): boolean {
  try {
    // `4711 (name) S ...`: the name may hold anything, also parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return STOPPED.test(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[0]);
  } catch {
    return false;
  }
}

export class Moments {
  #reader: StatusReader | undefined;
  #before: SidecarPicture | undefined;
  /** When the loop's clock was first seen at its present value. */
  #turnedMs = 0;
  #fates: ReadonlyMap<string, SenderCount> = new Map();
  #fatesMs = Number.NEGATIVE_INFINITY;
  #kind: Kind | undefined;

  /**
   * @param kind which senders' fates are counted; undefined counts none
   * @param nowMs of a clock that never goes back
   * @param trust whose status pages are believed
   */
  constructor(
    private readonly prefix: string,
    kind: Kind | undefined,
    private readonly nowMs: () => number = () => performance.now(),
    private readonly trust: Trust = trustOf(),
  ) {
    this.#kind = kind;
  }

  set kind(kind: Kind) {
    this.#kind = kind;
    this.#fatesMs = Number.NEGATIVE_INFINITY;
  }

  /** The newest picture that was looked at. */
  get latest(): SidecarPicture | undefined {
    return this.#before;
  }

  /** Takes a look. @returns what happened since the last one, undefined at the first, or why there is nothing to see */
  look(): Moment | undefined | string {
    const now = this.#read();
    if (typeof now === "string") {
      this.#before = undefined;
      return now;
    }
    const before = this.#before;
    this.#before = now;
    const nowMs = this.nowMs();
    const isSame = before?.board.startedMs === now.board.startedMs && before.board.pid === now.board.pid;
    const elapsedMs = isSame ? now.snapshot.counters.clockMs - before.snapshot.counters.clockMs : 0;
    if (!isSame || elapsedMs !== 0) this.#turnedMs = nowMs;
    if (!isSame) return undefined;
    this.#readFates(nowMs);
    const stillMs = nowMs - this.#turnedMs;
    const isStopped = stillMs > 0 && isStoppedProcess(now.board.pid);
    return { before, now, elapsedMs, stillMs, isStopped, fates: this.#fates };
  }

  close(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }

  #readFates(nowMs: number): void {
    if (this.#kind === undefined || nowMs - this.#fatesMs < FATES_INTERVAL_MS) return;
    this.#fatesMs = nowMs;
    const fates = readFates(this.prefix, this.trust);
    const isRead = fates !== undefined && typeof fates !== "string";
    this.#fates = isRead ? countSenders(fates, this.#kind === "ips" ? "ip" : "payer") : new Map();
  }

  #read(): SidecarPicture | string {
    if (this.#reader?.replaced === true) this.close();
    if (this.#reader === undefined) {
      const opened = StatusReader.open(this.prefix, this.trust);
      if (typeof opened === "string") return opened;
      this.#reader = opened;
    }
    const { holder } = this.#reader;
    if (holder === undefined) return "the sidecar was killed: its status page is there, and nobody holds it";
    const picture = this.#reader.read();
    if (picture !== undefined) return picture;
    if (isStoppedProcess(holder)) return `the sidecar is stopped (SIGSTOP): kill -CONT ${holder} lets it go on`;
    return "the sidecar is starting, or it is of another version";
  }
}
