// What this host is like, read from /proc, /sys and the file systems: nothing is changed, nothing is judged (host-checks.ts
// does that). Files that are not there are facts too: undefined.

import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import {
  availableHugePages,
  HUGE_PAGE_BYTES,
  HUGE_PAGES_FOLDER,
  type HugePages,
  hugePageGroupShortage,
  hugePageMountProblem,
  hugePages,
} from "../../../ffi/huge-pages.ts";
import { SystemError } from "../../../ffi/libc.ts";
import { closeFile, fileSystemRoom, lockHolder, openExisting, statFile, statPath } from "../../../ffi/shared-memory.ts";
import { allowedCpus } from "../../../ffi/thread.ts";
import { identityOf, openToRead } from "../../channel/files.ts";
import { channelFileBytes, STANDARD_PAGES_FOLDER } from "../../channel/place.ts";
import { readHeader } from "../../channel/snapshot.ts";
import { statusPath } from "../../observe/status-reader.ts";
import { CHANNELS, OUTPUT_CHANNEL } from "../../shape/channels.ts";
import { QUEUE_CAPACITY } from "../../shape/layout.ts";
import { LIFE_WATCH_MS, type NamedChannel } from "../channels/channel-files.ts";
import type { Identity, Rights } from "./access.ts";
import { ownProcessProblem } from "./process-limit.ts";
import { softLimit } from "./soft-limit.ts";

export interface ChannelFact {
  readonly name: string;
  readonly path: string;
  readonly required: boolean;
  readonly state: "absent" | "uninitialised" | "refused" | "readable";
  /** Why it is refused. */
  readonly problem: string | undefined;
  /** undefined if nothing is there, or it cannot be seen. */
  readonly rights: Rights | undefined;
  /** The channel that the validator reads. */
  readonly isOutput: boolean;
  /** Whether the validator's side moved while it was watched. */
  readonly validatorAlive: boolean;
  readonly sidecarAlive: boolean;
  readonly lockedBy: number | undefined;
}

export interface CpuFacts {
  readonly cpu: number;
  readonly allowed: boolean;
  readonly isolated: boolean;
  /** Other threads of the same core. */
  readonly siblings: readonly number[];
  /** Share of the time that each sibling was busy, in the order of `siblings`. */
  readonly siblingsBusy: readonly number[];
  /** Share of the time that the core itself was busy. */
  readonly busy: number;
  readonly governor: string | undefined;
}

export interface HostFacts {
  /** The user that the sidecar would run as; undefined if none is named. */
  readonly who: Identity | undefined;
  /** `hugePages`, `bytes`: of the channels. `queueBytes`: of the packets that wait in the sidecar. */
  readonly needed: { readonly hugePages: number; readonly bytes: number; readonly queueBytes: number };
  readonly hugePages: HugePages | undefined;
  readonly hugePagesAvailable: number;
  readonly hugeMountProblem: string | undefined;
  /** Why the control group does not let the channels have their pages. */
  readonly hugeGroupProblem: string | undefined;
  readonly shm: { readonly bytes: number; readonly free: number } | undefined;
  /** Soft limits; Infinity for unlimited, undefined where /proc does not say. */
  readonly lockedBytes: number | undefined;
  readonly openFiles: number | undefined;
  /** Why this user may have too few processes and threads. */
  readonly processProblem: string | undefined;
  readonly cores: number;
  readonly allowedCpus: readonly number[];
  readonly cpu: CpuFacts | undefined;
  readonly clockSource: string | undefined;
  readonly freeBytes: number | undefined;
  readonly simd: { readonly wasm: boolean; readonly ssse3: boolean | undefined };
  readonly channels: readonly ChannelFact[];
  /** The process that holds the status page of the prefix. */
  readonly sidecarPid: number | undefined;
}

/** A module whose one function makes a v128: valid only where WebAssembly has SIMD. */
const SIMD_MODULE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    return undefined;
  }
}

