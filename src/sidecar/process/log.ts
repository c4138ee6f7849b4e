// Log lines, for people (standard error) or machines (JSON lines on standard output). Bun's thread pool writes them, and only a
// bounded number of lines wait: a reader that hangs or is gone holds up nothing, least of all the handling of signals.

import { fstatSync, write } from "node:fs";
import { Faults } from "../../observe/faults.ts";
import { LOG_LEVELS } from "../../settings/run-flags.ts";
import { printableLine } from "../../wire/printable.ts";

export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

export interface Log {
  readonly info: (message: string, fields?: LogFields) => void;
  readonly warn: (message: string, fields?: LogFields) => void;
  readonly error: (message: string, fields?: LogFields) => void;
  /** Warnings and errors until now, also those that were left out. */
  readonly counts: { readonly warn: number; readonly error: number };
  /** The place that counts each trouble, even if it is not worth a line each time. */
  readonly faults: Faults;
  /** Waits until everything is written, or the time is over. */
  readonly flush: (mostMs: number) => Promise<void>;
}

/** Lines that may wait for a slow reader; more are dropped and counted. */
const WAITING_LINES_MAX = 1_000;
const STDOUT = 1;
const STDERR = 2;

/** Writes lines to a descriptor in order, never blocking. */
export class LineWriter {
  #waiting: string[] = [];
  #writing = false;
  #closed = false;
  #dropped = 0;
  #idle: (() => void)[] = [];

  constructor(
    private readonly descriptor: number,
    private readonly waitingMax: number = WAITING_LINES_MAX,
    private readonly onDropped: (lines: number) => void = () => undefined,
  ) {}

  line(text: string): void {
    const isFull = this.#waiting.length >= this.waitingMax;
    if (this.#closed || isFull) {
      if (isFull) this.#dropped += 1;
      this.onDropped(1);
      return;
    }
    if (this.#dropped > 0) this.#waiting.push(`(${this.#dropped} lines dropped: their reader was too slow)`);
    this.#dropped = 0;
    this.#waiting.push(text);
    if (!this.#writing) this.#next();
  }

  async flush(mostMs: number): Promise<void> {
    if (!this.#writing) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle.push(resolve);
    const timer = setTimeout(resolve, mostMs);
    await promise;
    clearTimeout(timer);
  }

  #next(): void {
    if (this.#waiting.length === 0) {
      this.#writing = false;
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#writing = true;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#put(Buffer.from(`${batch.join("\n")}\n`), batch.length);
  }

  #put(bytes: Buffer, count: number): void {
    write(this.descriptor, bytes, 0, bytes.length, null, (error, written) => {
      if (error?.code === "EAGAIN") {
        setTimeout(() => this.#put(bytes, count), 10);
      } else if (error !== null) {
        // Nobody reads any more, or the place is full: nothing is written from here on, which the other stream is told.
        this.#closed = true;
        if (this.descriptor === STDOUT && error.code !== "EPIPE") {
          const sentence = `qos: the log cannot be written to standard output (${error.code}); nothing more is written there\n`;
          write(STDERR, sentence, () => undefined);
        }
        this.onDropped(count + this.#waiting.length);
        this.#waiting = [];
        this.#next();
      } else if (written < bytes.length) {
        this.#put(bytes.subarray(written), count);
      } else {
        this.#next();
      }
    });
  }
}

/** Messages of one kind that are written in KIND_WINDOW_MS; the others are counted. */
const OF_A_KIND_MAX = 10;
const KIND_WINDOW_MS = 10_000;
/** Kinds that are remembered; beyond them the memory begins anew. */
const KINDS_MAX = 500;

/** Lets a few messages of a kind through: trouble that repeats a thousand times a second is still one trouble. */
export class RateLimit {
  #kinds = new Map<string, { sinceMs: number; count: number }>();

  /** @returns undefined if it is to be left out, else how many like it were since the last one */
  pass(message: string, nowMs: number): { readonly leftOut: number } | undefined {
    // Messages of a kind differ in their numbers and in what they repeat.
    const kind = message.replace(/"[^"]*"/g, '""').replace(/\d+/g, "0");
    const known = this.#kinds.get(kind);
    if (known !== undefined && nowMs - known.sinceMs < KIND_WINDOW_MS) {
      known.count += 1;
      return known.count <= OF_A_KIND_MAX ? { leftOut: 0 } : undefined;
    }
    if (this.#kinds.size >= KINDS_MAX) this.#kinds.clear();
    this.#kinds.set(kind, { sinceMs: nowMs, count: 1 });
    return { leftOut: Math.max(0, (known?.count ?? 0) - OF_A_KIND_MAX) };
  }
}

type Level = (typeof LOG_LEVELS)[number];
const LEVELS: readonly Level[] = LOG_LEVELS;
/** As the journal reads them off a line's beginning (sd-daemon(3)): `journalctl -p warning` finds what it is to find. */
const PRIORITIES: Readonly<Record<Level, string>> = { info: "<6>", warn: "<4>", error: "<3>" };
type Put = (level: Level, message: string, fields?: LogFields) => void;

/** JSON lines, by pino; what it makes goes the way of all lines. Loaded only when asked for. */
async function jsonPut(lines: Pick<LineWriter, "line">): Promise<Put> {
  const { pino, stdTimeFunctions } = await import("pino");
  const logger = pino(
    {
      base: null,
      messageKey: "message",
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    { write: (line: string) => lines.line(line.trimEnd()) },
  );
  return (level, message, fields = {}) => logger[level](fields, message);
}

/** Whether standard error goes to systemd's journal, which says so by the stream's device and inode. */
function isJournal(): boolean {
  const { JOURNAL_STREAM } = process.env;
  if (JOURNAL_STREAM === undefined) return false;
  const { dev, ino } = fstatSync(STDERR);
  return JOURNAL_STREAM === `${dev}:${ino}`;
}

/**
 * A log that writes to the process's own streams.
 * @param least lines below this level are left out, and counted all the same
 */
export async function openLog(format: "text" | "json", least: Level = "info"): Promise<Log> {
  const faults = new Faults();
  const dropped = (count: number): void => faults.count("logLinesDropped", count);
  const lines = new LineWriter(format === "json" ? STDOUT : STDERR, WAITING_LINES_MAX, dropped);
  const priorities = isJournal();
  const say: Put =
    format === "json" ? await jsonPut(lines) : (level, message) => lines.line(textLine(level, message, priorities));
  const put: Put = (level, message, fields) => {
    if (LEVELS.indexOf(level) >= LEVELS.indexOf(least)) say(level, message, fields);
  };
  const counts = { warn: 0, error: 0 };
  const limit = new RateLimit();
  const limited = (level: "warn" | "error", message: string, fields?: LogFields): void => {
    counts[level] += 1;
    const passed = limit.pass(`${level} ${message}`, performance.now());
    if (passed === undefined) return;
    put(level, passed.leftOut === 0 ? message : `${message} (${passed.leftOut} more like it were left out)`, fields);
  };
  return {
    info: (message, fields) => put("info", message, fields),
    warn: (message, fields) => limited("warn", message, fields),
    error: (message, fields) => limited("error", message, fields),
    counts,
    faults,
    flush: (mostMs) => lines.flush(mostMs),
  };
}

/** One line: a message's own line ends and control characters (names of files, bad input) become spaces. */
function textLine(level: Level, message: string, priorities: boolean): string {
  return `${priorities ? PRIORITIES[level] : ""}${new Date().toISOString()} ${level.toUpperCase().padEnd(5)} ${printableLine(message)}`;
}
