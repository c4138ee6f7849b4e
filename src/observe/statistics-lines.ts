// The loop's numbers for people and programs: the line of the log and the statistics file, both made from one snapshot of
// the status page.

import { CHANNEL_STATES } from "../engine/mailbox.ts";
import type { Snapshot } from "../engine/status.ts";
import { summarise } from "../engine/turn-times.ts";
import type { SenderRow } from "../rank/model.ts";
import type { SidecarSettings } from "../settings/sidecar-settings.ts";
import { CHANNELS, PACKET_CHANNELS } from "../shape/channels.ts";
import { STATISTICS } from "../shape/statistics.ts";
import type { Faults } from "./faults.ts";

const SECOND_MS = 1_000;

/** Packets a second, since the last report and since the start. */
export interface Rates {
  readonly in: number;
  readonly inAverage: number;
  readonly out: number;
  readonly outAverage: number;
}

/** Turns rising counts into rates. */
export class RateMeter {
  #last: { atMs: number; in: number; out: number };

  constructor(private readonly startedMs: number) {
    this.#last = { atMs: startedMs, in: 0, out: 0 };
  }

  /** Rates since the last call and since the start; the next call counts from here. */
  next(snapshot: Snapshot, nowMs: number): Rates {
    const { totalPackets, bankingTransmissions } = snapshot.counters;
    const perSecond = (count: number, sinceMs: number): number =>
      nowMs > sinceMs ? Math.round((count * SECOND_MS) / (nowMs - sinceMs)) : 0;
    const rates = {
      in: perSecond(totalPackets - this.#last.in, this.#last.atMs),
      inAverage: perSecond(totalPackets, this.startedMs),
      out: perSecond(bankingTransmissions - this.#last.out, this.#last.atMs),
      outAverage: perSecond(bankingTransmissions, this.startedMs),
    };
    this.#last = { atMs: nowMs, in: totalPackets, out: bankingTransmissions };
    return rates;
  }
}

/** Best and worst senders of one kind. */
export interface Standing {
  readonly known: number;
  readonly top: readonly SenderRow[];
  readonly bottom: readonly SenderRow[];
}

export interface Senders {
  readonly ips: Standing;
  readonly payers: Standing;
  /** Staked peers' identities, each at an address; absent if the packet layout or the model has none. */
  readonly identities?: Standing;
}

/** What the statistics file holds, as one plain object. */
export function statisticsOf(
  snapshot: Snapshot,
  rates: Rates,
  senders: Senders,
  settings: SidecarSettings,
  process: { readonly version: string; readonly pid: number; readonly startedAt: Date; readonly uptimeMs: number },
  faults: Faults,
): Record<string, unknown> {
  const { counters, channels, histograms } = snapshot;
  return {
    sidecar: {
      version: process.version,
      pid: process.pid,
      startedAt: process.startedAt.toISOString(),
      uptimeMs: Math.round(process.uptimeMs),
      model: settings.model,
      feeModel: settings.feeModel,
      packetLayout: settings.packetLayout,
      prefix: settings.prefix,
      targetPps: settings.targetPps,
    },
    counters: Object.fromEntries(
      STATISTICS.filter(({ name, kind }) => kind !== "gauge" || name === "queued").map(({ name }) => [
        name,
        counters[name],
      ]),
    ),
    channels: Object.fromEntries(
      CHANNELS.map(({ name }) => [
        name,
        {
          ...channels[name],
          state: CHANNEL_STATES[channels[name].state] ?? "unknown",
          detached: faults.detached[name] ?? 0,
        },
      ]),
    ),
    queue: { size: counters.queued, door: Number.isFinite(counters.queueDoor) ? counters.queueDoor : null },
    stores: {
      partialMetas: counters.partialMetas,
      partialMetasEvicted: counters.partialMetasEvicted,
      recentSignatures: counters.recentSignatures,
      sendersEvicted: counters.sendersEvicted,
    },
    rates,
    turns: {
      count: counters.turns,
      ...Object.fromEntries(Object.entries(histograms).map(([name, words]) => [name, summarise(words)])),
    },
    senders,
    faults: faults.counts,
  };
}

/** Refusals by kind, those that happened only: `failedView 12, duplicatePackets 3`. */
function refusals(snapshot: Snapshot): string {
  const { counters } = snapshot;
  const parts = STATISTICS.filter(
    ({ name, kind }) => kind === "end" && name !== "bankingTransmissions" && counters[name] > 0,
  );
  return parts.length === 0 ? "none" : parts.map(({ name }) => `${name} ${counters[name]}`).join(", ");
}

/** The line of the log: rates since the last line and on average, what became of the packets, the queue. */
export function logLine(snapshot: Snapshot, rates: Rates): string {
  const { counters, channels } = snapshot;
  const lapped = PACKET_CHANNELS.reduce<number>((sum, id) => sum + channels[CHANNELS[id].name].lapped, 0);
  return [
    `in ${rates.in} packets/s (average ${rates.inAverage})`,
    `out ${rates.out} packets/s (average ${rates.outAverage})`,
    `queue ${counters.queued}`,
    `taken ${counters.totalPackets}`,
    `sent ${counters.bankingTransmissions}`,
    `not sent: ${refusals(snapshot)}`,
    ...(lapped > 0 ? [`lapped ${lapped}`] : []),
    `outcomes ${counters.completed}`,
  ].join("; ");
}
