// `npm run mutants`: puts each deliberate error of the table into a copy of the tree, one at a time, and runs the tests that
// must see it. An error that all of them pass is a test that is missing.
//
//   npm run mutants                                 all of them
//   npm run mutants -- --only M06,channel           by id, or by a part of the file's path
//   npm run mutants -- --sample 3 --seed TEXT       some cheap ones, drawn by a seed
//   npm run mutants -- --jobs 4 --json              several copies at once; the results as JSON
//   npm run mutants -- --list                       what there is
//
// Exit code: 0 if all were seen, 1 if one was not or its tests fail without it, 2 for wrong usage.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { table } from "../../src/cli/table.ts";
import { endRunningSteps } from "../runner/step.ts";
import { type Mutant, mutate, sample } from "./mutant.ts";
import { MUTANTS } from "./table.ts";
import { type Outcome, Tree } from "./tree.ts";

const HOUSE = join(import.meta.dir, "../..");
const LIMIT_MS = 300_000;
const JOBS_MAX = 64;

interface Row {
  readonly id: string;
  readonly error: string;
  readonly file: string;
  readonly verdict: Outcome["verdict"] | "broken";
  readonly by: string;
  readonly seconds: number;
}

function fail(sentence: string): never {
  console.error(`mutants: ${sentence}`);
  process.exit(2);
}

function options() {
  try {
    return parseArgs({
      args: process.argv.slice(2),
      options: {
        only: { type: "string" },
        sample: { type: "string" },
        seed: { type: "string", default: "1" },
        jobs: { type: "string", default: "1" },
        json: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(flag: string, text: string, max: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max) fail(`${flag}: expected a whole number from 1 to ${max}`);
  return value;
}

function choose(only: string | undefined): readonly Mutant[] {
  if (only === undefined) return MUTANTS;
  const chosen = new Set<Mutant>();
  for (const word of only.split(",")) {
    const found = MUTANTS.filter(({ id, file }) => id === word || file.includes(word));
    if (word === "" || found.length === 0) fail(`--only: there is no error "${word}"; --list names them`);
    for (const one of found) chosen.add(one);
  }
  return MUTANTS.filter((one) => chosen.has(one));
}

const { only, sample: sampled, seed, jobs, json, list } = options();
let chosen = choose(only);
if (sampled !== undefined) {
  const cheap = chosen.filter(({ slow }) => slow !== true);
  chosen = sample(cheap, wholeNumber("--sample", sampled, MUTANTS.length), seed);
}
if (list) {
  const rows = chosen.map(({ id, file, error, tests }) => [id, file, error, tests.join(" ")]);
  for (const line of table(["id", "file", "error", "tests"], rows)) console.log(line);
  process.exit(0);
}

for (const mutant of chosen) {
  try {
    mutate(readFileSync(join(HOUSE, mutant.file), "utf8"), mutant);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

const trees = Array.from(
  { length: Math.min(chosen.length, wholeNumber("--jobs", jobs, JOBS_MAX)) },
  () => new Tree(HOUSE),
);
const removeTrees = (): void => {
  for (const tree of trees) tree.remove();
};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    endRunningSteps();
    removeTrees();
    process.exit(1);
  });
}

const say = (line: string): void => {
  if (!json) console.log(line);
};
/** Tests that pass without an error: only those can see one. By their names. */
const whole = new Map<string, Promise<Outcome>>();
const rows: Row[] = [];
const queue = [...chosen];
say(`${chosen.length} deliberate errors in ${trees.length === 1 ? "a copy" : `${trees.length} copies`} of the tree`);

async function work(tree: Tree): Promise<void> {
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const { id, error, file, tests } = mutant;
    const key = tests.join(" ");
    const before = whole.get(key) ?? tree.test(tests, LIMIT_MS);
    whole.set(key, before);
    const plain = await before;
    const outcome = plain.verdict === "unseen" ? await tree.run(mutant, LIMIT_MS) : plain;
    const verdict = plain.verdict === "unseen" ? outcome.verdict : "broken";
    const seconds = Math.round(outcome.elapsedMs / 100) / 10;
    rows.push({ id, error, file, verdict, by: outcome.by, seconds });
    const words = { seen: "seen", hung: "seen (it hung)", unseen: "NOT SEEN", broken: "BROKEN without the error" };
    say(`${`[${rows.length}/${chosen.length}]`.padEnd(9)}${id.padEnd(5)} ${words[verdict]}, ${seconds} s: ${error}`);
    if (verdict === "broken") say(outcome.output.trimEnd());
  }
}

try {
  await Promise.all(trees.map(work));
} finally {
  removeTrees();
}
rows.sort((a, b) => chosen.findIndex(({ id }) => id === a.id) - chosen.findIndex(({ id }) => id === b.id));
const seen = rows.filter(({ verdict }) => verdict === "seen" || verdict === "hung").length;
if (json) console.log(JSON.stringify({ seen, of: rows.length, rows }, null, 2));
else {
  const cells = rows.map(({ id, file, error, verdict, by, seconds }) => [id, verdict, seconds, file, error, by]);
  console.log("");
  for (const line of table(["id", "verdict", "s", "file", "error", "first seen by"], cells)) console.log(line);
  console.log(`\n${seen} of ${rows.length} deliberate errors were seen`);
}
process.exit(seen === rows.length ? 0 : 1);
