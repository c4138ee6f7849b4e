// What the demo says beside the screen: a plain line each second if there is no terminal, and what is left to read at the
// end. Pure: pictures and numbers in, lines out.

import { lawOf } from "../engine/status.ts";
import type { Moment } from "../observe/moments.ts";
import { compact, waterfall } from "../observe/screen.ts";
import type { SidecarPicture } from "../observe/status-reader.ts";
import { STATISTICS } from "../shape/statistics.ts";
import { type Summary, summaryRows } from "../simulator/summary.ts";

const SECOND_MS = 1_000;
const LAMPORTS_PER_SOL = 1e9;
const whole = (value: number): string => Math.round(value).toLocaleString("en-US");

/** How far the demo is. */
export function timeText(elapsedMs: number, totalMs: number): string {
  const [elapsed, total] = [elapsedMs, totalMs].map((ms) => (ms / SECOND_MS).toFixed(0));
  return elapsedMs <= totalMs ? `${elapsed} of ${total} s` : `${elapsed} s, the sidecar empties its queue`;
}

/** One line of rates, below 80 columns. */
export function plainLine(moment: Moment, elapsedMs: number): string {
  const { taken, ends, sent } = waterfall(moment);
  const kept = ends.reduce((sum, { perSecond }) => sum + perSecond, 0);
  return [
    `${(elapsedMs / SECOND_MS).toFixed(0).padStart(3)} s`,
    `in ${compact(taken.perSecond)}/s`,
    `refused or dropped ${compact(kept)}/s`,
    `out ${compact(sent.perSecond)}/s`,
    `queue ${compact(moment.now.snapshot.counters.queued)}`,
  ].join("  ");
}

/** Where the sidecar's packets went, each of them. */
export function sidecarLines({ snapshot, board }: SidecarPicture): string[] {
  const { counters } = snapshot;
  const share = (count: number): string =>
    counters.totalPackets === 0 ? "" : `  ${((100 * count) / counters.totalPackets).toFixed(1).padStart(5)} %`;
  const row = (label: string, count: number): string =>
    `  ${label.padEnd(26)}${whole(count).padStart(14)}${share(count)}`;
  const kept = STATISTICS.filter(
    ({ name, kind }) => kind === "end" && name !== "bankingTransmissions" && counters[name] > 0,
  );
  const { total, accounted } = lawOf(counters);
  const { ips, payers } = board.senders;
  return [
    "The sidecar",
    row("packets in", counters.totalPackets),
    row("sent on", counters.bankingTransmissions),
    ...kept.map(({ name }) => row(name, counters[name])),
    row("still queued", counters.queued),
    `  ${total === accounted ? "every packet is accounted for" : "THE SUM IS WRONG: packets are missing"}`,
    `  knows ${whole(ips.known)} addresses and ${whole(payers.known)} fee payers`,
  ];
}

/** What the simulated validator says at its end. */
export function validatorLines(summary: Summary): string[] {
  return ["The validator", ...summaryRows(summary).map(([label, value]) => `  ${label.padEnd(16)}${value}`)];
}

/** What it was good for, in a sentence of a line or two. */
export function closingLines({ honestLamports, arrivalOrderLamports, declaredFeeLamports }: Summary): string[] {
  const sol = (honestLamports / LAMPORTS_PER_SOL).toLocaleString("en-US", { maximumFractionDigits: 2 });
  const earned = `qos earned ${sol} SOL from honest senders`;
  if (arrivalOrderLamports <= 0) return [earned];
  const times = (other: number): string => (honestLamports / other).toFixed(2);
  const first = `${earned}: ${times(arrivalOrderLamports)} x what arrival order would have`;
  if (declaredFeeLamports <= 0) return [first];
  return [`${first},`, `and ${times(declaredFeeLamports)} x what the highest declared fees would have`];
}
