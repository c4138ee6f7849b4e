// The sidecar's numbers in the text format of Prometheus, made anew for each scrape from one snapshot of the status page and
// the tables that define its words. (The client library counts by itself and keeps histograms of its own; ours are counted
// in the loop, and it has no way in for finished buckets.)

import { WRITER_STATISTICS } from "../database/writer-status.ts";
import { CHANNEL_ATTACHED } from "../engine/mailbox.ts";
import { lawOf, type Snapshot } from "../engine/status.ts";
import { cumulative, HISTOGRAMS } from "../engine/turn-times.ts";
import { CHANNELS } from "../shape/channels.ts";
import { STATISTICS } from "../shape/statistics.ts";
import type { Board } from "./board.ts";
import { DETACHED_HELP, FAULTS } from "./faults.ts";

export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** What the metrics show beside the loop's numbers: the board's facts, and what only this process knows. */
export interface MetricsFacts
  extends Pick<
    Board,
    | "version"
    | "model"
    | "startedMs"
    | "targetPps"
    | "paused"
    | "loopAgeMs"
    | "heartbeatAgeMs"
    | "database"
    | "faults"
    | "detached"
  > {
  /** Why the sidecar before this one ended, if that was not meant. */
  readonly previousEnd: string | undefined;
  readonly ready: boolean;
  /** Milliseconds since 1970; undefined if the model has not learned yet. */
  readonly lastUpdateMs: number | undefined;
  readonly tables: { readonly ips: number; readonly payers: number };
  readonly limits: { readonly ips: number; readonly payers: number };
  readonly warnings: number;
  readonly errors: number;
  readonly process: ProcessFacts;
}

