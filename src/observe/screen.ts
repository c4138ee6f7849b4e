// What `qos monitor` and the demo show, as lines: the waterfall from the sources through each refusal to the queue and out,
// the queue, the channels, the senders, the model's updates. Pure: two pictures in, lines out. Where there is little room,
// what is idle goes first; what is wrong stands on top, marked so that it is seen without colour.

import { CHANNEL_STATES } from "../engine/mailbox.ts";
import { summarise } from "../engine/turn-times.ts";
import { CHANNELS, OUTPUT_CHANNEL } from "../shape/channels.ts";
import { STATISTICS } from "../shape/statistics.ts";
import { FAULTS } from "./faults.ts";
import type { Kind, Moment } from "./moments.ts";

export const SORTS = ["best", "worst", "packets"] as const;
export type Sort = (typeof SORTS)[number];
export interface View {
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
  readonly paused: boolean;
  readonly sort: Sort;
  readonly kind: Kind;
  /** The last line, if it is not the monitor's keys. */
  readonly footer?: string;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const NAME_COLUMNS = 44;
const ESCAPE = "\u001b[";
/** The loop shows its clock hundreds of times a second, and the page is written once a second. */
const STILL_MS = 1_000;
const STALE_MS = 3_000;
/** A validator's side beats many times a second. */
const SILENT_MS = 3_000;
/** From this width on packets and channels stand side by side, as do the two ends of the senders. */
const WIDE_COLUMNS = 144;
const LEFT_COLUMNS = 66;
/** What senders have at least: a head and three of them. */
const SENDERS_ROWS = 4;
/** Of the target; less is worth a reason. */
const TARGET_MET = 0.97;

/** A number in at most seven characters: `999`, `12,345`, `1.23M`. */
export function compact(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "none";
  if (Math.abs(value) < 100_000) return Math.round(value).toLocaleString("en-US");
  for (const [unit, size] of [
    ["k", 1e3],
    ["M", 1e6],
    ["G", 1e9],
    ["T", 1e12],
  ] as const) {
    // 999,600 rounds to 1,000 k, which is 1.00M.
    const rounded = Number((value / size).toPrecision(3));
    if (Math.abs(rounded) < 1_000) return `${rounded.toPrecision(3)}${unit}`;
  }
  return value.toExponential(1);
}

/** A score in few characters: only its size matters, over many powers of ten. */
export function score(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return "none";
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  return magnitude >= 1e5 || magnitude < 1e-3 ? value.toExponential(2) : `${Number(value.toPrecision(4))}`;
}

export function age(ms: number | null): string {
  if (ms === null) return "never";
  if (ms < SECOND_MS) return "now";
  if (ms < 100 * SECOND_MS) return `${Math.round(ms / SECOND_MS)} s`;
  if (ms < 100 * MINUTE_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  return ms < 100 * HOUR_MS ? `${Math.round(ms / HOUR_MS)} h` : `${Math.round(ms / (24 * HOUR_MS))} days`;
}

const percent = (part: number, whole: number): string => (whole === 0 ? "" : `${((100 * part) / whole).toFixed(1)}%`);

/** One step of the waterfall: packets/s and the share of what came in. */
export interface Step {
  readonly name: string;
  readonly perSecond: number;
  /** Of the packets taken in the same time; 0 to 1. */
  readonly share: number;
  readonly total: number;
}

type Pictures = Pick<Moment, "before" | "now" | "elapsedMs">;
type CounterName = (typeof STATISTICS)[number]["name"];

/** How much a counter grew between the two pictures. */
function grown({ before, now }: Pictures, name: CounterName): number {
  return Math.max(0, now.snapshot.counters[name] - before.snapshot.counters[name]);
}

const perSecond = (count: number, elapsedMs: number): number => (elapsedMs > 0 ? (count * SECOND_MS) / elapsedMs : 0);

/** Packets a second through each step between the two pictures. */
export function waterfall(moment: Pictures): { taken: Step; ends: Step[]; sent: Step } {
  const taken = grown(moment, "totalPackets");
  const step = (name: CounterName): Step => ({
    name,
    perSecond: perSecond(grown(moment, name), moment.elapsedMs),
    share: taken === 0 ? 0 : grown(moment, name) / taken,
    total: moment.now.snapshot.counters[name],
  });
  return {
    taken: step("totalPackets"),
    ends: STATISTICS.filter(({ name, kind }) => kind === "end" && name !== "bankingTransmissions").map(({ name }) =>
      step(name),
    ),
    sent: step("bankingTransmissions"),
  };
}

/** For how long the loop has stood still, as far as can be seen; 0 if it turns. */
export function standsStillMs({ now, stillMs }: Pick<Moment, "now" | "stillMs">): number {
  if (stillMs >= STILL_MS) return stillMs;
  return now.board.loopAgeMs > STALE_MS ? now.board.loopAgeMs : 0;
}

/** Why less goes out than the target allows; "" if it does not. */
export function whyBelowTarget(moment: Pictures): string {
  const { board, snapshot } = moment.now;
  const out = perSecond(grown(moment, "bankingTransmissions"), moment.elapsedMs);
  if (board.paused) return "nothing goes out: paused by qos ctl";
  if (moment.elapsedMs <= 0 || out >= TARGET_MET * board.targetPps) return "";
  const transmits = grown(moment, "transmits");
  const held = transmits === 0 ? 0 : grown(moment, "withheld") / transmits;
  if (held >= 0.5) return `below target: the model holds ${compact(held)} back each transmit, which it expects to fail`;
  return snapshot.counters.queued < board.targetPps / 10 ? "below target: all that comes is sent on" : "";
}

/** What is wrong now, most important first. */
export function alarms(moment: Moment): string[] {
  const { before, now } = moment;
  const losing = CHANNELS.flatMap(({ name }) => {
    const lost = now.snapshot.channels[name].lapped - before.snapshot.channels[name].lapped;
    return lost > 0 ? [`LOSING ${compact(perSecond(lost, moment.elapsedMs))}/s on ${name}`] : [];
  });
  const silent = CHANNELS.flatMap(({ name }) => {
    const ageMs = now.board.heartbeatAgeMs[name] ?? null;
    return ageMs !== null && ageMs > SILENT_MS ? [`SILENT ${name} ${age(ageMs)}`] : [];
  });
  const faults = FAULTS.filter(({ name }) => now.board.faults[name] > 0);
  return [
    ...losing,
    ...silent,
    ...(faults.length === 0
      ? []
      : [`FAULTS ${faults.map(({ name }) => `${name} ${compact(now.board.faults[name])}`).join(", ")}`]),
  ];
}

/** Lines of the screen: `rows` at most, each of `columns` at most, without escapes if there is no colour. */
export function screen(moment: Moment, view: View): string[] {
  const { columns, rows } = view;
  const paint = (code: string, text: string): string => (view.colour ? `${ESCAPE}${code}m${text}${ESCAPE}0m` : text);
  const cut = (text: string): string => (text.length > columns ? text.slice(0, columns) : text);
  const head = (text: string): string => paint("1;36", cut(text));
  const lines: string[] = [headline(moment, paint, cut)];
  for (const line of folded(alarms(moment), columns, Math.max(1, rows - 20))) lines.push(paint("1;31", cut(line)));
  const flow = flowLines(moment);
  const channels = channelLines(moment);
  if (columns >= WIDE_COLUMNS) {
    // A blank line, the heads, and the keys at the end.
    const room = rows - lines.length - 3;
    const left = fitted(flow, room);
    const right = fittedChannels(channels, room);
    lines.push("", head(`${FLOW_HEAD.padEnd(LEFT_COLUMNS)}${CHANNEL_HEAD}`));
    for (let i = 0; i < Math.max(left.length, right.length); i++) {
      lines.push(cut(`${(left[i] ?? "").padEnd(LEFT_COLUMNS)}${right[i] ?? ""}`.trimEnd()));
    }
  } else {
    // Below come the keys, a head and three senders; of channels a head and those that do something.
    const available = rows - 1 - lines.length - 1 - SENDERS_ROWS;
    const busy = channels.filter(({ isIdle }) => !isIdle).length;
    const isAll = flow.length + 1 + channels.length <= available;
    const steps = isAll ? flow : flow.filter(({ isIdle }) => !isIdle);
    lines.push(head(FLOW_HEAD), ...fitted(steps, Math.max(4, available - Math.min(2 + busy, 6))).map(cut));
    const left = rows - 1 - lines.length - SENDERS_ROWS;
    if (left >= 2) lines.push(head(CHANNEL_HEAD), ...fittedChannels(channels, left - 1).map(cut));
  }
  const rest = rows - lines.length - 1;
  if (rest >= 2) {
    const updates = rest >= 12 ? Math.min(6, Math.max(1, moment.now.board.updates.length)) : rest >= 8 ? 2 : 0;
    lines.push(...senderBlock(moment, view, rest - 1 - (updates > 0 ? updates + 1 : 0), head, cut));
    if (updates > 0) lines.push(head("model updates"), ...updateLines(moment, updates).map(cut));
  }
  const keys = `q quit  p ${view.paused ? "go on" : "pause"}  s sort  t addresses/payers${view.paused ? "  [screen paused]" : ""}`;
  while (lines.length < rows - 1) lines.push("");
  return [...lines.slice(0, rows - 1), paint("2", cut(view.footer ?? keys))];
}

/** Alarms as lines that begin with `!`; as many in a line as it holds. */
function folded(texts: readonly string[], columns: number, linesMax: number): string[] {
  const lines: string[] = [];
  for (const text of texts) {
    const last = lines.at(-1);
    const longer = `${last}  ! ${text}`;
    if (last !== undefined && (longer.length <= columns || lines.length >= linesMax)) lines[lines.length - 1] = longer;
    else lines.push(`! ${text}`);
  }
  return lines;
}

function headline(
  moment: Moment,
  paint: (code: string, text: string) => string,
  cut: (text: string) => string,
): string {
  const { board, snapshot } = moment.now;
  const name = `qos ${board.version.split("+")[0]}${board.prefix === "" ? "" : ` ${board.prefix}`}`;
  const up = age(snapshot.counters.clockMs);
  const text = `${name}  pid ${board.pid}  up ${up}  ${board.model}  target ${compact(board.targetPps)}/s`;
  const still = standsStillMs(moment);
  if (moment.isStopped) return paint("1;31", cut(`PROCESS STOPPED (SIGSTOP) ${age(still)}  ${text}`));
  if (still > 0) return paint("1;31", cut(`LOOP STANDS STILL ${age(still)}  ${text}`));
  return board.paused ? paint("1;33", cut(`PAUSED BY qos ctl  ${text}`)) : paint("1", cut(text));
}

/** A line, and whether it can be left out if there is no room. */
interface Line {
  readonly text: string;
  readonly isIdle: boolean;
}

const FLOW_HEAD = "packets                     packets/s     of in     in all";

function flowLines(moment: Moment): Line[] {
  const { taken, ends, sent } = waterfall(moment);
  const { counters, histograms } = moment.now.snapshot;
  const line = (name: string, step: Step, isTaken = false): string => {
    const share = isTaken ? "" : percent(step.share, 1);
    return `${name.padEnd(27)} ${compact(step.perSecond).padStart(9)} ${share.padStart(9)} ${compact(step.total).padStart(10)}`;
  };
  const turns = summarise(histograms.turn ?? []);
  const why = whyBelowTarget(moment);
  return [
    { text: line("in", taken, true), isIdle: false },
    ...ends.map((step) => ({ text: line(`  ${step.name}`, step), isIdle: step.total === 0 })),
    { text: line("out", sent), isIdle: false },
    ...(why === "" ? [] : [{ text: `  ${why}`, isIdle: false }]),
    {
      text: `queue ${compact(counters.queued)}  door ${score(counters.queueDoor)}  turn p99 ${compact(turns.p99Us)} us, longest ${compact(turns.longestUs / 1_000)} ms`,
      isIdle: false,
    },
  ];
}

/** As many lines as there is room for: idle ones go first, then those before the last two. */
function fitted(lines: readonly Line[], room: number): string[] {
  let kept = lines.length <= room ? [...lines] : lines.filter(({ isIdle }) => !isIdle);
  if (kept.length > room) kept = [...kept.slice(0, Math.max(0, room - 2)), ...kept.slice(-2)].slice(-room);
  return kept.map(({ text }) => text);
}

const CHANNEL_HEAD = "channel              state     packets/s     lost  waiting   left  heard";

interface ChannelLine extends Line {
  readonly name: string;
}

function channelLines({ before, now, elapsedMs }: Moment): ChannelLine[] {
  return CHANNELS.map(({ name }, id) => {
    const at = now.snapshot.channels[name];
    const was = before.snapshot.channels[name];
    const rate = perSecond(Math.max(0, at.received - was.received), elapsedMs);
    const state = CHANNEL_STATES[at.state] ?? "unknown";
    const heardMs = now.board.heartbeatAgeMs[name] ?? null;
    const heard = at.state === 0 ? "" : age(heardMs);
    const waiting = id === OUTPUT_CHANNEL ? "" : compact(at.depth);
    const left = now.board.detached[name] ?? 0;
    const isSilent = heardMs !== null && heardMs > SILENT_MS;
    const mark = at.lapped > was.lapped || isSilent ? "!" : " ";
    const cells = [
      `${mark}${name}`.padEnd(20),
      state.padEnd(9),
      compact(rate).padStart(9),
      compact(at.lapped).padStart(8),
      waiting.padStart(8),
      compact(left).padStart(6),
      ` ${isSilent ? heard.toUpperCase() : heard}`,
    ];
    return {
      name,
      text: cells.join(" ").trimEnd(),
      isIdle: rate === 0 && mark === " " && at.lapped === 0 && left === 0,
    };
  });
}

/** Busy channels first to stay; the idle ones in a line together. */
function fittedChannels(channels: readonly ChannelLine[], room: number): string[] {
  if (channels.length <= room) return channels.map(({ text }) => text);
  const busy = channels.filter(({ isIdle }) => !isIdle);
  const shown = busy.slice(0, busy.length === channels.length ? room : Math.max(0, room - 1));
  const others = channels.filter((one) => !shown.includes(one)).map(({ name }) => name);
  return [
    ...shown.map(({ text }) => text),
    ...(shown.length < room ? [` ${others.length} idle: ${others.join(" ")}`] : []),
  ];
}

type Paint = (text: string) => string;

/** Senders, in one list; on a wide screen the other end stands beside it. */
function senderBlock(moment: Moment, view: View, room: number, head: Paint, cut: Paint): string[] {
  if (view.columns < WIDE_COLUMNS) {
    const [title, ...rows] = senderLines(moment, view.sort, view.kind, view.columns, room);
    return [head(title ?? ""), ...rows.map(cut)].slice(0, Math.max(0, room + 1));
  }
  const half = Math.floor(view.columns / 2) - 2;
  const left = senderLines(moment, view.sort, view.kind, half, room);
  const right = senderLines(moment, view.sort === "worst" ? "best" : "worst", view.kind, half, room);
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const text = `${(left[i] ?? "").padEnd(half + 4)}${right[i] ?? ""}`.trimEnd();
    return i === 0 ? head(text) : cut(text);
  });
}

