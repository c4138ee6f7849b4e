// Watching over the running loop: what is done every while, what signals ask for, and the orderly end.

import type { Channels } from "./channel-files.ts";
import { type Endpoints, openEndpoints } from "./endpoints/endpoints.ts";
import type { FatesFile } from "./files/fates-file.ts";
import type { StatsFile } from "./files/stats-file.ts";
import type { FileWatch } from "./inputs/watched-file.ts";
import { ClockSteps } from "./process/clock-steps.ts";
import { openServiceManager, type ServiceManager } from "./process/service-manager.ts";
import type { Signals } from "./process/signals.ts";
import type { Runtime } from "./runtime.ts";
import { takeScores } from "./scores/scores.ts";
import type { StateFile } from "./scores/state-file.ts";
import { StatisticsFeeds } from "./statistics-feeds.ts";
import type { DatabaseWriter } from "./threads/database.ts";
import type { LoopEnd } from "./threads/loop-thread.ts";
import { Watch } from "./watch.ts";

const LOOK_INTERVAL_MS = 1_000;
/** After the loop was asked to let go of a channel, which takes it a turn. */
const LOOK_AGAIN_MS = 5;
const STATE_INTERVAL_MS = 60_000;
/** A loop that does not end by then never will. */
const STOP_MAX_MS = 5_000;
/** Timers hold 31 bits of milliseconds, 24.8 days. */
const TIMER_MAX_MS = 2 ** 31 - 1;
const EXIT_FINE = 0;
const EXIT_FAILED = 1;

/** What the supervisor watches over, beside the runtime. */
export interface Charges {
  readonly channels: Channels;
  /** Files of the operator's that are read again when they change. */
  readonly inputs: readonly FileWatch[];
  readonly state: StateFile | undefined;
  readonly statistics: StatsFile | undefined;
  readonly database: DatabaseWriter | undefined;
  readonly fates: FatesFile | undefined;
  readonly loop: Promise<LoopEnd>;
  readonly signals: Pick<Signals, "stop" | "listen">;
}

/** @returns the exit code, when all is written and closed */
export function supervise(runtime: Runtime, charges: Charges): Promise<number> {
  return new Supervisor(runtime, charges).run();
}

class Supervisor {
  readonly #watch: Watch;
  readonly #statistics: StatisticsFeeds;
  readonly #clock = new ClockSteps();

  constructor(
    private readonly runtime: Runtime,
    private readonly charges: Charges,
  ) {
    const { database } = charges;
    this.#watch = new Watch(runtime, () => database?.numbers ?? null);
    this.#statistics = new StatisticsFeeds(runtime, charges.statistics, database);
    this.#clock.look(Date.now(), runtime.now());
  }

