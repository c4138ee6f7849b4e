import { afterEach, describe, expect, test } from "bun:test";
import { HISTOGRAMS, record } from "../../src/engine/turn-times.ts";
import { Faults } from "../../src/observe/faults.ts";
import { expose, type MetricsFacts, metricName } from "../../src/observe/metrics.ts";
import { isLoopback, parseMetricsAddress } from "../../src/settings/metrics-address.ts";
import { STATISTICS } from "../../src/shape/statistics.ts";
import { MetricsServer } from "../../src/sidecar/endpoints/metrics-server.ts";
import { rig } from "../engine/rig.ts";
import { MemoryLog } from "../sidecar/parts.ts";
import { until } from "../sidecar/sidecar-process.ts";

const facts: MetricsFacts = {
  version: '1.0 "quoted"\\',
  model: "ip-signer",
  startedMs: 1_500,
  process: { residentBytes: 1e9, cpuSeconds: 12.5 },
  previousEnd: "the loop ended: out of luck",
  targetPps: 5_000,
  paused: false,
  ready: true,
  loopAgeMs: 20,
  heartbeatAgeMs: { tpu_to_qos: 1_500, fwd_to_qos: null },
  lastUpdateMs: undefined,
  tables: { ips: 3, payers: 4 },
  limits: { ips: 10, payers: 20 },
  database: null,
  warnings: 1,
  errors: 2,
  faults: { ...new Faults().counts, clockSteps: 3 },
  detached: { tpu_to_qos: 2 },
};

interface Parsed {
  readonly types: Map<string, string>;
  readonly samples: Map<string, number>;
}