/** `0-3,8` as numbers. */
export function cpuList(text: string): number[] {
  if (text.trim() === "") return [];
  return text.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Jiffies busy and in all, by core. @param stat content of /proc/stat */
export function cpuTimes(stat: string): Map<number, { busy: number; all: number }> {
  const times = new Map<number, { busy: number; all: number }>();
  for (const [, cpu, numbers] of stat.matchAll(/^cpu(\d+) ([\d ]+)$/gm)) {
    const values = numbers.split(" ").map(Number);
    const all = values.slice(0, 8).reduce((sum, value) => sum + value, 0);
    const [, , , idle, iowait] = values;
    times.set(Number(cpu), { busy: all - idle - iowait, all });
  }
  return times;
}

function cpuFacts(cpu: number, before: string, after: string): CpuFacts {
  const folder = `/sys/devices/system/cpu/cpu${cpu}`;
  const siblings = cpuList(read(`${folder}/topology/thread_siblings_list`) ?? `${cpu}`).filter((one) => one !== cpu);
  const [from, to] = [cpuTimes(before), cpuTimes(after)];
  const busy = (one: number): number => {
    const [a, b] = [from.get(one), to.get(one)];
    return a === undefined || b === undefined || b.all === a.all ? 0 : (b.busy - a.busy) / (b.all - a.all);
  };
  return {
    cpu,
    allowed: allowedCpus().includes(cpu),
    isolated: cpuList(read("/sys/devices/system/cpu/isolated") ?? "").includes(cpu),
    siblings,
    siblingsBusy: siblings.map(busy),
    busy: busy(cpu),
    governor: read(`${folder}/cpufreq/scaling_governor`),
  };
}

interface Look {
  readonly fact: Omit<ChannelFact, "validatorAlive" | "sidecarAlive">;
  readonly fd: number | undefined;
}

function lookAt({ spec, path, shape }: NamedChannel): Look {
  const fact = { name: spec.name, path, required: spec.required, isOutput: spec === CHANNELS[OUTPUT_CHANNEL] };
  const none = { problem: undefined, rights: undefined, lockedBy: undefined };
  try {
    const opened = openToRead(path, shape);
    if (typeof opened !== "number") {
      const there = statPath(path);
      const problem = opened.state === "refused" ? opened.message : undefined;
      return { fact: { ...fact, ...none, rights: there, state: opened.state, problem }, fd: undefined };
    }
    const facts = statFile(opened, path);
    const lockedBy = lockHolder(facts);
    return { fact: { ...fact, state: "readable", problem: undefined, rights: facts, lockedBy }, fd: opened };
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const rights = identityOf(path);
    return { fact: { ...fact, ...none, rights, state: "refused", problem: error.message }, fd: undefined };
  }
}

function holderOf(path: string): number | undefined {
  try {
    const fd = openExisting(path, "read");
    try {
      return lockHolder(statFile(fd, path));
    } finally {
      closeFile(fd);
    }
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}

/**
 * Looks at the host for a moment.
 * @param cpu the core of `--cpu`
 * @param who the user that the sidecar would run as
 */
export async function hostFacts(
  channels: readonly NamedChannel[],
  prefix: string,
  cpu: number | undefined,
  who: Identity | undefined,
): Promise<HostFacts> {
  const looks = channels.map(lookAt);
  const beats = () => looks.map(({ fact, fd }) => (fd === undefined ? undefined : readHeader(fd, fact.path)));
  const statBefore = read("/proc/stat") ?? "";
  const before = beats();
  await Bun.sleep(LIFE_WATCH_MS);
  const after = beats();
  const statAfter = read("/proc/stat") ?? "";
  for (const { fd } of looks) if (fd !== undefined) closeFile(fd);
  const limits = read("/proc/self/limits") ?? "";
  const pages = hugePages();
  const flags = /^flags\s*:(.*)$/m.exec(read("/proc/cpuinfo") ?? "")?.[1].split(" ");
  const neededPages = channels.reduce((sum, { shape }) => sum + channelFileBytes(shape, "huge") / HUGE_PAGE_BYTES, 0);
  return {
    who,
    needed: {
      hugePages: neededPages,
      bytes: channels.reduce((sum, { shape }) => sum + channelFileBytes(shape, "standard"), 0),
      queueBytes: 2 * QUEUE_CAPACITY * channels[OUTPUT_CHANNEL].shape.elementBytes,
    },
    hugePages: pages,
    hugePagesAvailable: pages === undefined ? 0 : availableHugePages(pages),
    hugeMountProblem: hugePageMountProblem(HUGE_PAGES_FOLDER),
    hugeGroupProblem: hugePageGroupShortage(neededPages),
    shm: roomOf(STANDARD_PAGES_FOLDER),
    lockedBytes: softLimit(limits, "Max locked memory"),
    openFiles: softLimit(limits, "Max open files"),
    processProblem: ownProcessProblem(),
    cores: cpus().length,
    allowedCpus: allowedCpus(),
    cpu: cpu === undefined || !cpuExists(cpu) ? undefined : cpuFacts(cpu, statBefore, statAfter),
    clockSource: read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
    freeBytes: kibOf("MemAvailable"),
    simd: { wasm: WebAssembly.validate(SIMD_MODULE), ssse3: flags?.includes("ssse3") },
    channels: looks.map(({ fact }, id) => {
      const [a, b] = [before[id], after[id]];
      const moved = (field: "producerHeartbeat" | "consumerHeartbeat" | "tail"): boolean =>
        a !== undefined && b !== undefined && a[field] !== b[field];
      const producer = moved("producerHeartbeat") || moved("tail");
      const consumer = moved("consumerHeartbeat");
      const isOutput = id === OUTPUT_CHANNEL;
      return {
        ...fact,
        validatorAlive: isOutput ? consumer : producer,
        sidecarAlive: isOutput ? producer : consumer,
      };
    }),
    sidecarPid: holderOf(statusPath(prefix)),
  };
}

function cpuExists(cpu: number): boolean {
  try {
    return readdirSync(`/sys/devices/system/cpu/cpu${cpu}`).length > 0;
  } catch {
    return false;
  }
}

function roomOf(folder: string): { bytes: number; free: number } | undefined {
  try {
    return fileSystemRoom(folder);
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}

function kibOf(name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(read("/proc/meminfo") ?? "");
  return match === null ? undefined : Number(match[1]) * 1024;
}
