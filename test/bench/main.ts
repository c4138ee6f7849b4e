// `npm run bench`: the suite against the Rust baselines, as a table and as JSON. docs/performance.md says what the lines
// mean and what they came to, `npm run bench -- --help` what there is.

import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { allowedCpus } from "../../ffi/thread.ts";
import { buildKernel } from "../../src/kernel/build.ts";
import { PARTIAL_METAS } from "../../src/shape/layout.ts";
import { buildRust } from "../rust/build.ts";
import { cellsOf, HEADINGS, type Line, measure, printRow } from "./bench.ts";
import { MIXES, PACKETS } from "./packets.ts";

const OPTIONS = {
  help: { type: "boolean", short: "h", default: false },
  only: { type: "string", default: "" },
  json: { type: "string" },
  smoke: { type: "boolean", default: false },
  whole: { type: "boolean", default: false },
  watched: { type: "boolean", default: false },
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
  pps: { type: "string" },
} as const;

const HELP = `npm run bench -- [options]

  (none)          everything against the Rust baselines, interleaved; some minutes
  --only WORD     groups whose name contains the word
  --smoke         seconds: the work is done, checksums must be the expected ones
  --whole         the built binary behind a saturating producer; --against CMD: another sidecar in turn with it
  --watched       the same with and without a scrape and a monitor's read every second; about a minute
  --growth        packets/s against fill, senders, size, channels, duplicates
  --database      rows a second into each database, and what records cost the loop; --small: less of it
  --stalls        the longest turns, in the loop thread's CPU time; bytes per packet

  --json FILE     the lines as JSON too
  --mix NAME      packets of --whole and --watched: ${MIXES.join(", ")} [default corpus]
  --model NAME    of --whole, --watched and --stalls: ip-signer, evidence [default ip-signer]
  --pps N         of --whole and --watched: the producer pushes so many a second [default as many as it can; 1.6 M]
  --seconds N     of a run of --whole, or of --stalls
  --rounds N      runs of each side
  --cpu N         the measured threads' core [default the last one allowed]
  --help          this`;

function wrong(message: string): never {
  console.error(`bench: ${message}; see npm run bench -- --help`);
  process.exit(2);
}

/** The options; a mistake among them ends the process with a line. */
function readOptions() {
  try {
    const { values } = parseArgs({ options: OPTIONS });
    for (const name of ["seconds", "cpu", "rounds", "pps"] as const) {
      const value = values[name];
      if (value !== undefined && !/^\d+$/.test(value)) wrong(`--${name} "${value}" is no number`);
    }
    if (!MIXES.some((name) => name === values.mix)) wrong(`--mix "${values.mix}" is none of ${MIXES.join(", ")}`);
    if (!["ip-signer", "evidence"].includes(values.model))
      wrong(`--model "${values.model}" is none of ip-signer, evidence`);
    return values;
  } catch (error) {
    // Node's sentence, without what it goes on to say of arguments in general.
    return wrong((error instanceof Error ? error.message : String(error)).split(". ")[0]);
  }
}

const values = readOptions();
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
await buildKernel();

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
      pps: values.pps,
    });
    writeJson({ whole: result });
    return 0;
  }
  if (values.watched) {
    const { observed, tellObserved } = await import("./observed.ts");
    const result = await observed({ mix, model, cores, pps: values.pps, rounds: Number(values.rounds ?? 10) });
    writeJson({ watched: result });
    return tellObserved(result) ? 0 : 1;
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
