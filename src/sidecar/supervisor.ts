// Watching over the running loop: signals, timers, reports, and the orderly end.

import type { Mailbox } from "../engine/mailbox.ts";
import { readStatus, type Snapshot } from "../engine/status.ts";
import { standingsOf } from "../observe/standings.ts";
import { logLine, RateMeter, statisticsOf } from "../observe/statistics-lines.ts";
import { openReaders } from "../rank/readers.ts";
import type { SidecarSettings } from "../settings/sidecar-settings.ts";
import type { Channels } from "./channel-files.ts";
import { type Doors, openDoors } from "./endpoints/endpoints.ts";
import type { FatesFile } from "./files/fates-file.ts";
import { StatsFile } from "./files/stats-file.ts";
import type { Lists } from "./inputs/lists.ts";
import type { Stakes } from "./inputs/stakes.ts";
import type { SidecarMemory } from "./memory.ts";
import { ClockSteps } from "./process/clock-steps.ts";
import type { Log } from "./process/log.ts";
import type { PreviousEnd } from "./process/previous-end.ts";
import type { ServiceManager } from "./process/service-manager.ts";
import { takeScores } from "./scores/scores.ts";
import type { StateFile } from "./scores/state-file.ts";
import type { DatabaseWriter } from "./threads/database.ts";
import type { LoopEnd } from "./threads/loop-thread.ts";
import { Watch } from "./watch.ts";

const LOOK_INTERVAL_MS = 1_000;
/** After the loop was asked to let go of a channel, which takes it a turn. */
const LOOK_AGAIN_MS = 5;
const STATE_INTERVAL_MS = 60_000;
/** A loop that does not end by then never will. */
const STOP_LIMIT_MS = 5_000;
const EXIT_FINE = 0;
const EXIT_FAILED = 1;

export interface Supervised {
  readonly settings: SidecarSettings;
  readonly version: string;
  readonly previous: PreviousEnd | undefined;
  readonly startedAt: Date;
  /** When the loop began to turn, by `performance.now()`. */
  readonly startedMs: number;
  readonly log: Log;
  readonly memory: SidecarMemory;
  readonly mailbox: Mailbox;
  readonly channels: Channels;
  readonly stakes: Stakes | undefined;
  readonly lists: Lists | undefined;
  readonly state: StateFile | undefined;
  readonly database: DatabaseWriter | undefined;
  readonly fates: FatesFile | undefined;
  readonly loop: Promise<LoopEnd>;
  /** Resolves with what the sidecar is to stop for. */
  readonly stop: Promise<string>;
}

