// Builds a whole validator with the patch in it: published crates, patched, around the program in test/rust/node. About 20
// minutes of CPU time from nothing, so what was built is kept in a cache folder, by what it was made of.
//
// Three parts are not built, because each would take longer than the rest: protoc and OpenSSL are the system's, and rocksdb
// comes built from Maven, as the library inside its Java package of the same version.

import { createHash } from "node:crypto";
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { carryOut, planPatch, problemsOf } from "../../src/patch/patch.ts";
import { findTree } from "../../src/patch/tree.ts";
import { fetchPublished } from "../patch/trees.ts";
import { findCargo } from "../rust/build.ts";

const HOUSE = join(import.meta.dir, "../..");
const NODE = join(HOUSE, "test/rust/node");
/** The version of test/rust/node/Cargo.toml. */
const VERSION = "4.2.0";
/** The version that librocksdb-sys of that lock file is for. */
const ROCKSDB = "org.rocksdb:rocksdbjni:10.4.2:jar:linux64";

export interface Built {
  readonly program: string;
  /** For LD_LIBRARY_PATH. */
  readonly libraries: string;
}

export type BuildResult = Built | { readonly reason: string };

const home = process.env.HOME ?? "/";
const cache = join(process.env.XDG_CACHE_HOME ?? join(home, ".cache"), "qos-validator");

function run(words: readonly string[], cwd: string, env: Record<string, string> = {}): void {
  console.log(`$ ${words.join(" ")}`);
  const done = Bun.spawnSync([...words], {
    cwd,
    stdout: "inherit",
    stderr: "inherit",
    env: { ...process.env, ...env },
  });
  if (done.exitCode !== 0) throw new Error(`${words[0]} failed in ${cwd} (${done.exitCode})`);
}

/** What the program is made of, as a name. */
function keyOf(): string {
  const hash = createHash("sha256");
  for (const folder of [NODE, join(HOUSE, "src/patch")]) {
    const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
      /\.(rs|ts|toml|lock)$/.test(path),
    );
    for (const path of paths.sort()) hash.update(`${path}\n`).update(readFileSync(join(folder, path)));
  }
  return hash.digest("hex").slice(0, 16);
}

/** What was built of these very sources, if it is still there. */
export function findBuilt(): Built | undefined {
  const folder = join(cache, keyOf());
  const program = join(folder, "node");
  return existsSync(program) ? { program, libraries: folder } : undefined;
}

/** Lays published crates, patched, and our program beside one another. */
function layCrates(work: string): void {
  for (const name of readdirSync(work).filter((one) => /^(solana-|node$)/.test(one))) {
    // What cargo has built stays: it is beside, in target/.
    rmSync(join(work, name), { recursive: true });
  }
  const fetched = fetchPublished(VERSION, work);
  if ("reason" in fetched) throw new Error(fetched.reason);
  const plan = planPatch(findTree(work));
  const problems = problemsOf(plan);
  if (problems.length > 0) throw new Error(problems.join("; "));
  carryOut(plan.changes);
  cpSync(NODE, join(work, "node"), { recursive: true, preserveTimestamps: true });
}

function layRocksdb(folder: string): void {
  if (existsSync(join(folder, "librocksdb.so"))) return;
  mkdirSync(folder, { recursive: true });
  run(["mvn", "-q", "-B", "dependency:copy", `-Dartifact=${ROCKSDB}`, "-DoutputDirectory=."], folder);
  const [archive] = readdirSync(folder).filter((name) => name.endsWith(".jar"));
  run(["unzip", "-q", "-o", "-j", archive, "librocksdbjni-linux64.so"], folder);
  rmSync(join(folder, archive));
  renameSync(join(folder, "librocksdbjni-linux64.so"), join(folder, "librocksdb.so"));
}

/** Builds, or takes what was built before. A reason where this machine lacks what it needs. */
export function buildValidator(): BuildResult {
  const found = findBuilt();
  if (found !== undefined) return found;
  const cargo = findCargo();
  if (cargo === null) return { reason: "no cargo on this machine" };
  run(["bash", ".ci/setup", "test/validator/packages.txt"], HOUSE);
  const protoc = Bun.which("protoc");
  const missing = [
    ...(protoc === null ? ["protoc"] : []),
    ...["mvn", "unzip"].filter((name) => Bun.which(name) === null),
  ];
  if (protoc === null || missing.length > 0) return { reason: `not on this machine: ${missing.join(", ")}` };

  const work = join(cache, "work");
  const rocksdb = join(cache, "rocksdb");
  mkdirSync(work, { recursive: true });
  layRocksdb(rocksdb);
  layCrates(work);
  run([cargo, "build", "--release", "--locked"], join(work, "node"), {
    CARGO_TARGET_DIR: join(work, "target"),
    OPENSSL_NO_VENDOR: "1",
    PROTOC: protoc,
    ROCKSDB_LIB_DIR: rocksdb,
  });
  const folder = join(cache, keyOf());
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(rocksdb, "librocksdb.so"), join(folder, "librocksdb.so"));
  copyFileSync(join(work, "target/release/node"), join(folder, "node.partial"));
  renameSync(join(folder, "node.partial"), join(folder, "node"));
  return { program: join(folder, "node"), libraries: folder };
}
