// Source trees to patch: published crates, fetched by cargo as any build would, and small ones with the places and no more.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { findCargo } from "../rust/build.ts";

/** The oldest version that the patch is for, the newest patch release of each line, and the newest of all. */
export const PUBLISHED = ["4.1.0", "4.1.2", "4.2.0", "4.2.2", "4.3.2", "4.4.0", "4.5.0-alpha.4"] as const;
const CRATES = ["solana-core", "solana-runtime"] as const;

export type Fetched = { readonly folder: string } | { readonly reason: string };

/** Copies the published crates of a version into a folder. A reason where this machine has no cargo, or cargo no registry. */
export function fetchPublished(version: string, into: string): Fetched {
  const cargo = findCargo();
  if (cargo === null) return { reason: "no cargo on this machine: the published crates are not fetched" };
  const sources = join(process.env.CARGO_HOME ?? join(process.env.HOME ?? "/", ".cargo"), "registry", "src");
  const find = (name: string): string | undefined =>
    (existsSync(sources) ? readdirSync(sources) : [])
      .map((registry) => join(sources, registry, name))
      .find((path) => existsSync(join(path, ".cargo-ok")));
  for (const crate of CRATES) {
    const name = `${crate}-${version}`;
    if (find(name) === undefined) {
      // The one cargo command that brings a single crate, without the hundreds that it depends on.
      Bun.spawnSync([cargo, "info", "--quiet", `${crate}@${version}`], { stdout: "ignore", stderr: "ignore" });
    }
    const found = find(name);
    if (found === undefined) return { reason: `cargo does not bring ${name}: no registry is reached` };
    cpSync(found, join(into, name), { recursive: true });
    rmSync(join(into, name, ".cargo-ok"));
  }
  return { folder: into };
}

/** Every file below a folder, by its path from there. */
export function readTree(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => join(folder, path))
    .filter((path) => statSync(path).isFile());
  return new Map(files.sort().map((path) => [relative(folder, path), readFileSync(path, "latin1")]));
}

/** What the places look like, in words of our own. */
const SMALL: Readonly<Record<string, string>> = {
  "Cargo.toml": '[workspace]\nmembers = ["core", "runtime"]\n\n[workspace.package]\nversion = "4.9.9"\n',
  "core/Cargo.toml":
    '[package]\nname = "solana-core"\nversion = { workspace = true }\n\n[dependencies]\nlog = "0.4"\n\n[lints]\n',
  "core/src/lib.rs": "pub mod sigverify;\npub mod tpu;\n",
  "core/src/tpu.rs": [
    "fn new(",
    "    poh_recorder: &Arc<RwLock<PohRecorder>>,",
    ") {",
    "    let (sigverify_stage, handle) = SigVerifyStage::new(",
    "        the_receiver,",
    "    );",
    "}",
    "",
  ].join("\n"),
  "core/src/sigverify.rs": [
    "fn one() {",
    "    let (_, us) = measure_us!(sigverify::ed25519_verify_serial(",
    "        &mut work.batch,",
    "        reject_non_vote,",
    "    ));",
    "}",
    "fn other() {",
    "    sigverify::ed25519_verify_serial(&mut work.batch, true);",
    "}",
    "",
  ].join("\n"),
  "runtime/Cargo.toml": '[package]\nname = "solana-runtime"\nversion = { workspace = true }\n',
  "runtime/src/lib.rs": "pub mod bank;\npub mod bank_client;\n",
  "runtime/src/bank.rs": [
    "    fn update_transaction_statuses(",
    "        &self,",
    "        sanitized_txs: &[impl TransactionWithMeta],",
    "        processing_results: &[TransactionProcessingResult],",
    "    ) {",
    "    }",
    "",
  ].join("\n"),
};

/** Writes a small tree; `changes` replaces files of it, undefined removes one. */
export function writeSmallTree(folder: string, changes: Readonly<Record<string, string | undefined>> = {}): void {
  for (const [path, text] of Object.entries({ ...SMALL, ...changes })) {
    if (text === undefined) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