  async run(): Promise<number> {
    const { log } = this.runtime;
    const endpoints = this.#openEndpoints();
    this.charges.signals.listen({
      reload: () => void this.#reload(),
      ignored: (name) => log.warn(`${name} means nothing to qos, and is ignored (SIGHUP reads lists and stakes again)`),
    });
    const manager = openManager(this.runtime);
    manager?.begin();
    const timers = this.#rounds().map(({ everyMs, run }) => setInterval(run, everyMs));
    const why = await Promise.race([this.charges.signals.stop, this.#timeOver(), this.charges.loop]);
    for (const timer of timers) clearInterval(timer);
    manager?.stopping();
    (await endpoints).close();
    if (typeof why === "string") log.info(`stopping: ${why}`);
    return await this.#end();
  }

  /** What is done again and again. */
  #rounds(): readonly { readonly everyMs: number; readonly run: () => void }[] {
    const { settings } = this.runtime;
    const { inputs, state } = this.charges;
    return [
      { everyMs: LOOK_INTERVAL_MS, run: () => this.#look() },
      { everyMs: settings.logIntervalMs, run: () => this.#statistics.log() },
      { everyMs: settings.statsIntervalMs, run: () => this.#statistics.offer() },
      ...inputs.map((input) => ({ everyMs: LOOK_INTERVAL_MS, run: () => void input.look() })),
      ...(state === undefined ? [] : [{ everyMs: STATE_INTERVAL_MS, run: () => void this.#saveScores(state) }]),
    ];
  }

  #look(): void {
    const { log, now } = this.runtime;
    const snapshot = this.runtime.snapshot();
    const stepMs = this.#clock.look(Date.now(), now());
    if (stepMs !== 0) {
      log.faults.count("clockSteps");
      log.warn(`the host's clock was set ${stepMs > 0 ? "forward" : "back"} by ${Math.abs(Math.round(stepMs))} ms`);
    }
    this.#watch.look(snapshot);
    this.charges.fates?.look(snapshot);
    if (this.charges.channels.look(snapshot)) setTimeout(() => this.#look(), LOOK_AGAIN_MS);
  }

  /** SIGHUP: reads the operator's files again, and says what changed. */
  async #reload(): Promise<void> {
    const { log } = this.runtime;
    log.info("SIGHUP: lists and stakes are read again");
    for (const input of this.charges.inputs) {
      const { holds } = input.watched;
      if ((await input.look()) === "unchanged") log.info(`${holds}: nothing has changed`);
    }
    if (this.charges.inputs.length === 0) log.info("no lists and no stakes are configured: there is nothing to read");
  }

  async #saveScores(state: StateFile): Promise<boolean> {
    const scores = takeScores(this.runtime.settings.model, this.runtime.readers);
    return scores !== undefined && (await state.write(scores));
  }

  #openEndpoints(): Promise<Endpoints> {
    const { inputs, state } = this.charges;
    return openEndpoints(this.runtime, this.#watch, {
      statistics: () => this.#statistics.forControl(),
      reload: async () => {
        await Promise.all(inputs.map((input) => input.look()));
        return inputs.flatMap(({ watched }) => watched.files.map(({ path }) => path));
      },
      checkpoint: state === undefined ? undefined : () => this.#saveScores(state),
    });
  }

  /** Resolves when `--duration` is over; never without it. */
  #timeOver(): Promise<string> {
    const { settings, turningSinceMs, now } = this.runtime;
    const { durationMs } = settings;
    return new Promise((resolve) => {
      if (durationMs === undefined) return;
      setTimeoutLong(() => resolve("its time is over"), Math.max(0, turningSinceMs + durationMs - now()));
    });
  }

  /** Stops the loop, then writes and closes everything in its order. */
  async #end(): Promise<number> {
    const { log, mailbox } = this.runtime;
    const { loop, database, channels, state } = this.charges;
    mailbox.stop();
    const end = await Promise.race([loop, after(STOP_MAX_MS)]);
    await database?.stop();
    await this.#statistics.finish();
    if (end.state === "died") {
      // Scores that were being changed when the loop died are not to be trusted: the last minute's file stays.
      log.error(`the loop ended: ${end.reason}`);
      this.#watch.end(`the loop ended: ${end.reason}`);
      return EXIT_FAILED;
    }
    if (state !== undefined) await this.#saveScores(state);
    channels.closeAll();
    log.info("stopped");
    return EXIT_FINE;
  }
}

/** The service manager's side, where one started this. */
function openManager(runtime: Runtime): ServiceManager | undefined {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = process.env;
  const turns = (): number => runtime.snapshot()?.counters.turns ?? 0;
  return openServiceManager({ NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID }, process.pid, turns, runtime.log);
}

function after(ms: number): Promise<LoopEnd> {
  return new Promise((resolve) => {
    setTimeout(() => resolve({ state: "died", reason: `it did not stop within ${ms} ms` }), ms);
  });
}

function setTimeoutLong(run: () => void, ms: number): void {
  if (ms <= TIMER_MAX_MS) setTimeout(run, ms);
  else setTimeout(() => setTimeoutLong(run, ms - TIMER_MAX_MS), TIMER_MAX_MS);
}
