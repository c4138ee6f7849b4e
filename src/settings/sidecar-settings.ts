// What the sidecar is told at start: one frozen object that falls out of the table of flags. A new flag is a row there and
// its user; nothing here names it. A duration's setting ends in Ms, a file's in File; every other one has its row's name.
// Three settings are made of several flags, or of a flag and a file: the seed, the metrics' address and the database.

import { readFileSync } from "node:fs";
import { Failure, messageOf } from "../failure.ts";
import type { PacketLayout } from "../shape/packet-layouts.ts";
import { locationOf } from "./database-flags.ts";
import type { Location } from "./database-location.ts";
import { UsageError } from "./errors.ts";
import { type Flag, type FlagTable, parseU64, U64_MAX } from "./flags.ts";
import { isLoopback, type MetricsAddress, parseMetricsAddress } from "./metrics-address.ts";
import { RUN_FLAGS, type RunValues } from "./run-flags.ts";

/** A row's name as a setting. */
type SettingName<Name, Row> =
  Row extends Flag<unknown, "duration">
    ? `${Name & string}Ms`
    : Row extends Flag<unknown, "path">
      ? Name extends `${string}File`
        ? Name
        : `${Name & string}File`
      : Name;

/** The settings that a table of flags gives: its values under the names of settings. */
export type SettingsOf<Table extends FlagTable> = {
  readonly [Name in keyof Table as SettingName<Name, Table[Name]> & string]: Table[Name] extends Flag<infer T>
    ? T
    : never;
};

/** What is made of several flags. */
interface Made {
  /** undefined: the one that stands in the scheduler's channel, else a random one. */
  readonly xxhashSeed: bigint | undefined;
  /** Where metrics are served; undefined: nowhere. */
  readonly metrics: MetricsAddress | undefined;
  /** undefined: no database. */
  readonly database: Location | undefined;
}

type RunSettings = SettingsOf<typeof RUN_FLAGS>;
/** As the flags ask for it: the packet layout may be left to the channels. */
export type AskedSettings = Omit<RunSettings, keyof Made> & Made;
/** What the sidecar runs with. */
export type SidecarSettings = Omit<AskedSettings, "packetLayout"> & { readonly packetLayout: PacketLayout };

/** As `SettingName` says it. */
export function settingName(name: string, row: Flag<unknown>): string {
  if (row.kind === "duration") return `${name}Ms`;
  return row.kind === "path" && !name.endsWith("File") ? `${name}File` : name;
}

/** @throws UsageError for values that do not go together, Failure for a seed's file that cannot be read */
export function settingsOf(values: RunValues): AskedSettings {
  if (values.stakeFile !== undefined && values.model !== "ip-signer-stake") {
    throw new UsageError(`--stake-file: the model ${values.model} reads no stakes; add --model ip-signer-stake`);
  }
  const named = Object.entries(values).map(([name, value]) => {
    return [settingName(name, (RUN_FLAGS as FlagTable)[name]), value] as const;
  });
  const made: Made = {
    xxhashSeed: seedOf(values),
    metrics: metricsOf(values),
    database: locationOf({ ...values, dbUrl: process.env.QOS_DB_URL }),
  };
  return Object.freeze({ ...(Object.fromEntries(named) as RunSettings), ...made });
}

/** A seed's file holds at most 20 digits and white space; more is some other file. */
const SEED_FILE_MAX_BYTES = 64;

/**
 * The seed, of whichever source was given.
 * @throws UsageError where two are given, or the file's content is not a seed (which is never repeated)
 */
export function seedOf(values: Pick<RunValues, "xxhashSeed" | "xxhashSeedFile">): bigint | undefined {
  const { xxhashSeed, xxhashSeedFile } = values;
  if (xxhashSeedFile === undefined) return xxhashSeed;
  if (xxhashSeed !== undefined) throw new UsageError("give either the seed or the file that holds it, not both");
  let content: Buffer;
  try {
    content = readFileSync(xxhashSeedFile);
  } catch (error) {
    throw new Failure(`cannot read the seed: ${messageOf(error)}`);
  }
  const seed = content.length <= SEED_FILE_MAX_BYTES ? parseU64(content.toString("latin1").trim()) : undefined;
  if (seed === undefined) {
    throw new UsageError(
      `${xxhashSeedFile} holds no seed; expected a whole number from 0 to ${U64_MAX} and nothing else`,
    );
  }
  return seed;
}

/** @throws UsageError for an address that other hosts can reach, unless that is wanted */
function metricsOf({ metrics, metricsPublic }: Pick<RunValues, "metrics" | "metricsPublic">) {
  if (metrics === undefined) return undefined;
  const address = parseMetricsAddress(metrics);
  if (address === undefined) throw new UsageError(`--metrics: "${metrics}" is not an address and a port`);
  if (!metricsPublic && !isLoopback(address.hostname)) {
    throw new UsageError(
      `--metrics: ${address.hostname} can be reached from other hosts; take 127.0.0.1, or add --metrics-public`,
    );
  }
  return address;
}
