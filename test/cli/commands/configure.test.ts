// Huge pages, really reserved, mounted and given back: as root, on a host where nobody has any.

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { hugePageMountProblem, hugePages } from "../../../ffi/huge-pages.ts";
import { hugePlan } from "../../../src/cli/commands/configure.ts";
import { runText as qos } from "../../tools/command-line.ts";
import { CAN_MOUNT, inMountNamespace } from "../../tools/mount-namespace.ts";

const configure = (...flags: string[]) => qos("configure", "hugepages", ...flags);

const isFree =
  process.geteuid?.() === 0 &&
  hugePages()?.total === 0 &&
  hugePageMountProblem() !== undefined &&
  !existsSync("/run/qos/hugepages.json");

// Skipped without root, and on a host that has huge pages of its own.
describe.skipIf(!isFree)("huge pages (needs root, and a host without any)", () => {
  afterEach(async () => {
    await configure("--undo");
  });

  test("are shown, reserved and mounted, and given back", async () => {
    const shown = await configure("--pages", "4");
    expect(shown.code).toBe(0);
    expect(shown.out).toContain("echo 4 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
    expect(hugePages()?.total).toBe(0);

    const applied = await configure("--pages", "4", "--apply");
    expect(applied).toMatchObject({ code: 0, err: "" });
    expect(hugePages()).toMatchObject({ total: 4, free: 4 });
    expect(hugePageMountProblem()).toBeUndefined();
    expect((await configure("--pages", "4")).out).toContain("nothing to do");

    // More of them later, and a file on them in between.
    expect((await configure("--pages", "6", "--apply")).code).toBe(0);
    expect(hugePages()?.total).toBe(6);
    await Bun.write("/mnt/hugepages/in_the_way", "");
    const refused = await configure("--undo");
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("is in use (in_the_way)");
    expect(hugePages()?.total).toBe(6);
    await Bun.file("/mnt/hugepages/in_the_way").delete();

    expect(await configure("--undo")).toMatchObject({ code: 0, err: "" });
    expect(hugePages()?.total).toBe(0);
    expect(hugePageMountProblem()).toBeDefined();
    expect((await configure("--undo")).out).toContain("nothing to take back");
  });
});

const SCRIPT = `${import.meta.dir}/../../../src/main.ts`;
/** Stand-ins: a pool of 2 MiB pages, a default pool of 1 GiB pages, and folders that are the test's alone. */
const STAND_INS = `
  RT=$0; S=/sys/kernel/mm/hugepages/hugepages-2048kB; D=$(mktemp -d); trap 'rm -r "$D"' EXIT; mkdir $D/2m
  sed 's/^Hugepagesize:.*/Hugepagesize:    1048576 kB/' /proc/meminfo > $D/mi1g; echo 64 > $D/pool1g
  for f in nr_hugepages free_hugepages resv_hugepages; do echo 0 > $D/2m/$f; done
  mount --bind $D/mi1g /proc/meminfo; mount --bind $D/pool1g /proc/sys/vm/nr_hugepages; mount --bind $D/2m $S
  mount -t tmpfs none /run; mount -t tmpfs none /mnt
  qos() { "$RT" "$1" configure hugepages "$2"; echo "code $?"; }
  pools() { echo "pools $(cat /proc/sys/vm/nr_hugepages $S/nr_hugepages | tr '\\n' ' ')"; }`;

// only root can mount stand-ins for the kernel's files
describe.skipIf(!CAN_MOUNT)("on a host whose default huge pages are of 1 GiB (needs root and unshare)", () => {
  test("the pool of 2 MiB pages is changed, and given back, and the default pool stays", () => {
    const script = `${STAND_INS}\n qos "$1" --apply; pools; qos "$1" --undo; pools`;
    const done = inMountNamespace(script, process.execPath, SCRIPT);
    expect(done.out).toContain("pools 64 232\n");
    expect(done.out).toContain("mounted at /mnt/hugepages");
    expect(done.out).toContain("'w /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages - - - - 232'");
    expect(done.out).toContain("hugepagesz=2M hugepages=232");
    expect(done.out).toMatch(/232 pages of 2 MiB given back, 0 in all\ncode 0\npools 64 0\n$/);
    expect(done.out + done.err).not.toContain("vm.nr_hugepages");
    expect(done.out + done.err).not.toContain("/proc/sys/vm/nr_hugepages");
  });
});

test("what is missing is what would be added", () => {
  const pages = hugePages();
  if (pages === undefined) return;
  const plan = hugePlan(pages.free + 10);
  expect(plan.add).toBe(plan.needed - plan.available);
});

test("mistakes are said", async () => {
  expect(await qos("configure", "network")).toMatchObject({ code: 2 });
  expect(await configure("--apply", "--undo")).toMatchObject({ code: 2 });
  expect(await qos("configure")).toMatchObject({ code: 2 });
});
