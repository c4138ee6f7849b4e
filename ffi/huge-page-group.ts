// How many huge pages the control group of this process may have. The kernel refuses a page beyond that limit though the
// pool has free ones, and its error (ENOSPC, or SIGBUS at a touch) says nothing of the group.
// Source: the kernel's admin-guide, cgroup-v1/hugetlb.rst and cgroup-v2.rst ("HugeTLB").

import fs from "node:fs";

/** The tightest limit that this process is under. */
export interface HugePageGroup {
  /** The file that holds the limit. */
  readonly file: string;
  readonly limitBytes: number;
  /** What is left below the limit; never negative. */
  readonly freeBytes: number;
  /** What lifts the limit when it is written to the file. */
  readonly lift: "max" | "-1";
}

/** A mounted hierarchy of groups, and the group of this process in it. */
export interface GroupPlace {
  readonly mount: string;
  /** Below the mount; begins with a slash. */
  readonly group: string;
  readonly version: 1 | 2;
}

/** Limit and use of huge pages of 2 MiB, of pages in use and of pages promised to mappings. */
const FILES = {
  1: [
    ["hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.usage_in_bytes"],
    ["hugetlb.2MB.rsvd.limit_in_bytes", "hugetlb.2MB.rsvd.usage_in_bytes"],
  ],
  2: [
    ["hugetlb.2MB.max", "hugetlb.2MB.current"],
    ["hugetlb.2MB.rsvd.max", "hugetlb.2MB.rsvd.current"],
  ],
} as const;
/** Version 1 writes "no limit" as the largest whole number of pages below 2^63. */
const UNLIMITED_MIN_BYTES = 2 ** 62;

/**
 * Places of this process's groups.
 * @param groups content of /proc/self/cgroup
 * @param mounts content of /proc/self/mountinfo
 */
export function groupPlaces(groups: string, mounts: string): GroupPlace[] {
  return groups.split("\n").flatMap((line): GroupPlace[] => {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
    if (match === null) return [];
    const [, controllers, path] = match;
    const isUnified = controllers === "";
    if (!isUnified && !controllers.split(",").includes("hugetlb")) return [];
    for (const mount of mounts.split("\n")) {
      // id parent major:minor root mount options [fields] - type source super-options
      const [before, after = ""] = mount.split(" - ");
      const [, , , root = "", at = ""] = before.split(" ");
      const [type, , options = ""] = after.split(" ");
      const fits = isUnified ? type === "cgroup2" : type === "cgroup" && options.split(",").includes("hugetlb");
      if (!fits) continue;
      // In a container the mount may begin at the container's own group.
      const group = root !== "/" && (path === root || path.startsWith(`${root}/`)) ? path.slice(root.length) : path;
      return [{ mount: at, group: group === "" ? "/" : group, version: isUnified ? 2 : 1 }];
    }
    return [];
  });
}

function read(path: string): string | undefined {
  try {
    return fs.readFileSync(path, "latin1").trim();
  } catch {
    return undefined;
  }
}

/** The tightest limit at a place: of the group itself or of one above it. */
export function tightestLimit({ mount, group, version }: GroupPlace): HugePageGroup | undefined {
  let tightest: HugePageGroup | undefined;
  const names = group.split("/").filter((name) => name !== "");
  for (let depth = names.length; depth >= 0; depth--) {
    const folder = [mount, ...names.slice(0, depth)].join("/");
    for (const [limitName, usageName] of FILES[version]) {
      const limit = Number(read(`${folder}/${limitName}`) ?? Number.NaN); // "max" is not a number either
      if (!(limit >= 0 && limit < UNLIMITED_MIN_BYTES)) continue;
      const used = Number(read(`${folder}/${usageName}`) ?? 0) || 0;
      const freeBytes = Math.max(0, limit - used);
      if (tightest !== undefined && tightest.freeBytes <= freeBytes) continue;
      tightest = {
        file: `${folder}/${limitName}`,
        limitBytes: limit,
        freeBytes,
        lift: version === 1 ? "-1" : "max",
      };
    }
  }
  return tightest;
}

/** The tightest limit on huge pages of 2 MiB that this process is under; undefined if there is none. */
export function hugePageGroup(): HugePageGroup | undefined {
  const places = groupPlaces(read("/proc/self/cgroup") ?? "", read("/proc/self/mountinfo") ?? "");
  const limits = places.map(tightestLimit).filter((one) => one !== undefined);
  return limits.sort((a, b) => a.freeBytes - b.freeBytes)[0];
}
