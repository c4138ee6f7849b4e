// What `qos check` makes of a host's facts: line by line ok, warn or fail, with the command that mends it. Pure.

import { userName } from "../../../ffi/users.ts";
import type { CpuFacts, HostFacts } from "./host-facts.ts";

export type Level = "ok" | "warn" | "fail";

export interface Finding {
  readonly name: string;
  readonly level: Level;
  readonly says: string;
  /** What mends it. */
  readonly mend: string | undefined;
}

export interface CheckRequest {
  readonly useHugePages: boolean;
  readonly cpu: number | undefined;
  /** `spin` wants a core of its own. */
  readonly idle: "spin" | "backoff";
}

const MIB = 1024 * 1024;
/** Tables, rings and the runtime; the channels come on top. */
const OWN_BYTES = 700 * MIB;
const FILES_NEEDED = 256;
const LOCKED_NEEDED = 8 * MIB;
/** A sibling that is busier than this takes cycles from the loop. */
const BUSY_SHARE = 0.2;

const mib = (bytes: number): string => `${Math.ceil(bytes / MIB)} MiB`;
const share = (value: number): string => `${Math.round(100 * value)}%`;

const ok = (name: string, says: string): Finding => ({ name, level: "ok", says, mend: undefined });
const warn = (name: string, says: string, mend?: string): Finding => ({ name, level: "warn", says, mend });
const fail = (name: string, says: string, mend?: string): Finding => ({ name, level: "fail", says, mend });

/** Every finding, in the order in which they are told. */
export function hostChecks(facts: HostFacts, request: CheckRequest): Finding[] {
  return [
    ...memoryChecks(facts, request),
    ...limitChecks(facts),
    ...coreChecks(facts, request),
    ...channelChecks(facts),
    facts.sidecarPid === undefined
      ? ok("sidecar", "no other sidecar runs under this prefix")
      : warn(
          "sidecar",
          `process ${facts.sidecarPid} is a sidecar under this prefix already`,
          "take another --prefix, or stop it",
        ),
  ];
}

function memoryChecks(facts: HostFacts, { useHugePages }: CheckRequest): Finding[] {
  const { hugePages, needed, hugeMountProblem, hugePagesAvailable, shm, channels, freeBytes } = facts;
  const isThere = channels.some(({ state }) => state === "readable");
  const findings: Finding[] = [];
  if (hugePages === undefined) {
    findings.push(
      (useHugePages ? fail : ok)(
        "huge pages",
        "this kernel has no huge pages of 2 MiB",
        "run without --use-huge-pages",
      ),
    );
  } else {
    const counted = `${needed.hugePages} needed, ${hugePages.total} reserved, ${hugePages.free} free, ${hugePages.reserved} of them promised`;
    const enough = hugePagesAvailable >= needed.hugePages || (useHugePages && isThere);
    if (enough) findings.push(ok("huge pages", counted));
    else if (useHugePages) findings.push(fail("huge pages", counted, "qos configure hugepages --apply"));
    else findings.push(ok("huge pages", `${counted} (not used: --use-huge-pages is not given)`));
    if (hugeMountProblem === undefined) findings.push(ok("huge mount", "/mnt/hugepages has pages of 2 MiB"));
    else if (useHugePages)
      findings.push(fail("huge mount", hugeMountProblem.split(";")[0], "qos configure hugepages --apply"));
  }
  if (shm === undefined) findings.push(fail("/dev/shm", "it is not there", "mount -t tmpfs tmpfs /dev/shm"));
  else if (!useHugePages && !isThere && shm.free < needed.bytes) {
    const size = Math.ceil((shm.bytes + needed.bytes - shm.free) / MIB);
    const says = `${mib(needed.bytes)} needed for the channels, ${mib(shm.free)} of ${mib(shm.bytes)} free`;
    findings.push(fail("/dev/shm", says, `mount -o remount,size=${size}M /dev/shm`));
  } else findings.push(ok("/dev/shm", `${mib(shm.free)} of ${mib(shm.bytes)} free`));
  if (freeBytes !== undefined) {
    const says = `${mib(freeBytes)} available, about ${mib(OWN_BYTES)} needed`;
    findings.push(
      freeBytes < OWN_BYTES ? fail("memory", says, "lower --max-ips, --max-signers or --fates") : ok("memory", says),
    );
  }
  return findings;
}

