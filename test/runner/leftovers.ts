// Finds shared memory that the tests forgot: files that appeared during the run and that no living process has mapped
// or open. Another program's files (a browser's, a second test run's) are in use or carry a living process' number. Files
// of other users are not the tests': whether somebody uses them cannot be seen from here.

import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isAlive, listProcesses } from "./processes.ts";

/** Where channels live: standard and huge pages (spec: wire.md, 1). */
const SHARED_MEMORY_FOLDERS = ["/dev/shm", "/mnt/hugepages"];

export function listSharedMemory(folders: readonly string[] = SHARED_MEMORY_FOLDERS): Set<string> {
  const paths = new Set<string>();
  for (const folder of folders) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) paths.add(`${folder}/${name}`);
  }
  return paths;
}

/** As root the tests also start processes of this user ("nobody"). */
const NOBODY = 65_534;

function isOurs(path: string, uid: number): boolean {
  const owner = lstatSync(path, { throwIfNoEntry: false })?.uid;
  return owner === uid || (uid === 0 && owner === NOBODY);
}

/**
 * Paths that are there now, were not there before, are ours, and are used by no living process.
 * @param uid the user of the tests
 */
export function findLeftovers(
  before: ReadonlySet<string>,
  folders?: readonly string[],
  uid = process.geteuid?.() ?? -1,
): string[] {
  const isFresh = (path: string): boolean => !before.has(path) && !namesLivingProcess(path) && isOurs(path, uid);
  const fresh = [...listSharedMemory(folders)].filter(isFresh);
  if (fresh.length === 0) return [];
  const used = pathsInUse();
  return fresh.filter((path) => !used.has(path) && existsSync(path));
}

/** Tests name their channels after their process' number, which stands first. */
function namesLivingProcess(path: string): boolean {
  const number = path.slice(path.lastIndexOf("/") + 1).match(/\d+/)?.[0];
  return number !== undefined && isAlive(Number(number));
}

function pathsInUse(): Set<string> {
  const used = new Set<string>();
  for (const pid of listProcesses()) {
    try {
      for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
        const at = line.indexOf("/");
        if (at >= 0) used.add(line.slice(at));
      }
      for (const fd of readdirSync(`/proc/${pid}/fd`)) used.add(readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      // ended meanwhile, or another user's
    }
  }
  return used;
}
