import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import {
  availableHugePages,
  giganticRefusal,
  HUGE_PAGE_BYTES,
  hugePageMountProblem,
  hugePageShortage,
  hugePages,
} from "../../ffi/huge-pages.ts";
import { HUGE_PAGE_BYTES as LAYOUTS } from "../../src/shape/layout.ts";

const pages = hugePages();

describe("huge pages", () => {
  test("are of the size that the arena is laid out for", () => {
    expect(HUGE_PAGE_BYTES).toBe(LAYOUTS);
  });

  // a kernel without huge pages has no such file
  test.skipIf(pages === undefined)("are counted as the kernel does (needs a kernel with huge pages)", () => {
    const count = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(meminfo)?.[1]);
    const meminfo = fs.readFileSync("/proc/meminfo", "utf8");
    if (count("Hugepagesize") !== 2048) return; // meminfo shows the default size only
    expect(hugePages()?.total).toBe(count("HugePages_Total"));
  });

  test("that are promised are not available", () => {
    expect(availableHugePages({ total: 10, free: 7, reserved: 3 })).toBe(4);
    expect(availableHugePages({ total: 10, free: 3, reserved: 5 })).toBe(0);
  });

  // without huge pages the sentence is another one, below
  test.skipIf(pages === undefined)(
    "that are too few are named, with the command (needs a kernel with huge pages)",
    () => {
      expect(hugePageShortage(0)).toBeUndefined();
      const now = hugePages() as NonNullable<typeof pages>;
      const sentence = hugePageShortage(10_000_000) ?? "";
      expect(sentence).toContain("10000000 huge pages of 2 MiB are needed");
      const wanted = Number(
        /echo (\d+) > \/sys\/kernel\/mm\/hugepages\/hugepages-2048kB\/nr_hugepages/.exec(sentence)?.[1],
      );
      expect(wanted).toBe(now.total + 10_000_000 - availableHugePages(now));
    },
  );

  test("need a mount of their own kind", () => {
    expect(hugePageMountProblem("/dev/shm/no-such-folder")).toMatch(
      /huge pages of 2 MiB|does not exist; as root: mkdir/,
    );
    expect(hugePageMountProblem("/proc")).toMatch(
      /huge pages of 2 MiB|no hugetlbfs is mounted at \/proc; as root: .*mount -t/,
    );
  });

  test("of 1 GiB are none of ours", () => {
    expect(giganticRefusal(`none_${process.pid}`)).toBeUndefined();
  });
});
