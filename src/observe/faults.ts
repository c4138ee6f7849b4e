// What goes wrong around a sidecar that goes on all the same, counted by kind: the log says each a few times, these numbers
// say how often. The one table of them; the metrics, the statistics file and the monitor come from it.

import { CHANNELS } from "../shape/channels.ts";

export const FAULTS = [
  { name: "clockSteps", help: "times the host's wall clock was set, or the host slept" },
  { name: "stateFailures", help: "checkpoints that could not be written" },
  { name: "statisticsFailures", help: "statistics that could not be written to their file" },
  { name: "logLinesDropped", help: "log lines dropped: their reader was too slow, or gone" },
  { name: "controlRefusals", help: "requests to the control socket that were refused" },
  { name: "metricsFailures", help: "times the metrics' port could not be had" },
] as const;

export type FaultName = (typeof FAULTS)[number]["name"];
export type FaultCounts = Readonly<Record<FaultName, number>>;

export const DETACHED_HELP =
  "times a channel was let go of: it was removed, created again, cut short, or begun anew by its producer";

/** The main thread's own numbers. */
export class Faults {
  readonly counts = Object.fromEntries(FAULTS.map(({ name }) => [name, 0])) as Record<FaultName, number>;
  /** By channel; see DETACHED_HELP. */
  readonly detached: Record<string, number> = Object.fromEntries(CHANNELS.map(({ name }) => [name, 0]));

  count(name: FaultName, times = 1): void {
    this.counts[name] += times;
  }

  /** @param id the channel's */
  countDetached(id: number): void {
    const { name } = CHANNELS[id];
    this.detached[name] = (this.detached[name] ?? 0) + 1;
  }
}
