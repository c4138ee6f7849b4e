// `qos simulate --scoreboard`: every scenario with several seeds, the models beside the rules that they are measured by, on
// the same traffic. A scenario and seed is a process of its own, several at a time; what they say is averaged here. Rows
// can be kept in a folder, so that a run that was broken off goes on from there.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, messageOf } from "../../failure.ts";
import { type Baselines, baselinesOf, type Measures, valueOfRun } from "../../simulator/measures.ts";
import { inRhythm, type Scenario, USUAL_SLOT_MS } from "../../simulator/scenario.ts";
import { SCENARIOS } from "../../simulator/scenarios/index.ts";
import { VirtualRun } from "../../simulator/virtual.ts";
import type { Output } from "../output.ts";
import { table } from "../table.ts";
import { modelOptions } from "./simulate-virtual.ts";

/** What the older sidecar was measured to stall for with full tables: a model update, and saving all scores after it. */
const REFERENCE_STALL_MS = 8 + 67;
/** A process that is compiled into one file has its program in there. */
const COMPILED = "/$bunfs/";
const MAIN = join(import.meta.dir, "../../main.ts");

const PLAYERS = [
  { name: "evidence", model: "evidence" },
  { name: "reference", model: "ip-signer" },
  { name: "reference, stalling", model: "ip-signer", stallMs: REFERENCE_STALL_MS },
] as const;

type PlayerName = (typeof PLAYERS)[number]["name"];

/** One scenario, one seed. */
export interface ScoreRow {
  readonly scenario: string;
  readonly seed: string;
  readonly players: Readonly<Record<PlayerName, Measures>>;
  /** Value of the evidence model on the same traffic with the other slots; undefined if the oracle earns nothing. */
  readonly otherRhythmValue?: number;
}

/** Slots were of 400 ms, and come down to 200 in steps: a scenario is played with the one it names, and with the other. */
const LONG_SLOT_MS = 400;

/** Plays all models on one seed's traffic. Baselines are computed once, unless attackers adapt to what they see. */
export function playRow(scenario: Scenario, seed: bigint): ScoreRow {
  let baselines: Baselines | undefined;
  const players: Partial<Record<PlayerName, Measures>> = {};
  for (const player of PLAYERS) {
    const stallMs = "stallMs" in player ? player.stallMs : undefined;
    const run = new VirtualRun({
      scenario,
      seed,
      checks: false,
      ...modelOptions(player.model),
      ...(stallMs === undefined ? {} : { mishaps: { learnStallMs: stallMs } }),
    }).run();
    if (baselines === undefined || scenario.adaptive !== undefined) baselines = baselinesOf(run.source, run.nowMs);
    const { measures } = run.result(baselines);
    players[player.name] = { ...measures, attack: { ...measures.attack, shares: [] } };
  }
  const value = otherRhythmValue(scenario, seed);
  return {
    scenario: scenario.name,
    seed: seed.toString(),
    players: players as Record<PlayerName, Measures>,
    ...(value === undefined ? {} : { otherRhythmValue: value }),
  };
}

function otherRhythmValue(scenario: Scenario, seed: bigint): number | undefined {
  const slotMs = scenario.validator.slotMs === LONG_SLOT_MS ? USUAL_SLOT_MS : LONG_SLOT_MS;
  const other = inRhythm(scenario, slotMs);
  return valueOfRun(new VirtualRun({ scenario: other, seed, checks: false, ...modelOptions("evidence") }).run());
}

export interface ScoreboardOptions {
  readonly names: readonly string[];
  /** The first seed, and how many. */
  readonly first: bigint;
  readonly seeds: number;
  /** The duration of each run; undefined: each scenario's own. */
  readonly durationMs: number | undefined;
  /** Processes at a time. */
  readonly jobs: number;
  /** Folder in which rows are kept, and looked for before they are played. */
  readonly rows: string | undefined;
  readonly json: boolean;
}

