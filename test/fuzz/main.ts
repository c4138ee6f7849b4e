// `npm run fuzz`: the parser against the validator's own, for as long as one likes.
//
//   npm run fuzz -- --minutes 5          or --cases 100000000; --seed N starts elsewhere (default 1)
//
// Case n of a run is made from seed + n alone, so that any of them can be made again. Ends with code 1 at disagreements.

import { corpus } from "../engine/rig.ts";
import { makeCase } from "./cases.ts";
import { Comparison } from "./compare.ts";
import { runtime } from "./runtime-oracle.ts";
import { rust } from "./view-oracle.ts";

const BATCH = 8_192;
const REPORT_MS = 5_000;
const SHOWN = 10;

interface Wanted {
  cases: number;
  ms: number;
  seed: number;
}

function readArguments(words: readonly string[]): Wanted {
  const wanted: Wanted = { cases: Number.POSITIVE_INFINITY, ms: Number.POSITIVE_INFINITY, seed: 1 };
  for (let i = 0; i < words.length; i += 2) {
    const value = Number(words[i + 1]);
    if (!(value > 0)) throw new RangeError(`${words[i]} needs a number above 0`);
    if (words[i] === "--minutes") wanted.ms = value * 60_000;
    else if (words[i] === "--cases") wanted.cases = value;
    else if (words[i] === "--seed") wanted.seed = value;
    else throw new RangeError(`unknown ${words[i]} (known: --minutes, --cases, --seed)`);
  }
  if (wanted.cases === Number.POSITIVE_INFINITY && wanted.ms === Number.POSITIVE_INFINITY) wanted.ms = 60_000;
  return wanted;
}

function main(): number {
  let wanted: Wanted;
  try {
    wanted = readArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`fuzz: ${error instanceof Error ? error.message : error}`);
    return 2;
  }
  if (!rust.ok || !runtime.ok) {
    console.error(`fuzz: ${rust.reason ?? runtime.reason}`);
    return 1;
  }
  const comparison = new Comparison();
  const { tally, differences } = comparison;
  const start = performance.now();
  let reported = start;
  let shown = 0;
  while (tally.cases < wanted.cases && performance.now() - start < wanted.ms) {
    const count = Math.min(BATCH, wanted.cases - tally.cases);
    const first = wanted.seed + tally.cases;
    comparison.run(Array.from({ length: count }, (_, i) => makeCase(first + i, corpus)));
    for (; shown < differences.length && shown < SHOWN; shown++)
      console.log(JSON.stringify(differences[shown], bigText));
    const now = performance.now();
    if (now - reported >= REPORT_MS) {
      reported = now;
      const rate = (tally.cases / (now - start)).toFixed(1);
      console.log(`${tally.cases} cases (${rate} thousand/s), ${differences.length} disagreements`);
    }
  }
  console.log(`done: ${JSON.stringify(tally)}, ${differences.length} disagreements, seed ${wanted.seed}`);
  return differences.length === 0 ? 0 : 1;
}

const bigText = (_: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}` : value);

process.exitCode = main();
