// A validator's source tree: the agave or jito-solana repository, or a folder with published crates unpacked in it. Crates are
// found by their names in their manifests.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { Failure } from "../failure.ts";
import type { CrateName } from "./sources.ts";

export interface Tree {
  /** As it was named. */
  readonly folder: string;
  readonly version: string;
  readonly crates: Readonly<Record<CrateName, string>>;
}

interface Crate {
  readonly folder: string;
  readonly name: string;
  /** Nothing where the workspace says it. */
  readonly version: string | undefined;
}

const CRATES: readonly CrateName[] = ["solana-core", "solana-runtime"];

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function table(manifest: string, name: string): string {
  const start = manifest.search(new RegExp(`^\\[${name.replace(".", "\\.")}\\][ \\t]*$`, "m"));
  if (start < 0) return "";
  const rest = manifest.slice(manifest.indexOf("\n", start) + 1);
  const end = rest.search(/^\[/m);
  return end < 0 ? rest : rest.slice(0, end);
}

const value = (text: string, key: string): string | undefined =>
  new RegExp(`^${key}[ \\t]*=[ \\t]*"([^"]*)"`, "m").exec(text)?.[1];

function readCrate(folder: string): Crate | undefined {
  const manifest = readText(join(folder, "Cargo.toml"));
  if (manifest === undefined) return undefined;
  const about = table(manifest, "package");
  const name = value(about, "name");
  return name === undefined ? undefined : { folder, name, version: value(about, "version") };
}

function foldersIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map(({ name }) => join(folder, name))
    .sort();
}

/**
 * Finds the crates in a folder, or in the folder beside it if it is solana-core itself.
 * @throws Failure that says what is missing, there twice, or of two versions
 */
export function findTree(folder: string): Tree {
  const root = resolve(folder);
  if (!existsSync(root)) throw new Failure(`there is no folder ${folder}`);
  const own = readCrate(root);
  const searched = own?.name === "solana-core" ? resolve(root, "..") : root;
  let found: Crate[];
  try {
    found = foldersIn(searched).flatMap((path) => readCrate(path) ?? []);
  } catch {
    throw new Failure(`${folder} is not a folder that can be read`);
  }
  const shown = (path: string): string => relative(process.cwd(), path) || ".";
  const pick = (name: CrateName): Crate => {
    let named = found.filter((one) => one.name === name);
    if (own?.name === "solana-core") {
      named = named.filter((one) => (name === "solana-core" ? one.folder === root : one.version === own.version));
    }
    if (named.length === 1) return named[0];
    const where = `${shown(searched)} (a folder of it with a Cargo.toml that says name = "${name}")`;
    if (named.length > 1) {
      throw new Failure(
        `there are ${named.length} of ${name} in ${shown(searched)}: ${named.map((one) => shown(one.folder)).join(", ")}; ` +
          "name a folder with one of each",
      );
    }
    throw new Failure(
      `there is no ${name} in ${where}. Name the agave or jito-solana repository, or a folder with solana-core and ` +
        "solana-runtime of one version unpacked in it",
    );
  };
  const [core, runtime] = CRATES.map(pick);
  if (core.version !== runtime.version) {
    throw new Failure(
      `solana-core is ${core.version ?? "the workspace's version"} and solana-runtime ${runtime.version}`,
    );
  }
  for (const one of [core, runtime]) {
    if (existsSync(join(one.folder, ".cargo-ok"))) {
      throw new Failure(
        `${shown(one.folder)} is cargo's own copy, which all builds of this user share; copy it to a folder of yours ` +
          "without its file .cargo-ok, and patch that",
      );
    }
  }
  const workspace = table(readText(join(root, "Cargo.toml")) ?? "", "workspace.package");
  return {
    folder,
    version: core.version ?? value(workspace, "version") ?? "of an unknown version",
    crates: { "solana-core": core.folder, "solana-runtime": runtime.folder },
  };
}
