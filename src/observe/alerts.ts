// Alert rules for Prometheus and a dashboard for Grafana, over the metrics of src/observe/metrics.ts (a test holds that every
// metric named here is exposed).

import { FAULTS } from "./faults.ts";
import { metricName } from "./metrics.ts";

export interface Alert {
  readonly name: string;
  readonly expression: string;
  readonly for: string;
  readonly severity: "page" | "warn";
  /** What is the matter, in a few words. The instance is put before it, where the expression has one. */
  readonly summary: string;
  /** What it means and what to do first. */
  readonly description: string;
  /** Section of docs/operating.md to read next, as its heading says. */
  readonly section: "The host" | "A service" | "Watching" | "What it remembers" | "When things break";
  /** Whether no series names the instance: the alert is about all of them. */
  readonly ofAll?: boolean;
}

/**
 * Windows of rates are five minutes and more: a rate needs two samples, and hosts are scraped each 15 seconds or each minute.
 * `absent` is blind while another instance exports, so each instance has its own rule beside it.
 */
export const ALERTS: readonly Alert[] = [
  {
    name: "QosLoopStalled",
    expression: "qos_loop_age_seconds > 5",
    for: "10s",
    severity: "page",
    summary: "the loop does not turn: no packet is taken or sent",
    description:
      "The process answers and its loop does not. The service restarts it at its watchdog. See what holds the thread: a " +
      "stopped process (SIGSTOP), a core without time, swapped memory.",
    section: "When things break",
  },
  {
    name: "QosNotReady",
    expression: "qos_ready == 0",
    for: "1m",
    severity: "page",
    summary: "the sidecar takes or sends nothing: a channel is missing, it is paused, or the loop stands",
    description:
      "qos monitor says which of the three it is. qos ctl resume ends a pause; qos check looks at the channels.",
    section: "Watching",
  },
  {
    name: "QosInstanceDown",
    expression: 'up{job="qos"} == 0 or (up == 0 and on (job, instance) last_over_time(qos_build_info[1d]))',
    for: "1m",
    severity: "page",
    summary: "this sidecar answers no scrape",
    description:
      "The process is down, its host is, or --metrics is not reached. Others may still answer. Look at systemctl status qos " +
      "and at the log of its end.",
    section: "When things break",
  },
  {
    name: "QosAbsent",
    expression: "absent(qos_build_info)",
    for: "1m",
    severity: "page",
    summary: "no sidecar at all answers the scrape",
    description: "Either every sidecar is down, or Prometheus has lost its targets.",
    section: "When things break",
    ofAll: true,
  },
  {
    name: "QosRestarting",
    expression: "changes(qos_start_time_seconds[15m]) > 2",
    for: "0s",
    severity: "page",
    summary: "the sidecar was restarted several times within 15 minutes",
    description: "Each start says in the log how the one before ended.",
    section: "When things break",
  },
  {
    name: "QosEndedBadly",
    expression: "qos_previous_end_info == 1 and on (job, instance) (time() - qos_start_time_seconds < 600)",
    for: "0s",
    severity: "warn",
    summary: "the sidecar before this one did not end well: {{ $labels.reason }}",
    description: "The service brought it back with its checkpoint. The log of the one before has more.",
    section: "When things break",
  },
  {
    name: "QosUnaccountedPackets",
    expression: "qos_unaccounted_packets != 0",
    for: "30s",
    severity: "page",
    summary: "packets are missing from the statistics: a fault in qos",
    description: "Every packet taken has an end or is queued. Keep qos ctl stats and the log, and report it.",
    section: "Watching",
  },
  {
    name: "QosPacketsLapped",
    expression: "rate(qos_channel_lapped_total[5m]) > 0",
    for: "1m",
    severity: "warn",
    summary: "packets of {{ $labels.channel }} are lost: the loop is too slow for what comes",
    description: "Give the loop a core of its own (--core, --idle spin). Look at qos_turn_seconds and qos_gap_seconds.",
    section: "The host",
  },
  {
    name: "QosValidatorSilent",
    expression: "qos_channel_heartbeat_age_seconds > 30",
    for: "30s",
    severity: "warn",
    summary: "the validator's side of {{ $labels.channel }} stands still",
    description: "The validator is down or restarting, or it uses other channels: compare the prefix, run qos check.",
    section: "When things break",
  },
  {
    name: "QosSlowTurns",
    expression: "histogram_quantile(0.999, rate(qos_turn_seconds_bucket[5m])) > 0.01",
    for: "5m",
    severity: "warn",
    summary: "one turn in a thousand takes more than 10 ms: the core is shared, or the host swaps",
    description: "Isolate the core that the loop runs on, and look for swapping and for other processes there.",
    section: "The host",
  },
  {
    name: "QosSlowTransmits",
    expression: "histogram_quantile(0.99, rate(qos_transmit_seconds_bucket[5m])) > 0.05",
    for: "5m",
    severity: "warn",
    summary: "full choices take more than 50 ms: what waits is scored anew too seldom",
    description:
      "What waits goes out by what was known before. The loop has too little of its core, or too much comes in.",
    section: "The host",
  },
  {
    name: "QosQueueFull",
    expression:
      `rate(${metricName("leakedPriority", true)}[5m]) > 0 and ` +
      "rate(qos_banking_transmissions_total[5m]) > 0.95 * qos_target_packets_per_second",
    for: "15m",
    severity: "warn",
    summary: "the queue is full while all of target-pps is sent: packets are pushed out",
    description:
      "This is what qos does in a flood. Where it lasts and sigverify has room, raise target-pps (qos ctl set target-pps).",
    section: "Watching",
  },
  {
    name: "QosInclusionFalls",
    expression:
      "rate(qos_included_total[15m]) / rate(qos_completed_total[15m]) < " +
      "0.5 * rate(qos_included_total[6h]) / rate(qos_completed_total[6h])",
    for: "15m",
    severity: "warn",
    summary: "of what is sent on, less than half as much is included as in the last 6 hours",
    description: "Packets that waste the validator's time get through. qos ctl top and qos report show which senders.",
    section: "Watching",
  },
  {
    name: "QosModelStale",
    expression: "rate(qos_banking_transmissions_total[5m]) > 0 and rate(qos_completed_total[5m]) == 0",
    for: "5m",
    severity: "warn",
    summary: "packets are sent on and no outcome comes back: the model learns nothing",
    description:
      "The scheduler's feedback (sch_to_qos) does not come, or its seed is another one: see qos inspect sch_to_qos.",
    section: "Watching",
  },
  {
    name: "QosDatabaseDrops",
    expression: "rate(qos_database_dropped_total[5m]) > 0",
    for: "1m",
    severity: "warn",
    summary: "records are lost: the database is too slow and the spill file is full",
    description: "Save a smaller share (--db-sample), or give the database or the spill file more room.",
    section: "When things break",
  },
  {
    name: "QosDatabaseLags",
    expression: "qos_database_lag_seconds > 60",
    for: "5m",
    severity: "warn",
    summary: "the database does not keep up: records have been waiting for more than a minute",
    description: "Records wait in memory and in the spill file, and are lost when both are full. Save a smaller share.",
    section: "When things break",
  },
  {
    name: "QosDatabaseDown",
    expression: "qos_database_connected == 0",
    for: "5m",
    severity: "warn",
    summary: "the database takes no rows; they go to the spill file",
    description: "The log says why. It is tried again and again; what was spilled is sent then.",
    section: "When things break",
  },
  {
    name: "QosChannelLeft",
    expression: "increase(qos_channel_detached_total[10m]) > 0",
    for: "0s",
    severity: "warn",
    summary: "{{ $labels.channel }} was removed, created again or cut short while the sidecar used it",
    description: "The sidecar joins the new file by itself. Whatever touched it should not.",
    section: "When things break",
  },
  {
    name: "QosCheckpointFails",
    expression: "increase(qos_state_failures_total[5m]) > 0",
    for: "0s",
    severity: "warn",
    summary: "the scores cannot be written: a restart would lose what was learned since",
    description: "The disk is full, or the folder of --state is not this user's. The log has the error.",
    section: "What it remembers",
  },
  {
    name: "QosClockStepped",
    expression: "increase(qos_clock_steps_total[10m]) > 0",
    for: "0s",
    severity: "warn",
    summary: "the host's clock was set: times in the log and in the database jump",
    description: "Nothing in the queue goes by that clock. Look at the host's time service.",
    section: "When things break",
  },
  {
    name: "QosErrorsLogged",
    expression: 'increase(qos_log_messages_total{level="error"}[5m]) > 0',
    for: "0s",
    severity: "warn",
    summary: "the sidecar logged errors",
    description: "journalctl -u qos shows them.",
    section: "When things break",
  },
];