/** @throws Failure if a row cannot be played or kept */
export async function scoreboard(options: ScoreboardOptions, out: Output): Promise<void> {
  const { names, first, seeds, durationMs, rows: folder, json } = options;
  const todo = names.flatMap((name) => Array.from({ length: seeds }, (_, i) => ({ name, seed: first + BigInt(i) })));
  const flags = durationMs === undefined ? [] : ["--duration", `${durationMs}ms`];
  const rows: ScoreRow[] = [];
  const started = performance.now();
  let next = 0;
  let played = 0;
  if (folder !== undefined) openFolder(folder);
  const work = async (): Promise<void> => {
    for (let job = todo[next++]; job !== undefined; job = todo[next++]) {
      const { name, seed } = job;
      const file = folder === undefined ? undefined : join(folder, rowFile(name, seed, durationMs));
      let row = file === undefined ? undefined : readRow(file, name, seed);
      if (row === undefined) {
        row = await playElsewhere(["--scenario", name, "--seed", seed.toString(), ...flags]);
        played += 1;
        if (file !== undefined) keepRow(file, row);
      }
      rows.push(row);
      const minutes = (((performance.now() - started) / played) * (todo.length - rows.length)) / 60_000;
      const left = played === 0 ? "" : `, about ${minutes.toFixed(1)} min left`;
      out.note(
        `${rows.length} of ${todo.length}: ${name}, seed ${seed}, ${row.players.evidence.value?.toFixed(3)}${left}`,
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, todo.length) }, work));
  const lines = names.map((name) => averageOf(rows.filter((row) => row.scenario === name)));
  if (json) out.json({ seeds, first: first.toString(), durationMs, scenarios: lines, rows });
  else for (const line of scoreLines(lines)) out.line(line);
}

function openFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Failure(`cannot keep rows in ${folder}: ${messageOf(error)}`);
  }
}

/** A row's file: of one scenario, seed and duration. */
export function rowFile(name: string, seed: bigint, durationMs: number | undefined): string {
  return `${name.replaceAll(/[^a-z0-9-]/gi, "_")}-${seed}-${durationMs === undefined ? "own" : `${durationMs}ms`}.json`;
}

/** @throws Failure if the file holds something else */
function readRow(file: string, name: string, seed: bigint): ScoreRow | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const row = JSON.parse(readFileSync(file, "utf8")) as ScoreRow;
    for (const player of PLAYERS) row.players[player.name].attack.share.toFixed();
    if (row.seed === seed.toString()) return row;
  } catch (error) {
    throw new Failure(`${file} is not a row of ${name}: ${messageOf(error)}`);
  }
  throw new Failure(`${file} is not a row of ${name}, seed ${seed}`);
}

/** Whole or not at all: a row that is broken off is played again. */
function keepRow(file: string, row: ScoreRow): void {
  try {
    writeFileSync(`${file}.part`, JSON.stringify(row));
    renameSync(`${file}.part`, file);
  } catch (error) {
    throw new Failure(`cannot keep a row: ${messageOf(error)}`);
  }
}