function limitChecks({ lockedBytes, openFiles, clockSource, simd }: HostFacts): Finding[] {
  const findings: Finding[] = [];
  if (lockedBytes !== undefined) {
    const says = `locked memory ${lockedBytes === Number.POSITIVE_INFINITY ? "unlimited" : mib(lockedBytes)}`;
    findings.push(lockedBytes < LOCKED_NEEDED ? warn("limits", says, "ulimit -l unlimited") : ok("limits", says));
  }
  if (openFiles !== undefined) {
    const says = `open files ${openFiles === Number.POSITIVE_INFINITY ? "unlimited" : openFiles}`;
    findings.push(
      openFiles < FILES_NEEDED ? fail("limits", says, `ulimit -n ${4 * FILES_NEEDED}`) : ok("limits", says),
    );
  }
  if (clockSource !== undefined) {
    const fast = ["tsc", "kvm-clock", "arch_sys_counter"].includes(clockSource);
    const mend = "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource";
    const slow = warn("clock", `${clockSource}: reading it is a system call, two for each turn`, mend);
    findings.push(fast ? ok("clock", clockSource) : slow);
  }
  if (!simd.wasm)
    findings.push(fail("SIMD", "WebAssembly has no SIMD here: the kernel cannot run", "take a newer CPU"));
  else if (simd.ssse3 === false) findings.push(fail("SIMD", "the CPU has no SSSE3", "take a newer CPU"));
  else findings.push(ok("SIMD", "the kernel's instructions are there"));
  return findings;
}

function coreChecks({ cores, allowedCpus, cpu }: HostFacts, request: CheckRequest): Finding[] {
  if (request.cpu === undefined) {
    const says = `${cores} cores, no --cpu: the loop shares whichever it is given`;
    return [
      request.idle === "spin" && cores < 4
        ? warn("core", says, "add --idle backoff on a small or shared machine")
        : ok("core", says),
    ];
  }
  if (cpu === undefined)
    return [fail("core", `this host has no core ${request.cpu}`, `take one of ${allowedCpus.join(", ")}`)];
  if (!cpu.allowed) {
    return [fail("core", `core ${cpu.cpu} is not allowed to this process`, `take one of ${allowedCpus.join(", ")}`)];
  }
  return [...isolationChecks(cpu, request), ...siblingChecks(cpu), governorCheck(cpu)];
}

function isolationChecks({ cpu, isolated, busy }: CpuFacts, { idle }: CheckRequest): Finding[] {
  if (isolated) return [ok("core", `core ${cpu} is isolated`)];
  const says = `core ${cpu} is shared with other tasks (${share(busy)} busy now)`;
  const mend = `boot with isolcpus=${cpu} nohz_full=${cpu}, or add --idle backoff`;
  return [idle === "spin" ? warn("core", says, mend) : ok("core", says)];
}

function siblingChecks({ cpu, siblings, siblingsBusy }: CpuFacts): Finding[] {
  return siblings.map((sibling, i) => {
    const says = `core ${sibling} is the other thread of core ${cpu}, ${share(siblingsBusy[i])} busy`;
    const mend = `echo 0 > /sys/devices/system/cpu/cpu${sibling}/online, or take another core`;
    return siblingsBusy[i] > BUSY_SHARE ? warn("sibling", says, mend) : ok("sibling", says);
  });
}

function governorCheck({ cpu, governor }: CpuFacts): Finding {
  if (governor === undefined) return ok("governor", "none: the host (or its hypervisor) sets the clock's rate");
  const mend = `echo performance > /sys/devices/system/cpu/cpu${cpu}/cpufreq/scaling_governor`;
  return governor === "performance"
    ? ok("governor", governor)
    : warn("governor", `${governor}: the core wakes up slowly`, mend);
}

function channelChecks({ channels, uid }: HostFacts): Finding[] {
  const findings: Finding[] = [];
  const absent = channels.filter(({ state }) => state === "absent");
  if (absent.length === channels.length) {
    findings.push(warn("channels", "none is there", "start the validator, or create them with qos init"));
    return findings;
  }
  for (const { name, path, state, problem, required, mode, uid: owner, validatorAlive, lockedBy } of channels) {
    if (state === "absent") {
      findings.push(
        (required ? warn : ok)(name, "not there yet", required ? "start the validator, or qos init" : undefined),
      );
    } else if (state === "uninitialised")
      findings.push(warn(name, "its producer has not begun", "start the validator"));
    else if (state === "refused") findings.push(fail(name, problem ?? "it is refused"));
    else {
      const foreign = uid !== 0 && owner !== uid && owner !== undefined;
      const who = `${mode} ${owner === undefined ? "" : userName(owner)}`;
      const life = validatorAlive ? "the validator beats" : "the validator is silent";
      const locked = lockedBy === undefined ? "" : `, held by process ${lockedBy}`;
      const says = `${who}, ${life}${locked}`;
      if (foreign) findings.push(fail(name, says, `run as ${userName(owner)}, or chown it: ${path}`));
      else findings.push(validatorAlive ? ok(name, says) : warn(name, says, "start the validator"));
    }
  }
  return findings;
}
