// The summary at the end of `qos simulate`: one object for machines, and a table of it for people.

import { arrivalOrder, declaredFee, feeFloor } from "./baselines.ts";
import { checkOrder, type OrderCheck } from "./deliveries.ts";
import { baselinesOf, type Measures, measure } from "./measures.ts";
import type { RealTimeRun } from "./real-time.ts";

export interface Summary {
  readonly traffic: string;
  readonly seed: string;
  readonly ms: number;
  /** Packets that the validator sent to the sidecar, and a second. */
  readonly sent: number;
  readonly sentPerSecond: number;
  readonly sentByChannel: Readonly<Record<string, number>>;
  /** Packets that came out of the sidecar, as they were sent. */
  readonly delivered: number;
  /** How many of them came after the last packet was sent. */
  readonly deliveredAfterEnd: number;
  /** Packets that never came out: refused, dropped, or still in the sidecar. sent = delivered + lapped + kept. */
  readonly kept: number;
  /** Whether the sidecar was still sending when the wait for it was over. */
  readonly unfinished: boolean;
  /** Packets that came out and were never sent, or not with these bytes. */
  readonly foreign: number;
  /** Packets that came out more often than they were sent. */
  readonly repeated: number;
  /** Packets in the sidecar's output that were overwritten before they were read. */
  readonly lapped: number;
  /** Lost in front of a full sigverify. */
  readonly overflowed: number;
  readonly failed: number;
  readonly included: number;
  readonly expired: number;
  /** How many of them had expired. */
  readonly notIncluded: number;
  /**
   * In front of sigverify or of the scheduler at the end.
   * delivered = overflowed + failed + included + notIncluded + waiting.
   */
  readonly waiting: number;
  /** Lamports of the included transactions, and of the honest senders' among them. */
  readonly lamports: number;
  readonly honestLamports: number;
  /** Honest lamports that other rules would have earned from the same traffic. */
  readonly arrivalOrderLamports: number;
  readonly declaredFeeLamports: number;
  readonly feeFloorLamports: number;
  readonly interrupted: boolean;
  /** Assumptions about traffic whose truth is not known. */
  readonly assumed?: string;
  readonly order?: OrderCheck;
  /** For scenarios: the measures from the attack's start on. */
  readonly measures?: Measures;
}

export interface SummaryOptions {
  readonly seed: bigint;
  readonly isScenario: boolean;
  readonly assumed?: string | undefined;
  /** Silence that separates two batches; undefined leaves the order unchecked. */
  readonly orderGapMs: number | undefined;
}

const CHANNEL_LABELS = ["tpu", "fwd", "re1", "re2"];

/** Sums up a real-time run; replays its traffic for the other rules, which takes a moment. */
export function summaryOf(run: RealTimeRun, options: SummaryOptions): Summary {
  const { source, validator, deliveries } = run;
  const { totals } = validator;
  const span = { fromMs: 0, untilMs: run.endedMs };
  const { trace } = source;
  return {
    traffic: source.name,
    seed: options.seed.toString(),
    ms: Math.round(run.sentMs),
    sent: trace.packets,
    sentPerSecond: run.sentMs === 0 ? 0 : Math.round((trace.packets * 1_000) / run.sentMs),
    sentByChannel: Object.fromEntries(run.sentByChannel.map((count, i) => [CHANNEL_LABELS[i], count])),
    delivered: deliveries.count,
    deliveredAfterEnd: run.deliveredAfterEnd,
    kept: trace.packets - deliveries.count - run.lapped,
    unfinished: run.unfinished,
    foreign: deliveries.foreign,
    repeated: deliveries.repeated,
    lapped: run.lapped,
    overflowed: totals.overflowed,
    failed: totals.failed,
    included: totals.included,
    expired: totals.expired,
    notIncluded: totals.notIncluded,
    waiting: validator.backlog + validator.buffered,
    lamports: totals.lamports,
    honestLamports: totals.honestLamports,
    arrivalOrderLamports: arrivalOrder(trace, source.validator, span).honestLamports,
    declaredFeeLamports: declaredFee(trace, source.validator, span).honestLamports,
    feeFloorLamports: feeFloor(trace, source.validator, span).honestLamports,
    interrupted: run.interrupted,
    ...(options.assumed === undefined ? {} : { assumed: options.assumed }),
    ...(options.orderGapMs === undefined ? {} : { order: checkOrder(trace, deliveries, options.orderGapMs) }),
    ...(options.isScenario && !run.interrupted
      ? { measures: measure(source, validator, deliveries, baselinesOf(source)) }
      : {}),
  };
}

