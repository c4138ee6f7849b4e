// A ring of fates as another process reads its file: only its own user's, and nothing that a damaged one could do.

import { afterEach, expect, test } from "bun:test";
import { chownSync, ftruncateSync, mkdirSync, openSync, rmSync, writeFileSync } from "node:fs";
import { readFates } from "../../src/observe/fates-file.ts";
import { fatesPath } from "../../src/records/fates-header.ts";
import { CAPACITY_AT, HEADER_BYTES, MAGIC, MAGIC_AT, TAIL_AT } from "../../src/shape/channel-header.ts";
import { RECORD_BYTES } from "../../src/shape/record-layout.ts";

const PREFIX = `fates_file_test_${process.pid}_`;
const path = fatesPath(PREFIX);
const CAPACITY = 1024;

afterEach(() => rmSync(path, { recursive: true, force: true }));

function write(tail: bigint): void {
  const bytes = Buffer.alloc(HEADER_BYTES + CAPACITY * RECORD_BYTES);
  bytes.writeBigUInt64LE(MAGIC, MAGIC_AT);
  bytes.writeBigUInt64LE(BigInt(CAPACITY), CAPACITY_AT);
  bytes.writeBigUInt64LE(tail, TAIL_AT);
  writeFileSync(path, bytes, { mode: 0o600 });
}

test("our own is read whole; without one there is nothing to read", () => {
  expect(readFates(PREFIX)).toBeUndefined();
  write(100n);
  expect(readFates(PREFIX)).toMatchObject({ count: 100 });
});

test("tails that no loop writes give no more records than the ring holds, or are refused", () => {
  for (const tail of [5_000n, 2n ** 53n - 1n]) {
    write(tail);
    const fates = readFates(PREFIX);
    expect(typeof fates === "object" && fates.count > 0 && fates.count <= CAPACITY).toBe(true);
  }
  for (const tail of [2n ** 53n, 2n ** 60n, 2n ** 64n - 1n]) {
    write(tail);
    expect(readFates(PREFIX)).toContain("no loop counts that far");
  }
});

test("what is not a ring is refused with its path", () => {
  write(1n);
  ftruncateSync(openSync(path, "r+"), 100);
  expect(readFates(PREFIX)).toStartWith(path);
  rmSync(path);
  mkdirSync(path);
  expect(readFates(PREFIX)).toStartWith(path);
  rmSync(path, { recursive: true });
  Bun.spawnSync({ cmd: ["mkfifo", path] });
  expect(readFates(PREFIX)).toStartWith(path);
});

test.skipIf(process.geteuid?.() !== 0)("another user's is not believed, unless that user is named (needs root)", () => {
  write(7n);
  chownSync(path, 65_534, 65_534);
  expect(readFates(PREFIX)).toContain("could be anybody's");
  expect(readFates(PREFIX, { uids: new Set([65_534]), gids: new Set() })).toMatchObject({ count: 7 });
});
