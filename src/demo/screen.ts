// What the demo shows: a picture of the flow now, drawn anew in place on a terminal, or a line a second elsewhere. Pure:
// numbers in, lines out.

import type { SenderRow } from "../rank/model.ts";
import { STATISTICS } from "../shape/statistics.ts";
import type { DemoStatistics } from "./statistics.ts";

/** Two readings of the statistics, between which rates are taken. */
export interface Reading {
  readonly statistics: DemoStatistics;
  readonly atMs: number;
}

export interface Moment {
  readonly before: Reading;
  readonly now: Reading;
  readonly elapsedMs: number;
  readonly totalMs: number;
}

const SECOND_MS = 1_000;
const BAR_WIDTH = 36;
const SENDERS_SHOWN = 5;
const NAME_WIDTH = 24;

/** Ends of a packet that is not sent on, in the order of the statistics' table. */
const NOT_SENT = STATISTICS.filter(({ name, kind }) => kind === "end" && name !== "bankingTransmissions");

/** Those that happened, with their counts. */
function notSent({ counters }: DemoStatistics): { name: string; count: number }[] {
  return NOT_SENT.map(({ name }) => ({ name, count: counters[name] ?? 0 })).filter(({ count }) => count > 0);
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** A score in few characters: its size is what matters, over many powers of ten. */
export function short(value: number): string {
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  if (magnitude >= 1e6 || magnitude < 1e-2) return value.toExponential(1);
  return magnitude >= 100 ? whole(value) : value.toPrecision(3);
}

/** @returns a second's worth of a counter, between the two readings */
export function rateOf({ before, now }: Pick<Moment, "before" | "now">, name: string): number {
  const ms = now.atMs - before.atMs;
  if (ms <= 0) return 0;
  const grown = (now.statistics.counters[name] ?? 0) - (before.statistics.counters[name] ?? 0);
  return Math.max(0, (grown * SECOND_MS) / ms);
}

function bar(value: number, largest: number): string {
  const filled = largest > 0 ? Math.round((BAR_WIDTH * value) / largest) : 0;
  return "#".repeat(Math.min(BAR_WIDTH, filled)).padEnd(BAR_WIDTH, ".");
}

function cut(text: string): string {
  return text.length <= NAME_WIDTH ? text : `${text.slice(0, NAME_WIDTH - 2)}..`;
}

/** A heading and `rows` lines of the best and the worst, side by side. */
function senderLines(
  kind: string,
  standing: { top: readonly SenderRow[]; bottom: readonly SenderRow[] },
  rows: number,
) {
  const cell = (name: string, score: string): string => `${cut(name).padEnd(NAME_WIDTH + 1)}${score.padStart(10)}`;
  const senderCell = (row: SenderRow | undefined): string =>
    row === undefined ? "" : cell(row.sender, short(row.score));
  const lines = [`  ${cell(`best ${kind}`, "score")}   ${cell(`worst ${kind}`, "score")}`];
  for (let i = 0; i < rows; i += 1) {
    const best = senderCell(standing.top[i]).padEnd(NAME_WIDTH + 11);
    lines.push(`  ${best}   ${senderCell(standing.bottom[i])}`.trimEnd());
  }
  if (rows > 0 && standing.top.length === 0) lines[1] = "  (none known yet)";
  return lines;
}

/**
 * The terminal's picture.
 * @param height lines that fit; senders take what the flow leaves, the best five at most
 * @param width longer lines are cut
 */
export function drawScreen(moment: Moment, height: number, width: number): string[] {
  const { statistics } = moment.now;
  const { counters, queue, senders } = statistics;
  const inRate = rateOf(moment, "totalPackets");
  const outRate = rateOf(moment, "bankingTransmissions");
  const largest = Math.max(inRate, outRate);
  const door = queue.door === null ? "any score" : `a score above ${short(queue.door)}`;
  const [elapsed, total] = [moment.elapsedMs, moment.totalMs].map((ms) => (ms / SECOND_MS).toFixed(0));
  const time = moment.elapsedMs <= moment.totalMs ? `${elapsed} of ${total} s` : `${elapsed} s, emptying its queue`;
  const lines = [
    `qos demo: sidecar (process ${statistics.sidecar.pid}), ${time}`,
    "",
    `  in     ${whole(inRate).padStart(10)} packets/s  ${bar(inRate, largest)}`,
    `  out    ${whole(outRate).padStart(10)} packets/s  ${bar(outRate, largest)}`,
    `  queue  ${whole(counters.queued).padStart(10)} packets    enters: ${door}`,
    `  back   ${whole(rateOf(moment, "completed")).padStart(10)} outcomes/s, ${whole(counters.included)} included so far`,
    "",
    `  ${"not sent on".padEnd(26)}${"packets/s".padStart(12)}${"in all".padStart(14)}`,
  ];
  for (const { name, count } of notSent(statistics))
    lines.push(`  ${name.padEnd(26)}${whole(rateOf(moment, name)).padStart(12)}${whole(count).padStart(14)}`);
  const room = Math.floor((height - lines.length - 4) / 2); // for each kind: a blank line and a heading
  const rows = Math.min(SENDERS_SHOWN, room);
  if (rows > 0) {
    lines.push("", ...senderLines("addresses", senders.ips, rows));
    lines.push("", ...senderLines("fee payers", senders.payers, rows));
  }
  return lines.slice(0, height).map((line) => line.slice(0, width));
}

/** One line, for output that is no terminal. */
export function plainLine(moment: Moment): string {
  const { counters, senders } = moment.now.statistics;
  const refused = notSent(moment.now.statistics)
    .map(({ name, count }) => `${name} ${whole(count)}`)
    .join(", ");
  return [
    `${(moment.elapsedMs / SECOND_MS).toFixed(0).padStart(3)} s`,
    `in ${whole(rateOf(moment, "totalPackets"))}/s`,
    `out ${whole(rateOf(moment, "bankingTransmissions"))}/s`,
    `queue ${whole(counters.queued)}`,
    `not sent: ${refused === "" ? "none" : refused}`,
    `best ${senders.ips.top[0]?.sender ?? "-"}, worst ${senders.ips.bottom[0]?.sender ?? "-"}`,
  ].join("; ");
}

/** Whether every packet is accounted for: the law of the statistics. */
export function lawHolds({ counters }: DemoStatistics): boolean {
  const ends = STATISTICS.filter(({ kind }) => kind === "end").reduce(
    (sum, { name }) => sum + (counters[name] ?? 0),
    0,
  );
  return counters.totalPackets === ends + counters.queued;
}

/** What is left to read when the demo is over. */
export function summarise(statistics: DemoStatistics): string[] {
  const { counters, senders } = statistics;
  const share = (count: number): string =>
    counters.totalPackets === 0 ? "" : `  ${((100 * count) / counters.totalPackets).toFixed(1).padStart(5)} %`;
  const row = (label: string, count: number): string =>
    `  ${label.padEnd(26)}${whole(count).padStart(14)}${share(count)}`;
  const lines = [
    "The sidecar",
    row("packets in", counters.totalPackets),
    row("sent on", counters.bankingTransmissions),
  ];
  for (const { name, count } of notSent(statistics)) lines.push(row(name, count));
  lines.push(row("still queued", counters.queued));
  const law = lawHolds(statistics) ? "every packet is accounted for" : "THE SUM IS WRONG: packets are missing";
  lines.push(`  ${law}`);
  lines.push(`  knows ${whole(senders.ips.known)} addresses and ${whole(senders.payers.known)} fee payers`);
  return lines;
}
