// `npm run build`: the kernel, then one binary, dist/qos, that needs nothing beside it.
//
//   npm run build                                 dist/qos for this machine
//   npm run build -- --target x64-musl            dist/qos-linux-x64-musl
//   npm run build -- --target all                 every Linux target
//
// Targets for other machines take Bun's own package of that platform from the npm registry, in the version and with the
// checksum that package-lock.json names (or this file, where Bun's packages do not list that platform).

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";

const HOUSE = import.meta.dir;
const DIST = join(HOUSE, "dist");
const RUNTIMES = join(HOUSE, "node_modules", ".cache", "qos-runtimes");

/** Our name of a target -> Bun's package for it. */
const TARGETS = {
  "x64-baseline": "@oven/bun-linux-x64-baseline",
  "x64-musl": "@oven/bun-linux-x64-musl",
  arm64: "@oven/bun-linux-aarch64",
  "arm64-musl": "@oven/bun-linux-aarch64-musl",
} as const;

/** Checksums of packages that package-lock.json cannot name, by package and version. */
const PINNED: Readonly<Record<string, string>> = {
  "@oven/bun-linux-x64-baseline@1.4.5":
    "sha512-s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA==",
};

type Target = keyof typeof TARGETS;

/** The commit, marked when the tree differs from it; empty outside of a git checkout. */
function describeCommit(): string {
  const git = (...args: string[]): string => {
    const run = Bun.spawnSync(["git", "-C", HOUSE, ...args], { stdout: "pipe", stderr: "ignore" });
    return run.exitCode === 0 ? run.stdout.toString().trim() : "";
  };
  if (Bun.which("git") === null) return "";
  const commit = git("rev-parse", "--short=10", "HEAD");
  const dirty = git("status", "--porcelain", "--untracked-files=no") !== "";
  return commit === "" ? "" : `${commit}${dirty ? ".dirty" : ""}`;
}

/**
 * Entry points: the program, and every file that runs as a thread of its own (by its name). They all land in one folder
 * inside the binary, so that `new URL("./NAME-worker.ts", import.meta.url)` finds them there as it does from source. With a
 * plain path the binary would load such a file from the current folder, which anybody may own.
 */
function findEntryPoints(): string[] {
  const workers = [...new Bun.Glob("src/**/*-worker.ts").scanSync(HOUSE)].sort();
  const names = new Set(workers.map((path) => basename(path)));
  if (names.size !== workers.length) throw new Error(`two workers of one name: ${workers.join(", ")}`);
  return ["src/main.ts", ...workers].map((path) => join(HOUSE, path));
}

async function compile(outfile: string, executablePath?: string): Promise<void> {
  const partial = `${outfile}.partial`;
  const result = await Bun.build({
    entrypoints: findEntryPoints(),
    root: HOUSE,
    naming: { entry: "[name].[ext]", chunk: "[name]-[hash].[ext]", asset: "[name]-[hash].[ext]" },
    minify: true,
    // A command's modules, and the built-in ones that they need, load when the command does; with bytecode nothing is parsed
    // at a start. Together they take `qos --version` from 24 ms to 7, and `qos run` from 89 ms to 64 until its first turn.
    splitting: true,
    format: "esm",
    bytecode: true,
    sourcemap: "none",
    define: { QOS_COMMIT: JSON.stringify(describeCommit()) },
    compile: {
      outfile: partial,
      ...(executablePath === undefined ? {} : { executablePath }),
      // The owner of the current folder must not be able to give a root process code or settings.
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
  if (!result.success) throw new AggregateError(result.logs, `cannot build ${outfile}`);
  renameSync(partial, outfile); // a build that was cut short leaves no half binary under the name
}

async function build(outfile: string, target?: Target): Promise<void> {
  try {
    // Built in a process of its own: this one's bundler would not see a kernel.wasm that appeared after its first look.
    run([process.execPath, join(HOUSE, "src/kernel/build.ts")]);
    await compile(outfile, target === undefined ? undefined : fetchRuntime(target));
  } catch (error) {
    rmSync(outfile, { force: true }); // no older binary may pass for this one
    throw error;
  }
  console.log(`built dist/${basename(outfile)}`);
}

/** The Bun executable of another platform, fetched once. */
function fetchRuntime(target: Target): string {
  const packageName = TARGETS[target];
  const folder = join(RUNTIMES, `${target}-${Bun.version}`);
  const executable = join(folder, "package", "bin", "bun");
  if (existsSync(executable)) return executable;

  mkdirSync(RUNTIMES, { recursive: true });
  const work = mkdtempSync(join(RUNTIMES, "fetch-"));
  try {
    run(["npm", "pack", "--silent", "--pack-destination", work, `${packageName}@${Bun.version}`]);
    const [archive] = [...new Bun.Glob("*.tgz").scanSync(work)];
    if (archive === undefined) throw new Error(`npm gave no archive of ${packageName}`);
    const digest = createHash("sha512")
      .update(readFileSync(join(work, archive)))
      .digest("base64");
    if (`sha512-${digest}` !== expectedIntegrity(packageName)) {
      throw new Error(`the registry's ${packageName}@${Bun.version} is not the one with the known checksum`);
    }
    run(["tar", "-xzf", join(work, archive), "-C", work]);
    rmSync(join(work, archive));
    renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return executable;
}

function expectedIntegrity(packageName: string): string {
  const lock = JSON.parse(readFileSync(join(HOUSE, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version: string; integrity: string } | undefined>;
  };
  const locked = lock.packages[`node_modules/${packageName}`];
  if (locked?.version === Bun.version) return locked.integrity;
  const pinned = PINNED[`${packageName}@${Bun.version}`];
  if (pinned === undefined)
    throw new Error(`no checksum of ${packageName}@${Bun.version} in package-lock.json or build.ts`);
  return pinned;
}

function run(command: string[]): void {
  const done = Bun.spawnSync(command, { cwd: HOUSE, stdout: "ignore", stderr: "inherit" });
  if (done.exitCode !== 0) throw new Error(`${command.join(" ")} failed (${done.exitCode})`);
}

/** @returns undefined for this machine */
function parseTargets(words: readonly string[]): Target[] | undefined {
  if (words.length === 0) return undefined;
  const known = Object.keys(TARGETS) as Target[];
  const value = words[0].startsWith("--target=") ? words[0].slice("--target=".length) : words[1];
  const isFlag = words[0] === "--target" ? words.length === 2 : words[0].startsWith("--target=") && words.length === 1;
  if (isFlag && value === "all") return known;
  if (isFlag && known.some((target) => target === value)) return [value as Target];
  console.error(`wrong arguments: ${words.join(" ")} (known: --target ${[...known, "all"].join("|")})`);
  process.exit(2);
}

const targets = parseTargets(process.argv.slice(2));
mkdirSync(DIST, { recursive: true });
if (targets === undefined || targets.length > 1) await build(join(DIST, "qos"));
for (const target of targets ?? []) await build(join(DIST, `qos-linux-${target}`), target);
