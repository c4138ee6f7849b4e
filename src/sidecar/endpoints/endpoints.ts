// The sidecar's doors to the outside, beside its files: the metrics' port and the control socket. Neither is needed for the
// sidecar's work, and each is loaded where it is used.

import type { Mailbox } from "../../engine/mailbox.ts";
import type { Snapshot } from "../../engine/status.ts";
import type { SidecarSettings } from "../../settings/sidecar-settings.ts";
import type { Log } from "../process/log.ts";
import type { PreviousEnd } from "../process/previous-end.ts";
import { STALL_MS, type Watch } from "../watch.ts";
import type { ControlParts } from "./control.ts";
import type { ControlServer } from "./control-server.ts";
import type { MetricsServer } from "./metrics-server.ts";

export interface DoorParts {
  readonly settings: SidecarSettings;
  readonly version: string;
  readonly previous: PreviousEnd | undefined;
  readonly startedAt: Date;
  readonly mailbox: Mailbox;
  readonly watch: Watch;
  readonly log: Log;
  readonly snapshot: () => Snapshot | null;
  readonly control: ControlParts;
}

export interface Doors {
  readonly close: () => void;
}

/** Opens what the settings ask for. Never throws for a door that cannot be opened. */
export async function openDoors(parts: DoorParts): Promise<Doors> {
  const [control, metrics] = await Promise.all([openControl(parts), openMetrics(parts)]);
  return {
    close: () => {
      control?.close();
      metrics?.close();
    },
  };
}

async function openControl({ settings, control, log }: DoorParts): Promise<ControlServer | undefined> {
  const { controlPath, ControlServer } = await import("./control-server.ts");
  const server = new ControlServer(settings.controlFile ?? controlPath(settings.prefix), control, log);
  await server.open();
  return server;
}

async function openMetrics(parts: DoorParts): Promise<MetricsServer | undefined> {
  const { settings, watch, log, snapshot, mailbox } = parts;
  if (settings.metrics === undefined) return undefined;
  const [{ MetricsServer }, { expose }] = await Promise.all([
    import("./metrics-server.ts"),
    import("../../observe/metrics.ts"),
  ]);
  const server = new MetricsServer(
    settings.metrics,
    {
      metrics: () => {
        const now = snapshot();
        const board = watch.board();
        return expose(now, {
          version: parts.version,
          previousEnd: parts.previous?.reason,
          model: settings.model,
          startedMs: parts.startedAt.getTime(),
          targetPps: mailbox.targetPps,
          paused: mailbox.paused,
          ready: watch.unready(now) === undefined,
          loopAgeMs: watch.loopAgeMs,
          heartbeatAgeMs: watch.heartbeatAges(),
          lastUpdateMs: watch.updates[0]?.atMs,
          tables: { ips: board.senders.ips.known, payers: board.senders.payers.known },
          limits: { ips: settings.maxIps, payers: settings.maxSigners },
          database: board.database,
          warnings: log.counts.warn,
          errors: log.counts.error,
          faults: board.faults,
          detached: board.detached,
        });
      },
      unhealthy: () =>
        watch.loopAgeMs > STALL_MS ? `the loop has not turned for ${Math.round(watch.loopAgeMs)} ms` : undefined,
      unready: () => watch.unready(snapshot()),
    },
    log,
  );
  server.open();
  return server;
}