/** A heading's anchor in the rendered page. */
const anchorOf = (heading: string): string => heading.toLowerCase().replaceAll(" ", "-");

/** The text of an alert's `summary`. */
export function summaryOf({ summary, ofAll }: Alert): string {
  return ofAll === true ? `qos: ${summary}` : `qos on {{ $labels.instance }}: ${summary}`;
}

/** The text of an alert's `description`. */
export function descriptionOf({ description, section }: Alert): string {
  return `${description} See docs/operating.md, "${section}".`;
}

/**
 * The rules as a file for Prometheus. Strings are JSON's, which are YAML's too.
 * @param docs where the documents are published; each alert then has the `runbook_url` of its section
 */
export function alertRules(docs?: string): string {
  const rules = ALERTS.map((alert) => {
    const page = docs === undefined ? "" : `${docs.replace(/\/+$/, "")}/operating.md#${anchorOf(alert.section)}`;
    return `      - alert: ${alert.name}
        expr: ${JSON.stringify(alert.expression)}
        for: ${alert.for}
        labels:
          severity: ${alert.severity}
        annotations:
          summary: ${JSON.stringify(summaryOf(alert))}
          description: ${JSON.stringify(descriptionOf(alert))}
${page === "" ? "" : `          runbook_url: ${JSON.stringify(page)}\n`}`;
  });
  return `# Alert rules of qos for Prometheus (rule_files in prometheus.yml).
groups:
  - name: qos
    rules:
${rules.join("")}`;
}