/** What Prometheus asks of any process, under its usual names. */
export interface ProcessFacts {
  /** Channels and tables included. */
  readonly residentBytes: number;
  /** Of all threads, in user and system mode. */
  readonly cpuSeconds: number;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

const MS_PER_SECOND = 1_000;
const MICROS_PER_SECOND = 1_000_000;

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** A metric's name for a row of the statistics: `total_packets` would be `_total` twice. */
export function metricName(name: string, isCounter: boolean): string {
  return `qos_${snake(name === "totalPackets" ? "packets" : name)}${isCounter ? "_total" : ""}`;
}

function number(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return `${value}`;
}

const escapeLabel = (text: string): string => text.replace(/[\\"\n]/g, (one) => (one === "\n" ? "\\n" : `\\${one}`));

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

class Exposition {
  readonly #lines: string[] = [];

  family(name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]): void {
    this.#head(name, type, help);
    for (const [labels, value] of samples) this.#lines.push(`${name}${labelText(labels)} ${number(value)}`);
  }

  counter(name: string, help: string, value: number): void {
    this.family(name, "counter", help, [[{}, value]]);
  }

  gauge(name: string, help: string, value: number): void {
    this.family(name, "gauge", help, [[{}, value]]);
  }

  histogram(name: string, help: string, words: readonly number[]): void {
    this.#head(name, "histogram", help);
    const { bounds, counts, count, sumUs } = cumulative(words);
    bounds.forEach((us, i) => {
      this.#lines.push(`${name}_bucket{le="${us / MICROS_PER_SECOND}"} ${counts[i]}`);
    });
    this.#lines.push(`${name}_bucket{le="+Inf"} ${count}`);
    this.#lines.push(`${name}_sum ${sumUs / MICROS_PER_SECOND}`, `${name}_count ${count}`);
  }

  text(): string {
    return `${this.#lines.join("\n")}\n`;
  }

  #head(name: string, type: string, help: string): void {
    this.#lines.push(`# HELP ${name} ${help.replace(/[\\\n]/g, " ")}`, `# TYPE ${name} ${type}`);
  }
}

const HISTOGRAM_HELP: Readonly<Record<(typeof HISTOGRAMS)[number], string>> = {
  turn: "time in a turn of the loop",
  gap: "time from one turn's end to the next one's start",
  transmit: "time from a full choice's start to its end, or from a batch's tick to its last packet",
  straight: "time from arrival to output of packets that went out in the turn in which they arrived",
  waited: "time from arrival to output of packets that waited",
};

/** All of it, as one text. @param snapshot null before the loop began: the process' facts alone */
export function expose(snapshot: Snapshot | null, facts: MetricsFacts): string {
  const out = new Exposition();
  out.family("qos_build_info", "gauge", "the build; always 1", [
    [{ version: facts.version, bun: Bun.version, model: facts.model }, 1],
  ]);
  out.gauge("qos_start_time_seconds", "start of the sidecar, Unix time", facts.startedMs / MS_PER_SECOND);
  const { residentBytes, cpuSeconds } = facts.process;
  out.gauge("process_start_time_seconds", "start of the process, Unix time", facts.startedMs / MS_PER_SECOND);
  out.gauge("process_resident_memory_bytes", "memory of the process, shared memory included", residentBytes);
  out.counter("process_cpu_seconds_total", "CPU time of all threads", cpuSeconds);
  out.family(
    "qos_previous_end_info",
    "gauge",
    "why the sidecar before this one ended, if that was not meant; always 1",
    facts.previousEnd === undefined ? [] : [[{ reason: facts.previousEnd }, 1]],
  );
  out.gauge("qos_ready", "1 where the sidecar takes and sends packets", facts.ready ? 1 : 0);
  out.gauge("qos_paused", "1 where transmitting is paused", facts.paused ? 1 : 0);
  out.gauge("qos_target_packets_per_second", "packets a second to send on at most", facts.targetPps);
  out.gauge("qos_loop_age_seconds", "time since the loop was last seen to turn", facts.loopAgeMs / MS_PER_SECOND);
  out.family("qos_log_messages_total", "counter", "warnings and errors logged", [
    [{ level: "warn" }, facts.warnings],
    [{ level: "error" }, facts.errors],
  ]);
  for (const { name, help } of FAULTS) out.counter(metricName(name, true), help, facts.faults[name]);
  const lastUpdateMs = facts.lastUpdateMs ?? 0;
  out.gauge(
    "qos_model_last_update_seconds",
    "when the model last learned, Unix time; 0: never",
    lastUpdateMs / MS_PER_SECOND,
  );
  const kinds = ["ips", "payers"] as const;
  const perTable = (of: MetricsFacts["tables"]): Sample[] => kinds.map((table) => [{ table }, of[table]]);
  out.family("qos_table_senders", "gauge", "senders whose score is kept", perTable(facts.tables));
  out.family("qos_table_limit", "gauge", "senders whose score is kept after a prune, at most", perTable(facts.limits));
  if (snapshot !== null) exposeLoop(out, snapshot);
  exposeChannels(out, snapshot, facts);
  if (facts.database !== null) {
    for (const { name, kind, unit, help } of WRITER_STATISTICS) {
      const isCounter = kind === "counter";
      const isTime = unit === "ms"; // Prometheus has base units
      const metric = `qos_database_${snake(isTime ? name.replace(/Ms$/, "Seconds") : name)}${isCounter ? "_total" : ""}`;
      const value = facts.database[name] / (isTime ? MS_PER_SECOND : 1);
      out.family(metric, isCounter ? "counter" : "gauge", `${help} (${isTime ? "s" : unit})`, [[{}, value]]);
    }
  }
  return out.text();
}

function exposeLoop(out: Exposition, snapshot: Snapshot): void {
  const { counters, histograms } = snapshot;
  for (const { name, kind, unit, help } of STATISTICS) {
    if (name === "clockMs") continue;
    // Turns and evictions only grow, though the statistics file has them among the present values.
    const isCounter = kind !== "gauge" || name === "turns" || name.endsWith("Evicted");
    const text = `${help} (${unit})`;
    if (isCounter) out.counter(metricName(name, true), text, counters[name]);
    else out.gauge(metricName(name, false), text, counters[name]);
  }
  const { total, accounted } = lawOf(counters);
  out.gauge("qos_unaccounted_packets", "packets taken, less their ends and those queued: 0", total - accounted);
  for (const name of HISTOGRAMS) out.histogram(`qos_${name}_seconds`, HISTOGRAM_HELP[name], histograms[name]);
}

function exposeChannels(out: Exposition, snapshot: Snapshot | null, { heartbeatAgeMs, detached }: MetricsFacts): void {
  out.family(
    "qos_channel_detached_total",
    "counter",
    DETACHED_HELP,
    CHANNELS.map(({ name }): Sample => [{ channel: name }, detached[name] ?? 0]),
  );
  if (snapshot !== null) {
    const samples = (field: "received" | "lapped" | "torn" | "depth"): Sample[] =>
      CHANNELS.map(({ name }) => [{ channel: name }, snapshot.channels[name][field]]);
    out.family(
      "qos_channel_attached",
      "gauge",
      "1 where the channel is attached",
      CHANNELS.map(({ name }) => [{ channel: name }, snapshot.channels[name].state === CHANNEL_ATTACHED ? 1 : 0]),
    );
    out.family("qos_channel_elements_total", "counter", "elements taken (of the output: sent)", samples("received"));
    out.family("qos_channel_lapped_total", "counter", "elements lost: the producer was a lap ahead", samples("lapped"));
    out.family("qos_channel_torn_total", "counter", "elements overwritten while they were read", samples("torn"));
    out.family("qos_channel_depth", "gauge", "elements that wait to be taken", samples("depth"));
  }
  out.family(
    "qos_channel_heartbeat_age_seconds",
    "gauge",
    "time since the validator's side last moved; absent if it never did",
    CHANNELS.flatMap(({ name }): Sample[] => {
      const age = heartbeatAgeMs[name] ?? null;
      return age === null ? [] : [[{ channel: name }, age / MS_PER_SECOND]];
    }),
  );
}
