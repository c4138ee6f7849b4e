// `qos simulate --virtual` and `--soak`: the engine and its world in one process, under a virtual clock.

import { Failure } from "../../failure.ts";
import { Evidence } from "../../rank/evidence/evidence.ts";
import type { Model } from "../../rank/model.ts";
import { openModel, openReaders, type SidecarModel } from "../../rank/models.ts";
import { EXIT_FAILED, EXIT_FINE } from "../../settings/errors.ts";
import type { SidecarSettings } from "../../settings/sidecar-settings.ts";
import { smallCapacities } from "../../shape/channels.ts";
import { putScores, takeScores } from "../../sidecar/scores/scores.ts";
import { InvariantError } from "../../simulator/invariants.ts";
import { loadScenario } from "../../simulator/load-scenario.ts";
import type { Measures } from "../../simulator/measures.ts";
import { drawMishaps } from "../../simulator/mishaps.ts";
import { Random } from "../../simulator/random.ts";
import type { Scenario } from "../../simulator/scenario.ts";
import { SCENARIOS } from "../../simulator/scenarios/index.ts";
import { type VirtualOptions, type VirtualResult, VirtualRun } from "../../simulator/virtual.ts";
import type { Output } from "../output.ts";
import { explainRows, explainSender } from "./explain-sender.ts";

type ModelName = SidecarSettings["model"];

/** Small stores and rings, so that a short run fills, laps and evicts them. */
const SOAK_SIZES = {
  partialMetas: 4_096,
  recentSignatures: 2_048,
  queueCapacity: 1_024,
  maxIps: 64,
  maxSigners: 64,
  evidenceSets: 16,
  channelCapacities: smallCapacities(256, { outcomes: 2_048, confirmed: 1_024, output: 4_096 }),
} as const;
const SOAK_SECONDS = 3;
const SOAK_PROGRESS_MS = 5_000;

/** The model of a name, and what carries its scores over a restart. */
export function modelOptions(
  name: ModelName,
): Pick<VirtualOptions, "model" | "restore" | "modelProblem" | "tableFill"> {
  const opened = new Map<Model, SidecarModel>();
  return {
    model: (arena, layout) => {
      const model = openModel(name, arena, layout);
      opened.set(model, model);
      return model;
    },
    restore: (from, to) => {
      const before = opened.get(from.model);
      const after = opened.get(to.model);
      if (before === undefined || after === undefined) return;
      const options = { ...from.layout.options, model: name };
      const saved = takeScores(name, openReaders(from.arena, { ...from.layout, options }));
      if (saved !== undefined) putScores(saved, after.senders, to.arena, to.layout, to.kernel);
      opened.delete(from.model);
    },
    tableFill: ({ model }) => {
      const { ips } = opened.get(model)?.senders ?? {};
      return ips === undefined ? 1 : ips.size / ips.limit;
    },
    modelProblem: ({ model }) => {
      if (model instanceof Evidence) return model.table.problem();
      const { ips, payers } = opened.get(model)?.senders ?? {};
      if (ips === undefined || payers === undefined) return undefined;
      if (ips.size > ips.limit) return `the table of addresses holds ${ips.size} of ${ips.limit}`;
      return payers.size > payers.limit ? `the table of payers holds ${payers.size} of ${payers.limit}` : undefined;
    },
  };
}

/** Other traffic than a scenario's, and what had to be assumed of it. */
export interface Replay extends Pick<VirtualOptions, "source" | "packetLayout"> {
  readonly assumed: string;
}

/** Plays one scenario and says what it was worth. */
export function playVirtual(
  scenario: Scenario,
  seed: bigint,
  model: ModelName,
  json: boolean,
  out: Output,
  replay?: Replay,
  explain?: string,
): number {
  try {
    const { assumed, ...traffic } = replay ?? {};
    const run = new VirtualRun({ scenario, seed, ...traffic, ...modelOptions(model) }).run();
    const explained = explain === undefined ? undefined : explainSender(run.parts, explain);
    const result = run.result();
    const note: [string, string][] = assumed === undefined ? [] : [["assumed", assumed]];
    if (explained !== undefined) note.push(...explainRows(explained));
    if (json) out.json({ ...result, assumed, explained });
    else
      for (const [label, value] of [...virtualRows(result, assumed !== undefined), ...note])
        out.line(`${label.padEnd(16)}${value}`);
    return EXIT_FINE;
  } catch (error) {
    if (error instanceof InvariantError) throw new Failure(error.message);
    throw error;
  }
}