interface Panel {
  readonly title: string;
  readonly unit: string;
  /** Expression and legend of each line. */
  readonly lines: readonly (readonly [expression: string, legend: string])[];
  readonly stacked?: boolean;
}

/** `instance` is the dashboard's variable. */
const on = (metric: string, more = ""): string => `${metric}{instance=~"$instance"${more}}`;
const rate = (metric: string): string => `rate(${on(metric)}[$__rate_interval])`;
const quantile = (share: number, metric: string): string =>
  `histogram_quantile(${share}, sum by (le) (rate(${on(`${metric}_bucket`)}[$__rate_interval])))`;

/** @param ends metrics of the ends of packets that are not sent on */
function panels(ends: readonly string[]): Panel[] {
  return [
    {
      title: "Packets in and out",
      unit: "pps",
      lines: [
        [rate("qos_packets_total"), "in"],
        [rate("qos_banking_transmissions_total"), "out"],
        [on("qos_target_packets_per_second"), "target"],
      ],
    },
    {
      title: "Not sent on",
      unit: "pps",
      stacked: true,
      lines: ends.map((metric) => [rate(metric), metric.replace(/^qos_|_total$/g, "").replaceAll("_", " ")] as const),
    },
    { title: "Queue", unit: "short", lines: [[on("qos_queued"), "queued"]] },
    { title: "Score at the queue's door", unit: "none", lines: [[on("qos_queue_door"), "door"]] },
    { title: "Channels", unit: "pps", lines: [[rate("qos_channel_elements_total"), "{{channel}}"]] },
    { title: "Lost in channels", unit: "pps", lines: [[rate("qos_channel_lapped_total"), "{{channel}}"]] },
    { title: "Waiting in channels", unit: "short", lines: [[on("qos_channel_depth"), "{{channel}}"]] },
    {
      title: "The validator's heartbeats",
      unit: "s",
      lines: [[on("qos_channel_heartbeat_age_seconds"), "{{channel}}"]],
    },
    {
      title: "Turns",
      unit: "s",
      lines: [
        [quantile(0.5, "qos_turn_seconds"), "p50"],
        [quantile(0.99, "qos_turn_seconds"), "p99"],
        [quantile(0.999, "qos_gap_seconds"), "gap p99.9"],
      ],
    },
    {
      title: "Transmits",
      unit: "s",
      lines: [
        [quantile(0.5, "qos_transmit_seconds"), "p50"],
        [quantile(0.99, "qos_transmit_seconds"), "p99"],
      ],
    },
    {
      title: "Outcomes",
      unit: "ops",
      lines: [
        [rate("qos_completed_total"), "completed"],
        [rate("qos_included_total"), "included"],
        [rate("qos_sigverify_feedback_total"), "failed signatures"],
      ],
    },
    { title: "Senders known", unit: "short", lines: [[on("qos_table_senders"), "{{table}}"]] },
    {
      title: "Time since the model learned",
      unit: "s",
      lines: [[`time() - ${on("qos_model_last_update_seconds")}`, "age"]],
    },
    {
      title: "Faults around the sidecar",
      unit: "short",
      lines: [
        [`increase(${on("qos_channel_detached_total")}[$__rate_interval])`, "{{channel}} left"],
        ...FAULTS.map(({ name }) => [`increase(${on(metricName(name, true))}[$__rate_interval])`, name] as const),
      ],
    },
    {
      title: "Database",
      unit: "short",
      lines: [
        [on("qos_database_waiting"), "waiting"],
        [rate("qos_database_dropped_total"), "dropped/s"],
        [rate("qos_database_rows_written_total"), "rows/s"],
      ],
    },
  ];
}

