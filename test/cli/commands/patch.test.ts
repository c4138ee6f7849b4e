// `qos patch` as an operator types it.

import { afterAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toJson } from "../../../src/cli/output.ts";
import { main } from "../../../src/cli/root.ts";
import { readTree, writeSmallTree } from "../../patch/trees.ts";

const root = mkdtempSync(join(tmpdir(), "qos-patch-command-"));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, "tree-"));
  writeSmallTree(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function qos(...raw: string[]): Promise<{ code: number; out: string; err: string }> {
  const text = { out: "", err: "" };
  const code = await main(["patch", ...raw], {
    line: (line) => {
      text.out += `${line}\n`;
    },
    json: (value) => {
      text.out += `${toJson(value)}\n`;
    },
    note: (line) => {
      text.err += `${line}\n`;
    },
    closed: () => false,
  });
  return { code, ...text };
}

test("checks, shows, writes and takes back", async () => {
  const before = readTree(folder);
  const checked = await qos("--check", folder);
  expect(checked).toMatchObject({ code: 0, err: "" });
  expect(checked.out).toContain("solana-core 4.9.9 in ");
  expect(checked.out).toContain("would write 16 files, 7 lines of them in files of others");
  expect(checked.out).toContain("none  solana-core/src/sigverify.rs: `if floor > 0 {`: not in this version");
  const shown = await qos("--diff", folder);
  expect(shown.out).toContain("+++ b/core/src/tpu.rs");
  expect(readTree(folder)).toEqual(before);

  const written = await qos(folder);
  expect(written).toMatchObject({ code: 0, err: "" });
  expect(written.out).toContain("changed  solana-core/src/tpu.rs");
  expect(written.out).toContain("QOS_CHANNELS=PREFIX");
  expect((await qos(folder)).out).toContain("everything is there already");
  expect((await qos("--check", folder)).out).toContain("everything is there already");

  const undone = await qos("--undo", folder);
  expect(undone.out).toContain("the tree is as it was before qos patch");
  expect(readTree(folder)).toEqual(before);
  expect((await qos("--undo", folder)).out).toContain("nothing of qos is there");
});

test("names what it does not find, and writes nothing", async () => {
  writeFileSync(join(folder, "core/src/tpu.rs"), "fn new() {}\n");
  const before = readTree(folder);
  const checked = await qos("--check", folder);
  expect(checked.code).toBe(1);
  expect(checked.out).toContain("fail  solana-core/src/tpu.rs: `SigVerifyStage::new(`");
  expect(checked.out).toContain("1 problems: nothing would be written");
  const refused = await qos(folder);
  expect([refused.code, refused.out]).toEqual([1, ""]);
  expect(refused.err).toContain("cannot be patched; nothing was written:\n  solana-core/src/tpu.rs: ");
  expect(readTree(folder)).toEqual(before);
});

test("says it to machines", async () => {
  const checked = JSON.parse((await qos("--check", "--json", folder)).out);
  expect(checked).toMatchObject({ version: "4.9.9", problems: [], lines: 7 });
  expect(checked.places[0]).toMatchObject({ crate: "solana-core", file: "Cargo.toml", needed: true, found: 1 });
  expect(checked.pending).toHaveLength(16);
  expect(JSON.parse((await qos("--json", folder)).out).changed).toHaveLength(16);
  expect(JSON.parse((await qos("--undo", "--json", folder)).out).changed).toHaveLength(16);
});

test("refuses what does not go together, and a folder that is none", async () => {
  expect((await qos("--check", "--undo", folder)).err).toContain("--check, --diff and --undo exclude one another");
  expect((await qos()).code).toBe(2);
  expect((await qos(join(folder, "no"))).err).toContain("there is no folder");
});
