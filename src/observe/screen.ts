// What `qos monitor` shows, as lines: the waterfall from the sources through each refusal to the queue and out, the queue,
// the channels, the senders, the model's updates. Pure: two pictures in, lines out. 80x24 holds it all in short.

import { CHANNEL_STATES } from "../engine/mailbox.ts";
import { summarise } from "../engine/turn-times.ts";
import { CHANNELS, OUTPUT_CHANNEL } from "../shape/channels.ts";
import { STATISTICS } from "../shape/statistics.ts";
import { FAULTS } from "./faults.ts";
import type { SenderCount } from "./sender-fates.ts";
import type { SidecarPicture } from "./status-reader.ts";

export const SORTS = ["best", "worst", "packets"] as const;
export type Sort = (typeof SORTS)[number];
export type Kind = "ips" | "payers";

export interface Moment {
  readonly before: SidecarPicture;
  readonly now: SidecarPicture;
  /** Milliseconds between the two, by the loop's own clock. */
  readonly elapsedMs: number;
  readonly fates: ReadonlyMap<string, SenderCount>;
}

export interface View {
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
  readonly paused: boolean;
  readonly sort: Sort;
  readonly kind: Kind;
}

const SECOND_MS = 1_000;
const NAME_COLUMNS = 44;
const ESCAPE = "\u001b[";
const STALE_MS = 3_000;

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
    const scaled = value / size;
    if (Math.abs(scaled) < 1_000) return `${scaled.toPrecision(3)}${unit}`.replace(/e\+\d+/, "");
  }
  return value.toExponential(1);
}

/** A score in few characters: its size is what matters, over many powers of ten. */
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
  return ms < 100 * 60 * SECOND_MS ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
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

/** Packets a second through each step between the two pictures. */
export function waterfall({ before, now, elapsedMs }: Omit<Moment, "fates">): {
  taken: Step;
  ends: Step[];
  sent: Step;
} {
  const rate = (name: (typeof STATISTICS)[number]["name"]): Step => {
    const grown = (one: typeof name): number => Math.max(0, now.snapshot.counters[one] - before.snapshot.counters[one]);
    const taken = grown("totalPackets");
    const perSecond = elapsedMs > 0 ? (grown(name) * SECOND_MS) / elapsedMs : 0;
    return { name, perSecond, share: taken === 0 ? 0 : grown(name) / taken, total: now.snapshot.counters[name] };
  };
  return {
    taken: rate("totalPackets"),
    ends: STATISTICS.filter(({ name, kind }) => kind === "end" && name !== "bankingTransmissions").map(({ name }) =>
      rate(name),
    ),
    sent: rate("bankingTransmissions"),
  };
}

/** Lines of the screen: `rows` at most, each of `columns` at most, without escapes where there is no colour. */
export function screen(moment: Moment, view: View): string[] {
  const { columns, rows } = view;
  const paint = (code: string, text: string): string => (view.colour ? `${ESCAPE}${code}m${text}${ESCAPE}0m` : text);
  const cut = (text: string): string => (text.length > columns ? text.slice(0, columns) : text);
  const head = (text: string): string => paint("1;36", cut(text));
  const lines: string[] = [headline(moment, paint, cut)];
  const flow = flowLines(moment);
  const channels = channelLines(moment);
  const isWide = columns >= 140;
  // What is left after the flow: the queue's line, the channels, then senders and updates share the rest.
  if (isWide) {
    const left = 64;
    lines.push("", head(`${"packets".padEnd(left)}channels`));
    for (let i = 0; i < Math.max(flow.length, channels.length); i++) {
      lines.push(cut(`${(flow[i] ?? "").padEnd(left)}${channels[i] ?? ""}`));
    }
  } else {
    lines.push(head("packets                   packets/s      of in       in all"));
    // Steps that nothing ever took are left out where there is no room for them.
    const room = Math.max(4, rows - 9 - Math.min(8, channels.length));
    const shown =
      flow.length <= room ? flow : flow.filter((line, i) => i === 0 || i >= flow.length - 2 || !/ 0$/.test(line));
    lines.push(...shown.slice(0, Math.max(room, 4)).map(cut));
    lines.push(head("channels            state     packets/s  lost   waiting  left  heard"));
    lines.push(...channels.slice(1).map(cut));
  }
  const rest = rows - lines.length - 2;
  if (rest >= 2) {
    const updates = isWide ? Math.min(6, moment.now.board.updates.length) : rest >= 8 ? 2 : 0;
    lines.push(...senderLines(moment, view, rest - 1 - (updates > 0 ? updates + 1 : 0), head, cut));
    if (updates > 0) lines.push(head("model updates"), ...updateLines(moment, updates).map(cut));
  }
  const keys = `q quit  p ${view.paused ? "go on" : "pause"}  s sort  t addresses/payers${view.paused ? "  [screen paused]" : ""}`;
  while (lines.length < rows - 1) lines.push("");
  return [...lines.slice(0, rows - 1), paint("2", cut(keys))];
}