/** A strict reader of the text format: every sample belongs to the family above it. */
function parse(text: string): Parsed {
  const types = new Map<string, string>();
  const samples = new Map<string, number>();
  let family = "";
  expect(text).toEndWith("\n");
  for (const line of text.trimEnd().split("\n")) {
    const type = /^# TYPE ([a-z_0-9]+) (counter|gauge|histogram)$/.exec(line);
    const help = /^# HELP ([a-z_0-9]+) \S.*$/.exec(line);
    const sample = /^([a-z_0-9]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$/.exec(line);
    if (help !== null) {
      expect(types.has(help[1])).toBe(false);
      family = help[1];
    } else if (type !== null) {
      expect(type[1]).toBe(family);
      types.set(family, type[2]);
    } else {
      expect(sample, line).not.toBeNull();
      const base = types.get(family) === "histogram" ? sample![1].replace(/_(bucket|sum|count)$/, "") : sample![1];
      expect(base).toBe(family);
      expect(types.has(family)).toBe(true);
      const key = `${sample![1]}${sample![2] ?? ""}`;
      expect(samples.has(key)).toBe(false);
      const value = sample![3].replace("Inf", "Infinity");
      samples.set(key, Number(value));
    }
  }
  return { types, samples };
}

test("every statistic, channel and histogram is there, in the format", () => {
  const made = rig();
  for (let n = 0; n < 50; n++) made.sendUnique(0, n);
  made.settle(1_000);
  const words = made.engine.status.words;
  for (const us of [0.5, 3, 3, 5_000_000]) record(words, made.engine.status.histogramWord(0), us);
  const snapshot = made.snapshot(1_000);
  const { types, samples } = parse(expose(snapshot, facts));
  for (const { name } of STATISTICS.filter((row) => row.name !== "clockMs")) {
    const found = [metricName(name, true), metricName(name, false)].filter((metric) => types.has(metric));
    expect(found, name).toHaveLength(1);
    expect(samples.get(found[0])).toBe(snapshot.counters[name]);
  }
  expect(samples.get("qos_packets_total")).toBe(50);
  expect(samples.get("qos_unaccounted_packets")).toBe(0);
  expect(samples.get("qos_queue_door")).toBe(Number.NEGATIVE_INFINITY);
  expect(samples.get('qos_channel_elements_total{channel="tpu_to_qos"}')).toBe(50);
  expect(samples.get('qos_channel_heartbeat_age_seconds{channel="tpu_to_qos"}')).toBe(1.5);
  expect([...samples.keys()].some((key) => key.includes('age_seconds{channel="fwd_to_qos"'))).toBe(false);
  for (const name of HISTOGRAMS) expect(types.get(`qos_${name}_seconds`)).toBe("histogram");
  expect(samples.get("qos_transmit_seconds_count")).toBe(snapshot.counters.transmits);
});

test("buckets of a histogram rise to its count", () => {
  const made = rig();
  const from = made.engine.status.histogramWord(0);
  for (const us of [0.5, 3, 3, 5_000, 1e12]) record(made.engine.status.words, from, us);
  const { samples } = parse(expose(made.snapshot(1), facts));
  const buckets = [...samples].filter(([key]) => key.startsWith("qos_turn_seconds_bucket"));
  const counts = buckets.map(([, count]) => count);
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(samples.get('qos_turn_seconds_bucket{le="0.000002"}')).toBe(1);
  expect(samples.get('qos_turn_seconds_bucket{le="0.000004"}')).toBe(3);
  expect(samples.get('qos_turn_seconds_bucket{le="0.004096"}')).toBe(3);
  expect(samples.get('qos_turn_seconds_bucket{le="0.008192"}')).toBe(4);
  expect(samples.get('qos_turn_seconds_bucket{le="+Inf"}')).toBe(5);
  expect(samples.get("qos_turn_seconds_count")).toBe(5);
});

test("before the loop began the process' facts are there alone", () => {
  const { samples, types } = parse(expose(null, facts));
  expect(samples.get("qos_start_time_seconds")).toBe(1.5);
  expect(samples.get("process_start_time_seconds")).toBe(1.5);
  expect(samples.get("process_resident_memory_bytes")).toBe(1e9);
  expect(samples.get("process_cpu_seconds_total")).toBe(12.5);
  expect(samples.get('qos_table_senders{table="payers"}')).toBe(4);
  expect(types.has("qos_packets_total")).toBe(false);
});

describe("addresses", () => {
  test("are read, or not", () => {
    expect(parseMetricsAddress("127.0.0.1:9464")).toEqual({ hostname: "127.0.0.1", port: 9464 });
    expect(parseMetricsAddress("[::1]:1")).toEqual({ hostname: "::1", port: 1 });
    for (const wrong of ["9464", ":9464", "::1:9464", "127.0.0.1", "a b:1", "x:70000", "x:-1", ""]) {
      expect(parseMetricsAddress(wrong)).toBeUndefined();
    }
  });

  test("of this host alone are known", () => {
    for (const own of ["127.0.0.1", "127.8.8.8", "localhost", "::1"]) expect(isLoopback(own)).toBe(true);
    for (const other of ["0.0.0.0", "10.0.0.1", "::", "example.org", "127.0.0.1.example.org"]) {
      expect(isLoopback(other)).toBe(false);
    }
  });
});

describe("the server", () => {
  const servers: MetricsServer[] = [];
  afterEach(() => {
    for (const one of servers.splice(0)) one.close();
  });
  const pages = { metrics: () => "qos 1\n", unhealthy: () => undefined, unready: () => "not yet" };
  const open = (port: number, log = new MemoryLog()): MetricsServer => {
    const server = new MetricsServer({ hostname: "127.0.0.1", port }, pages, log, 20);
    servers.push(server);
    server.open();
    return server;
  };

  test("answers what it has, and nothing else", async () => {
    const base = `http://127.0.0.1:${open(0).port}`;
    const metrics = await fetch(`${base}/metrics`);
    expect(metrics.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await metrics.text()).toBe("qos 1\n");
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
    const ready = await fetch(`${base}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, "not yet\n"]);
    const start = await fetch(`${base}/`);
    expect([start.status, start.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    for (const page of ["/metrics", "/healthz", "/readyz"])
      expect(await start.clone().text()).toContain(`href="${page}"`);
    expect((await fetch(`${base}/else`)).status).toBe(404);
    expect((await fetch(`${base}/metrics`, { method: "POST", body: "x".repeat(100) })).status).not.toBe(200);
  });

  test("says once that its port is taken, and takes it when it is free", async () => {
    const first = open(0);
    const log = new MemoryLog();
    const second = open(first.port!, log);
    await Bun.sleep(100); // some tries
    expect(second.port).toBeUndefined();
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toStartWith("warn: metrics cannot be had at 127.0.0.1:");
    const { port } = first;
    first.close();
    await until("the second has the port", () => second.port === port);
    expect(log.lines.at(-1)).toStartWith("info: metrics at http://127.0.0.1:");
  });
});
