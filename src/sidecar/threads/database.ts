// The database as the sidecar's main thread sees it: the writer's thread with its settings, made from the sidecar's.

import { hostname } from "node:os";
import { readWriterNumbers, type WriterNumbers } from "../../database/writer-status.ts";
import { startWriter, type WriterThread } from "../../database/writer-thread.ts";
import type { Location } from "../../settings/database-location.ts";
import type { Runtime } from "../runtime.ts";

const STATISTICS_INTERVAL_MS = 5_000;
const MIB = 1024 * 1024;

/** The writer at work. */
export class DatabaseWriter {
  readonly #thread: WriterThread;
  readonly #runtime: Runtime;

  /** Starts the thread; the session's row is its first. */
  constructor(runtime: Runtime, location: Location, session: string) {
    this.#runtime = runtime;
    const { settings, layout, arena, version, startedAt, log } = runtime;
    const { model, feeModel, packetLayout, prefix, targetPps, maxIps, maxSigners, ipv6 } = settings;
    const host = hostname();
    this.#thread = startWriter(
      {
        memory: arena.memory,
        layout: layout.options,
        settings: {
          session,
          host,
          location,
          transactionsShare: settings.dbSample,
          fatesShare: layout.fates === undefined ? 0 : settings.dbSampleFates,
          scoresIntervalMs: settings.dbScoresMs,
          statisticsIntervalMs: STATISTICS_INTERVAL_MS,
          keepMs: settings.dbKeepMs,
          spillPath: settings.dbSpillFile ?? `${prefix}qos.spill`,
          spillBytes: settings.dbSpillMib * MIB,
          sessionRow: {
            session,
            startedUs: startedAt.getTime() * 1_000,
            host,
            version,
            settings: JSON.stringify({ model, feeModel, packetLayout, prefix, targetPps, maxIps, maxSigners, ipv6 }),
            transactionsShare: settings.dbSample,
            fatesShare: layout.fates === undefined ? 0 : settings.dbSampleFates,
          },
        },
      },
      (level, message) => log[level](message),
    );
  }

  /** What the writer has done so far. */
  get numbers(): WriterNumbers {
    return readWriterNumbers(this.#runtime.arena, this.#runtime.layout.writerStatusAt);
  }

  /** Lets it write or spill what is left, after the loop has ended. */
  stop(): Promise<void> {
    return this.#thread.stop();
  }
}
