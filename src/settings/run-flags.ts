// The flags of `qos run`. The reference's own (`--xxhash-seed --target-pps --max-signers --max-ips --use-huge-pages`) keep
// their names, meanings and defaults.

import { MODELS } from "../rank/models.ts";
import { CHANNEL_FLAGS } from "./channel-flags.ts";
import { RECORD_FLAGS } from "./database-flags.ts";
import { choice, count, duration, onOff, path, text, u64, type ValuesOf } from "./flags.ts";

export const FEE_MODELS = ["chain", "reference"] as const;
export const IPV6_RULES = ["64", "drop"] as const;
export const VOTE_RULES = ["score", "first"] as const;
export const LOG_LEVELS = ["info", "warn", "error"] as const;
export const IDLE_RULES = ["spin", "backoff"] as const;

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
/** The kernel's mask of cores has 1,024 bits. */
const CPU_MAX = 1_023;
/** Two tables of a million keys fit the arena beside everything else. */
const KEYS_MAX = 1_000_000;
/** A tick of the older sidecar sends floor(target x 100 ms): below 10 packets/s that would be none. */
const TARGET_PPS_MIN = 10;
const TARGET_PPS_MAX = 4_294_967_295;

const TRAFFIC = "Packets and fees";
const SCORES = "Scores";
const LOOP = "Loop";
const START = "Start and rights";
const REPORTS = "Reports";

export const RUN_FLAGS = {
  ...CHANNEL_FLAGS,
  wait: onOff({
    help: "fail at once unless tpu, fwd, sig and sch are there, instead of waiting for each channel to appear",
    group: "Channels",
    fallback: true,
  }),
  xxhashSeed: u64({
    help:
      "seed of the packet hash; without it the one that stands in sch_to_qos is used again, else a random one is drawn. " +
      "Arguments are public: prefer the environment or --xxhash-seed-file",
    hint: "U64",
    env: "QOS_XXHASH_SEED",
    secret: true,
    group: TRAFFIC,
  }),
  xxhashSeedFile: path({
    help: "file that holds the seed and nothing else",
    env: "QOS_XXHASH_SEED_FILE",
    group: TRAFFIC,
  }),
  targetPps: count({
    help: "packets a second to send on at most",
    min: TARGET_PPS_MIN,
    max: TARGET_PPS_MAX,
    fallback: 1_000_000,
    group: TRAFFIC,
  }),
  burst: duration({
    help: "how much of the target is saved up at the most while nothing waits, for a burst after it",
    min: 1,
    max: 100,
    fallback: 100,
    group: TRAFFIC,
  }),
  batchInterval: duration({
    help: "send in ticks of this interval, as the older sidecar does (100ms), instead of all the time",
    min: 10,
    max: 1_000,
    fallback: undefined,
    group: TRAFFIC,
  }),
  maxAge: duration({
    help: "packets that waited longer leave the queue; a blockhash lives for 150 slots",
    min: 100,
    max: DAY_MS,
    fallback: 30 * SECOND_MS,
    group: TRAFFIC,
  }),
  feeModel: choice(FEE_MODELS, {
    help: "chain: what the chain really charges; reference: the older sidecar's rule",
    fallback: "chain",
    group: TRAFFIC,
  }),
  ipv6: choice(IPV6_RULES, {
    help: "IPv6 senders count by their /64, or are dropped",
    fallback: "64",
    group: TRAFFIC,
  }),
  model: choice(MODELS, { help: "how senders are judged", fallback: MODELS[0], group: SCORES }),
  maxIps: count({
    help: "IP addresses whose score is kept",
    min: 1,
    max: KEYS_MAX,
    fallback: 10_000,
    group: SCORES,
  }),
  maxSigners: count({
    help: "fee payers whose score is kept",
    min: 1,
    max: KEYS_MAX,
    fallback: 10_000,
    group: SCORES,
  }),
  stakeFile: path({
    help: "stakes for ip-signer-stake: lines `IP LAMPORTS`, # comments, optionally `total LAMPORTS`; read again when it changes",
    group: SCORES,
  }),
  allow: path({
    help:
      "senders that never score below the median: a line an address, a prefix or a key (fee payer or staked identity), # comments; read again " +
      "when it changes",
    group: SCORES,
  }),
  deny: path({ help: "senders that are never queued; as --allow, and beats it", group: SCORES }),
  votes: choice(VOTE_RULES, {
    help: "packets marked as simple votes rank by their score, or before everything else",
    fallback: "score",
    group: SCORES,
  }),
  state: path({
    help: "checkpoint of the scores: restored at start, written each minute and at the end",
    group: SCORES,
  }),
  cpu: count({ help: "pin the loop to this core", min: 0, max: CPU_MAX, fallback: undefined, group: LOOP }),
  idle: choice(IDLE_RULES, {
    help: "with nothing to do: spin (lowest delay, a core of its own) or backoff (sleep up to 1 ms, for shared machines)",
    fallback: "spin",
    group: LOOP,
  }),
  duration: duration({
    help: "stop by itself after this time; else it runs until SIGINT or SIGTERM",
    min: 1,
    max: 3_650 * DAY_MS,
    fallback: undefined,
    group: LOOP,
  }),
  user: text({
    help: "the sidecar's user: whose rights to keep when started as root [default the user who called sudo]",
    hint: "NAME",
    fallback: undefined,
    pattern: /^[^\s:\0]{1,256}$/,
    allowed: "a user's name",
    group: START,
  }),
  allowRoot: onOff({ help: "keep root's rights (in a container or a test)", group: START }),
  ...RECORD_FLAGS,
  logInterval: duration({
    help: "time between two lines of numbers",
    min: 100,
    max: DAY_MS,
    fallback: 5 * SECOND_MS,
    group: REPORTS,
  }),
  logLevel: choice(LOG_LEVELS, { help: "the least that a line of the log must be", fallback: "info", group: REPORTS }),
  statsJson: path({ help: "write the statistics there, regularly and at the end", group: REPORTS }),
  statsInterval: duration({
    help: "time between two writings of the statistics file",
    min: 100,
    max: DAY_MS,
    fallback: 5 * SECOND_MS,
    group: REPORTS,
  }),
  metrics: text({
    help: "serve metrics for Prometheus there, with /healthz and /readyz; an address of this host alone",
    hint: "ADDRESS:PORT",
    fallback: undefined,
    pattern: /^(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9.-]{1,253}):\d{1,5}$/,
    allowed: "an address and a port, such as 127.0.0.1:9464 or [::1]:9464",
    group: REPORTS,
  }),
  metricsPublic: onOff({ help: "let --metrics be reached from other hosts", group: REPORTS }),
  control: path({
    help: "the socket of qos ctl [default PREFIXqos_control in /dev/shm]",
    group: REPORTS,
  }),
  json: onOff({ help: "log in JSON lines on standard output, instead of text on standard error", group: REPORTS }),
};

export type RunValues = ValuesOf<typeof RUN_FLAGS>;
