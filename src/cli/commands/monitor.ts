// `qos monitor`: a live screen of a running sidecar. It reads the status page and the ring of fates in shared memory and asks
// nobody anything: the sidecar does not notice.

import { findUser } from "../../../ffi/users.ts";
import { type Trust, trustOf } from "../../channel/owners.ts";
import { CHANNEL_STATES } from "../../engine/mailbox.ts";
import { Failure } from "../../failure.ts";
import { type Kind, type Moment, Moments } from "../../observe/moments.ts";
import { SORTS, type Sort, screen, standsStillMs, waterfall } from "../../observe/screen.ts";
import { CHANNEL_FLAGS } from "../../settings/channel-flags.ts";
import { EXIT_FAILED, EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { choice, duration, onOff } from "../../settings/flags.ts";
import { RUN_FLAGS } from "../../settings/run-flags.ts";
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
const START_MAX_MS = 3_000;
const LOOK_AGAIN_MS = 50;
const COLUMNS_MIN = 40;
const ROWS_MIN = 10;

/** The first picture, as soon as there is one. @throws Failure if none comes in time */
async function began(moments: Moments): Promise<void> {
  const end = performance.now() + START_MAX_MS;
  for (;;) {
    const seen = moments.look();
    if (typeof seen !== "string") return;
    // Absent is absent; one that is just starting is waited for.
    if (!seen.includes("starting") || performance.now() > end) throw new Failure(seen);
    await Bun.sleep(LOOK_AGAIN_MS);
  }
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
    standsStillMs: standsStillMs(moment),
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

interface MonitorValues {
  readonly prefix: string;
  readonly interval: number;
  readonly sort: Sort;
  readonly payers: boolean;
  readonly json: boolean;
  readonly noColour: boolean;
  /** Whose status pages are believed. */
  readonly trust: Trust;
}

/** One picture over one interval. */
async function once(values: MonitorValues, out: Output): Promise<number> {
  const kind = values.payers ? "payers" : "ips";
  const moments = new Moments(values.prefix, kind, undefined, values.trust);
  try {
    await began(moments);
    await Bun.sleep(values.interval);
    const moment = moments.look();
    if (typeof moment === "string") throw new Failure(moment);
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
    moments.close();
  }
}

/** A JSON line for each interval, until nobody reads. */
async function follow(values: MonitorValues, out: Output): Promise<number> {
  const moments = new Moments(values.prefix, undefined, undefined, values.trust);
  try {
    await began(moments);
    while (!out.closed()) {
      await Bun.sleep(values.interval);
      const moment = moments.look();
      if (typeof moment === "string") out.json({ problem: moment });
      else if (moment !== undefined) out.json(jsonOf(moment));
    }
    return EXIT_FINE;
  } finally {
    moments.close();
  }
}

/** The screen, drawn anew in place, until `q`. */
async function live(values: MonitorValues): Promise<number> {
  let sort = values.sort;
  let kind: Kind = values.payers ? "payers" : "ips";
  const moments = new Moments(values.prefix, kind, undefined, values.trust);
  let paused = false;
  let shown: Moment | undefined;
  let problem: string | undefined;
  const { stdin, stdout } = process;
  const { promise: quit, resolve } = Promise.withResolvers<void>();

  const draw = (): void => {
    const columns = Math.max(COLUMNS_MIN, stdout.columns ?? 80);
    const rows = Math.max(ROWS_MIN, stdout.rows ?? 24);
    const view = { columns, rows, colour: !values.noColour, paused, sort, kind };
    const lines =
      shown === undefined
        ? [`qos monitor: ${problem ?? "the first numbers come in a moment"}`.slice(0, columns), "", "q quit"]
        : screen(shown, view);
    stdout.write(`${HOME}${lines.map((line) => `${line}${LINE_END}`).join("\r\n")}${SCREEN_END}`);
  };
  const look = (): void => {
    if (paused) return;
    const seen = moments.look();
    problem = typeof seen === "string" ? seen : undefined;
    shown = typeof seen === "string" ? undefined : seen;
    draw();
  };
  const onKey = (bytes: Buffer): void => {
    for (const key of bytes.toString("latin1")) {
      if (key === "q" || key === CTRL_C) resolve();
      else if (key === "p") paused = !paused;
      else if (key === "s") sort = SORTS[(SORTS.indexOf(sort) + 1) % SORTS.length];
      else if (key === "t") {
        kind = kind === "ips" ? "payers" : "ips";
        moments.kind = kind;
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
    moments.close();
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
    user: RUN_FLAGS.user,
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
    const monitor: MonitorValues = {
      prefix,
      interval,
      sort,
      payers,
      json,
      noColour,
      trust: trustOf(findUser(values.user ?? "")),
    };
    if (values.once) return await once(monitor, out);
    if (json) return await follow(monitor, out);
    if (!process.stdout.isTTY) throw new UsageError("standard output is not a terminal; take --once or --json");
    if (process.env.TERM === "dumb") {
      out.note("qos monitor: this terminal cannot be drawn on; take --once");
      return EXIT_FAILED;
    }
    return await live(monitor);
  },
});
