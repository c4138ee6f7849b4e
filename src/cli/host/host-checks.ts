// What `qos check` makes of a host's facts: line by line ok, warn or fail, with the command that mends it. Pure.

import { groupName, userName } from "../../../ffi/users.ts";
import { allows, type Identity, READ, type Rights, shownRights, WRITE } from "./access.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";
import type { ChannelFact, CpuFacts, HostFacts } from "./host-facts.ts";

export interface CheckRequest {
  readonly useHugePages: boolean;
  readonly cpu: number | undefined;
  /** `spin` wants a core of its own. */
  readonly idle: "spin" | "backoff";
}

const MIB = 1024 * 1024;
/** Tables, rings and the runtime; the channels and the queue's packets come on top. */
const OWN_BYTES_MIN = 660 * MIB;
const FILES_MIN = 256;
const LOCKED_MIN_BYTES = 8 * MIB;
/** A sibling that is busier than this takes cycles from the loop. */
const BUSY_SHARE_MAX = 0.2;

const mib = (bytes: number): string => `${Math.ceil(bytes / MIB)} MiB`;
const share = (value: number): string => `${Math.round(100 * value)}%`;

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
  const { hugePages, needed, hugeMountProblem, hugePagesAvailable, hugeGroupProblem, shm, channels, freeBytes } = facts;
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
    if (enough && hugeGroupProblem !== undefined && useHugePages && !isThere) {
      const [says, mend] = hugeGroupProblem.split("; as root: ");
      findings.push(fail("huge pages", says, mend));
    } else if (enough) findings.push(ok("huge pages", counted));
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
    const ownBytes = OWN_BYTES_MIN + needed.queueBytes;
    const says = `${mib(freeBytes)} available, about ${mib(ownBytes)} needed`;
    findings.push(
      freeBytes < ownBytes ? fail("memory", says, "lower --max-ips, --max-signers or --fates") : ok("memory", says),
    );
  }
  return findings;
}

function limitChecks({ lockedBytes, openFiles, processProblem, clockSource, simd }: HostFacts): Finding[] {
  const findings: Finding[] = [];
  if (lockedBytes !== undefined) {
    const says = `locked memory ${lockedBytes === Number.POSITIVE_INFINITY ? "unlimited" : mib(lockedBytes)}`;
    findings.push(lockedBytes < LOCKED_MIN_BYTES ? warn("limits", says, "ulimit -l unlimited") : ok("limits", says));
  }
  if (openFiles !== undefined) {
    const says = `open files ${openFiles === Number.POSITIVE_INFINITY ? "unlimited" : openFiles}`;
    findings.push(openFiles < FILES_MIN ? fail("limits", says, `ulimit -n ${4 * FILES_MIN}`) : ok("limits", says));
  }
  if (processProblem !== undefined) findings.push(fail("limits", processProblem, "ulimit -u unlimited"));
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
    return siblingsBusy[i] > BUSY_SHARE_MAX ? warn("sibling", says, mend) : ok("sibling", says);
  });
}

function governorCheck({ cpu, governor }: CpuFacts): Finding {
  if (governor === undefined) return ok("governor", "none: the host (or its hypervisor) sets the clock's rate");
  const mend = `echo performance > /sys/devices/system/cpu/cpu${cpu}/cpufreq/scaling_governor`;
  return governor === "performance"
    ? ok("governor", governor)
    : warn("governor", `${governor}: the core wakes up slowly`, mend);
}

function channelChecks({ channels, who }: HostFacts): Finding[] {
  const findings: Finding[] = [];
  const absent = channels.filter(({ state }) => state === "absent");
  if (absent.length === channels.length) {
    findings.push(warn("channels", "none is there", "start the validator, or create them with qos init"));
    return findings;
  }
  for (const channel of channels) {
    const { name, path, state, problem, required, rights, validatorAlive, lockedBy } = channel;
    if (state === "absent") {
      findings.push(
        (required ? warn : ok)(name, "not there yet", required ? "start the validator, or qos init" : undefined),
      );
      continue;
    }
    const closed = who === undefined || rights === undefined ? undefined : closedTo(who, rights, path);
    if (closed !== undefined) findings.push(fail(name, closed.says, closed.mend));
    else if (state === "uninitialised") {
      findings.push(warn(name, "its producer has not begun", "start the validator"));
    } else if (state === "refused") findings.push(fail(name, problem ?? "it is refused"));
    else {
      const life = validatorAlive ? "the validator beats" : "the validator is silent";
      const locked = lockedBy === undefined ? "" : `, held by process ${lockedBy}`;
      const says = `${rights === undefined ? "" : `${shownRights(rights, groupName)}, `}${life}${locked}`;
      const foreign = channel.isOutput ? validatorProblem(channel, channels) : undefined;
      if (foreign !== undefined) findings.push(fail(name, `${says}; ${foreign.says}`, foreign.mend));
      else if (validatorAlive) findings.push(ok(name, says));
      else findings.push(warn(name, says, "start the validator"));
    }
  }
  return findings;
}

/** Why the sidecar's user cannot open a channel. Files of `qos init --group` are for all of their group. */
function closedTo(who: Identity, rights: Rights, path: string): { says: string; mend: string } | undefined {
  if (allows(rights, who, READ | WRITE)) return undefined;
  const user = userName(who.uid);
  const group = groupName(rights.gid);
  const isShared = (rights.mode & 0o060) === 0o060;
  const mend = isShared
    ? `usermod -a -G ${group} ${user}, or run as ${userName(rights.uid)}`
    : `run as ${userName(rights.uid)}, or make the channels for a group of both: qos init --force --group GROUP`;
  return { says: `${shownRights(rights, groupName)}: ${user} cannot open ${path}`, mend };
}

/**
 * Why the validator cannot open the output though the other channels are its own or its group's. The validator's user is
 * not known, so the rule is: a user that can open all inputs must be able to open the output.
 */
function validatorProblem(
  output: ChannelFact,
  channels: readonly ChannelFact[],
): { says: string; mend: string } | undefined {
  const { rights: out, path } = output;
  const inputs = channels.flatMap(({ rights, isOutput }) => (isOutput || rights === undefined ? [] : [rights]));
  const [first] = inputs;
  if (out === undefined || first === undefined) return undefined;
  const isForGroup = (one: Rights): boolean => (one.mode & 0o060) === 0o060;
  const sameGroup = inputs.every((one) => isForGroup(one) && one.gid === first.gid);
  if (sameGroup && first.uid !== out.uid) {
    // A member of the group that is neither the owner of the output nor root.
    if (allows(out, { uid: -1, gids: [first.gid] }, READ | WRITE)) return undefined;
    const group = groupName(first.gid);
    return {
      says: `the group ${group} of the other channels cannot open it`,
      mend: `chgrp ${group} ${path} && chmod 0660 ${path}`,
    };
  }
  if (sameGroup || inputs.some(({ uid }) => uid !== first.uid)) return undefined;
  if (allows(out, { uid: first.uid, gids: [first.gid] }, READ | WRITE)) return undefined;
  return {
    says: `${userName(first.uid)}, the owner of the other channels, cannot open it`,
    mend: `make the channels for a group of both users: qos init --force --group GROUP`,
  };
}
