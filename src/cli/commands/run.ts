// `qos run`: from flags to the sidecar's settings.

import { readFileSync } from "node:fs";
import { Failure, messageOf } from "../../failure.ts";
import { databaseOf } from "../../settings/database-flags.ts";
import { UsageError } from "../../settings/errors.ts";
import { parseU64, U64_MAX } from "../../settings/flags.ts";
import { isLoopback, parseMetricsAddress } from "../../settings/metrics-address.ts";
import { RUN_FLAGS, type RunValues } from "../../settings/run-flags.ts";
import type { SidecarSettings } from "../../settings/sidecar-settings.ts";
import { runSidecar } from "../../sidecar/sidecar.ts";
import { VERSION } from "../../version.ts";
import { command } from "../command.ts";

/** The smallest ring. */
const LEAST_FATES = 64;
/** A seed's file holds at most 20 digits and white space; more is some other file. */
const SEED_FILE_BYTES = 64;

/**
 * The seed, of whichever source was given.
 * @throws UsageError where two are given, or the file's content is no seed (which is never repeated)
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
  const seed = content.length <= SEED_FILE_BYTES ? parseU64(content.toString("latin1").trim()) : undefined;
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
  if (address === undefined) throw new UsageError(`--metrics: "${metrics}" is no address and port`);
  if (!metricsPublic && !isLoopback(address.hostname)) {
    throw new UsageError(
      `--metrics: ${address.hostname} can be reached from other hosts; take 127.0.0.1, or add --metrics-public`,
    );
  }
  return address;
}

/** @throws UsageError for values that do not go together */
export function settingsOf(values: RunValues): SidecarSettings {
  if (values.stakeFile !== undefined && values.model !== "ip-signer-stake") {
    throw new UsageError(`--stake-file: the model ${values.model} reads no stakes; add --model ip-signer-stake`);
  }
  return Object.freeze({
    prefix: values.prefix,
    useHugePages: values.useHugePages,
    packetLayout: values.packetLayout,
    wait: values.wait,
    seed: seedOf(values),
    targetPps: values.targetPps,
    maxAgeMs: values.maxAge,
    feeModel: values.feeModel,
    ipv6: values.ipv6,
    model: values.model,
    maxIps: values.maxIps,
    maxSigners: values.maxSigners,
    votes: values.votes,
    allowFile: values.allow,
    denyFile: values.deny,
    stakeFile: values.stakeFile,
    stateFile: values.state,
    cpu: values.cpu,
    idle: values.idle,
    durationMs: values.duration,
    user: values.user,
    allowRoot: values.allowRoot,
    logIntervalMs: values.logInterval,
    statsFile: values.statsJson,
    statsIntervalMs: values.statsInterval,
    database: databaseOf(values),
    fates: values.fates === 0 ? undefined : Math.max(LEAST_FATES, 2 ** Math.ceil(Math.log2(values.fates))),
    metrics: metricsOf(values),
    controlFile: values.control,
    logFormat: values.json ? "json" : "text",
  });
}

export default command({
  name: "run",
  summary: "the sidecar: takes packets, keeps the best, sends them on",
  about:
    "Runs the sidecar until SIGINT or SIGTERM. It joins each of its channels as soon as that appears, takes packets from " +
    "the four packet channels, ranks them by what their senders' transactions were worth before, and sends the best on to " +
    "sigverify. Started as root it opens its channels and then gives up root's rights.",
  flags: RUN_FLAGS,
  examples: [
    { line: "qos run", says: "with everything as it is by default; channels are awaited" },
    { line: "qos run --cpu 3 --target-pps 50000", says: "on a core of its own, sending at most 50,000 packets/s" },
    {
      line: "sudo qos run --use-huge-pages --state /var/lib/qos/scores",
      says: "as root for the huge pages, then as the user who called sudo; scores survive a restart",
    },
    {
      line: "QOS_XXHASH_SEED=420 qos run --prefix test_ --idle backoff --duration 10s --stats-json stats.json",
      says: "ten seconds beside something else on the same machine, on channels of its own, with the numbers in a file",
    },
    {
      line: "qos --xxhash-seed 420 --target-pps 500 --use-huge-pages",
      says: "flags and no command mean run, so that an older command line keeps working",
    },
  ],
  run: ({ values }) => runSidecar(settingsOf(values), VERSION),
});
