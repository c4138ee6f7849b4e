// The report as named tables: what the terminal and CSV show, cell by cell.

import type { Report, SenderLine } from "./figures.ts";

export type Cell = string | number;

export interface NamedTable {
  readonly name: TableName;
  /** For people. */
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export const TABLE_NAMES = [
  "totals",
  "earners",
  "wasters",
  "value",
  "calibration",
  "delays",
  "prices",
  "endings",
  "sessions",
] as const;
export type TableName = (typeof TABLE_NAMES)[number];

const SENDER_HEAD = [
  "kind",
  "sender",
  "outcomes",
  "included",
  "failed",
  "lamports",
  "SOL",
  "for nothing",
  "mean packet score",
];
const LAMPORTS_PER_SOL = 1e9;

/** All tables, in the order of TABLE_NAMES. */
export function tablesOf(report: Report): NamedTable[] {
  const { totals, overTime, calibration, delays, prices, endings, sessions } = report;
  return [
    {
      name: "totals",
      title: `From ${report.from} to ${report.to}${report.host === null ? "" : `, host ${report.host}`}`,
      head: ["what", "value"],
      rows: [
        ["packets in", totals.packetsIn],
        ["packets out", totals.packetsOut],
        ["outcomes saved", totals.outcomes],
        ["included", totals.included],
        ["failed signatures", totals.failed],
        ["lamports captured", totals.earned],
        ["SOL captured", sol(totals.earned)],
        ["execution ms", round(totals.executionMs)],
      ],
    },
    { name: "earners", title: "Who earns what", head: SENDER_HEAD, rows: senderRows(report.earners) },
    { name: "wasters", title: "Who wastes what", head: SENDER_HEAD, rows: senderRows(report.wasters) },
    {
      name: "value",
      title: `Captured value over time, steps of ${overTime.stepSeconds} s`,
      head: ["time", "outcomes", "included", "lamports", "SOL"],
      rows: overTime.steps.map((step) => [step.time, step.outcomes, step.included, step.earned, sol(step.earned)]),
    },
    {
      name: "calibration",
      title: `Packets' score at arrival (believed lamports/CU) against later value${
        calibration.rankCorrelation === null ? "" : `, rank correlation ${round(calibration.rankCorrelation)}`
      }`,
      head: ["tenth", "outcomes", "lowest score", "highest score", "share included", "lamports/CU", "lamports each"],
      rows: calibration.tenths.map((tenth) => [
        tenth.tenth,
        tenth.outcomes,
        round(tenth.lowest),
        round(tenth.highest),
        round(tenth.included),
        round(tenth.value),
        round(tenth.earned),
      ]),
    },
    {
      name: "delays",
      title: `Arrival to transmit: half within ${ms(delays.p50Ms)}, 90% ${ms(delays.p90Ms)}, 99% ${ms(delays.p99Ms)}`,
      head: ["from ms", "below ms", "outcomes"],
      rows: delays.bands.map((band) => [band.fromMs, band.toMs, band.outcomes]),
    },
    {
      name: "prices",
      title: "Prices in and out, micro-lamports per CU (of the fates that were saved)",
      head: ["sender", "packets", "sent on", "price in", "price out"],
      rows: prices.map((one) => [
        one.sender,
        one.packets,
        one.sent,
        round(one.in),
        one.out === null ? "" : round(one.out),
      ]),
    },
    {
      name: "endings",
      title: "How packets ended (scaled up by the share that was saved)",
      head: ["ending", "packets", "saved"],
      rows: endings.map((one) => [one.ending, one.packets, one.saved]),
    },
    {
      name: "sessions",
      title: "Sidecars",
      head: ["session", "host", "version", "started", "share of outcomes", "share of fates"],
      rows: sessions.map((one) => [
        one.session,
        one.host,
        one.version,
        one.started,
        one.transactionsShare,
        one.fatesShare,
      ]),
    },
  ];
}

function senderRows({ ips, payers }: { ips: readonly SenderLine[]; payers: readonly SenderLine[] }): Cell[][] {
  const rowsOf = (kind: string, lines: readonly SenderLine[]): Cell[][] =>
    lines.map((line) => [
      kind,
      line.sender,
      line.outcomes,
      line.included,
      line.failed,
      line.earned,
      sol(line.earned),
      line.wasted,
      round(line.score),
    ]);
  return [...rowsOf("ip", ips), ...rowsOf("payer", payers)];
}

/** Lamports as SOL. */
function sol(lamports: number): number {
  return Number((lamports / LAMPORTS_PER_SOL).toPrecision(6));
}

/** Four digits that mean something. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}

function ms(value: number | null): string {
  return value === null ? "?" : `${value} ms`;
}
