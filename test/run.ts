// `npm test`: type check, lint, build, then every test file, group by group, with one sum at the end. A group is a
// folder of test/, run as a process of its own, so that a crash, a hang or a leak costs one group alone.
//
//   npm test                          everything
//   npm test -- --only check          types, lint and what nothing uses (types, lint, unused, build or a group's name, too)
//   npm test -- --only unit           the groups that need no built binary
//   npm test -- --only rank,queue     several steps or groups
//
// The last line is `N passed, N failed`, with `, N skipped` if tests were skipped; exit code 0 only if none failed.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addCounts, type Counts, closingLine, countTests } from "./runner/counts.ts";
import { findTests } from "./runner/find-tests.ts";
import { findLeftovers, listSharedMemory } from "./runner/leftovers.ts";
import { skippedTests } from "./runner/skips.ts";
import { endRunningSteps, runStep, type Step } from "./runner/step.ts";

const HOUSE = join(import.meta.dir, "..");
const SECOND_MS = 1_000;
/** A test that says nothing else may take this long: the machine may be small and busy. */
const TEST_LIMIT_MS = 60 * SECOND_MS;
const GROUP_LIMIT_MS = 600 * SECOND_MS;
/** CI stops at 60 minutes; what has not begun by then could not be told from a hang. */
const RUN_LIMIT_MS = 50 * 60 * SECOND_MS;

/** Groups that start the built binary; they come last, after everything that can fail sooner. */
const BINARY_GROUPS = ["settings", "observe", "binary", "sidecar", "simulator", "cli", "demo"];

interface Plan {
  readonly step: Step;
  readonly isTests: boolean;
}

/** Reports of the groups, which name the tests that were skipped. */
const reports = mkdtempSync(join(tmpdir(), "qos-reports-"));
const reportOf = (group: string): string => join(reports, `${group}.xml`);

const bun = process.execPath;

function fixedSteps(): Plan[] {
  const fixed = (name: string, limitSeconds: number, command: string[]): Plan => ({
    step: { name, command, limitMs: limitSeconds * SECOND_MS, output: "on-failure" },
    isTests: false,
  });
  return [
    fixed("types", 180, [bun, "x", "tsc", "-p", "."]),
    fixed("lint", 120, [bun, "x", "biome", "check", "--error-on-warnings", "."]),
    fixed("unused", 120, [bun, "x", "knip", "--config", ".knip.json", "--no-progress"]),
    fixed("build", 240, [bun, "build.ts"]),
    // Peers and oracles, ahead of the tests that need them, so that no test's time holds a build. Nothing without cargo.
    fixed("rust", 1_200, [bun, "test/rust/build.ts"]),
  ];
}

function testSteps(): Plan[] {
  const groups = findTests(import.meta.dir);
  const late = (name: string): number => BINARY_GROUPS.indexOf(name) + 1;
  const names = [...groups.keys()].sort((a, b) => late(a) - late(b) || a.localeCompare(b));
  return names.map((name) => ({
    step: {
      name,
      command: [
        ...[bun, "test", "--only-failures", `--timeout=${TEST_LIMIT_MS}`],
        ...["--reporter=junit", `--reporter-outfile=${reportOf(name)}`],
        ...(groups.get(name) ?? []).map((path) => `./test/${path}`),
      ],
      limitMs: GROUP_LIMIT_MS,
      output: "stream",
    },
    isTests: true,
  }));
}

function choose(plans: Plan[], only: string | undefined): Plan[] {
  if (only === undefined) return plans;
  const aliases: Record<string, (plan: Plan) => boolean> = {
    check: (plan) => ["types", "lint", "unused"].includes(plan.step.name),
    unit: (plan) => plan.isTests && !BINARY_GROUPS.includes(plan.step.name),
  };
  const chosen = new Set<Plan>();
  for (const word of only.split(",")) {
    const found = plans.filter(aliases[word] ?? ((plan) => plan.step.name === word));
    if (found.length === 0) {
      const names = [...Object.keys(aliases), ...plans.map((plan) => plan.step.name)].join(", ");
      console.error(`--only: there is no step "${word}" (there are: ${names})`);
      process.exit(2);
    }
    for (const plan of found) chosen.add(plan);
  }
  return plans.filter((plan) => chosen.has(plan));
}

