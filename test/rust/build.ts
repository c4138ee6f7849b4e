// Builds the cargo workspace beside this file, once a process, and the one in agave/, which is built on the validator's own
// crates. Tests that need their programs call `buildRust()` or `buildAgave()`, and skip with its reason if cargo is missing.
// A build that fails is an error, never a skip.
//
//   sh .ci/bun test/rust/build.ts      builds, and prints where the programs are

import { join } from "node:path";

export interface RustBuild {
  /** False only if cargo is missing. */
  readonly ok: boolean;
  readonly reason?: string;
  /** Folder of the release programs. */
  readonly binDir: string;
}

const WORKSPACE = import.meta.dir;
export const AGAVE = join(WORKSPACE, "agave");
const built = new Map<string, RustBuild>();

/**
 * Builds the workspace in release form from its lock file.
 * @throws Error where cargo is there and the build fails, with the compiler's words
 */
export function buildRust(): RustBuild {
  return build(WORKSPACE, [["build"]]);
}

/** The same for the programs on the validator's crates, with the bridge's tests: minutes where nothing is built yet. */
export function buildAgave(): RustBuild {
  return build(AGAVE, [
    ["build", "--workspace"],
    ["test", "--workspace", "--no-run"], // the whole workspace: for one package alone cargo builds with other features
  ]);
}

/** Where cargo is, if it is on this machine. */
export function findCargo(): string | null {
  return Bun.which("cargo") ?? Bun.which("cargo", { PATH: join(process.env.HOME ?? "/", ".cargo", "bin") });
}

function build(folder: string, commands: readonly (readonly string[])[]): RustBuild {
  const known = built.get(folder);
  if (known !== undefined) return known;
  const result = run(folder, commands);
  if (!result.ok) console.warn(`tests are skipped: ${result.reason}`);
  built.set(folder, result);
  return result;
}

function run(folder: string, commands: readonly (readonly string[])[]): RustBuild {
  const binDir = join(folder, "target", "release");
  const cargo = findCargo();
  if (cargo === null)
    return { ok: false, reason: "no cargo on this machine: the Rust peers and oracles are not built", binDir };
  for (const words of commands) {
    const done = Bun.spawnSync([cargo, ...words, "--release", "--locked", "--quiet", "--color", "never"], {
      cwd: folder,
      stdout: "pipe",
      stderr: "pipe",
    });
    if (done.exitCode !== 0) throw new Error(`cargo ${words[0]} failed in ${folder}:\n${done.stderr.toString()}`);
  }
  return { ok: true, binDir };
}

if (import.meta.main) {
  for (const result of [buildRust(), buildAgave()]) console.log(result.ok ? result.binDir : result.reason);
}
