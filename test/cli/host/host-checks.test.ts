import { describe, expect, test } from "bun:test";
import { type CheckRequest, hostChecks } from "../../../src/cli/host/host-checks.ts";
import {
  type ChannelFact,
  type CpuFacts,
  cpuList,
  cpuTimes,
  type HostFacts,
} from "../../../src/cli/host/host-facts.ts";
import { softLimit } from "../../../src/cli/host/soft-limit.ts";
import { main } from "../../../src/cli/root.ts";

const MIB = 1024 * 1024;

const channel: ChannelFact = {
  name: "tpu_to_qos",
  path: "/dev/shm/tpu_to_qos",
  required: true,
  state: "readable",
  problem: undefined,
  rights: { uid: 0, gid: 0, mode: 0o600 },
  isOutput: false,
  validatorAlive: true,
  sidecarAlive: false,
  lockedBy: undefined,
};

const cpu: CpuFacts = {
  cpu: 3,
  allowed: true,
  isolated: true,
  siblings: [7],
  siblingsBusy: [0.01],
  busy: 0,
  governor: "performance",
};

const good: HostFacts = {
  who: { uid: 0, gids: [0] },
  needed: { hugePages: 154, bytes: 300 * MIB, queueBytes: 0 },
  hugePages: { total: 200, free: 200, reserved: 0 },
  hugePagesAvailable: 200,
  hugeMountProblem: undefined,
  hugeGroupProblem: undefined,
  shm: { bytes: 1_000 * MIB, free: 900 * MIB },
  lockedBytes: Number.POSITIVE_INFINITY,
  openFiles: 1_024,
  processProblem: undefined,
  cores: 8,
  allowedCpus: [0, 1, 2, 3],
  cpu,
  clockSource: "tsc",
  freeBytes: 8_000 * MIB,
  simd: { wasm: true, ssse3: true },
  channels: [channel],
  sidecarPid: undefined,
};

const request: CheckRequest = { useHugePages: true, cpu: 3, idle: "spin" };

/** What is not ok, as `level name`, with what mends it. */
function troubles(facts: Partial<HostFacts>, asked: Partial<CheckRequest> = {}): Record<string, string | undefined> {
  const findings = hostChecks({ ...good, ...facts }, { ...request, ...asked });
  return Object.fromEntries(
    findings.filter(({ level }) => level !== "ok").map(({ level, name, mend }) => [`${level} ${name}`, mend]),
  );
}

