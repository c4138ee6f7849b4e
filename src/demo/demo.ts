// `npm run demo`: builds the binary, gives it channels of its own, runs the sidecar and a simulated validator as two
// processes for a while, shows what flows, sums it up, and removes all that it made. Ctrl-C at any point does the same,
// only sooner. The processes are the operator's own commands: each is printed as it is started.
//
//   npm run demo                    15 seconds
//   npm run demo -- --seconds 60

import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Moments } from "../observe/moments.ts";
import type { Summary } from "../simulator/summary.ts";
import { Child } from "./children.ts";
import { Display } from "./display.ts";
import { closingLines, sidecarLines, validatorLines } from "./summary.ts";

const HOUSE = join(import.meta.dir, "../..");
const QOS = join(HOUSE, "dist", "qos");
/** Stays, beside the binary: everything else is removed. */
const REPORT = join(HOUSE, "dist", "demo-report.html");

const SECOND_MS = 1_000;
const DEFAULT_SECONDS = 15;
const SECONDS_MAX = 3_600;
/** The validator ends by itself when the sidecar has sent all that it holds; one that takes this much longer has failed. */
const OVERTIME_MS = 45 * SECOND_MS;
const START_MAX_MS = 15 * SECOND_MS;
const REFRESH_MS = 250;
/** Rates are taken over a second: single intervals jump with the ticks of 100 ms. */
const LOOK_MS = 1_000;
/** Sidecar, validator, this display and the rest of the machine: with fewer cores nobody may spin. */
const CORES_TO_SPIN = 4;

/** The demo was told to stop; nothing is wrong. */
class Stopped extends Error {}
/** Something went wrong, in a sentence for people. */
class DemoFailure extends Error {}

class Demo {
  readonly #prefix = `demo_${process.pid}_`;
  readonly #folder = mkdtempSync(join(tmpdir(), "qos-demo-"));
  readonly #database = `sqlite:${join(this.#folder, "demo.db")}`;
  readonly #display: Display;
  readonly #moments = new Moments(this.#prefix, "ips");
  readonly #started: Child[] = [];
  #channelsMade = false;
  #stopped = false;

  constructor(private readonly seconds: number) {
    this.#display = new Display(process.stdout, seconds * SECOND_MS);
  }

  /** What is under way ends soon (a build, which takes seconds, to its end: half of one would be left behind). */
  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    await this.#command("build", [process.execPath, join(HOUSE, "build.ts")], "building the binary");
    this.#channelsMade = true; // from here on, even half an init leaves something to remove
    await this.#command("init", this.#qos("init"));

