// A copy of the tree for deliberate errors: the work tree itself is never touched. What is large and only read (packages,
// what cargo built) is linked.

import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runStep } from "../runner/step.ts";
import { type Mutant, mutate } from "./mutant.ts";

const COPIED = ["src", "ffi", "test", "docs", "package.json", "package-lock.json", "tsconfig.json", "bunfig.toml"];
const ALSO_COPIED = ["build.ts", "README.md"];
const LINKED = ["node_modules", "test/rust/target"];
const NOT_COPIED = /\/(test\/rust\/target|node_modules)(\/|$)/;

export type Verdict = "seen" | "unseen" | "hung";

export interface Outcome {
  readonly verdict: Verdict;
  readonly elapsedMs: number;
  /** The first test that failed. */
  readonly by: string;
  readonly output: string;
}

export class Tree {
  readonly folder: string;

  /** @param house the tree that is copied */
  constructor(house: string) {
    this.folder = mkdtempSync(join(tmpdir(), "qos-mutants-"));
    chmodSync(this.folder, 0o755); // tests go on as another user in it
    for (const name of [...COPIED, ...ALSO_COPIED]) {
      const filter = (source: string): boolean => !NOT_COPIED.test(source.slice(house.length));
      cpSync(join(house, name), join(this.folder, name), { recursive: true, preserveTimestamps: true, filter });
    }
    for (const name of LINKED) symlinkSync(join(house, name), join(this.folder, name));
  }

  /** Puts the error in, runs its tests, and takes it out again. */
  async run(mutant: Mutant, limitMs: number): Promise<Outcome> {
    const path = join(this.folder, mutant.file);
    const whole = readFileSync(path, "utf8");
    writeFileSync(path, mutate(whole, mutant));
    try {
      return await this.test(mutant.tests, limitMs);
    } finally {
      writeFileSync(path, whole);
    }
  }

  /** Runs test files or folders. `unseen` means that all of them passed. */
  async test(tests: readonly string[], limitMs: number): Promise<Outcome> {
    const result = await runStep(
      {
        name: "mutant",
        command: [
          "sh",
          "-c",
          'cd "$0" && exec "$@"',
          this.folder,
          process.execPath,
          ...["test", "--only-failures", "--bail=1", "--timeout=60000"],
          ...tests.map((path) => `./test/${path}`),
        ],
        limitMs,
        output: "on-failure",
      },
      { ...process.env, FORCE_COLOR: "0" },
    );
    const { output, elapsedMs } = result;
    if (result.timedOut) return { verdict: "hung", elapsedMs, by: "the time limit", output };
    if (result.exitCode === 0) return { verdict: "unseen", elapsedMs, by: "", output };
    const failed = /^\(fail\) (.*?)( \[[\d.]+m?s\])?$/m.exec(output)?.[1];
    return { verdict: "seen", elapsedMs, by: failed ?? lastLine(output), output };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function lastLine(output: string): string {
  return output.match(/^.*(error|Error|panic).*$/m)?.[0].trim() ?? "its exit code";
}