describe("findings", () => {
  test("of a good host are all ok", () => {
    expect(troubles({})).toEqual({});
  });

  test("of memory name the command", () => {
    const few = { hugePages: { total: 10, free: 10, reserved: 0 }, hugePagesAvailable: 10, channels: [] };
    expect(troubles(few)).toMatchObject({ "fail huge pages": "qos configure hugepages --apply" });
    expect(troubles({ hugeMountProblem: "no hugetlbfs is mounted" })).toEqual({
      "fail huge mount": "qos configure hugepages --apply",
    });
    expect(Object.keys(troubles({ ...few, hugeMountProblem: "none" }, { useHugePages: false }))).toEqual([
      "warn channels",
    ]);
    expect(troubles({ hugePages: undefined, channels: [] })).toHaveProperty("fail huge pages");
    expect(troubles({ shm: { bytes: 64 * MIB, free: 64 * MIB }, channels: [] }, { useHugePages: false })).toMatchObject(
      {
        "fail /dev/shm": "mount -o remount,size=300M /dev/shm",
      },
    );
    // Channels that are there need no more room.
    expect(troubles({ shm: { bytes: 64 * MIB, free: MIB } }, { useHugePages: false })).toEqual({});
    expect(troubles({ shm: undefined })).toHaveProperty("fail /dev/shm");
    expect(troubles({ freeBytes: 100 * MIB })).toHaveProperty("fail memory");
  });

  test("of limits, clock and SIMD", () => {
    expect(troubles({ openFiles: 64 })).toEqual({ "fail limits": "ulimit -n 1024" });
    expect(troubles({ processProblem: "too few" })).toEqual({ "fail limits": "ulimit -u unlimited" });
    expect(troubles({ lockedBytes: 65_536 })).toEqual({ "warn limits": "ulimit -l unlimited" });
    expect(troubles({ clockSource: "hpet" })["warn clock"]).toContain("echo tsc");
    expect(troubles({ simd: { wasm: false, ssse3: undefined } })).toHaveProperty("fail SIMD");
    expect(troubles({ simd: { wasm: true, ssse3: false } })).toHaveProperty("fail SIMD");
    expect(troubles({ simd: { wasm: true, ssse3: undefined } })).toEqual({});
  });

  test("of the core", () => {
    expect(troubles({ cpu: undefined })["fail core"]).toBe("take one of 0, 1, 2, 3");
    expect(troubles({ cpu: { ...cpu, allowed: false } })).toHaveProperty("fail core");
    expect(troubles({ cpu: { ...cpu, isolated: false } })["warn core"]).toContain("isolcpus=3");
    expect(troubles({ cpu: { ...cpu, isolated: false } }, { idle: "backoff" })).toEqual({});
    expect(troubles({ cpu: { ...cpu, siblingsBusy: [0.9] } })["warn sibling"]).toContain("cpu7/online");
    expect(troubles({ cpu: { ...cpu, governor: "powersave" } })["warn governor"]).toContain("echo performance");
    expect(troubles({ cpu: { ...cpu, governor: undefined } })).toEqual({});
    expect(troubles({ cores: 2 }, { cpu: undefined })["warn core"]).toContain("--idle backoff");
  });

  test("of the channels, and of another sidecar", () => {
    const one = (fact: Partial<ChannelFact>) => ({
      channels: [
        { ...channel, name: "other" },
        { ...channel, ...fact },
      ],
    });
    expect(troubles({ channels: [{ ...channel, state: "absent" }] })).toHaveProperty("warn channels");
    expect(troubles(one({ state: "absent" }))).toHaveProperty("warn tpu_to_qos");
    expect(troubles(one({ state: "absent", required: false }))).toEqual({});
    expect(troubles(one({ state: "uninitialised" }))).toHaveProperty("warn tpu_to_qos");
    expect(troubles(one({ state: "refused", problem: "of another layout" }))).toHaveProperty("fail tpu_to_qos");
    expect(troubles(one({ validatorAlive: false }))).toHaveProperty("warn tpu_to_qos");
    expect(troubles({ sidecarPid: 4_711 })).toHaveProperty("warn sidecar");
  });

  test("of who may open a channel: its owner, its group, or nobody else", () => {
    const of = (who: HostFacts["who"], rights: ChannelFact["rights"], state: ChannelFact["state"] = "readable") =>
      troubles({ who, channels: [{ ...channel, rights, state }] })["fail tpu_to_qos"];
    const sol = { uid: 4_242_000, gids: [4_242_000, 4_242_077] };
    expect(of(sol, { uid: 0, gid: 0, mode: 0o600 })).toContain("run as root");
    expect(of(sol, { uid: 0, gid: 4_242_077, mode: 0o660 })).toBeUndefined();
    expect(of(sol, { uid: 0, gid: 4_242_078, mode: 0o660 })).toContain("usermod -a -G 4242078 4242000");
    expect(of(sol, { uid: 0, gid: 4_242_077, mode: 0o640 })).toContain("qos init --force --group");
    expect(of(sol, { uid: 4_242_000, gid: 1, mode: 0o600 })).toBeUndefined();
    // The owner's class counts, as in the kernel.
    expect(of(sol, { uid: 4_242_000, gid: 4_242_077, mode: 0o060 })).toBeDefined();
    expect(of({ uid: 0, gids: [0] }, { uid: 5, gid: 5, mode: 0o600 })).toBeUndefined();
    expect(of(undefined, { uid: 0, gid: 0, mode: 0o600 })).toBeUndefined();
    expect(of(sol, { uid: 0, gid: 0, mode: 0o600 }, "refused")).toContain("run as root");
  });

  test("of an output that the validator cannot open, though the inputs are its own or its group's", () => {
    const of = (
      input: ChannelFact["rights"],
      output: ChannelFact["rights"],
      who = { uid: 4_242_050, gids: [4_242_077] },
    ) => {
      const inputs = ["fwd_to_qos", "tpu_to_qos"].map((name) => ({ ...channel, name, rights: input }));
      const last = { ...channel, name: "qos_to_sig", isOutput: true, rights: output };
      return troubles({ who, channels: [...inputs, last] })["fail qos_to_sig"];
    };
    const shared = { uid: 0, gid: 4_242_077, mode: 0o660 };
    expect(of(shared, shared)).toBeUndefined();
    // What a sidecar makes that starts before `qos init --group`.
    expect(of(shared, { uid: 4_242_050, gid: 4_242_050, mode: 0o600 })).toBe(
      "chgrp 4242077 /dev/shm/tpu_to_qos && chmod 0660 /dev/shm/tpu_to_qos",
    );
    expect(of(shared, { uid: 4_242_050, gid: 4_242_077, mode: 0o660 })).toBeUndefined();
    expect(of(shared, { uid: 4_242_050, gid: 4_242_077, mode: 0o640 })).toBeDefined();
    // The validator's own files, for it alone: only root or the same user gets so far.
    const own = { uid: 4_242_060, gid: 4_242_060, mode: 0o600 };
    expect(of(own, own, { uid: 4_242_060, gids: [4_242_060] })).toBeUndefined();
    expect(of(own, { uid: 0, gid: 0, mode: 0o600 }, { uid: 0, gids: [0] })).toContain("qos init --force --group");
    // Root's inputs: a validator that is root opens everything.
    const roots = { uid: 0, gid: 0, mode: 0o600 };
    expect(of(roots, { uid: 4_242_060, gid: 4_242_060, mode: 0o600 }, { uid: 0, gids: [0] })).toBeUndefined();
  });

  test("of huge pages that the control group does not allow", () => {
    const hugeGroupProblem = "154 are needed, and the control group allows 10 more; as root: echo max > /sys/x";
    expect(troubles({ hugeGroupProblem, channels: [] })).toMatchObject({ "fail huge pages": "echo max > /sys/x" });
    expect(troubles({ hugeGroupProblem, channels: [] }, { useHugePages: false })).toEqual({
      "warn channels": "start the validator, or create them with qos init",
    });
  });
});

