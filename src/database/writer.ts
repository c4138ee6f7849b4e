// The writer: gathers from the arena on a timer, and sends batches one after the other. Sending may wait for a database as
// long as it likes (but for SQLite's own calls, which are short): gathering goes on, and what is too much spills. What the
// database refuses for good is said once; what may pass is tried again after a while that doubles.

import { messageOf } from "../failure.ts";
import type { Location } from "../settings/database-location.ts";
import type { Arena } from "../shape/arena.ts";
import type { ArenaLayout } from "../shape/layout.ts";
import { Backlog } from "./backlog.ts";
import { Collector, type CollectorSettings } from "./collector.ts";
import { type DatabaseProblem, problemOf } from "./problem.ts";
import type { Sink } from "./sink.ts";
import { Spill, type TryLock } from "./spill.ts";
import type { SessionRow } from "./tables.ts";
import { publishWriterNumbers } from "./writer-status.ts";

/** A full ring lasts 50 ms at a million records/s. */
const COLLECT_MS = 10;
/** About 170,000 records. */
const MEMORY_BYTES = 32 * 1024 * 1024;
const FIRST_PAUSE_MS = 100;
const PAUSE_MAX_MS = 30_000;
/** Where somebody has to mend something first. */
const LATER_PAUSE_MS = 10_000;
const RETAIN_MS = 600_000;
/** Between two pieces of retention: batches go first. */
const RETAIN_PIECE_MS = 50;
/** A piece that has been due for this long goes between batches: a database that is never idle must not grow for ever. */
const RETAIN_WAIT_MAX_MS = 500;
/** For writing what is left, at the end; the rest goes to the spill file. */
const FINISH_MS = 3_000;

export interface WriterSettings extends CollectorSettings {
  readonly location: Location;
  readonly sessionRow: SessionRow;
  /** How long rows stay; undefined: for ever. */
  readonly keepMs: number | undefined;
  readonly spillPath: string;
  readonly spillBytes: number;
}

export interface WriterParts {
  readonly open: (location: Location) => Promise<Sink>;
  readonly tryLock: TryLock;
  readonly say: (level: "info" | "warn", message: string) => void;
  readonly wallMs: () => number;
  readonly nowMs: () => number;
  /** Bytes of batches in memory, MEMORY_BYTES where absent. */
  readonly memoryBytes?: number;
}

