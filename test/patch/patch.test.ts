// The patch on source trees: small ones here, and the published crates of each version.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diffOf } from "../../src/patch/diff.ts";
import { carryOut, isChange, linesInOthersFiles, planPatch, planUndo, problemsOf } from "../../src/patch/patch.ts";
import { withoutOurLines } from "../../src/patch/places.ts";
import { NEW_FILES } from "../../src/patch/sources.ts";
import { findTree } from "../../src/patch/tree.ts";
import { fetchPublished, PUBLISHED, readTree, writeSmallTree } from "./trees.ts";

const OTHERS_LINES_MAX = 25;
const root = mkdtempSync(join(tmpdir(), "qos-patch-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
function newFolder(): string {
  const folder = join(root, `${made++}`);
  mkdirSync(folder);
  return folder;
}

function smallTree(changes: Record<string, string | undefined> = {}): string {
  const folder = newFolder();
  writeSmallTree(folder, changes);
  return folder;
}

const patch = (folder: string) => carryOut(planPatch(findTree(folder)).changes).map(({ name }) => name);
const undo = (folder: string) => carryOut(planUndo(findTree(folder))).map(({ name }) => name);

describe("a small tree", () => {
  test("gets our lines at their places and nothing else, and is as before after undo", () => {
    const folder = smallTree();
    const before = readTree(folder);
    const plan = planPatch(findTree(folder));
    expect(problemsOf(plan)).toEqual([]);
    expect(patch(folder)).toHaveLength(6 + NEW_FILES.length);
    const lines = (path: string): string[] => readFileSync(join(folder, path), "utf8").split("\n");
    expect(lines("core/src/lib.rs")).toEqual([
      "pub mod sigverify;",
      "mod qos_bridge; // qos-patch",
      "pub mod tpu;",
      "",
    ]);
    expect(lines("core/src/tpu.rs")[3]).toBe(
      "    let the_receiver = crate::qos_bridge::between(the_receiver, poh_recorder); // qos-patch",
    );
    const check = lines("core/src/sigverify.rs");
    expect([check[1], check[6]]).toEqual([
      "    let qos_unchecked = crate::qos_bridge::before_check(&work.batch, reject_non_vote); // qos-patch",
      "    crate::qos_bridge::after_check(&work.batch, qos_unchecked); // qos-patch",
    ]);
    expect(lines("runtime/src/bank.rs")[5]).toBe(
      "        crate::qos_outcomes::committed(sanitized_txs, processing_results); // qos-patch",
    );
    expect(lines("core/Cargo.toml")[5]).toStartWith("xxhash-rust = { version = ");
    for (const [path, text] of before) expect(withoutOurLines(readFileSync(join(folder, path), "latin1"))).toBe(text);
    expect(undo(folder)).toHaveLength(6 + NEW_FILES.length);
    expect(readTree(folder)).toEqual(before);
    expect(undo(folder)).toEqual([]);
  });

  test("twice is once, and a patch of another version of qos gives way", () => {
    const folder = smallTree();
    patch(folder);
    const once = readTree(folder);
    expect(patch(folder)).toEqual([]);
    const path = join(folder, "core/src/tpu.rs");
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace("    let the_receiver", "    old(); // qos-patch\n    let the_receiver"),
    );
    writeFileSync(join(folder, "core/src/qos_bridge/intake.rs"), "// Written by `qos patch`, an older one\n");
    expect(patch(folder)).toEqual(["solana-core/src/tpu.rs", "solana-core/src/qos_bridge/intake.rs"]);
    expect(readTree(folder)).toEqual(once);
  });

  test("that the operator has changed keeps those changes through undo", () => {
    const folder = smallTree();
    patch(folder);
    const path = join(folder, "core/src/lib.rs");
    writeFileSync(path, `${readFileSync(path, "utf8")}pub mod mine;\n`);
    undo(folder);
    expect(readFileSync(path, "utf8")).toBe("pub mod sigverify;\npub mod tpu;\npub mod mine;\n");
  });

  const wrong: [string, Record<string, string | undefined>, string][] = [
    ["a place is not there", { "core/src/tpu.rs": "fn new() {}\n" }, "solana-core/src/tpu.rs: `SigVerifyStage::new("],
    [
      "a place is there twice",
      { "core/src/lib.rs": "pub mod tpu;\npub mod tpu;\n" },
      "`pub mod tpu;` is there 2 times",
    ],
    ["a file is not there", { "runtime/src/bank.rs": undefined }, "solana-runtime/src/bank.rs: `fn update_transaction"],
    [
      "the function has other parameters",
      { "runtime/src/bank.rs": "fn update_transaction_statuses(&self, txs: &[u8]) {\n" },
      "is not there",
    ],
    [
      "a floor is there, and its place is not",
      { "core/src/sigverify.rs": "let priority_floor = 1;\n" },
      "`if floor > 0 {` is not there",
    ],
    [
      "a file of another stands in our place",
      { "core/src/qos_bridge/mod.rs": "fn mine() {}\n" },
      "solana-core/src/qos_bridge/mod.rs is there and was not written by qos patch",
    ],
  ];
  for (const [name, changes, says] of wrong) {
    test(`where ${name} is named`, () => {
      const folder = smallTree(changes);
      expect(problemsOf(planPatch(findTree(folder))).join("\n")).toContain(says);
    });
  }

  test("is shown as a diff that `git apply` takes, and that is what is written", () => {
    const folder = smallTree();
    const copy = newFolder();
    writeSmallTree(copy);
    const { changes } = planPatch(findTree(folder));
    writeFileSync(join(root, "the.diff"), diffOf(changes, folder));
    const run = Bun.spawnSync(["git", "apply", "-p1", join(root, "the.diff")], { cwd: copy, stderr: "pipe" });
    expect(run.stderr.toString()).toBe("");
    patch(folder);
    expect(readTree(copy)).toEqual(readTree(folder));
  });
});

describe("a folder", () => {
  const refused: [string, Record<string, string | undefined>, string][] = [
    ["without solana-core", { "core/Cargo.toml": undefined }, "there is no solana-core in"],
    ["without solana-runtime", { "runtime/Cargo.toml": undefined }, "there is no solana-runtime in"],
    ["with two of a crate", { "more/Cargo.toml": '[package]\nname = "solana-core"\n' }, "there are 2 of solana-core"],
    [
      "with two versions",
      { "runtime/Cargo.toml": '[package]\nname = "solana-runtime"\nversion = "4.1.0"\n' },
      "solana-runtime 4.1.0",
    ],
    ["of cargo's own", { "core/.cargo-ok": "" }, "is cargo's own copy"],
  ];
  for (const [name, changes, says] of refused) {
    test(`${name} is refused`, () => {
      const folder = smallTree(changes);
      expect(() => findTree(folder)).toThrow(says);
    });
  }

  test("may be solana-core itself, with solana-runtime beside it", () => {
    const folder = smallTree();
    const tree = findTree(join(folder, "core"));
    expect(tree.crates["solana-runtime"]).toBe(join(folder, "runtime"));
    expect(findTree(folder).version).toBe("4.9.9");
    expect(() => findTree(join(folder, "no"))).toThrow("there is no folder");
  });
});

describe("the published crates", () => {
  for (const version of PUBLISHED) {
    const fetched = fetchPublished(version, newFolder());
    const reason = "reason" in fetched ? fetched.reason : undefined;
    if (reason !== undefined) console.warn(`skipped, solana-core ${version}: ${reason}`);
    test.skipIf(reason !== undefined)(
      `of ${version}: each place once, and back byte for byte (needs cargo and a registry)`,
      () => {
        if ("reason" in fetched) return;
        const before = readTree(fetched.folder);
        const plan = planPatch(findTree(fetched.folder));
        expect(problemsOf(plan)).toEqual([]);
        expect(plan.places.filter(({ needed }) => needed).every(({ found }) => found === 1)).toBeTrue();
        // 4.1 has no fee floor in front of its check, and pushes nothing out behind it.
        expect(plan.places.filter(({ needed }) => !needed)).toHaveLength(version.startsWith("4.1.") ? 2 : 0);
        expect(linesInOthersFiles(plan)).toBeLessThanOrEqual(OTHERS_LINES_MAX);
        patch(fetched.folder);
        expect(planPatch(findTree(fetched.folder)).changes.filter(isChange)).toEqual([]);
        undo(fetched.folder);
        expect(readTree(fetched.folder)).toEqual(before);
      },
    );
  }
});
