// Files in shared memory for one test file: names that carry the process' number, removed at its end.

import { afterAll } from "bun:test";
import { rmSync } from "node:fs";

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
