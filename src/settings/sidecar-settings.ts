// What the sidecar is told at start: one frozen object, whose values are already checked. Times in milliseconds.

import type { PacketLayout } from "../shape/channels.ts";
import type { DatabaseSettings } from "./database-location.ts";

import type { MetricsAddress } from "./metrics-address.ts";

export interface SidecarSettings {
  readonly prefix: string;
  readonly useHugePages: boolean;
  readonly packetLayout: PacketLayout;
  /** Wait for channels to appear, instead of failing where a required one is absent. */
  readonly wait: boolean;
  /** undefined: the one that stands in the scheduler's channel, else a random one. */
  readonly seed: bigint | undefined;
  readonly targetPps: number;
  readonly maxAgeMs: number;
  readonly feeModel: "chain" | "reference";
  readonly ipv6: "64" | "drop";
  readonly model: "evidence" | "ip-signer" | "ip-signer-stake";
  readonly maxIps: number;
  readonly maxSigners: number;
  /** Simple votes rank by their score, or before everything else. */
  readonly votes: "score" | "first";
  /** Files that list senders. */
  readonly allowFile: string | undefined;
  readonly denyFile: string | undefined;
  readonly stakeFile: string | undefined;
  readonly stateFile: string | undefined;
  readonly cpu: number | undefined;
  readonly idle: "spin" | "backoff";
  readonly durationMs: number | undefined;
  readonly user: string | undefined;
  readonly allowRoot: boolean;
  readonly logIntervalMs: number;
  readonly statsFile: string | undefined;
  readonly statsIntervalMs: number;
  /** undefined: none. */
  readonly database: DatabaseSettings | undefined;
  /** Recent fates kept in memory, a power of two; undefined: none. */
  readonly fates: number | undefined;
  /** Where metrics are served; undefined: nowhere. */
  readonly metrics: MetricsAddress | undefined;
  /** undefined: by the prefix, in /dev/shm. */
  readonly controlFile: string | undefined;
  readonly logFormat: "text" | "json";
}