async function playElsewhere(flags: readonly string[]): Promise<ScoreRow> {
  const program = Bun.main.startsWith(COMPILED) ? [process.execPath] : [process.execPath, MAIN];
  const child = Bun.spawn([...program, "simulate", "--score-row", ...flags], { stdout: "pipe", stderr: "pipe" });
  const [text, problem, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Failure(`simulate ${flags.join(" ")} ended with ${code}: ${problem.trim()}`);
  return JSON.parse(text) as ScoreRow;
}

export interface ScoreLine {
  readonly scenario: string;
  /** Honest lamports by the oracle's, mean over the seeds. */
  readonly value: Readonly<Record<PlayerName, number>>;
  readonly arrivalOrder: number;
  readonly declaredFee: number;
  readonly feeFloor: number;
  /** The evidence model's value with slots of 400 ms (of 200 ms where the scenario's own are of 400). */
  readonly otherRhythm: number | null;
  /** Of the evidence model: means over the seeds, for `isolatedMs` the worst; null: never, or nothing to measure. */
  readonly waste: number;
  readonly isolatedMs: number | null;
  /** Attackers' share of what was delivered, and of what an oracle delivers that everybody pays. */
  readonly attackers: number;
  readonly paying: number;
  /** Until attackers stay less than 5% above what they are worth; the worst. */
  readonly beyondPayingMs: number | null;
  readonly newcomers: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export function averageOf(rows: readonly ScoreRow[]): ScoreLine {
  const mean = (pick: (measures: Measures) => number | undefined, player: PlayerName = "evidence"): number | null => {
    return meanOf(rows.map(({ players }) => pick(players[player])));
  };
  const worst = (pick: (measures: Measures) => number | undefined): number | null => {
    const most = Math.max(...rows.map(({ players }) => pick(players.evidence) ?? Number.POSITIVE_INFINITY));
    return Number.isFinite(most) ? most : null;
  };
  return {
    scenario: rows[0].scenario,
    value: Object.fromEntries(PLAYERS.map(({ name }) => [name, mean(({ value }) => value, name) ?? 0])) as Record<
      PlayerName,
      number
    >,
    arrivalOrder: mean((one) => one.arrivalOrderValue) ?? 0,
    declaredFee: mean((one) => one.declaredFeeValue) ?? 0,
    feeFloor: mean((one) => one.feeFloorValue) ?? 0,
    otherRhythm: meanOf(rows.map((row) => row.otherRhythmValue)),
    waste: mean((one) => one.waste) ?? 0,
    isolatedMs: worst((one) => one.attack.isolatedAfterMs),
    attackers: mean((one) => one.attack.share) ?? 0,
    paying: mean((one) => one.beyondPaying.payingShare) ?? 0,
    beyondPayingMs: worst((one) => one.beyondPaying.isolatedAfterMs),
    newcomers: mean((one) => one.newcomers),
    p50Ms: mean((one) => one.delays?.p50Ms),
    p99Ms: mean((one) => one.delays?.p99Ms),
  };
}

/** The mean of what is known; null where nothing is. */
function meanOf(values: readonly (number | null | undefined)[]): number | null {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0) / known.length;
}

const HEAD = [
  "scenario",
  "evidence",
  "reference",
  "stalling",
  "arrival",
  "declared",
  "floor",
  "rhythm",
  "waste",
  "attackers",
  "paying",
  "isolated",
  "beyond",
  "newcomers",
  "p50 ms",
  "p99 ms",
];

/** The table: lines of text. */
export function scoreLines(lines: readonly ScoreLine[]): string[] {
  const share = (value: number | null): string => (value === null ? "-" : value.toFixed(2).replace(/^0/, ""));
  const ms = (value: number | null): string => (value === null ? "-" : value.toFixed(0));
  const seconds = (value: number | null): string => (value === null ? "never" : `${(value / 1_000).toFixed(1)} s`);
  const rows = lines.map((line) => [
    line.scenario,
    share(line.value.evidence),
    share(line.value.reference),
    share(line.value["reference, stalling"]),
    share(line.arrivalOrder),
    share(line.declaredFee),
    share(line.feeFloor),
    share(line.otherRhythm),
    share(line.waste),
    share(line.attackers),
    share(line.paying),
    seconds(line.isolatedMs),
    seconds(line.beyondPayingMs),
    share(line.newcomers),
    ms(line.p50Ms),
    ms(line.p99Ms),
  ]);
  const mean = (pick: (line: ScoreLine) => number): string =>
    share(lines.reduce((sum, line) => sum + pick(line), 0) / lines.length);
  const means = [
    "mean",
    mean((line) => line.value.evidence),
    mean((line) => line.value.reference),
    mean((line) => line.value["reference, stalling"]),
    mean((line) => line.arrivalOrder),
    mean((line) => line.declaredFee),
    mean((line) => line.feeFloor),
    share(meanOf(lines.map((line) => line.otherRhythm))),
    mean((line) => line.waste),
    "",
    "",
    "",
    "",
    "",
    ms(meanOf(lines.map((line) => line.p50Ms))),
    ms(meanOf(lines.map((line) => line.p99Ms))),
  ];
  return table(HEAD, [...rows, means]);
}

/** All scenarios that come with qos, in their order. */
export const ALL_SCENARIOS: readonly string[] = Object.keys(SCENARIOS);