/** @returns the exit code, when all is written and closed */
export async function supervise(parts: Supervised): Promise<number> {
  const { settings, startedMs, log, memory, mailbox, channels, stakes, lists, state, database, fates, loop } = parts;
  const { arena, layout } = memory;
  const logRates = new RateMeter(startedMs);
  const statsRates = new RateMeter(startedMs);
  const controlRates = new RateMeter(startedMs);
  const readers = openReaders(arena, layout);
  const statsFile = settings.statsJsonFile === undefined ? undefined : new StatsFile(settings.statsJsonFile, log);

  const watch = new Watch({
    settings,
    version: parts.version,
    startedAt: parts.startedAt,
    arena,
    layout,
    mailbox,
    readers,
    database: () => database?.numbers ?? null,
    faults: log.faults,
    now: () => performance.now(),
  });

  const clock = new ClockSteps();
  clock.look(Date.now(), performance.now());
  const look = (): void => {
    const now = snapshot();
    const stepMs = clock.look(Date.now(), performance.now());
    if (stepMs !== 0) {
      log.faults.count("clockSteps");
      log.warn(`the host's clock was set ${stepMs > 0 ? "forward" : "back"} by ${Math.abs(Math.round(stepMs))} ms`);
    }
    watch.look(now);
    fates?.look(now);
    if (channels.look(now)) setTimeout(look, LOOK_AGAIN_MS);
  };
  const snapshot = (): Snapshot | null => readStatus(arena.buffer, layout.statusAt);
  const statistics = (now: Snapshot, meter: RateMeter = statsRates): Record<string, unknown> => {
    const uptimeMs = performance.now() - startedMs;
    const rates = meter.next(now, performance.now());
    const { version, startedAt } = parts;
    const sidecar = { version, pid: process.pid, startedAt, uptimeMs };
    const numbers = statisticsOf(now, rates, standingsOf(readers), settings, sidecar, log.faults);
    return database === undefined ? numbers : { ...numbers, database: database.numbers };
  };
  let turnsBefore = -1;
  const report = (): void => {
    const now = snapshot();
    if (now === null) return;
    const rates = logRates.next(now, performance.now());
    log.info(logLine(now, rates), { ...now.counters, ...rates });
    if (now.counters.turns === turnsBefore) log.warn("the loop has not turned since the last line");
    turnsBefore = now.counters.turns;
  };
  const saveScores = async (): Promise<boolean> => {
    const scores = takeScores(settings.model, readers);
    return scores !== undefined && state !== undefined && (await state.write(scores));
  };
  const doors: Promise<Doors> = openDoors({
    settings,
    version: parts.version,
    previous: parts.previous,
    startedAt: parts.startedAt,
    mailbox,
    watch,
    log,
    snapshot,
    control: {
      model: settings.model,
      mailbox,
      readers,
      statistics: () => {
        const now = snapshot();
        return now === null ? null : statistics(now, controlRates);
      },
      reload: async () => {
        await Promise.all([stakes?.look(), lists?.look()]);
        const { stakeFile, allowFile, denyFile } = settings;
        return [stakeFile, allowFile, denyFile].filter((path) => path !== undefined);
      },
      checkpoint: state === undefined ? undefined : saveScores,
      log: (message) => log.info(message),
    },
  });

  const manager = await openManager(() => snapshot()?.counters.turns ?? 0, log);
  manager?.begin();
  const timers = [
    setInterval(look, LOOK_INTERVAL_MS),
    setInterval(report, settings.logIntervalMs),
    setInterval(() => void stakes?.look(), LOOK_INTERVAL_MS),
    setInterval(() => void lists?.look(), LOOK_INTERVAL_MS),
    setInterval(() => {
      const now = snapshot();
      if (now !== null) statsFile?.offer(statistics(now));
    }, settings.statsIntervalMs),
    ...(state === undefined ? [] : [setInterval(() => void saveScores(), STATE_INTERVAL_MS)]),
  ];
  const timeOver = new Promise<string>((resolve) => {
    if (settings.durationMs !== undefined)
      setTimeoutLong(
        () => resolve("its time is over"),
        Math.max(0, startedMs + settings.durationMs - performance.now()),
      );
  });
  const why = await Promise.race([parts.stop, timeOver, loop]);
  for (const timer of timers) clearInterval(timer);
  manager?.stopping();
  (await doors).close();
  if (typeof why === "string") log.info(`stopping: ${why}`);
  mailbox.stop();
  const end = await Promise.race([loop, after(STOP_LIMIT_MS)]);
  await database?.stop();
  const last = snapshot();
  if (last !== null) {
    log.info(logLine(last, logRates.next(last, performance.now())), { ...last.counters });
    await statsFile?.finish(statistics(last));
  }
  if (end.state === "died") {
    // Scores that were being changed when the loop died are not to be trusted: the last minute's file stays.
    log.error(`the loop ended: ${end.reason}`);
    watch.end(`the loop ended: ${end.reason}`);
    return EXIT_FAILED;
  }
  await saveScores();
  channels.closeAll();
  log.info("stopped");
  return EXIT_FINE;
}

/** Loaded where a service manager started this: it needs a system call of its own. */
async function openManager(turns: () => number, log: Log): Promise<ServiceManager | undefined> {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = process.env;
  if (NOTIFY_SOCKET === undefined) return undefined;
  const { openServiceManager } = await import("./process/service-manager.ts");
  return openServiceManager({ NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID }, process.pid, turns, log);
}

function after(ms: number): Promise<LoopEnd> {
  return new Promise((resolve) => {
    setTimeout(() => resolve({ state: "died", reason: `it did not stop within ${ms} ms` }), ms);
  });
}

/** Timers hold 31 bits of milliseconds, 24.8 days. */
function setTimeoutLong(run: () => void, ms: number): void {
  const most = 2 ** 31 - 1;
  if (ms <= most) setTimeout(run, ms);
  else setTimeout(() => setTimeoutLong(run, ms - most), most);
}