export class Writer {
  readonly #backlog: Backlog;
  readonly #collector: Collector;
  readonly #spill: Spill | undefined;
  #sink: Sink | undefined;
  #stopping = false;
  /** Resolves when a stop has waited long enough for the database. */
  readonly #overdue = Promise.withResolvers<void>();
  #late = false;
  /** What waits is spilled and the connection is being closed: an attempt that fails now fails of that. */
  #closing = false;
  /** No attempt is made any more in this run. */
  #refused = false;
  #wake: () => void = () => undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #said = "";
  #saidDropping = false;
  #rowsWritten = 0;
  #failures = 0;
  #lastWriteMs = 0;
  /** When no batch waited last. */
  #emptyAtMs: number | undefined;
  /** When old rows are to be deleted next. */
  #retainAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly arena: Arena,
    private readonly layout: ArenaLayout,
    private readonly settings: WriterSettings,
    private readonly parts: WriterParts,
  ) {
    this.#spill = this.#openSpill();
    this.#backlog = new Backlog(this.#spill, parts.memoryBytes ?? MEMORY_BYTES);
    this.#collector = new Collector(arena, layout, settings, (batch) => {
      this.#backlog.push(batch);
      this.#wake();
    });
  }

  /** Runs until `stop`; everything is then written, spilled, or counted as dropped. Never rejects. */
  async run(): Promise<void> {
    this.#collector.sendRows("session", [this.settings.sessionRow]);
    const timer = setInterval(() => this.#collect(), COLLECT_MS);
    // One race for the whole run: each would leave a reaction on the promise that is still open.
    await Promise.race([this.#untilStopped(), this.#overdue.promise]);
    clearInterval(timer);
    await this.#finish();
  }

  async #untilStopped(): Promise<void> {
    while (!this.#stopping) await this.#step();
  }

  /** Ends `run`, also where the database answers no more. The loop must have ended before. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    setTimeout(() => this.#giveUp(), FINISH_MS);
    this.#wake();
  }

  #openSpill(): Spill | undefined {
    try {
      const spill = Spill.open(this.settings.spillPath, this.settings.spillBytes, this.parts.tryLock);
      if (spill.records > 0) {
        this.parts.say("info", `${spill.records} records of an earlier run wait in ${spill.path}`);
      }
      return spill;
    } catch (error) {
      this.parts.say("warn", `${messageOf(error)}; what memory does not hold will be dropped`);
      return undefined;
    }
  }

  #collect(): void {
    this.#collector.collect(this.parts.wallMs(), this.parts.nowMs());
    if (this.#backlog.overflowed > 0 && !this.#saidDropping) {
      this.#saidDropping = true;
      this.parts.say("warn", `records for the database are being dropped: ${this.#noPlace}`);
    }
    this.#publish();
  }

  /** Why the spill file takes no more. */
  get #noPlace(): string {
    return this.#spill === undefined ? "there is no spill file" : this.#spill.trouble || "the spill file is full";
  }

  /** One attempt at the oldest batch, or a pause. */
  async #step(): Promise<void> {
    if (this.#refused) return this.#pause(PAUSE_MAX_MS, true);
    try {
      if (this.#sink === undefined) await this.#connect();
      if (!(await this.#sendOldest())) await this.#idle();
      else if (this.parts.nowMs() - this.#retainAtMs >= RETAIN_WAIT_MAX_MS) await this.#retain();
    } catch (error) {
      await this.#failed(problemOf(error, this.settings.location));
    }
  }

  async #connect(): Promise<void> {
    this.#sink = await this.parts.open(this.settings.location);
    if (this.#said !== "") this.parts.say("info", "the database takes records again");
    this.#said = "";
    this.#publish();
  }

  /** @returns false if nothing waits */
  async #sendOldest(): Promise<boolean> {
    const batch = this.#backlog.next();
    if (batch === undefined || this.#sink === undefined) return false;
    const startedMs = this.parts.nowMs();
    try {
      await this.#sink.insert(batch, (count) => {
        this.#rowsWritten += count;
      });
      this.#backlog.sent(batch);
    } catch (error) {
      const problem = problemOf(error, this.settings.location);
      if (problem.retry !== "batch") throw problem; // rows that no database takes would be tried for ever
      this.#backlog.lost(batch);
      this.#failures += 1;
      this.parts.say("warn", `${batch.count} rows of ${batch.kind} were left out: ${problem.message}`);
    }
    this.#lastWriteMs = this.parts.nowMs() - startedMs;
    this.#pauseMs = FIRST_PAUSE_MS;
    return true;
  }

  /** Nothing waits: old rows are deleted if it is time. */
  async #idle(): Promise<void> {
    if (this.parts.nowMs() >= this.#retainAtMs) await this.#retain();
    await this.#pause(COLLECT_MS * 5, true);
  }

  /** Deletes a piece of what is too old. */
  async #retain(): Promise<void> {
    const { keepMs } = this.settings;
    if (keepMs === undefined || this.#sink === undefined) return;
    const more = await this.#sink.retain(Math.round((this.parts.wallMs() - keepMs) * 1_000));
    this.#retainAtMs = this.parts.nowMs() + (more ? RETAIN_PIECE_MS : RETAIN_MS);
  }

  async #failed(problem: DatabaseProblem): Promise<void> {
    if (this.#closing) return;
    this.#failures += 1;
    const sink = this.#sink;
    this.#sink = undefined;
    this.#publish();
    await sink?.close().catch(() => undefined);
    if (problem.message !== this.#said) {
      const then = problem.retry === "never" ? "records go to the spill file" : "it is tried again";
      this.parts.say("warn", `${problem.message}; ${then}`);
      this.#said = problem.message;
    }
    if (problem.retry === "never") {
      this.#refused = true;
      return;
    }
    const pauseMs = problem.retry === "later" ? Math.max(this.#pauseMs, LATER_PAUSE_MS) : this.#pauseMs;
    // Sidecars of a fleet must not come back all at one moment.
    await this.#pause(pauseMs * (0.75 + Math.random() / 2), false);
    this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MAX_MS);
  }

  /** @param batches whether a new batch ends the pause; stopping always does */
  async #pause(ms: number, batches: boolean): Promise<void> {
    if (this.#stopping) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wake = () => {
      if (batches || this.#stopping) resolve();
    };
    await promise;
    clearTimeout(timer);
    this.#wake = () => undefined;
  }

  async #finish(): Promise<void> {
    this.#collector.finish(this.parts.wallMs(), this.parts.nowMs());
    if (!this.#late) await Promise.race([this.#sendRest(), this.#overdue.promise]);
    this.#closing = true;
    this.#backlog.spillAll();
    const { overflowed } = this.#backlog;
    if (overflowed > 0) {
      this.parts.say("warn", `${overflowed} records for the database found no place and are lost: ${this.#noPlace}`);
    }
    const left = this.#spill?.records ?? 0;
    if (left > 0) this.parts.say("info", `${left} records wait in ${this.settings.spillPath} for the next run`);
    const sink = this.#sink;
    this.#sink = undefined;
    this.#publish();
    this.#spill?.close();
    await sink?.close().catch(() => undefined);
  }

  #giveUp(): void {
    this.#late = true;
    this.#overdue.resolve();
  }

  async #sendRest(): Promise<void> {
    try {
      if (this.#sink === undefined && !this.#refused) await this.#connect();
      while (await this.#sendOldest()) this.#publish();
    } catch (error) {
      if (this.#closing) return;
      this.#failures += 1;
      this.parts.say("warn", problemOf(error, this.settings.location).message);
    }
  }

  #publish(): void {
    const backlog = this.#backlog;
    const collector = this.#collector;
    const nowMs = this.parts.nowMs();
    if (backlog.records === 0) this.#emptyAtMs = nowMs;
    this.#emptyAtMs ??= nowMs;
    publishWriterNumbers(this.arena, this.layout.writerStatusAt, {
      rowsWritten: this.#rowsWritten,
      recordsTaken: collector.taken,
      sampledOut: collector.sampledOut,
      lappedOutcomes: collector.lapped("transactions"),
      lappedFates: collector.lapped("fates"),
      spilled: backlog.spilled,
      replayed: backlog.replayed,
      dropped: backlog.dropped,
      failures: this.#failures,
      connected: this.#sink === undefined ? 0 : 1,
      // Those of an open batch as well: what is taken is in the database, lost, or waits.
      waiting: collector.open + backlog.records,
      spillBytes: backlog.spillBytes,
      lagMs: nowMs - this.#emptyAtMs,
      lastWriteMs: this.#lastWriteMs,
    });
  }
}
