// A scenario says which senders send what and when, and what the validator can take. Scenarios are TOML files
// (docs/scenarios.md lists the fields), checked here: an unknown key or a value out of range is refused with its name.

import { parse, TomlError } from "smol-toml";
import * as v from "valibot";
import { Failure } from "../failure.ts";

const probability = (fallback: number) => v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), fallback);
const number = (least: number, most: number) => v.pipe(v.number(), v.finite(), v.minValue(least), v.maxValue(most));
const whole = (least: number, most: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
/** A moment of the run: its share of the duration, or the moment at which the attack starts. */
const moment = (fallback: number) => v.optional(v.union([v.literal("attack"), number(0, 1)]), fallback);
const name = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,39}$/, "is not a name (small letters, digits, hyphens)"));

/**
 * A slot and its block where a scenario says nothing else: the last of the steps from 400 ms and 60 M CUs down
 * (solana-runtime 4.4.0, slot_params.rs). Each step takes the block's CUs in proportion to the slot.
 */
export const USUAL_SLOT_MS = 200;
const USUAL_BLOCK_UNITS = 30_000_000;
export const SLOT_MS_MIN = 40;
export const SLOT_MS_MAX = 60_000;

/** Bounds that keep one run's columns within a few GB. */
const PPS_MAX = 2_000_000;
const SENDERS_MAX = 1_000_000;
const SECONDS_MAX = 3_600;

const sendersSchema = v.strictObject({
  name,
  /** Whether the lamports of these senders count. */
  honest: v.optional(v.boolean(), true),
  /** Transactions a second, before `copies`. */
  rate: number(0, PPS_MAX),
  from: moment(0),
  until: moment(1),
  /** Traffic comes only in the first `onMs` of every `onMs + offMs`; the rate is that within a burst. */
  onMs: v.optional(whole(1, 3_600_000), 1),
  offMs: v.optional(whole(0, 3_600_000), 0),

  /** How many addresses these senders have. */
  addresses: v.optional(whole(1, SENDERS_MAX), 100),
  /** The group whose addresses they send from instead. */
  addressesOf: v.optional(name),
  /** Whether they know the ports of the addresses that they use. A sender that forges addresses does not. */
  portsKnown: v.optional(v.boolean(), true),
  /** Packets after which a sender takes a new address; 0 keeps the addresses. */
  freshAddressEvery: v.optional(whole(0, 1_000_000_000), 0),
  /** How unequal the senders are: the number of a sender is drawn as u^(1 + skew). */
  skew: v.optional(number(0, 20), 0),
  ipv6: v.optional(v.boolean(), false),
  /** Share of the addresses whose packets carry the staked-node flag. */
  stakedShare: probability(0),

  /** Whether packets carry a staked peer's identity, where the packet layout has one: each address's own, or each payer's. */
  identityPer: v.optional(v.picklist(["none", "address", "payer"], "is none of none, address, payer"), "none"),
  payersPerAddress: v.optional(whole(1, 100_000), 1),
  /** The group whose fee payers they name: those of the address if `addressesOf` is the same group, else any. */
  payersOf: v.optional(name),
  freshPayerEvery: v.optional(whole(0, 1_000_000_000), 0),

  /** Micro-lamports per CU, log-normal: each address has one of these means. */
  priceMeans: v.optional(v.pipe(v.array(number(0, 1e15)), v.minLength(1)), [400_000, 100_000]),
  priceSigma: v.optional(number(0, 5), 2),
  /** CU limit: a payer's own median is log-normal, and its transactions vary around that. */
  askedMedian: v.optional(number(1, 1_400_000), 20_000),
  askedSigma: v.optional(number(0, 3), 1),
  /** Used CUs by asked CUs: each payer has its own ratio between these. Above 1 it takes more of a block than it asks for. */
  usedRatio: v.optional(v.pipe(v.tuple([number(0.001, 100), number(0.001, 100)])), [0.3, 0.95]),
  /** Nanoseconds per used CU: the payers' median; they differ by `nanosSigma`. */
  nanosPerUnit: v.optional(number(0.1, 1_000), 10),
  nanosSigma: v.optional(number(0, 2), 0.15),

  /** Transactions that are sent at once on one value of a durable nonce, of which one can land; 1: without a nonce. */
  siblings: v.optional(whole(1, 1_000), 1),
  /** The group whose latest nonces they name. */
  noncesOf: v.optional(name),

  unparsable: probability(0),
  badSignature: probability(0),
  /** Of those with a good signature: the share that the chain never takes (no funds, an old blockhash, a lost race). */
  neverLands: probability(0),

  /** Packets per transaction, the later ones after a delay. */
  copies: v.optional(whole(1, 16), 1),
  copyDelayMs: v.optional(v.tuple([whole(1, 4_000), whole(1, 4_000)]), [5, 200]),
  /** The group whose transactions they send again, from their own addresses. */
  replays: v.optional(name),
  /** The replays keep the signature and change the transaction, so that they fail. */
  forged: v.optional(v.boolean(), false),
  /** With `addressesOf` or `replays`: they choose senders that the sidecar has just let through. */
  trustedOnly: v.optional(v.boolean(), false),
  /** One of the tactics of an attacker that adapts: `adaptive.rate` is shared out among them. */
  tactic: v.optional(v.boolean(), false),
});