function headline(
  { now }: Moment,
  paint: (code: string, text: string) => string,
  cut: (text: string) => string,
): string {
  const { board } = now;
  const name = `qos ${board.version.split("+")[0]}${board.prefix === "" ? "" : ` ${board.prefix}`}`;
  const text = `${name}  pid ${board.pid}  up ${age(Date.now() - board.startedMs)}  ${board.model}  target ${compact(board.targetPps)}/s`;
  if (board.loopAgeMs > STALE_MS) return paint("1;31", cut(`LOOP STANDS STILL ${age(board.loopAgeMs)}  ${text}`));
  return board.paused ? paint("1;33", cut(`PAUSED BY qos ctl  ${text}`)) : paint("1", cut(text));
}

function flowLines(moment: Moment): string[] {
  const { taken, ends, sent } = waterfall(moment);
  const { counters, histograms } = moment.now.snapshot;
  const line = (name: string, { perSecond, share, total }: Step, isTaken = false): string =>
    `${name.padEnd(26)}${compact(perSecond).padStart(9)}${(isTaken ? "" : percent(share, 1)).padStart(11)}${compact(total).padStart(13)}`;
  const turns = summarise(histograms.turn ?? []);
  const faults = Object.values(moment.now.board.faults).reduce((sum, count) => sum + count, 0);
  return [
    line("in", taken, true),
    ...ends.map((step) => line(`  ${step.name}`, step)),
    line("out", sent),
    `queue ${compact(counters.queued)}  door ${score(counters.queueDoor)}  turn p99 ${compact(turns.p99Us)} us, longest ${compact(turns.longestUs / 1_000)} ms${faults === 0 ? "" : `  faults ${compact(faults)}`}`,
  ];
}

function channelLines({ before, now, elapsedMs }: Moment): string[] {
  const rows = CHANNELS.map(({ name }, id) => {
    const at = now.snapshot.channels[name];
    const rate = elapsedMs > 0 ? ((at.received - before.snapshot.channels[name].received) * SECOND_MS) / elapsedMs : 0;
    const state = CHANNEL_STATES[at.state] ?? "unknown";
    const heard = at.state === 0 ? "" : age(now.board.heartbeatAgeMs[name] ?? null);
    const waiting = id === OUTPUT_CHANNEL ? "" : compact(at.depth);
    return `${name.padEnd(20)}${state.padEnd(10)}${compact(Math.max(0, rate)).padStart(9)}${compact(at.lapped).padStart(6)}${waiting.padStart(10)}${compact(now.board.detached[name] ?? 0).padStart(6)}  ${heard}`;
  });
  const faults = FAULTS.filter(({ name }) => now.board.faults[name] > 0);
  return [
    "channel             state     packets/s  lost   waiting  left  heard",
    ...rows,
    ...(faults.length === 0
      ? []
      : [`faults  ${faults.map(({ name }) => `${name} ${now.board.faults[name]}`).join(", ")}`]),
  ];
}

function senderLines(
  { now, fates }: Moment,
  { sort, kind, columns }: View,
  room: number,
  head: (text: string) => string,
  cut: (text: string) => string,
): string[] {
  const standing = now.board.senders[kind];
  const what = kind === "ips" ? "addresses" : "fee payers";
  const name = Math.min(NAME_COLUMNS, columns - 36);
  const title = `${sort === "packets" ? "busiest" : sort} of ${compact(standing.known)} ${what}`;
  const lines = [
    head(`${title.padEnd(name)} ${"score".padStart(10)} ${"packets".padStart(10)} ${"sent".padStart(10)}`),
  ];
  const scores = new Map([...standing.top, ...standing.bottom].map((row) => [row.sender, row.score]));
  const rows =
    sort === "packets"
      ? [...fates].sort((a, b) => b[1].packets - a[1].packets).map(([sender]) => sender)
      : (sort === "best" ? standing.top : standing.bottom).map(({ sender }) => sender);
  for (const sender of rows.slice(0, Math.max(0, room))) {
    const known = scores.get(sender);
    const counts = fates.get(sender);
    const shown = sender.length > name ? `${sender.slice(0, name - 2)}..` : sender;
    const packets = counts === undefined ? "" : compact(counts.packets);
    const sent = counts === undefined ? "" : percent(counts.sent, counts.packets);
    lines.push(
      cut(
        `${shown.padEnd(name)} ${(known === undefined ? "" : score(known)).padStart(10)} ${packets.padStart(10)} ${sent.padStart(10)}`,
      ),
    );
  }
  if (lines.length === 1) lines.push("(none known yet)");
  return lines.slice(0, Math.max(0, room + 1));
}

function updateLines({ now }: Moment, most: number): string[] {
  const { updates } = now.board;
  if (updates.length === 0) return ["(none yet)"];
  return updates.slice(0, most).map(({ atMs, updates: batches, outcomes, included }) => {
    const when = new Date(atMs).toISOString().slice(11, 19);
    return `${when}Z  ${batches} update${batches === 1 ? "" : "s"} from ${compact(outcomes)} outcomes, ${percent(included, outcomes)} included`;
  });
}
