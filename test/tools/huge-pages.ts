// Real huge pages for a test: reserved and mounted if the machine and the user allow it, given back afterwards.

import fs from "node:fs";
import { availableHugePages, HUGE_PAGES_FOLDER, hugePageMountProblem, hugePages } from "../../ffi/huge-pages.ts";

const RESERVED = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";

const change = (pages: number): void =>
  fs.writeFileSync(RESERVED, String(Math.max(0, Number(fs.readFileSync(RESERVED, "utf8")) + pages)));

/**
 * Makes `count` huge pages available under the usual mount.
 * @returns how to give back what was taken, or a reason why there are none
 */
export function takeHugePages(count: number): (() => void) | string {
  const now = hugePages();
  if (now === undefined) return "this kernel has no huge pages of 2 MiB";
  if (process.getuid?.() !== 0) return "only root can reserve huge pages";
  const undo: (() => void)[] = [];
  const giveBack = (): void => {
    for (const one of undo.reverse()) one();
  };
  const missing = count - availableHugePages(now);
  if (missing > 0) {
    change(missing);
    undo.push(() => change(-missing));
    const after = hugePages();
    if (after === undefined || availableHugePages(after) < count) {
      giveBack();
      return `the kernel found no ${count} huge pages`;
    }
  }
  if (hugePageMountProblem() !== undefined) {
    const existed = fs.existsSync(HUGE_PAGES_FOLDER);
    fs.mkdirSync(HUGE_PAGES_FOLDER, { recursive: true });
    if (!existed) undo.push(() => fs.rmdirSync(HUGE_PAGES_FOLDER));
    const mount = Bun.spawnSync(["mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "none", HUGE_PAGES_FOLDER]);
    if (mount.exitCode !== 0) {
      giveBack();
      return `hugetlbfs cannot be mounted: ${mount.stderr.toString().trim()}`;
    }
    undo.push(() => void Bun.spawnSync(["umount", HUGE_PAGES_FOLDER]));
  }
  return giveBack;
}