/** Whether the run met every rule. */
export function isClean(summary: Summary): boolean {
  return summary.foreign === 0 && summary.repeated === 0 && (summary.order?.rises ?? 0) === 0;
}

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** Rows of label and value, for the terminal. */
export function summaryRows(summary: Summary): [string, string][] {
  const { order, measures } = summary;
  const count = (value: number): string => whole.format(value);
  const share = (value: number | undefined): string => (value === undefined ? "-" : value.toFixed(2));
  const against = (lamports: number): string =>
    lamports === 0 ? "" : ` (x ${(summary.honestLamports / lamports).toFixed(2)})`;
  return [
    [
      "traffic",
      `${summary.traffic}, ${(summary.ms / 1_000).toFixed(1)} s${summary.interrupted ? ", interrupted" : ""}`,
    ],
    ["sent", `${count(summary.sent)} packets, ${count(summary.sentPerSecond)}/s`],
    ["delivered", `${count(summary.delivered)} packets${damage(summary)}`],
    ["at the end", `${count(summary.deliveredAfterEnd)} of them after the last was sent${unfinished(summary)}`],
    ["kept back", `${count(summary.kept)}: refused, dropped, or still in the sidecar`],
    ["failed", `${count(summary.failed)} signatures`],
    ["lost", `${count(summary.overflowed)} in front of a full sigverify, ${count(summary.lapped)} not read in time`],
    [
      "included",
      `${count(summary.included)}; not included ${count(summary.notIncluded)} (${count(summary.expired)} expired), ` +
        `${count(summary.waiting)} still waiting`,
    ],
    ["lamports", `${count(summary.lamports)}, of honest senders ${count(summary.honestLamports)}`],
    ["arrival order", `${count(summary.arrivalOrderLamports)}${against(summary.arrivalOrderLamports)}`],
    ["declared fee/CU", `${count(summary.declaredFeeLamports)}${against(summary.declaredFeeLamports)}`],
    ["fee floor", `${count(summary.feeFloorLamports)}${against(summary.feeFloorLamports)}`],
    ...(summary.assumed === undefined ? [] : ([["assumed", summary.assumed]] as [string, string][])),
    ...(order === undefined
      ? []
      : ([
          [
            "order",
            `${order.batches} batches, fee/CU falls in ${order.falling}${order.unclear > 0 ? `, ${order.unclear} unclear` : ""}`,
          ],
        ] as [string, string][])),
    ...(measures === undefined
      ? []
      : ([
          ["value", `${share(measures.value)} of the oracle's`],
          ["isolated", isolation(measures)],
          ["delay", delays(measures)],
        ] as [string, string][])),
  ];
}

function damage({ foreign, repeated }: Summary): string {
  return foreign + repeated === 0 ? ", each equal to what was sent" : `; ${foreign} NOT as sent, ${repeated} too often`;
}

function unfinished(summary: Summary): string {
  return summary.unfinished ? "; the sidecar was STILL SENDING when the wait was over" : "";
}

function isolation({ attack }: Measures): string {
  return attack.isolatedAfterMs === undefined
    ? "attackers stay above 5% of what is delivered"
    : `attackers below 5% of what is delivered after ${(attack.isolatedAfterMs / 1_000).toFixed(1)} s`;
}

function delays(measures: Measures): string {
  return measures.delays === undefined
    ? "-"
    : `p50 ${measures.delays.p50Ms.toFixed(0)} ms, p99 ${measures.delays.p99Ms.toFixed(0)} ms (honest packets)`;
}
