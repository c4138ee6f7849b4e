// Where a run's packets come from: a scenario's senders, or a corpus. Both write their truth into a trace.

import type { PacketMaker, Packets } from "./packet-maker.ts";
import { Random } from "./random.ts";
import type { ValidatorSpec } from "./scenario.ts";
import { expectedTraffic, momentMs, type Scenario } from "./scenario.ts";
import { ScenarioPackets } from "./scenario-packets.ts";
import { Signer } from "./signer.ts";
import { Trace } from "./trace.ts";
import { type PacketSink, Traffic } from "./traffic.ts";

export interface Sending {
  /** Sends what is due until `nowMs` (exclusive). */
  advance(nowMs: number, sink: PacketSink): void;
  /** Milliseconds that were played. */
  readonly playedMs: number;
  /** A packet of this group came through. */
  delivered(transaction: number, group: number): void;
  isHonest(group: number): boolean;
}

export interface Source {
  /** What it is, for people. */
  readonly name: string;
  readonly trace: Trace;
  readonly maker: PacketMaker;
  /** Writes its packets and finds them again, if the usual way of a trace and a maker does not. */
  readonly packets?: Packets;
  readonly sending: Sending;
  readonly validator: ValidatorSpec;
  readonly durationMs: number;
  /** The attack's start. Everything is counted from here on. */
  readonly attackMs: number;
}

/** The world of a scenario. @param sign real ed25519 signatures */
export function scenarioSource(scenario: Scenario, seed: bigint, sign = false): Source {
  const trace = new Trace();
  const { transactions, packets } = expectedTraffic(scenario);
  trace.reserve(transactions, packets);
  const maker = new ScenarioPackets(trace, new Random(seed, "templates"), sign ? new Signer(seed) : undefined);
  return {
    name: scenario.name,
    trace,
    maker,
    sending: new Traffic(scenario, seed, trace),
    validator: scenario.validator,
    durationMs: scenario.durationSeconds * 1_000,
    attackMs: momentMs(scenario, "attack"),
  };
}

/** A scenario at another rate: all its senders' rates times the same factor. */
export function scaled(scenario: Scenario, rate: number): Scenario {
  const usual = scenario.senders.reduce((sum, one) => sum + (one.tactic ? 0 : one.rate), scenario.adaptive?.rate ?? 0);
  if (usual === 0) return scenario;
  const factor = rate / usual;
  return {
    ...scenario,
    senders: scenario.senders.map((one) => ({ ...one, rate: one.rate * factor })),
    ...(scenario.adaptive === undefined
      ? {}
      : { adaptive: { ...scenario.adaptive, rate: scenario.adaptive.rate * factor } }),
  };
}
