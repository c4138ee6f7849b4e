// Where others can ask the sidecar something: the metrics' port and the control socket. Neither is needed for its work.

import { expose, type ProcessFacts } from "../../observe/metrics.ts";
import type { Runtime } from "../runtime.ts";
import { STALL_MAX_MS, type Watch } from "../watch.ts";
import type { Commands } from "./control.ts";
import { ControlServer, controlPath } from "./control-server.ts";
import { MetricsServer } from "./metrics-server.ts";

export interface Endpoints {
  readonly close: () => void;
}

/** Opens what the settings ask for. Never throws for an endpoint that cannot be opened. */
export async function openEndpoints(runtime: Runtime, watch: Watch, commands: Commands): Promise<Endpoints> {
  const opened = [openMetrics(runtime, watch), await openControl(runtime, commands)];
  return {
    close: () => {
      for (const one of opened) one?.close();
    },
  };
}

async function openControl(runtime: Runtime, commands: Commands): Promise<Endpoints> {
  const { settings, log } = runtime;
  const server = new ControlServer(settings.controlFile ?? controlPath(settings.prefix), { runtime, commands }, log);
  await server.open();
  return server;
}

function processFacts(): ProcessFacts {
  const { user, system } = process.cpuUsage();
  return { residentBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1_000_000 };
}

function openMetrics(runtime: Runtime, watch: Watch): Endpoints | undefined {
  const { settings, log } = runtime;
  if (settings.metrics === undefined) return undefined;
  const metrics = (): string => {
    const now = runtime.snapshot();
    const board = watch.board();
    return expose(now, {
      ...board,
      previousEnd: runtime.previous?.reason,
      ready: watch.unready(now) === undefined,
      lastUpdateMs: watch.updates[0]?.atMs,
      tables: { ips: board.senders.ips.known, payers: board.senders.payers.known },
      limits: { ips: settings.maxIps, payers: settings.maxSigners },
      warnings: log.counts.warn,
      errors: log.counts.error,
      process: processFacts(),
    });
  };
  const stalled = (): string | undefined =>
    watch.loopAgeMs > STALL_MAX_MS ? `the loop has not turned for ${Math.round(watch.loopAgeMs)} ms` : undefined;
  const pages = { metrics, unhealthy: stalled, unready: () => watch.unready(runtime.snapshot()) };
  const server = new MetricsServer(settings.metrics, pages, log);
  server.open();
  return server;
}
