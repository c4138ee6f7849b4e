// Huge pages for the tests that need them: mounts hugetlbfs and reserves pages if the machine lets us, and gives back
// what it took.

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { HUGE_PAGES_FOLDER, hugePageMountProblem, hugePageShortage } from "../../ffi/huge-pages.ts";

const RESERVED = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";

export interface HugePagesLent {
  giveBack(): void;
}

/**
 * Makes `pages` huge pages of 2 MiB usable.
 * @returns a sentence instead, if that cannot be done
 */
export function borrowHugePages(pages: number): HugePagesLent | string {
  if (process.getuid?.() !== 0) return "huge pages need root";
  if (!existsSync(RESERVED)) return "this kernel has no huge pages of 2 MiB";
  const undo: (() => void)[] = [];
  const giveBack = (): void => {
    for (const step of undo.splice(0).reverse()) step();
  };
  if (hugePageMountProblem() !== undefined) {
    const made = !existsSync(HUGE_PAGES_FOLDER);
    if (made) mkdirSync(HUGE_PAGES_FOLDER, { recursive: true });
    if (made) undo.push(() => rmdirSync(HUGE_PAGES_FOLDER));
    const mount = Bun.spawnSync(["mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "none", HUGE_PAGES_FOLDER]);
    if (mount.exitCode !== 0) {
      giveBack();
      return `hugetlbfs cannot be mounted here: ${mount.stderr.toString().trim()}`;
    }
    undo.push(() => void Bun.spawnSync(["umount", HUGE_PAGES_FOLDER]));
  }
  if (hugePageShortage(pages) !== undefined) {
    const before = readFileSync(RESERVED, "utf8");
    try {
      undo.push(() => writeFileSync(RESERVED, before));
      writeFileSync(RESERVED, `${Number(before) + pages}`);
    } catch {
      // read-only here: the next look tells
    }
    const shortage = hugePageShortage(pages);
    if (shortage !== undefined) {
      giveBack();
      return shortage;
    }
  }
  return { giveBack };
}