/** A head and at most `room` senders. */
function senderLines({ now, fates }: Moment, sort: Sort, kind: Kind, columns: number, room: number): string[] {
  const standing = now.board.senders[kind];
  const what = kind === "ips" ? "addresses" : "fee payers";
  const name = Math.min(NAME_COLUMNS, columns - 36);
  const title = `${sort === "packets" ? "busiest" : sort} of ${compact(standing.known)} ${what}`;
  const row = (sender: string, cells: readonly string[]): string => {
    const shown = sender.length > name ? `${sender.slice(0, name - 2)}..` : sender;
    return `${shown.padEnd(name)} ${cells.map((cell) => cell.padStart(10)).join(" ")}`.trimEnd();
  };
  const scores = new Map([...standing.top, ...standing.bottom].map((one) => [one.sender, one.score]));
  const senders =
    sort === "packets"
      ? [...fates].sort((a, b) => b[1].packets - a[1].packets).map(([sender]) => sender)
      : (sort === "best" ? standing.top : standing.bottom).map(({ sender }) => sender);
  const lines = senders.slice(0, Math.max(0, room)).map((sender) => {
    const known = scores.get(sender);
    const counts = fates.get(sender);
    return row(sender, [
      known === undefined ? "" : score(known),
      counts === undefined ? "" : compact(counts.packets),
      counts === undefined ? "" : percent(counts.sent, counts.packets),
    ]);
  });
  if (lines.length === 0 && room > 0) lines.push("(none known yet)");
  return [row(title, ["score", "packets", "sent"]), ...lines];
}

function updateLines({ now }: Moment, most: number): string[] {
  const { updates } = now.board;
  if (updates.length === 0) return ["(none yet)"];
  return updates.slice(0, most).map(({ atMs, updates: batches, outcomes, included }) => {
    const when = new Date(atMs).toISOString().slice(11, 19);
    return `${when}Z  ${batches} update${batches === 1 ? "" : "s"} from ${compact(outcomes)} outcomes, ${percent(included, outcomes)} included`;
  });
}
