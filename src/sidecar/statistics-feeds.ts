// The sidecar's numbers on their way out: the line of the log, the statistics file, the answer to `qos ctl stats`. Each has
// a rate meter of its own, so that its rates are those since it was asked last.

import type { Snapshot } from "../engine/status.ts";
import { standingsOf } from "../observe/standings.ts";
import { logLine, RateMeter, statisticsOf } from "../observe/statistics-lines.ts";
import type { StatsFile } from "./files/stats-file.ts";
import type { Runtime } from "./runtime.ts";
import type { DatabaseWriter } from "./threads/database.ts";

export class StatisticsFeeds {
  readonly #log: RateMeter;
  readonly #file: RateMeter;
  readonly #control: RateMeter;
  #turnsBefore = -1;

  constructor(
    private readonly runtime: Runtime,
    private readonly file: StatsFile | undefined,
    private readonly database: DatabaseWriter | undefined,
  ) {
    const since = runtime.turningSinceMs;
    this.#log = new RateMeter(since);
    this.#file = new RateMeter(since);
    this.#control = new RateMeter(since);
  }

  /** Writes a line of numbers, and warns where the loop has not turned since the last one. */
  log(): void {
    const { log, now } = this.runtime;
    const snapshot = this.runtime.snapshot();
    if (snapshot === null) return;
    const rates = this.#log.next(snapshot, now());
    log.info(logLine(snapshot, rates), { ...snapshot.counters, ...rates });
    if (snapshot.counters.turns === this.#turnsBefore) log.warn("the loop has not turned since the last line");
    this.#turnsBefore = snapshot.counters.turns;
  }

  /** Hands the numbers to the statistics file, which may be busy. */
  offer(): void {
    const snapshot = this.file === undefined ? null : this.runtime.snapshot();
    if (snapshot !== null) this.file?.offer(this.#statistics(snapshot, this.#file));
  }

  /** For `qos ctl stats`; null before the loop's first turn. */
  forControl(): Record<string, unknown> | null {
    const snapshot = this.runtime.snapshot();
    return snapshot === null ? null : this.#statistics(snapshot, this.#control);
  }

  /** The last line and the last file, after the loop has ended. */
  async finish(): Promise<void> {
    const { log, now } = this.runtime;
    const last = this.runtime.snapshot();
    if (last === null) return;
    log.info(logLine(last, this.#log.next(last, now())), { ...last.counters });
    await this.file?.finish(this.#statistics(last, this.#file));
  }

  #statistics(snapshot: Snapshot, meter: RateMeter): Record<string, unknown> {
    const { version, startedAt, now, turningSinceMs, settings, readers, log } = this.runtime;
    const sidecar = { version, pid: process.pid, startedAt, uptimeMs: now() - turningSinceMs };
    const rates = meter.next(snapshot, now());
    const numbers = statisticsOf(snapshot, rates, standingsOf(readers), settings, sidecar, log.faults);
    return this.database === undefined ? numbers : { ...numbers, database: this.database.numbers };
  }
}
