// Huge pages, really reserved, mounted and given back: as root, on a host where nobody has any.

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { hugePageMountProblem, hugePages } from "../../../ffi/huge-pages.ts";
import { hugePlan } from "../../../src/cli/commands/configure.ts";
import { main } from "../../../src/cli/root.ts";

async function qos(...raw: string[]): Promise<{ code: number; out: string; err: string }> {
  const text = { out: "", err: "" };
  const code = await main(raw, {
    line: (line) => {
      text.out += `${line}\n`;
    },
    json: () => undefined,
    note: (line) => {
      text.err += `${line}\n`;
    },
    closed: () => false,
  });
  return { code, ...text };
}

const configure = (...flags: string[]) => qos("configure", "hugepages", ...flags);

const isFree =
  process.geteuid?.() === 0 &&
  hugePages()?.total === 0 &&
  hugePageMountProblem() !== undefined &&
  !existsSync("/run/qos/hugepages.json");

// Skipped where this is no root, or the host has huge pages of its own.
describe.skipIf(!isFree)("huge pages (needs root, and a host without any)", () => {
  afterEach(async () => {
    await configure("--undo");
  });

  test("are shown, reserved and mounted, and given back", async () => {
    const shown = await configure("--pages", "4");
    expect(shown.code).toBe(0);
    expect(shown.out).toContain("echo 4 > /proc/sys/vm/nr_hugepages");
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
