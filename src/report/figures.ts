// The report's numbers: read from a database, as one plain object that the terminal, JSON, CSV and the page are made from.

import type { SQL } from "drizzle-orm";
import type { Reader, Row } from "../database/reader.ts";
import { END_FAILED_SIGNATURE, endNamed, endOf } from "../shape/ends.ts";
import * as queries from "./queries.ts";
import { rankCorrelation } from "./rank-correlation.ts";

/** What fates hold of failed signatures goes by the outcomes' share, if that is the larger one: database/collector.ts. */
const FAILED_SIGNATURE = endOf(END_FAILED_SIGNATURE)?.name;
/** Steps of the plot over time. */
const STEPS = 120;
/** Pairs that the rank correlation is computed from. */
const PAIRS = 20_000;
const STEPS_US = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 86_400].map((s) => s * 1e6);

export interface SenderLine {
  readonly sender: string;
  readonly outcomes: number;
  readonly included: number;
  readonly failed: number;
  readonly earned: number;
  readonly wasted: number;
  /** Mean score at arrival. */
  readonly score: number;
}

export interface Report {
  readonly from: string;
  readonly to: string;
  readonly host: string | null;
  /** The first and the last time of anything that the database holds of the host, or of all; null if it holds nothing. */
  readonly rows: { readonly first: string; readonly last: string } | null;
  /** Every host that the database knows. */
  readonly hosts: readonly string[];
  readonly sessions: readonly {
    readonly session: string;
    readonly host: string;
    readonly version: string;
    readonly started: string;
    readonly transactionsShare: number;
    readonly fatesShare: number;
  }[];
  readonly totals: {
    readonly outcomes: number;
    readonly included: number;
    readonly failed: number;
    /** Lamports of included transactions. */
    readonly earned: number;
    readonly executionMs: number;
    /** By the sidecars' own counters, whatever was saved. */
    readonly packetsIn: number;
    readonly packetsOut: number;
  };
  readonly earners: { readonly ips: readonly SenderLine[]; readonly payers: readonly SenderLine[] };
  readonly wasters: { readonly ips: readonly SenderLine[]; readonly payers: readonly SenderLine[] };
  readonly overTime: {
    readonly stepSeconds: number;
    readonly steps: readonly {
      readonly time: string;
      readonly outcomes: number;
      readonly included: number;
      readonly earned: number;
    }[];
  };
  readonly calibration: {
    /** Spearman's, between score at arrival and value; null if there are too few. */
    readonly rankCorrelation: number | null;
    readonly tenths: readonly {
      readonly tenth: number;
      readonly outcomes: number;
      readonly lowest: number;
      readonly highest: number;
      /** Share that was included. */
      readonly included: number;
      /** Lamports earned for each compute unit asked for. */
      readonly value: number;
      /** Lamports a transaction. */
      readonly earned: number;
    }[];
  };
  readonly delays: {
    readonly p50Ms: number | null;
    readonly p90Ms: number | null;
    readonly p99Ms: number | null;
    readonly longestMs: number | null;
    readonly bands: readonly { readonly fromMs: number; readonly toMs: number; readonly outcomes: number }[];
  };
  /** Mean compute-unit prices in micro-lamports; `out` null if none was sent on. */
  readonly prices: readonly {
    readonly sender: string;
    readonly packets: number;
    readonly sent: number;
    readonly in: number;
    readonly out: number | null;
  }[];
  /** `saved` of each ending, and how many packets that stands for by the shares that were saved. */
  readonly endings: readonly { readonly ending: string; readonly packets: number; readonly saved: number }[];
}

export interface ReportOptions {
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly host: string | undefined;
  /** Senders in each list. */
  readonly top: number;
}

