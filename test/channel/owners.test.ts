import { expect, test } from "bun:test";
import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FileFacts } from "../../ffi/shared-memory.ts";
import { strangersChannel, strangersFile, trustOf } from "../../src/channel/owners.ts";

const TRUST = { uids: new Set([0, 1_000]), gids: new Set([1_000, 2_000]) };
const facts = (uid: number, gid: number, mode: number): FileFacts => ({
  ...{ device: 1, inode: 1, bytes: 0, allocatedBytes: 0, kind: "file" },
  ...{ uid, gid, mode },
});

test("a channel is root's, ours, or of a group that we share; nothing that everybody may write to", () => {
  const problem = (uid: number, gid: number, mode: number) => strangersChannel("f", facts(uid, gid, mode), TRUST);
  expect(problem(0, 0, 0o600)).toBeUndefined();
  expect(problem(1_000, 1, 0o600)).toBeUndefined();
  expect(problem(3_000, 2_000, 0o660)).toBeUndefined();
  expect(problem(3_000, 2_000, 0o640)).toContain("neither root nor this sidecar's user");
  expect(problem(3_000, 3_000, 0o660)).toContain("(uid 3000)");
  expect(problem(0, 0, 0o666)).toContain("can be written to by every user of this host (mode 666)");
});

test("believed are root, this process's user, and the one that is named", () => {
  const own = process.geteuid?.() ?? -1;
  expect(trustOf().uids).toEqual(new Set([0, own, ...(own === 0 ? sudoUid() : [])]));
  const named = trustOf({ name: "x", uid: 77, gid: 88, home: "/" } as Parameters<typeof trustOf>[0]);
  expect(named.uids.has(77)).toBe(true);
  expect(named.gids.has(88)).toBe(true);
});

const sudoUid = (): number[] => (process.env.SUDO_UID === undefined ? [] : [Number(process.env.SUDO_UID)]);

test("a socket or a page is believed by its owner alone", () => {
  const folder = mkdtempSync(join(tmpdir(), "qos-owners-"));
  const path = join(folder, "page");
  expect(strangersFile(path, TRUST)).toBeUndefined();
  writeFileSync(path, "");
  expect(strangersFile(path, trustOf())).toBeUndefined();
  expect(strangersFile(path, { uids: new Set(), gids: new Set() })).toContain("could be anybody's: if that is");
  if (process.geteuid?.() === 0) {
    chownSync(path, 65_534, 65_534);
    expect(strangersFile(path, trustOf())).toContain("say --user nobody");
  }
  rmSync(folder, { recursive: true });
});
