// `qos simulate`: a validator to try the sidecar against.

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Failure, messageOf } from "../../failure.ts";
import { MODELS, modelRow } from "../../rank/models.ts";
import { CHANNEL_FLAGS } from "../../settings/channel-flags.ts";
import { EXIT_FAILED, EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { choice, count, duration, onOff, path, text, u64, type ValuesOf } from "../../settings/flags.ts";
import { FEE_MODELS } from "../../settings/run-flags.ts";
import { CorpusPackets, CorpusTraffic, readCorpus } from "../../simulator/corpus.ts";
import { loadScenario } from "../../simulator/load-scenario.ts";
import { type ValidatorMemory, validatorMemory } from "../../simulator/memory.ts";
import { type Progress, runRealTime } from "../../simulator/real-time.ts";
import { assumedOf, replaySource } from "../../simulator/recorded.ts";
import type { Scenario } from "../../simulator/scenario.ts";
import { SCENARIOS } from "../../simulator/scenarios/index.ts";
import { type Source, scaled, scenarioSource } from "../../simulator/source.ts";
import { isClean, summaryOf, summaryRows } from "../../simulator/summary.ts";
import { Trace } from "../../simulator/trace.ts";
import { layoutOf } from "../channels/channel-files.ts";
import { command } from "../command.ts";
import type { Output } from "../output.ts";
import { ALL_SCENARIOS, playRow, scoreboard } from "../simulations/scoreboard.ts";
import { playVirtual, soak } from "../simulations/simulate-virtual.ts";
import { untilSignal } from "../until-signal.ts";

const TRAFFIC = "Traffic";
const VALIDATOR = "Validator";
const VIRTUAL = "Virtual time";
const SECOND_MS = 1_000;
const CORPUS_DURATION_MS = 10 * SECOND_MS;
const CORPUS_PPS = 50_000;
const USUAL_SCENARIO = "agents";
/** A tenth of a second is far above what an idle machine holds a process up, and far below a tick of 100 ms. */
const ORDER_GAP_MS = 30;
/** The columns of a run take about 75 bytes a packet. */
const PACKETS_MAX = 30_000_000;

const FLAGS = {
  ...CHANNEL_FLAGS,
  scenario: text({
    help: `senders and attacks: a TOML file (docs/scenarios.md), or one of ${Object.keys(SCENARIOS).join(", ")}`,
    hint: "NAME|FILE",
    fallback: undefined,
    pattern: /^[^\0]{1,4096}$/,
    allowed: "a name or a file",
    group: TRAFFIC,
  }),
  corpus: path({
    help: "real transactions instead: one JSON object a line with `tx` (base64) and, where known, `cu`",
    group: TRAFFIC,
  }),
  replay: path({
    help: "recorded packets instead, at their times (qos inspect --record); what became of them is assumed",
    group: TRAFFIC,
  }),
  salvage: onOff({
    help: "with --replay: of a recording whose end is missing (its recorder was killed) take what is whole",
    group: TRAFFIC,
  }),
  seed: u64({ help: "the same seed makes the same traffic [default 1]", group: TRAFFIC }),
  rate: count({
    help: "packets a second (of a scenario: transactions, copies not counted) [default the scenario's own; 50000 with --corpus]",
    min: 1,
    max: 2_000_000,
    fallback: undefined,
    group: TRAFFIC,
  }),
  duration: duration({
    help: "how long to send [default the scenario's or the recording's own; 10s with --corpus]",
    min: 100,
    max: 3_600 * SECOND_MS,
    fallback: undefined,
    group: TRAFFIC,
  }),
  sign: onOff({
    help: "really signed transactions, and a sigverify that really checks them (a few thousand a second); with --replay the recorded signatures are checked before it starts",
    group: TRAFFIC,
  }),
  feedback: onOff({
    help: "answer nothing: no failed packets, no outcomes, no confirmed signatures",
    group: VALIDATOR,
    fallback: true,
  }),
  sigverifyPps: count({
    help: "packets a second that sigverify takes [default the scenario's own, 8000]",
    min: 10,
    max: 10_000_000,
    fallback: undefined,
    group: VALIDATOR,
  }),
  feeModel: choice(FEE_MODELS, {
    help: "with --corpus: the rule that the sidecar ranks by, for --check-order and the lamports",
    fallback: "chain",
    group: VALIDATOR,
  }),
  wait: duration({
    help: "how long to wait for a sidecar's heartbeat; 0ms sends at once",
    min: 0,
    max: 3_600 * SECOND_MS,
    fallback: 10 * SECOND_MS,
    group: VALIDATOR,
  }),
  virtual: onOff({
    help: "no channels: the sidecar's engine in this process, under a virtual clock; the same seed gives the same history",
    group: VIRTUAL,
  }),
  model: choice(MODELS, {
    help: "with --virtual or --soak: how senders are judged",
    fallback: MODELS[0],
    group: VIRTUAL,
  }),
  explain: text({
    help: "with --virtual: what the evidence model thinks of this sender at the end, and why",
    hint: "IP|PAYER",
    fallback: undefined,
    pattern: /^[0-9A-Za-z:./]{1,64}$/,
    allowed: "an address or a fee payer",
    group: VIRTUAL,
  }),
  scoreboard: onOff({
    help: "every scenario (or the one given), several seeds, each model beside the rules that it is measured by",
    group: VIRTUAL,
  }),
  seeds: count({
    help: "with --scoreboard: seeds of each scenario, from --seed on",
    min: 1,
    max: 1_000,
    fallback: 5,
    group: VIRTUAL,
  }),
  jobs: count({
    help: "with --scoreboard: processes at a time [default one a core]",
    min: 1,
    max: 1_024,
    fallback: undefined,
    group: VIRTUAL,
  }),
  rows: path({
    help: "with --scoreboard: a folder that keeps what each scenario and seed gave; what is there already is not played again, so take a new one for each build",
    hint: "DIR",
    group: VIRTUAL,
  }),
  scoreRow: onOff({
    help: "one row of the scoreboard as JSON: all models on one scenario and seed",
    group: VIRTUAL,
  }),
  soak: duration({
    help: "try seed after seed for this long, short runs with faults of every kind, until one breaks an invariant",
    min: 1,
    max: 30 * 24 * 3_600 * SECOND_MS,
    fallback: undefined,
    group: VIRTUAL,
  }),
  checkOrder: onOff({
    help: "fail unless fee/CU falls within each batch that comes out (only without feedback, and a sidecar with --model ip-signer --batch-interval 100ms: scores change it, and without ticks there are no batches)",
    group: "Report",
  }),
  json: onOff({ help: "the summary as one JSON object", group: "Report" }),
};

type Values = ValuesOf<typeof FLAGS>;

/** @throws UsageError for flags that do not go together */
function check(values: Values): void {
  const { corpus, scenario, sign, feedback, checkOrder, feeModel } = values;
  if (corpus !== undefined && scenario !== undefined) throw new UsageError("give --scenario or --corpus, not both");
  if (corpus !== undefined && sign) throw new UsageError("--sign: salted transactions of a corpus cannot be signed");
  if (checkOrder && feedback)
    throw new UsageError("--check-order needs --no-feedback: with feedback, scores change the order");
  if (values.replay !== undefined) checkReplay(values);
  else if (values.salvage) throw new UsageError("--salvage is for --replay");
  if (values.virtual || values.soak !== undefined) {
    if (corpus !== undefined) throw new UsageError("--virtual and --soak play scenarios, not a corpus");
    if (sign && values.replay === undefined)
      throw new UsageError("--sign is for real time: in virtual time the scenario says which signatures are good");
    if (!feedback || checkOrder) throw new UsageError("--no-feedback and --check-order are for real time");
  }
  if (values.explain !== undefined && !(values.virtual && modelRow(values.model).explains))
    throw new UsageError("--explain needs --virtual and the evidence model");
  if (feeModel !== "chain" && corpus === undefined) throw new UsageError("--fee-model needs --corpus");
}

/** @throws UsageError */
function checkReplay({ corpus, scenario, rate, soak: forMs }: Values): void {
  if (corpus !== undefined || scenario !== undefined)
    throw new UsageError("--replay is the traffic: leave --scenario and --corpus out");
  if (rate !== undefined) throw new UsageError("--rate: recorded packets are replayed at their own times");
  if (forMs !== undefined) throw new UsageError("--soak plays scenarios, not a recording");
}

function scenarioOf(values: Values): Scenario {
  const found = loadScenario(values.scenario ?? USUAL_SCENARIO);
  const timed = values.duration === undefined ? found : { ...found, durationSeconds: values.duration / SECOND_MS };
  const rated = values.rate === undefined ? timed : scaled(timed, values.rate);
  return { ...rated, validator: validatorOf(rated.validator, values) };
}

function validatorOf(spec: Scenario["validator"], values: Values): Scenario["validator"] {
  return values.sigverifyPps === undefined ? spec : { ...spec, sigverifyPps: values.sigverifyPps };
}

function corpusOf(file: string, values: Values, memory: ValidatorMemory, seed: bigint): Source {
  let content: string;
  try {
    content = readFileSync(file, "utf8");
  } catch (error) {
    throw new Failure(`cannot read the corpus: ${messageOf(error)}`);
  }
  memory.digests.configure({ xxhashSeed: 0n, feeModel: values.feeModel });
  const entries = readCorpus(content, file, memory);
  const trace = new Trace();
  const rate = values.rate ?? CORPUS_PPS;
  const durationMs = values.duration ?? CORPUS_DURATION_MS;
  const expected = Math.ceil((rate * durationMs) / SECOND_MS) + 1;
  if (expected > PACKETS_MAX) throw new UsageError(tooMany(expected));
  trace.reserve(expected, expected);
  return {
    name: `${entries.length} transactions of ${file}`,
    trace,
    maker: new CorpusPackets(entries, seed),
    sending: new CorpusTraffic(entries, rate, seed, trace),
    validator: validatorOf(usualScenario().validator, values),
    durationMs,
    attackMs: 0,
  };
}

function tooMany(packets: number): string {
  return `${packets} packets are more than the ${PACKETS_MAX} that a run can keep account of; lower --rate or --duration`;
}

function scenarioWorld(values: Values, seed: bigint): Source {
  const scenario = scenarioOf(values);
  const perSecond = scenario.senders.reduce((sum, one) => sum + one.rate * one.copies, scenario.adaptive?.rate ?? 0);
  if (perSecond * scenario.durationSeconds > PACKETS_MAX) {
    throw new UsageError(tooMany(Math.ceil(perSecond * scenario.durationSeconds)));
  }
  return scenarioSource(scenario, seed, values.sign);
}

function showProgress(out: Output): ((now: Progress) => void) | undefined {
  if (!process.stderr.isTTY) return undefined;
  let before: Progress = { ms: 0, sent: 0, delivered: 0, included: 0, lamports: 0 };
  return (now) => {
    const rate = (key: "sent" | "delivered" | "included"): string =>
      Math.round(((now[key] - before[key]) * SECOND_MS) / Math.max(1, now.ms - before.ms)).toLocaleString("en-US");
    out.note(
      `${(now.ms / SECOND_MS).toFixed(0).padStart(4)} s  sent ${rate("sent")}/s  delivered ${rate("delivered")}/s  ` +
        `included ${rate("included")}/s  ${Math.round(now.lamports).toLocaleString("en-US")} lamports`,
    );
    before = now;
  };
}

/** What is sent, and the packet layout of the channels: where none is there and none is named, a recording's own. */
function trafficOf(values: Values, seed: bigint): { readonly source: Source; readonly memory: ValidatorMemory } {
  const { corpus, replay } = values;
  if (replay === undefined) {
    const memory = validatorMemory(layoutOf(values));
    const source = corpus === undefined ? scenarioWorld(values, seed) : corpusOf(corpus, values, memory, seed);
    return { source, memory };
  }
  const { source, layout } = replaySource(replay, replayOptions(values));
  const packetLayout = layoutOf(values, layout);
  if (layout !== packetLayout) {
    const channels = `and the channels have ${packetLayout}`;
    throw new UsageError(`${replay} was recorded with --packet-layout ${layout}, ${channels}`);
  }
  return { source, memory: validatorMemory(packetLayout) };
}

const usualScenario = (): Scenario => loadScenario(USUAL_SCENARIO);

function replayOptions(values: Values) {
  const { sign: checked, duration: mostMs, salvage } = values;
  return { salvage, validator: validatorOf(usualScenario().validator, values), mostMs, checked };
}

/** In virtual time: a recording's layout is the engine's. */
function replayVirtual(values: Values, file: string, out: Output): number {
  const { source, layout } = replaySource(file, replayOptions(values));
  const { name, validator } = source;
  const scenario: Scenario = { ...usualScenario(), name, title: name, attackAt: 0, validator, senders: [] };
  const replay = { source, packetLayout: layout, assumed: assumedOf(values.sign) };
  return playVirtual(scenario, values.seed ?? 1n, values.model, values.json, out, replay, values.explain);
}

async function realTime(values: Values, out: Output): Promise<number> {
  const seed = values.seed ?? 1n;
  const { source, memory } = trafficOf(values, seed);
  const { stop, done } = untilSignal();
  const progress = values.json ? undefined : showProgress(out);
  try {
    const run = await runRealTime(memory, source, {
      place: { prefix: values.prefix, pages: values.useHugePages ? "huge" : "standard" },
      packetLayout: memory.layout.options.packetLayout,
      feeModel: values.feeModel,
      feedback: values.feedback,
      waitMs: values.wait,
      stop,
      ...(progress === undefined ? {} : { progress }),
    });
    const summary = summaryOf(run, {
      seed,
      isScenario: values.corpus === undefined && values.replay === undefined,
      assumed: values.replay === undefined ? undefined : assumedOf(values.sign),
      orderGapMs: values.checkOrder ? ORDER_GAP_MS : undefined,
    });
    if (values.json) out.json(summary);
    else for (const [label, value] of summaryRows(summary)) out.line(`${label.padEnd(16)}${value}`);
    return isClean(summary) ? EXIT_FINE : EXIT_FAILED;
  } finally {
    done();
  }
}

async function scoring(values: Values, out: Output): Promise<number> {
  const { scenario, seed, seeds, duration: durationMs, jobs, rows, json } = values;
  const names = scenario === undefined ? ALL_SCENARIOS : [scenario];
  await scoreboard(
    { names, first: seed ?? 1n, seeds, durationMs, jobs: jobs ?? availableParallelism(), rows, json },
    out,
  );
  return EXIT_FINE;
}

async function soaking(values: Values, forMs: number, out: Output): Promise<number> {
  const { stop, done } = untilSignal();
  try {
    const only = values.scenario === undefined ? undefined : scenarioOf(values);
    return await soak(values.seed ?? 1n, forMs, values.model, only, stop, out);
  } finally {
    done();
  }
}

export default command({
  name: "simulate",
  summary: "a validator to try the sidecar against",
  about:
    "Plays the validator in a process of its own: sends packets on the real channels, checks what the sidecar lets " +
    "through, answers as sigverify, scheduler and status cache do, and says at the end what was earned, next to what " +
    "other rules would have earned from the same traffic. Channels that are missing are created, and removed at the end; " +
    "where none is there and no layout is named, of the layout large, or of the replayed recording's.",
  flags: FLAGS,
  examples: [
    { line: "qos simulate", says: "agents with log-normal prices, one of them bad; a sidecar runs beside it" },
    {
      line: "qos simulate --no-feedback --check-order --corpus mainnet.jsonl",
      says: "real transactions; fails unless all come out as sent, the best of each batch first",
    },
    { line: "qos simulate --scenario bad-signatures-few --json", says: "one attack, the summary for a program" },
    { line: "qos simulate --scenario adaptive --virtual --seed 7", says: "the same every time, no sidecar needed" },
    { line: "qos simulate --replay monday.rec --virtual", says: "what would have become of recorded traffic" },
    { line: "qos simulate --scoreboard --seeds 1", says: "what each model earns in each scenario" },
    { line: "qos simulate --soak 2h", says: "seed after seed, with faults" },
  ],
  run: ({ values, out }) => {
    check(values);
    if (values.soak !== undefined) return soaking(values, values.soak, out);
    if (values.virtual && values.replay !== undefined) return replayVirtual(values, values.replay, out);
    if (values.scoreRow) {
      out.json(playRow(scenarioOf(values), values.seed ?? 1n));
      return EXIT_FINE;
    }
    if (values.scoreboard) return scoring(values, out);
    if (values.virtual) {
      const { model, json, explain } = values;
      return playVirtual(scenarioOf(values), values.seed ?? 1n, model, json, out, undefined, explain);
    }
    return realTime(values, out);
  },
});