/** @throws DatabaseProblem */
export async function readReport(reader: Reader, options: ReportOptions): Promise<Report> {
  const { host, top } = options;
  const one = async (query: SQL): Promise<Row> => (await reader.all(query))[0] ?? {};
  const extent = await one(queries.extent(host));
  const isEmpty = extent.first_us === null || extent.first_us === undefined;
  // Without rows there is neither a first nor a last time: the report is of this moment.
  const [firstUs, lastUs] = isEmpty ? [Date.now() * 1_000] : [number(extent.first_us), number(extent.last_us)];
  const fromUs = Math.floor((options.fromMs ?? firstUs / 1_000) * 1_000);
  const toUs = Math.ceil((options.toMs ?? (lastUs ?? firstUs) / 1_000 + 1) * 1_000);
  const range = { fromUs, toUs: Math.max(toUs, fromUs + 1), host };
  const totals = await one(queries.totals(range));
  const moved = new Map((await reader.all(queries.counters(range))).map((row) => [row.name, number(row.moved)]));
  const outcomes = number(totals.outcomes);
  const lines = async (by: "ip" | "payer", order: "earned" | "wasted"): Promise<SenderLine[]> =>
    (await reader.all(queries.senders(range, by, order, top))).map(senderLine).filter((line) => line[order] > 0);
  const stepUs = stepOf(range.toUs - range.fromUs);
  const pairs = await reader.all(queries.pairs(range, Math.max(1, Math.ceil(outcomes / PAIRS))));
  return {
    from: timeText(range.fromUs),
    to: timeText(range.toUs),
    host: host ?? null,
    rows: isEmpty ? null : { first: timeText(firstUs), last: timeText(lastUs ?? firstUs) },
    hosts: (await reader.all(queries.hosts())).map((row) => text(row.host)),
    sessions: (await reader.all(queries.sessions(range))).map((row) => ({
      session: text(row.session),
      host: text(row.host),
      version: text(row.version),
      started: timeText(number(row.started_us)),
      transactionsShare: number(row.transactions_share),
      fatesShare: number(row.fates_share),
    })),
    totals: {
      outcomes,
      included: number(totals.included),
      failed: number(totals.failed),
      earned: number(totals.earned),
      executionMs: number(totals.execution_ns) / 1e6,
      packetsIn: moved.get("totalPackets") ?? 0,
      packetsOut: moved.get("bankingTransmissions") ?? 0,
    },
    earners: { ips: await lines("ip", "earned"), payers: await lines("payer", "earned") },
    wasters: { ips: await lines("ip", "wasted"), payers: await lines("payer", "wasted") },
    overTime: {
      stepSeconds: stepUs / 1e6,
      steps: (await reader.all(queries.overTime(range, stepUs))).map(stepLine),
    },
    calibration: {
      rankCorrelation: rankCorrelation(
        pairs.map((row) => number(row.score)),
        pairs.map((row) => number(row.value)),
      ),
      tenths: (await reader.all(queries.calibration(range))).map(tenthLine),
    },
    delays: delaysOf((await reader.all(queries.delays(range))).map((row) => [number(row.ms), number(row.outcomes)])),
    prices: (await reader.all(queries.prices(range, Math.max(top, 200)))).map((row) => ({
      sender: text(row.sender),
      packets: number(row.packets),
      sent: number(row.sent),
      in: number(row.price_in),
      out: row.price_out === null ? null : number(row.price_out),
    })),
    endings: endingsOf(await reader.all(queries.endings(range))),
  };
}

const stepLine = (row: Row): Report["overTime"]["steps"][number] => ({
  time: timeText(number(row.at_us)),
  outcomes: number(row.outcomes),
  included: number(row.included),
  earned: number(row.earned),
});

const tenthLine = (row: Row): Report["calibration"]["tenths"][number] => ({
  tenth: number(row.tenth),
  outcomes: number(row.outcomes),
  lowest: number(row.lowest),
  highest: number(row.highest),
  included: number(row.included),
  value: number(row.value),
  earned: number(row.earned),
});

/** Endings of all runs, most packets first, each scaled up by the share of it that its run saved. */
export function endingsOf(rows: readonly Row[]): Report["endings"] {
  const endings = new Map<string, { packets: number; saved: number }>();
  for (const row of rows) {
    const ending = endNamed(text(row.ending))?.name ?? text(row.ending);
    const fatesShare = number(row.fates_share);
    const share = ending === FAILED_SIGNATURE ? Math.max(fatesShare, number(row.transactions_share)) : fatesShare;
    const saved = number(row.packets);
    const sum = endings.get(ending) ?? { packets: 0, saved: 0 };
    // A run whose session row is lost says no share: its packets count as they are.
    endings.set(ending, { packets: sum.packets + (share > 0 ? saved / share : saved), saved: sum.saved + saved });
  }
  return [...endings]
    .map(([ending, { packets, saved }]) => ({ ending, packets: Math.round(packets), saved }))
    .sort((a, b) => b.packets - a.packets || (a.ending < b.ending ? -1 : 1));
}

function senderLine(row: Row): SenderLine {
  return {
    sender: text(row.sender),
    outcomes: number(row.outcomes),
    included: number(row.included),
    failed: number(row.failed),
    earned: number(row.earned),
    wasted: number(row.wasted),
    score: number(row.score),
  };
}

/** A step that people can read, at most STEPS of them. */
export function stepOf(spanUs: number): number {
  const day = STEPS_US.at(-1) ?? 1;
  return STEPS_US.find((step) => spanUs / step <= STEPS) ?? Math.ceil(spanUs / STEPS / day) * day;
}

/** Quantiles, and bands that double. @param counts milliseconds and how many, rising */
export function delaysOf(counts: readonly (readonly [number, number])[]): Report["delays"] {
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  const quantile = (share: number): number | null => {
    let seen = 0;
    for (const [ms, count] of counts) {
      seen += count;
      if (seen >= share * all) return ms;
    }
    return null;
  };
  const bands = new Map<number, number>();
  for (const [ms, count] of counts) {
    const band = ms < 1 ? 0 : 2 ** Math.floor(Math.log2(ms));
    bands.set(band, (bands.get(band) ?? 0) + count);
  }
  return {
    p50Ms: quantile(0.5),
    p90Ms: quantile(0.9),
    p99Ms: quantile(0.99),
    longestMs: counts.at(-1)?.[0] ?? null,
    bands: [...bands].map(([fromMs, outcomes]) => ({ fromMs, toMs: fromMs === 0 ? 1 : 2 * fromMs, outcomes })),
  };
}

/** 0 for NULL: sums over no rows. */
function number(value: unknown): number {
  const found = Number(value ?? 0);
  return Number.isFinite(found) ? found : 0;
}

function text(value: unknown): string {
  return String(value ?? "");
}

function timeText(us: number): string {
  return new Date(Math.floor(us / 1_000)).toISOString();
}
