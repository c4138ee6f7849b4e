// `npm run bench`: the suite against the Rust baselines, as a table and as JSON. docs/performance.md says what the lines
// mean and what they came to.
//
//   npm run bench                              everything, interleaved with the baselines; some minutes
//   npm run bench -- --only pipeline           groups whose name contains the word
//   npm run bench -- --json FILE               the lines as JSON too
//   npm run bench -- --smoke                   seconds: the work is done, checksums must be the expected ones
//   npm run bench -- --whole [--against CMD]   the built binary behind a saturating producer; another sidecar beside it
//   npm run bench -- --growth                  packets/s against fill, senders, size, channels, duplicates
//   npm run bench -- --database [--small]      rows a second into each database, and what records cost the loop
//   npm run bench -- --stalls [--seconds N]    the longest turns, in the loop thread's CPU time; bytes per packet
//
// `--mix` is of --whole, `--model` of --whole and --stalls. `--cpu N` is the measured threads' core, the last allowed one
// where absent; `--rounds N` the runs of each side.

import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { allowedCpus } from "../../ffi/thread.ts";
import { buildKernel } from "../../src/kernel/build.ts";
import { PARTIAL_METAS } from "../../src/layout.ts";
import { buildRust } from "../rust/build.ts";
import { cellsOf, HEADINGS, type Line, measure, printRow } from "./bench.ts";
import { MIXES, PACKETS } from "./packets.ts";

await buildKernel();

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    json: { type: "string" },
    smoke: { type: "boolean", default: false },
    whole: { type: "boolean", default: false },
    against: { type: "string" },
    growth: { type: "boolean", default: false },
    stalls: { type: "boolean", default: false },
    database: { type: "boolean", default: false },
    small: { type: "boolean", default: false },
    seconds: { type: "string" },
    cpu: { type: "string" },
    rounds: { type: "string" },
    mix: { type: "string", default: "corpus" },
    model: { type: "string", default: "ip-signer" },
  },
});

const cores = allowedCpus();
const cpu = values.cpu === undefined ? cores.at(-1) : Number(values.cpu);

/** What the figures hold for. */
const machine = {
  processor: cpus()[0]?.model ?? "unknown",
  cores: cores.length,
  bun: Bun.version,
  commit: Bun.spawnSync(["git", "rev-parse", "--short", "HEAD"], { cwd: import.meta.dir, stderr: "ignore" })
    .stdout.toString()
    .trim(),
};

function writeJson(content: object): void {
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, ...content }, null, 2)}\n`);
}

async function suite(): Promise<number> {
  const { runSuite } = await import("./suite.ts");
  const rust = buildRust();
  const settings = {
    scale: 1,
    rounds: Number(values.rounds ?? 9),
    warm: 2,
    tableSizes: [100, 1_000, 10_000, 100_000],
    storeCapacity: PARTIAL_METAS,
    packets: PACKETS,
    emptyEvery: 100_000,
    cpu,
    withBaselines: rust.ok,
  };
  console.log(`${machine.processor}, ${machine.cores} cores, Bun ${machine.bun}, ${machine.commit}`);
  console.log(
    `medians and least of ${settings.rounds} interleaved runs, CPU time of the measured thread on core ${cpu}\n`,
  );
  printRow(HEADINGS);
  const lines: Line[] = [];
  // First: a process started by a pinned thread is pinned with it.
  if (values.only === "" || "process".includes(values.only)) {
    const { processLines } = await import("./process.ts");
    const { channelProcessBenches } = await import("./channel-processes.ts");
    for (const bench of channelProcessBenches(cores)) {
      const line = await measure(bench, 3, 0);
      lines.push(line);
      printRow(cellsOf(line));
    }
    for await (const line of processLines(cores, rust.ok)) {
      lines.push(line);
      printRow(cellsOf(line));
    }
  }
  await runSuite(settings, values.only, (line) => {
    lines.push(line);
    printRow(cellsOf(line));
  });
  writeJson({ rounds: settings.rounds, lines });
  const wrong = lines.filter(({ agrees }) => !agrees);
  for (const { name } of wrong) console.error(`${name}: the two sides' checksums differ`);
  return wrong.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  if (values.smoke) return await (await import("./smoke.ts")).smoke();
  const mix = MIXES.find((name) => name === values.mix) ?? "corpus";
  const model = values.model === "evidence" ? "evidence" : "ip-signer";
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
  if (values.whole) {
    const { whole } = await import("./whole.ts");
    const result = await whole({
      seconds: seconds ?? 15,
      mix,
      model,
      against: values.against,
      cores,
      rounds: Number(values.rounds ?? 3),
    });
    writeJson({ whole: result });
    return 0;
  }
  if (values.database) {
    await import("./database.ts"); // it reads its own flags, and measures as it is loaded
    return 0;
  }
  if (values.growth) {
    const { growth } = await import("./growth.ts");
    writeJson({ growth: growth(cpu) });
    return 0;
  }
  if (values.stalls) {
    const { stalls } = await import("./stalls.ts");
    writeJson({ stalls: stalls({ seconds: seconds ?? 60, cpu, model }) });
    return 0;
  }
  return await suite();
}

process.exit(await main());