async function runPlan({ step, isTests }: Plan, environment: Record<string, string | undefined>): Promise<Counts> {
  console.log(`\n== ${step.name}`);
  const result = await runStep(step, environment);
  let counts: Counts;
  if (isTests) counts = countTests(result.output, result.timedOut ? null : result.exitCode);
  else counts = { passed: result.exitCode === 0 ? 1 : 0, failed: result.exitCode === 0 ? 0 : 1, skipped: 0 };
  if (counts.failed > 0 && step.output === "on-failure") process.stdout.write(result.output);
  if (result.timedOut) console.log(`${step.name}: not done after ${step.limitMs / SECOND_MS} s, ended`);
  else if (result.exitCode === null) console.log(`${step.name}: ended by a signal`);
  for (const stray of result.strays) console.log(`${step.name}: left a process running, ended now: ${stray}`);
  if (result.strays.length > 0) counts = addCounts(counts, { passed: 0, failed: 1, skipped: 0 });
  for (const line of isTests ? skipsOf(step.name) : []) console.log(`skipped  ${line}`);
  console.log(`${step.name}: ${closingLine(counts)} in ${(result.elapsedMs / SECOND_MS).toFixed(1)} s`);
  return counts;
}

function skipsOf(group: string): string[] {
  const report = reportOf(group);
  return existsSync(report) ? skippedTests(readFileSync(report, "utf8")) : [];
}

function parseOnly(words: readonly string[]): string | undefined {
  if (words.length === 0) return undefined;
  const inline = words[0].startsWith("--only=") ? words[0].slice("--only=".length) : undefined;
  if (inline !== undefined && words.length === 1) return inline;
  if (words[0] === "--only" && words.length === 2) return words[1];
  console.error(`wrong arguments: ${words.join(" ")} (known: --only STEP[,STEP...])`);
  process.exit(2);
}

process.chdir(HOUSE);
const plans = choose([...fixedSteps(), ...testSteps()], parseOnly(process.argv.slice(2)));
const colour = process.stdout.isTTY ? { FORCE_COLOR: "1" } : {};
const environment = { ...process.env, ...colour };
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    endRunningSteps();
    rmSync(reports, { recursive: true, force: true });
    process.exit(1);
  });
}

const started = performance.now();
const before = listSharedMemory();
let sum: Counts = { passed: 0, failed: 0, skipped: 0 };
const failedSteps: string[] = [];
for (const plan of plans) {
  const leftMs = RUN_LIMIT_MS - (performance.now() - started);
  let counts: Counts = { passed: 0, failed: 1, skipped: 0 };
  if (leftMs <= 0) console.log(`\n== ${plan.step.name}\n${plan.step.name}: not begun, the run's time is over`);
  else {
    const limitMs = Math.min(plan.step.limitMs, leftMs);
    counts = await runPlan({ ...plan, step: { ...plan.step, limitMs } }, environment);
  }
  if (counts.failed > 0) failedSteps.push(plan.step.name);
  sum = addCounts(sum, counts);
}

rmSync(reports, { recursive: true, force: true });
const leftovers = findLeftovers(before);
for (const path of leftovers) console.log(`left behind in shared memory: ${path}`);
if (leftovers.length > 0) {
  sum = addCounts(sum, { passed: 0, failed: 1, skipped: 0 });
  failedSteps.push("leftovers");
}
const seconds = ((performance.now() - started) / SECOND_MS).toFixed(0);
console.log(
  failedSteps.length === 0 ? `\nall of ${plans.length} steps in ${seconds} s` : `\nfailed: ${failedSteps.join(", ")}`,
);
console.log(closingLine(sum));
process.exitCode = sum.failed === 0 ? 0 : 1;