const PANEL_COLUMNS = 12;
const PANEL_ROWS = 8;

/** The dashboard's JSON, for Grafana's import. */
export function dashboard(ends: readonly string[]): Record<string, unknown> {
  // The variable below, as Grafana writes it.
  const datasource = { type: "prometheus", uid: ["$", "{datasource}"].join("") };
  return {
    title: "qos",
    uid: "qos-sidecar",
    tags: ["solana", "qos"],
    timezone: "utc",
    refresh: "10s",
    schemaVersion: 39,
    time: { from: "now-1h", to: "now" },
    templating: {
      list: [
        { name: "datasource", type: "datasource", query: "prometheus" },
        {
          name: "instance",
          type: "query",
          datasource,
          query: "label_values(qos_build_info, instance)",
          refresh: 2,
          multi: true,
          includeAll: true,
        },
      ],
    },
    panels: panels(ends).map(({ title, unit, lines, stacked }, i) => ({
      id: i + 1,
      title,
      type: "timeseries",
      datasource,
      gridPos: { h: PANEL_ROWS, w: PANEL_COLUMNS, x: (i % 2) * PANEL_COLUMNS, y: Math.floor(i / 2) * PANEL_ROWS },
      fieldConfig: {
        defaults: {
          unit,
          custom: { stacking: { mode: stacked === true ? "normal" : "none" }, fillOpacity: stacked === true ? 30 : 5 },
        },
        overrides: [],
      },
      targets: lines.map(([expr, legendFormat], line) => ({
        refId: String.fromCharCode(65 + line),
        datasource,
        expr,
        legendFormat,
      })),
    })),
  };
}
