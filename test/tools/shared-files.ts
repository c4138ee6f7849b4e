// Files in shared memory for tests: names that carry the process' number. A test file that makes any says
// `afterAll(removeFiles)` itself: a hook of this module would run after the first of the files that share it, only.

import { rmSync } from "node:fs";

let made = 0;
const paths: string[] = [];

/** Removes all that was named so far. */
export function removeFiles(): void {
  for (const path of paths.splice(0)) rmSync(path, { recursive: true, force: true });
}

/** A path that nobody else uses, in /dev/shm or a folder of the caller's. */
export function freshPath(folder = "/dev/shm"): string {
  made += 1;
  const path = `${folder}/test_${process.pid}_${made}`;
  paths.push(path);
  return path;
}