    const idle = availableParallelism() < CORES_TO_SPIN ? "backoff" : "spin";
    const root = process.getuid?.() === 0 ? ["--allow-root"] : [];
    const sidecar = this.#start("run", [
      ...this.#qos("run", "--idle", idle, "--target-pps", "8000", ...root),
      ...["--db", this.#database, "--db-spill", join(this.#folder, "spill"), "--db-sample-fates", "0.1"],
    ]);
    await this.#until(() => typeof this.#moments.look() !== "string", sidecar, START_MAX_MS);
    const validator = this.#start("simulate", this.#qos("simulate", "--json", "--duration", `${this.seconds}s`));
    console.log("");
    await this.#watch(sidecar, validator);

    // The page goes with the sidecar, and nothing flows any more: this is how it ends.
    this.#moments.look();
    const { latest } = this.#moments;
    if (latest === undefined) throw new DemoFailure("the sidecar left no numbers");
    await this.#end(sidecar);
    console.log(`\n${sidecarLines(latest).join("\n")}`);
    const summary = JSON.parse(validator.output()) as Summary;
    console.log(`\n${validatorLines(summary).join("\n")}\n`);
    await this.#command("report", [QOS, "report", "--db", this.#database, "--html", REPORT]);
    console.log(`the run as a page with plots, to be opened in a browser: ${relative(process.cwd(), REPORT)}`);
    console.log(`\n${closingLines(summary).join("\n")}\n`);
  }

  /** Ends what runs and removes what was made; whatever happens, each part is tried. */
  async cleanUp(): Promise<void> {
    this.#display.end();
    this.#moments.close();
    for (const child of [...this.#started].reverse()) await child.end();
    if (this.#channelsMade) {
      const command = this.#qos("destroy", "--force");
      console.log(`$ ${readable(command)}`);
      const done = Bun.spawnSync(command, { stdout: "ignore", stderr: "inherit" });
      if (done.exitCode !== 0) process.exitCode = 1;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #qos(command: string, ...rest: string[]): string[] {
    return [QOS, command, "--prefix", this.#prefix, ...rest];
  }

  #start(name: string, command: string[], says: string = `$ ${readable(command)}`): Child {
    if (this.#stopped) throw new Stopped();
    console.log(says);
    const child = new Child(name, command, join(this.#folder, `${name}.log`), join(this.#folder, `${name}.out`));
    this.#started.push(child);
    return child;
  }

  /** Runs a command to its end. */
  async #command(name: string, command: string[], says?: string): Promise<void> {
    const child = this.#start(name, command, says);
    const { exitCode } = await child.finished();
    if (this.#stopped) throw new Stopped();
    if (exitCode !== 0) throw new DemoFailure(failureOf(child, exitCode));
  }

  async #end(child: Child): Promise<void> {
    const { exitCode } = await child.end();
    if (exitCode !== 0) throw new DemoFailure(failureOf(child, exitCode));
  }

  async #until(isDone: () => boolean, needs: Child, limitMs: number): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (!isDone()) {
      await this.#pause(needs);
      if (performance.now() > deadline) throw new DemoFailure(`${needs.name} did nothing for ${limitMs / SECOND_MS} s`);
    }
  }

  async #watch(sidecar: Child, validator: Child): Promise<void> {
    const startedMs = performance.now();
    const totalMs = this.seconds * SECOND_MS;
    let lookedMs = startedMs;
    while (validator.isRunning) {
      const nowMs = performance.now();
      if (nowMs - lookedMs >= LOOK_MS) {
        lookedMs = nowMs;
        const seen = this.#moments.look();
        if (typeof seen === "object") this.#display.show(seen, nowMs - startedMs);
      }
      if (nowMs - startedMs > totalMs + OVERTIME_MS) throw new DemoFailure("the simulated validator does not end");
      await this.#pause(sidecar);
    }
    this.#display.end();
    await this.#end(validator);
  }

  /** A moment's wait, which ends the demo if it was stopped or the process that it needs is gone. */
  async #pause(needs: Child): Promise<void> {
    await Bun.sleep(REFRESH_MS);
    if (this.#stopped) throw new Stopped();
    if (!needs.isRunning) throw new DemoFailure(failureOf(needs, (await needs.finished()).exitCode));
  }
}

function failureOf(child: Child, exitCode: number | null): string {
  const how = exitCode === null ? "was ended by a signal" : `failed (${exitCode})`;
  return `${child.name} ${how}:\n${child.logTail(20)}\n${child.output().split("\n").slice(-20).join("\n")}`.trimEnd();
}

/** The command as an operator would type it here. */
function readable(command: readonly string[]): string {
  return command.map((word) => (word === QOS ? "dist/qos" : word)).join(" ");
}

/** `--seconds N`, for how long it flows. */
function parseSeconds(words: readonly string[]): number {
  if (words.length === 0) return DEFAULT_SECONDS;
  const seconds = words.length === 2 && /^\d{1,4}$/.test(words[1]) ? Number(words[1]) : 0;
  if (words[0] === "--seconds" && seconds >= 1 && seconds <= SECONDS_MAX) return seconds;
  console.error(`wrong arguments: ${words.join(" ")} (known: --seconds N, from 1 to ${SECONDS_MAX})`);
  process.exit(2);
}

const demo = new Demo(parseSeconds(process.argv.slice(2)));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => demo.stop());
// A terminal that was closed, a reader that is gone (`npm run demo | head`): nobody looks any more.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => demo.stop());
try {
  await demo.run();
} catch (error) {
  if (error instanceof Stopped) console.log("\nstopped");
  else {
    process.exitCode = 1;
    console.error(`\n${error instanceof DemoFailure ? error.message : Bun.inspect(error)}`);
  }
} finally {
  await demo.cleanUp();
}