describe("the host's files", () => {
  test("are read", () => {
    expect(cpuList("0-2,8,10-11")).toEqual([0, 1, 2, 8, 10, 11]);
    expect(cpuList("")).toEqual([]);
    const limits = "Limit  Soft  Hard\nMax locked memory         8388608              unlimited            bytes\n";
    expect(softLimit(limits, "Max locked memory")).toBe(8_388_608);
    expect(softLimit(`${limits}Max open files  unlimited  x`, "Max open files")).toBe(Number.POSITIVE_INFINITY);
    expect(softLimit(limits, "Max nothing")).toBeUndefined();
    const times = cpuTimes(
      "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 10 0 10 70 10 0 0 0 5 0\ncpu11 1 0 0 1 0 0 0 0 0 0\nintr 1\n",
    );
    expect([...times]).toEqual([
      [0, { busy: 20, all: 100 }],
      [11, { busy: 1, all: 2 }],
    ]);
  });
});

test("qos check reads this host and says how many of each", async () => {
  const lines: string[] = [];
  const out = { line: (line: string) => lines.push(line), json: () => {}, note: () => {}, closed: () => false };
  const code = await main(["check", "--prefix", `t${process.pid}_check_`], out as never);
  expect([0, 1]).toContain(code);
  expect(lines.at(-1)).toMatch(/^\d+ ok, \d+ warnings, \d+ failed$/);
  expect(lines.filter((line) => /^(ok|warn|fail) /.test(line)).length).toBeGreaterThan(7);
  expect(lines.some((line) => line.startsWith("fail"))).toBe(code === 1);
});