/** @param isReplay of a recording, which does not tell honest senders from attackers */
function virtualRows(
  { scenario, seed, model, history, ms, sent, delivered, validator, measures }: VirtualResult,
  isReplay: boolean,
): [string, string][] {
  const share = (value: number | undefined): string => (value === undefined ? "-" : value.toFixed(3));
  const { delays } = measures;
  return [
    ["scenario", `${scenario}, seed ${seed}, model ${model}, ${ms / 1_000} s of virtual time`],
    ["history", history],
    ["packets", `${sent} sent, ${delivered} delivered, ${validator.failed} failed, ${validator.included} included`],
    [
      "lamports",
      `${Math.round(measures.honestLamports)}${isReplay ? "" : " of honest senders from the attack's start on"}`,
    ],
    ["value", `${share(measures.value)} of the oracle's`],
    ["arrival order", share(measures.arrivalOrderValue)],
    ["declared fee/CU", share(measures.declaredFeeValue)],
    ["waste", share(measures.waste)],
    ...(isReplay ? [] : attackRows(measures)),
    ["delay", delays === undefined ? "-" : `p50 ${delays.p50Ms} ms, p99 ${delays.p99Ms} ms (honest packets)`],
  ];
}

function attackRows({ attack, newcomers }: Measures): [string, string][] {
  const isolated =
    attack.isolatedAfterMs === undefined
      ? "attackers stay above 5% of what is delivered"
      : `attackers below 5% of what is delivered after ${attack.isolatedAfterMs / 1_000} s`;
  return [
    ["isolated", isolated],
    ["newcomers", newcomers === undefined ? "-" : newcomers.toFixed(3)],
  ];
}

export interface SoakChoice {
  /** Instead of one that the seed draws. */
  readonly scenario?: Scenario | undefined;
  readonly seconds?: number;
}

/** What a soak plays for a seed: a scenario of those that come with qos, short, with small stores and mishaps of all kinds. */
export function soakOptions(seed: bigint, model: ModelName, choice: SoakChoice = {}): VirtualOptions {
  const random = new Random(seed, "soak");
  const names = Object.keys(SCENARIOS);
  const drawn = names[random.below(names.length)];
  const scenario = choice.scenario ?? loadScenario(drawn);
  const durationSeconds = Math.min(scenario.durationSeconds, choice.seconds ?? SOAK_SECONDS);
  const mishaps = drawMishaps(random, durationSeconds * 1_000);
  const records = seed % 2n === 0n;
  return { scenario: { ...scenario, durationSeconds }, seed, mishaps, records, ...SOAK_SIZES, ...modelOptions(model) };
}

/** Tries seed after seed, from the given one on, until the time is over, a signal comes or a seed fails. */
export async function soak(
  first: bigint,
  forMs: number,
  model: ModelName,
  only: Scenario | undefined,
  stop: AbortSignal,
  out: Output,
): Promise<number> {
  const started = performance.now();
  let saidMs = started;
  let seed = first;
  for (; !stop.aborted && performance.now() - started < forMs; seed += 1n) {
    const options = soakOptions(seed, model, { scenario: only });
    try {
      new VirtualRun(options).run();
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error;
      out.note(`${error.message}\nagain: qos simulate --soak 1ms --seed ${seed} --model ${model}`);
      return EXIT_FAILED;
    }
    if (performance.now() - saidMs >= SOAK_PROGRESS_MS) {
      saidMs = performance.now();
      out.note(`${seed - first + 1n} seeds, the last was ${seed} (${options.scenario.name})`);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  out.line(`${seed - first} seeds from ${first} on: all invariants held`);
  return EXIT_FINE;
}