const scenarioSchema = v.strictObject({
  name,
  title: v.string(),
  durationSeconds: v.optional(number(0.1, SECONDS_MAX), 30),
  /** When the attack starts: its share of the duration. */
  attackAt: v.optional(number(0, 1), 1 / 3),
  /** Packet channels in use, from the first: tpu, fwd, re1, re2. */
  channels: v.optional(whole(1, 4), 4),
  validator: v.optional(
    v.strictObject({
      sigverifyPps: v.optional(whole(10, 10_000_000), 8_000),
      blockUnits: v.optional(whole(1_000, 1_000_000_000_000), USUAL_BLOCK_UNITS),
      slotMs: v.optional(whole(SLOT_MS_MIN, SLOT_MS_MAX), USUAL_SLOT_MS),
      /** Deviation (log) of the execution time around the time that the used CUs stand for. */
      executionNoise: v.optional(number(0, 2), 0.2),
    }),
    {},
  ),
  adaptive: v.optional(v.strictObject({ rate: number(0, PPS_MAX), everyMs: v.optional(whole(50, 60_000), 500) })),
  senders: v.pipe(v.array(sendersSchema), v.minLength(1), v.maxLength(64)),
});

export type Scenario = v.InferOutput<typeof scenarioSchema>;
export type Senders = Scenario["senders"][number];
export type ValidatorSpec = Scenario["validator"];

/**
 * Reads a scenario.
 * @param source its name for messages
 * @throws Failure
 */
export function parseScenario(toml: string, source: string): Scenario {
  let data: unknown;
  try {
    data = parse(toml);
  } catch (error) {
    if (error instanceof TomlError) throw new Failure(`${source}: ${error.message.trim()}`);
    throw error;
  }
  const result = v.safeParse(scenarioSchema, data);
  if (!result.success) {
    const lines = result.issues.map((issue) => `${v.getDotPath(issue) ?? "the file"}: ${issueText(issue)}`);
    throw new Failure(`${source}: ${lines.join("; ")}`);
  }
  checkReferences(result.output, source);
  return result.output;
}

function issueText(issue: v.BaseIssue<unknown>): string {
  if (issue.kind === "schema" && issue.type === "strict_object" && issue.expected === "never")
    return "is not a key here";
  return issue.message;
}

function checkReferences(scenario: Scenario, source: string): void {
  const names = scenario.senders.map((one) => one.name);
  const problem = (text: string): never => {
    throw new Failure(`${source}: ${text}`);
  };
  names.forEach((one, i) => {
    if (names.indexOf(one) !== i) problem(`two groups of senders are called "${one}"`);
  });
  scenario.senders.forEach((one, i) => {
    for (const key of ["addressesOf", "payersOf", "replays", "noncesOf"] as const) {
      const other = one[key];
      if (other === undefined) continue;
      const at = names.indexOf(other);
      if (at < 0) problem(`senders.${i}.${key}: there is no group of senders called "${other}"`);
      if (at >= i) problem(`senders.${i}.${key}: "${other}" must stand before "${one.name}"`);
    }
    if (one.forged && one.replays === undefined) problem(`senders.${i}.forged needs replays`);
    if (one.tactic && scenario.adaptive === undefined) problem(`senders.${i}.tactic needs a table [adaptive]`);
    if (one.usedRatio[0] > one.usedRatio[1]) problem(`senders.${i}.usedRatio: the first number is the lower one`);
    if (one.copyDelayMs[0] > one.copyDelayMs[1]) problem(`senders.${i}.copyDelayMs: the first number is the lower one`);
  });
}

/** The same scenario with slots of another length, and blocks in proportion: as many CUs a second as before. */
export function inRhythm(scenario: Scenario, slotMs: number): Scenario {
  const { validator } = scenario;
  const blockUnits = Math.round((validator.blockUnits * slotMs) / validator.slotMs);
  return { ...scenario, validator: { ...validator, slotMs, blockUnits } };
}

/** Whether the scenario's packets need a layout with a place for identities. */
export function hasIdentities(scenario: Scenario): boolean {
  return scenario.senders.some(({ identityPer }) => identityPer !== "none");
}

/** Milliseconds into the run at which a group starts or ends. */
export function momentMs(scenario: Scenario, at: number | "attack"): number {
  return scenario.durationSeconds * 1_000 * (at === "attack" ? scenario.attackAt : at);
}

/** Transactions and packets to reserve room for: a run rarely has more. */
export function expectedTraffic(scenario: Scenario): { transactions: number; packets: number } {
  let transactions = (scenario.adaptive?.rate ?? 0) * scenario.durationSeconds;
  let packets = transactions;
  for (const one of scenario.senders) {
    if (one.tactic) continue;
    const seconds = Math.max(0, momentMs(scenario, one.until) - momentMs(scenario, one.from)) / 1_000;
    const own = (one.rate * one.siblings * seconds * one.onMs) / (one.onMs + one.offMs);
    transactions += one.replays !== undefined && !one.forged ? 0 : own;
    packets += own * one.copies;
  }
  return { transactions: Math.ceil(transactions * 1.05) + 1_000, packets: Math.ceil(packets * 1.05) + 1_000 };
}
