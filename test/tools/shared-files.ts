// Files in shared memory for one test file: names that carry the process' number, removed at its end.

import { afterAll } from "bun:test";
import { rmSync } from "node:fs";
import type { Arena } from "../../src/arena.ts";
import type { ChannelRegion } from "../../src/layout.ts";

const HUGE_PAGE_BYTES = 2 * 1024 * 1024;

let made = 0;
const paths: string[] = [];

afterAll(() => {
  for (const path of paths) rmSync(path, { recursive: true, force: true });
});

/** A path that nobody else uses, in /dev/shm or a folder of the caller's. */
export function freshPath(folder = "/dev/shm"): string {
  made += 1;
  const path = `${folder}/test_${process.pid}_${made}`;
  paths.push(path);
  return path;
}

/** A region with room for a small channel, at the start of an arena's second WebAssembly page. */
export function smallRegion(capacity: number, elementBytes: number, at = 65_536): ChannelRegion {
  return { at, bytes: HUGE_PAGE_BYTES, capacity, elementBytes };
}

/** Bytes of an arena as a plain copy. */
export function copyOf(arena: Arena, at: number, bytes: number): Uint8Array {
  return arena.u8.slice(at, at + bytes);
}
