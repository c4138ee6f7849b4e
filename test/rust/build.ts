// Builds the cargo workspace beside this file, once a process. Tests that need its programs call `buildRust()`, and skip
// with its reason if cargo is missing. A build that fails is an error, never a skip.
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
let built: RustBuild | undefined;

/**
 * Builds the workspace in release form from its lock file.
 * @throws Error where cargo is there and the build fails, with the compiler's words
 */
export function buildRust(): RustBuild {
  if (built === undefined) {
    built = build();
    if (!built.ok) console.warn(`tests are skipped: ${built.reason}`);
  }
  return built;
}

function build(): RustBuild {
  const binDir = join(WORKSPACE, "target", "release");
  const cargo = Bun.which("cargo") ?? Bun.which("cargo", { PATH: join(process.env.HOME ?? "/", ".cargo", "bin") });
  if (cargo === null)
    return { ok: false, reason: "no cargo on this machine: the Rust peers and oracles are not built", binDir };
  const run = Bun.spawnSync([cargo, "build", "--release", "--locked", "--quiet", "--color", "never"], {
    cwd: WORKSPACE,
    stdout: "pipe",
    stderr: "pipe",
  });
  if (run.exitCode !== 0) throw new Error(`cargo build failed:\n${run.stderr.toString()}`);
  return { ok: true, binDir };
}

if (import.meta.main) {
  const result = buildRust();
  console.log(result.ok ? result.binDir : result.reason);
}
