// Huge pages of 2 MiB: whether the mount is there, how many pages are free, and what the operator must do if they are
// missing. Gigantic pages (1 GiB) are refused: eight such files do not fit an arena, which ends at 4 GiB.

import fs from "node:fs";
import { hugePageGroup } from "./huge-page-group.ts";
import { SystemError } from "./libc.ts";

export const HUGE_PAGES_FOLDER = "/mnt/hugepages";
const GIGANTIC_PAGES_FOLDER = "/mnt/gigantic";
export const HUGE_PAGE_BYTES = 2 * 1024 * 1024;

const HUGETLBFS_MAGIC = 0x958458f6;
const COUNTERS = "/sys/kernel/mm/hugepages/hugepages-2048kB";
/**
 * The file that sets the size of the pool of 2 MiB pages. `vm.nr_hugepages` is another pool on some hosts: that of the
 * default size, which is 1 GiB after a boot with `default_hugepagesz=1G`.
 */
export const HUGE_PAGES_COUNTER = `${COUNTERS}/nr_hugepages`;
const MOUNT_COMMAND = `mkdir -p ${HUGE_PAGES_FOLDER} && mount -t hugetlbfs -o pagesize=2M none ${HUGE_PAGES_FOLDER}`;

/** Pages of 2 MiB on this host. */
export interface HugePages {
  readonly total: number;
  readonly free: number;
  /** Promised to mappings that have not touched them yet; part of `free`. */
  readonly reserved: number;
}

/** @returns undefined if the kernel has no huge pages of 2 MiB */
export function hugePages(): HugePages | undefined {
  const count = (name: string): number => Number(fs.readFileSync(`${COUNTERS}/${name}`, "latin1"));
  try {
    return { total: count("nr_hugepages"), free: count("free_hugepages"), reserved: count("resv_hugepages") };
  } catch {
    return undefined;
  }
}

/** Pages that a new file can have. */
export function availableHugePages(pages: HugePages): number {
  return Math.max(0, pages.free - pages.reserved);
}

/** Why the mount can hold no huge-page file, with the command that mends it; undefined if it can. */
export function hugePageMountProblem(folder: string = HUGE_PAGES_FOLDER): string | undefined {
  if (hugePages() === undefined) return "this kernel has no huge pages of 2 MiB: run without --use-huge-pages";
  let stats: fs.StatsFs;
  try {
    stats = fs.statfsSync(folder);
  } catch (error) {
    const { code } = SystemError.from(error, folder);
    if (code === "ENOENT") return `${folder} does not exist; as root: ${MOUNT_COMMAND}`;
    return `${folder} cannot be looked at (${code})`;
  }
  if (stats.type !== HUGETLBFS_MAGIC) return `no hugetlbfs is mounted at ${folder}; as root: ${MOUNT_COMMAND}`;
  if (stats.bsize !== HUGE_PAGE_BYTES) {
    const mib = stats.bsize / (1024 * 1024);
    return (
      `${folder} is mounted with pages of ${mib} MiB, and only 2 MiB are supported; ` +
      `as root: umount ${folder} && ${MOUNT_COMMAND}`
    );
  }
  return undefined;
}

/** Why `needed` more pages cannot be had, with the command that mends it; undefined if they can. */
export function hugePageShortage(needed: number): string | undefined {
  const pages = hugePages();
  if (pages === undefined) return "this kernel has no huge pages of 2 MiB: run without --use-huge-pages";
  const available = availableHugePages(pages);
  if (available >= needed) return hugePageGroupShortage(needed);
  return (
    `${needed} huge pages of 2 MiB are needed and ${available} are available ` +
    `(${pages.total} in all, ${pages.free} free, ${pages.reserved} of them reserved); ` +
    `as root: echo ${pages.total + needed - available} > ${HUGE_PAGES_COUNTER}`
  );
}

/** Why this process' control group does not let it have `needed` more pages; undefined if it does. */
export function hugePageGroupShortage(needed: number): string | undefined {
  const group = hugePageGroup();
  if (group === undefined || group.freeBytes >= needed * HUGE_PAGE_BYTES) return undefined;
  return (
    `${needed} huge pages of 2 MiB are needed, and the control group of this process allows ` +
    `${Math.floor(group.freeBytes / HUGE_PAGE_BYTES)} more (its limit is ${group.limitBytes} bytes); ` +
    `as root: echo ${group.lift} > ${group.file}`
  );
}

/** The limit of this process' control group, to be added to a message; empty if there is none. */
export function hugePageGroupNote(): string {
  const group = hugePageGroup();
  return group === undefined
    ? ""
    : ` (the control group of this process may have ${group.limitBytes} bytes of them: ${group.file})`;
}

/** What the kernel's command line needs to reserve `pages` of 2 MiB at a boot, whatever the default size is. */
export function bootWords(pages: number): string {
  return `hugepagesz=2M hugepages=${pages}`;
}

/** Why a channel that lies on gigantic pages cannot be used; undefined if there is no such file. */
export function giganticRefusal(fileName: string): string | undefined {
  const path = `${GIGANTIC_PAGES_FOLDER}/${fileName}`;
  if (!fs.existsSync(path)) return undefined;
  return (
    `${path} lies on gigantic pages (1 GiB), which do not fit an arena of 4 GiB: ` +
    "let the validator use standard or 2 MiB pages"
  );
}
