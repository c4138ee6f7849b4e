// `qos monitor`: a live screen of a running sidecar. It reads the status page and the ring of fates in shared memory and asks
// nobody anything: the sidecar does not notice.

import { CHANNEL_STATES } from "../../engine/mailbox.ts";
import { Failure } from "../../failure.ts";
import { type Kind, type Moment, SORTS, type Sort, screen, waterfall } from "../../observe/screen.ts";
import { countSenders, readFates, type SenderCount } from "../../observe/sender-fates.ts";
import { type SidecarPicture, StatusReader } from "../../observe/status-reader.ts";
import { CHANNEL_FLAGS } from "../../settings/channel-flags.ts";
import { EXIT_FAILED, EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { choice, duration, onOff } from "../../settings/flags.ts";
import { CHANNELS } from "../../shape/channels.ts";
import { STATISTICS } from "../../shape/statistics.ts";
import { command } from "../command.ts";
import type { Output } from "../output.ts";

const ESCAPE = "\u001b[";
const ENTER = `${ESCAPE}?1049h${ESCAPE}?25l`;
const LEAVE = `${ESCAPE}?25h${ESCAPE}?1049l`;
const HOME = `${ESCAPE}H`;
const LINE_END = `${ESCAPE}K`;
const SCREEN_END = `${ESCAPE}J`;
const CTRL_C = "\u0003";
/** Reading the ring of fates takes some milliseconds: not for each picture. */
const FATES_INTERVAL_MS = 2_000;
const START_LIMIT_MS = 3_000;
const LOOK_AGAIN_MS = 50;
const NARROWEST = 40;
const LOWEST = 10;

/** A sidecar's pictures, one after the other, through its restarts. */
class Source {
  #reader: StatusReader | undefined;

  constructor(private readonly prefix: string) {}

  /** @returns the present picture, or why there is none */
  read(): SidecarPicture | string {
    if (this.#reader?.replaced === true) this.close();
    if (this.#reader === undefined) {
      const opened = StatusReader.open(this.prefix);
      if (typeof opened === "string") return opened;
      this.#reader = opened;
    }
    if (!this.#reader.alive) return "the sidecar was killed: its status page is there, and nobody holds it";
    return this.#reader.read() ?? "the sidecar is starting, or it is of another version";
  }

  close(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }
}

/** A picture as soon as there is one. @throws Failure where none comes in time */
async function firstPicture(source: Source): Promise<SidecarPicture> {
  const end = performance.now() + START_LIMIT_MS;
  for (;;) {
    const picture = source.read();
    if (typeof picture !== "string") return picture;
    // Absent is absent; one that is just starting is waited for.
    if (!picture.includes("starting") || performance.now() > end) throw new Failure(picture);
    await Bun.sleep(LOOK_AGAIN_MS);
  }
}

/** The loop's own clock: rates are exact whenever the pictures were taken. */
const between = (before: SidecarPicture, now: SidecarPicture): number =>
  now.snapshot.counters.clockMs - before.snapshot.counters.clockMs;

/** @returns undefined where the sidecar began anew between the two */
function momentOf(
  before: SidecarPicture,
  now: SidecarPicture,
  fates: ReadonlyMap<string, SenderCount>,
): Moment | undefined {
  if (before.board.startedMs !== now.board.startedMs || before.board.pid !== now.board.pid) return undefined;
  return { before, now, elapsedMs: between(before, now), fates };
}

/** Everything for a program. */
export function jsonOf(moment: Moment): Record<string, unknown> {
  const { snapshot, board } = moment.now;
  const { taken, ends, sent } = waterfall(moment);
  const rates = Object.fromEntries([taken, ...ends, sent].map(({ name, perSecond }) => [name, perSecond]));
  return {
    sidecar: {
      ...board,
      senders: undefined,
      updates: undefined,
      heartbeatAgeMs: undefined,
      database: undefined,
      faults: undefined,
      detached: undefined,
    },
    elapsedMs: moment.elapsedMs,
    packetsPerSecond: rates,
    counters: Object.fromEntries(STATISTICS.map(({ name }) => [name, snapshot.counters[name]])),
    channels: Object.fromEntries(
      CHANNELS.map(({ name }) => [
        name,
        {
          ...snapshot.channels[name],
          state: CHANNEL_STATES[snapshot.channels[name].state] ?? "unknown",
          heartbeatAgeMs: board.heartbeatAgeMs[name],
          detached: board.detached[name],
        },
      ]),
    ),
    senders: board.senders,
    updates: board.updates,
    database: board.database,
    faults: board.faults,
  };
}

function fatesOf(prefix: string, kind: Kind): ReadonlyMap<string, SenderCount> {
  const fates = readFates(prefix);
  return fates === undefined ? new Map() : countSenders(fates, kind === "ips" ? "ip" : "payer");
}

interface MonitorValues {
  readonly prefix: string;
  readonly interval: number;
  readonly sort: Sort;
  readonly payers: boolean;
  readonly json: boolean;
  readonly noColour: boolean;
}

/** One picture over one interval. */
async function once(values: MonitorValues, out: Output): Promise<number> {
  const source = new Source(values.prefix);
  try {
    const before = await firstPicture(source);
    await Bun.sleep(values.interval);
    const now = source.read();
    if (typeof now === "string") throw new Failure(now);
    const kind = values.payers ? "payers" : "ips";
    const moment = momentOf(before, now, fatesOf(values.prefix, kind));
    if (moment === undefined) throw new Failure("the sidecar was restarted meanwhile");
    if (values.json) out.json(jsonOf(moment));
    else {
      const size = { columns: process.stdout.columns ?? 80, rows: Math.max(40, process.stdout.rows ?? 40) };
      const view = { ...size, colour: false, paused: false, sort: values.sort, kind } as const;
      const lines = screen(moment, view).slice(0, -1);
      while (lines.at(-1) === "") lines.pop();
      for (const line of lines) out.line(line);
    }
    return EXIT_FINE;
  } finally {
    source.close();
  }
}

/** A JSON line for each interval, until nobody reads. */
async function follow(values: MonitorValues, out: Output): Promise<number> {
  const source = new Source(values.prefix);
  try {
    let before = await firstPicture(source);
    while (!out.closed()) {
      await Bun.sleep(values.interval);
      const now = source.read();
      if (typeof now === "string") {
        out.json({ problem: now });
        continue;
      }
      const moment = momentOf(before, now, new Map());
      before = now;
      if (moment !== undefined) out.json(jsonOf(moment));
    }
    return EXIT_FINE;
  } finally {
    source.close();
  }
}

/** The screen, drawn anew in place, until `q`. */
async function live(values: MonitorValues): Promise<number> {
  const source = new Source(values.prefix);
  let sort = values.sort;
  let kind: Kind = values.payers ? "payers" : "ips";
  let paused = false;
  let before: SidecarPicture | undefined;
  let shown: Moment | undefined;
  let fates: ReadonlyMap<string, SenderCount> = new Map();
  let fatesMs = Number.NEGATIVE_INFINITY;
  const { stdin, stdout } = process;
  const { promise: quit, resolve } = Promise.withResolvers<void>();

  const draw = (problem?: string): void => {
    const columns = Math.max(NARROWEST, stdout.columns ?? 80);
    const rows = Math.max(LOWEST, stdout.rows ?? 24);
    const view = { columns, rows, colour: !values.noColour, paused, sort, kind };
    const lines =
      problem !== undefined || shown === undefined
        ? [`qos monitor: ${problem ?? "the first numbers come in a moment"}`.slice(0, columns), "", "q quit"]
        : screen(shown, view);
    stdout.write(`${HOME}${lines.map((line) => `${line}${LINE_END}`).join("\r\n")}${SCREEN_END}`);
  };
  const look = (): void => {
    if (paused) return;
    const now = source.read();
    if (typeof now === "string") {
      before = undefined;
      shown = undefined;
      draw(now);
      return;
    }
    if (performance.now() - fatesMs >= FATES_INTERVAL_MS) {
      fates = fatesOf(values.prefix, kind);
      fatesMs = performance.now();
    }
    if (before !== undefined) shown = momentOf(before, now, fates);
    before = now;
    draw();
  };
  const onKey = (bytes: Buffer): void => {
    for (const key of bytes.toString("latin1")) {
      if (key === "q" || key === CTRL_C) resolve();
      else if (key === "p") paused = !paused;
      else if (key === "s") sort = SORTS[(SORTS.indexOf(sort) + 1) % SORTS.length];
      else if (key === "t") {
        kind = kind === "ips" ? "payers" : "ips";
        fates = fatesOf(values.prefix, kind);
      }
    }
    draw();
  };
  const onResize = (): void => {
    stdout.write(`${ESCAPE}2J`);
    draw();
  };

  stdout.write(ENTER);
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on("data", onKey);
  stdin.on("end", resolve);
  stdout.on("resize", onResize);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
  const timer = setInterval(look, values.interval);
  try {
    look();
    await quit;
    return EXIT_FINE;
  } finally {
    clearInterval(timer);
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
    stdout.write(LEAVE);
    source.close();
  }
}

export default command({
  name: "monitor",
  summary: "a live screen of a running sidecar",
  about:
    "Shows what comes in, what is refused and why, the queue, what goes out, the channels with their heartbeats, the best " +
    "and worst senders with what they sent lately, and the model's updates. It only reads shared memory, and never " +
    "disturbs the sidecar. Keys: q quits, p pauses the screen, s sorts the senders, t turns to addresses or fee payers.",
  flags: {
    prefix: CHANNEL_FLAGS.prefix,
    config: CHANNEL_FLAGS.config,
    interval: duration({ help: "time between two pictures", min: 100, max: 3_600_000, fallback: 1_000 }),
    sort: choice(SORTS, { help: "which senders are shown", fallback: "best" }),
    payers: onOff({ help: "show fee payers instead of addresses" }),
    colour: onOff({ help: "no colours (as NO_COLOR in the environment)", fallback: true }),
    once: onOff({ help: "print one picture and end" }),
    json: onOff({ help: "print JSON: a line for each interval, or one object with --once" }),
  },
  examples: [
    { line: "qos monitor", says: "the screen, until q" },
    { line: "qos monitor --once", says: "one picture, for a script or a report" },
    { line: "qos monitor --json --interval 10s", says: "a JSON line each ten seconds" },
  ],
  run: async ({ values, out }) => {
    const { prefix, interval, sort, payers, json } = values;
    const noColour = !values.colour || (process.env.NO_COLOR ?? "") !== "";
    const monitor: MonitorValues = { prefix, interval, sort, payers, json, noColour };
    if (values.once) return await once(monitor, out);
    if (json) return await follow(monitor, out);
    if (!process.stdout.isTTY) throw new UsageError("standard output is no terminal; take --once or --json");
    if (process.env.TERM === "dumb") {
      out.note("qos monitor: this terminal cannot be drawn on; take --once");
      return EXIT_FAILED;
    }
    return await live(monitor);
  },
});
