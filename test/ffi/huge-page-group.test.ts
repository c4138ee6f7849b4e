// Limits of control groups on huge pages: the files that hold them, and the limit that counts.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { groupPlaces, hugePageGroup, tightestLimit } from "../../ffi/huge-page-group.ts";

const MIB = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), "qos-groups-"));
afterAll(() => rmSync(folder, { recursive: true }));

const V2 = "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate";
const V1 = "36 24 0:31 / /sys/fs/cgroup/hugetlb rw - cgroup cgroup rw,hugetlb";
const CPU = "37 24 0:32 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu";

test("places are found in both versions, and within a container", () => {
  expect(groupPlaces("0::/system.slice/qos.service\n", V2)).toEqual([
    { mount: "/sys/fs/cgroup", group: "/system.slice/qos.service", version: 2 },
  ]);
  const both = groupPlaces("4:hugetlb:/a/b\n3:cpu:/a\n0::/\n", [CPU, V1, V2].join("\n"));
  expect(both).toEqual([
    { mount: "/sys/fs/cgroup/hugetlb", group: "/a/b", version: 1 },
    { mount: "/sys/fs/cgroup", group: "/", version: 2 },
  ]);
  const inside = V1.replace(" / /sys", " /docker/1 /sys");
  expect(groupPlaces("4:hugetlb:/docker/1\n", inside)).toMatchObject([{ group: "/" }]);
  expect(groupPlaces("4:hugetlb:/docker/1/x\n", inside)).toMatchObject([{ group: "/x" }]);
  expect(groupPlaces("4:hugetlb:/a\n", CPU)).toEqual([]);
  expect(groupPlaces("", "")).toEqual([]);
  expect(groupPlaces("nonsense\n::\n0:", `${V2}\n -  - \n`)).toEqual([]);
});

test("the tightest limit counts, be it of the group, of one above, or of promised pages", () => {
  const at = join(folder, "two");
  const write = (path: string, bytes: number | string) => {
    mkdirSync(join(at, path, ".."), { recursive: true });
    writeFileSync(join(at, path), `${bytes}\n`);
  };
  const place = { mount: at, group: "/a/b", version: 2 } as const;
  expect(tightestLimit(place)).toBeUndefined();
  write("a/b/hugetlb.2MB.max", "max");
  expect(tightestLimit(place)).toBeUndefined();
  write("a/hugetlb.2MB.max", 40 * MIB);
  write("a/hugetlb.2MB.current", 10 * MIB);
  expect(tightestLimit(place)).toEqual({
    file: join(at, "a/hugetlb.2MB.max"),
    limitBytes: 40 * MIB,
    freeBytes: 30 * MIB,
    lift: "max",
  });
  write("a/b/hugetlb.2MB.rsvd.max", 20 * MIB);
  write("a/b/hugetlb.2MB.rsvd.current", 30 * MIB);
  expect(tightestLimit(place)).toMatchObject({ limitBytes: 20 * MIB, freeBytes: 0 });
});

test("version 1 says no limit with a number", () => {
  const at = join(folder, "one");
  mkdirSync(at);
  writeFileSync(join(at, "hugetlb.2MB.limit_in_bytes"), "9223372036852678656\n");
  const place = { mount: at, group: "/", version: 1 } as const;
  expect(tightestLimit(place)).toBeUndefined();
  writeFileSync(join(at, "hugetlb.2MB.limit_in_bytes"), `${20 * MIB}\n`);
  expect(tightestLimit(place)).toMatchObject({ freeBytes: 20 * MIB, lift: "-1" });
});

test("this process' own groups are read without an error", () => {
  expect(hugePageGroup()?.freeBytes ?? 0).toBeGreaterThanOrEqual(0);
});
