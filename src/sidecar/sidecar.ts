// The sidecar's main thread: opens everything, gives up root's rights, starts the loop, and watches over it. It writes the
// log, the statistics and the checkpoint, looks for channels, and stops the loop when it is told to. What it does not do is
// touch a packet.

import { dropPrivileges } from "../../ffi/privileges.ts";
import { faultIn } from "../../ffi/shared-memory.ts";
import { allowedCpus, denyNewPrivileges } from "../../ffi/thread.ts";
import type { User } from "../../ffi/users.ts";
import { Mailbox } from "../engine/mailbox.ts";
import { Failure } from "../failure.ts";
import { writeKernelContext } from "../kernel/context.ts";
import { STATUS_NAME } from "../observe/status-reader.ts";
import { SESSION_BYTES } from "../records/fates-header.ts";
import type { SidecarSettings } from "../settings/sidecar-settings.ts";
import { CHANNELS, PACKET_CHANNELS } from "../shape/channels.ts";
import { HUGE_PAGE_BYTES, STATUS_BYTES } from "../shape/layout.ts";
import { Channels } from "./channel-files.ts";
import { FatesFile } from "./files/fates-file.ts";
import { type SharedFile, shareRange } from "./files/shared-file.ts";
import type { Lists } from "./inputs/lists.ts";
import type { Stakes } from "./inputs/stakes.ts";
import { reserveMemory, type SidecarMemory } from "./memory.ts";
import { type Log, openLog } from "./process/log.ts";
import { previousEnd } from "./process/previous-end.ts";
import { userToBecome } from "./process/rights.ts";
import { listenForStop } from "./process/signals.ts";
import type { StateFile } from "./scores/state-file.ts";
import type { DatabaseWriter } from "./threads/database.ts";
import { takeLoopThread } from "./threads/loop-thread.ts";

const SECRET_BYTES = 32;
/** The longest that the tables wait to be faulted in for a loop that does not get warm. */
const WARM_LIMIT_MS = 1_000;
const WARM_LOOK_MS = 5;

/**
 * Runs the sidecar until it is told to stop.
 * @returns the exit code
 * @throws Failure where it cannot start, before or while it gives up its rights
 */
export async function runSidecar(settings: SidecarSettings, version: string): Promise<number> {
  const startedAt = new Date();
  const stop = listenForStop();
  const log = await openLog(settings.json ? "json" : "text");
  try {
    return await start(settings, version, startedAt, stop, log);
  } finally {
    await log.flush(500);
  }
}

async function start(
  settings: SidecarSettings,
  version: string,
  startedAt: Date,
  stop: Promise<string>,
  log: Log,
): Promise<number> {
  const user = userToBecome({
    effectiveUid: process.geteuid?.() ?? -1,
    user: settings.user,
    allowRoot: settings.allowRoot,
    sudoUser: process.env.SUDO_USER,
  });
  checkCpu(settings.cpu);
  const memory = reserveMemory(settings);
  const { arena, layout } = memory;
  const loop = takeLoopThread();
  loop.prepare({ memory: arena.memory, layout: layout.options, settings });
  const mailbox = new Mailbox(arena, layout.mailboxAt);
  const mayGain = denyNewPrivileges();
  if (mayGain.length > 0) {
    log.warn(
      `threads ${mayGain.join(", ")} could still run programs with rights of their own: this kernel has no seccomp`,
    );
  }
  const session = newSession();
  let fates = shareFates(settings, memory, session, user);
  const previous = previousEnd(settings.prefix);
  const status = shareStatus(settings, memory, user);
  let isFailed = false;
  try {
    // The engine takes as long to build as the channels to open. It does nothing before `go`.
    loop.build();
    const channels = openChannels(settings, memory, mailbox, user, log);
    if (user !== undefined) becomeUser(user, log);
    if (previous !== undefined) log.warn(`the sidecar before this one, process ${previous.pid}: ${previous.reason}`);
    if (typeof status === "string") log.warn(`qos monitor cannot look at this sidecar: ${status}`);

    const stakes = await openStakes(settings, memory, mailbox, log);
    const lists = await openLists(settings, memory, mailbox, log);
    const state = await openState(settings, log);
    const scores = state?.read(settings.model);
    if (scores !== undefined) {
      const rows = scores.tables.reduce((sum, table) => sum + table.traits.length, 0);
      log.info(`${rows} scores read from ${settings.stateFile}`, { rows });
    }
    writeKernelContext(arena, layout.contextAt, {
      ...settings,
      xxhashSeed: channels.seed,
      secret: crypto.getRandomValues(new Uint8Array(SECRET_BYTES)),
      skipPayloads: settings.model !== "evidence",
    });
    channels.offerAll();
    const startedMs = performance.now();
    loop.go({ scores });
    if (typeof fates === "object") fates = fates.complete() ?? fates;
    if (typeof fates === "string") log.warn(`recent fates cannot be looked at by qos explain: ${fates}`);
    const { supervise } = await import("./supervisor.ts");
    const database = await openDatabase(settings, memory, session, version, startedAt, log);
    const supervised = supervise({
      settings,
      version,
      previous,
      startedAt,
      startedMs,
      log,
      memory,
      mailbox,
      channels,
      stakes,
      lists,
      state,
      database,
      fates: typeof fates === "string" ? undefined : fates,
      loop: loop.ended,
      stop,
    });
    const faultedIn = faultInTables(memory, channels, mailbox);
    const exitCode = await Promise.race([supervised, faultedIn.then(() => supervised)]);
    isFailed = exitCode !== 0;
    return exitCode;
  } finally {
    if (typeof fates === "object") fates.close();
    if (typeof status === "object") isFailed ? status.leave() : status.close();
  }
}

// What few use is loaded where it is used: node:net and node:crypto alone cost a start 15 ms.

/** The run's name in the database: 16 hex digits. */
function newSession(): string {
  return crypto.getRandomValues(new Uint8Array(SESSION_BYTES / 2)).toHex();
}

/**
 * Lets other processes see recent fates. Before the loop's thread begins: what the ring holds then would be hidden.
 * @returns undefined where none are kept, or why they cannot be seen
 */
function shareFates(
  { prefix }: SidecarSettings,
  { arena, layout }: SidecarMemory,
  session: string,
  user: User | undefined,
): FatesFile | string | undefined {
  return layout.fates === undefined ? undefined : FatesFile.open(arena, layout.fates, prefix, session, user);
}

/** Lets `qos monitor` see the status page. @returns why it cannot be seen */
function shareStatus({ prefix }: SidecarSettings, memory: SidecarMemory, user: User | undefined): SharedFile | string {
  return shareRange(memory.arena, memory.layout.statusAt, STATUS_BYTES, `${prefix}${STATUS_NAME}`, user);
}

async function openDatabase(
  settings: SidecarSettings,
  memory: SidecarMemory,
  session: string,
  version: string,
  startedAt: Date,
  log: Log,
): Promise<DatabaseWriter | undefined> {
  if (settings.database === undefined) return undefined;
  const { DatabaseWriter } = await import("./threads/database.ts");
  return new DatabaseWriter(settings, settings.database, memory, session, version, startedAt, log);
}

async function openStakes(
  { stakeFile }: SidecarSettings,
  { arena, layout }: SidecarMemory,
  mailbox: Mailbox,
  log: Log,
): Promise<Stakes | undefined> {
  if (stakeFile === undefined) return undefined;
  const stakes = new (await import("./inputs/stakes.ts")).Stakes(stakeFile, arena, layout, mailbox, log);
  await stakes.open();
  return stakes;
}

async function openLists(
  { allowFile, denyFile }: SidecarSettings,
  { arena, layout }: SidecarMemory,
  mailbox: Mailbox,
  log: Log,
): Promise<Lists | undefined> {
  if (allowFile === undefined && denyFile === undefined) return undefined;
  const { Lists } = await import("./inputs/lists.ts");
  const lists = new Lists({ allow: allowFile, deny: denyFile }, arena, layout, mailbox, log);
  await lists.open();
  return lists;
}

async function openState({ stateFile }: SidecarSettings, log: Log): Promise<StateFile | undefined> {
  if (stateFile === undefined) return undefined;
  const state = new (await import("./scores/state-file.ts")).StateFile(stateFile, log);
  state.check();
  return state;
}

/**
 * Makes the tables present, so that no first touch faults, once the loop is warm: before, its compiler needs the cores and
 * the right to map memory. A huge page at a time: a thread that maps memory waits for the whole of a slice (0.2 ms, or 6
 * where a host gives the memory only now), and so do signals and log lines.
 * @throws SystemError where memory is missing
 */
async function faultInTables({ arena, layout }: SidecarMemory, channels: Channels, mailbox: Mailbox): Promise<void> {
  const until = performance.now() + WARM_LIMIT_MS;
  while (!mailbox.warm && performance.now() < until) await Bun.sleep(WARM_LOOK_MS);
  // The channels, too: the page tables of their files. Those that are absent are plain memory and stay untouched.
  const tables = [{ at: 0, bytes: layout.channels[0].at }];
  const border = layout.options.hugeAlignOffset ?? 0;
  const present = layout.channels.filter((_, id) => channels.absent((other) => other === id).length === 0);
  for (const { at: from, bytes } of [...tables, ...present]) {
    for (let at = from, end = at; at < from + bytes; at = end) {
      if (mailbox.stopping) return;
      // Up to the next border of a huge page in memory.
      end = Math.min(from + bytes, at + HUGE_PAGE_BYTES - ((at + HUGE_PAGE_BYTES - border) % HUGE_PAGE_BYTES));
      faultIn(arena.memory, at, end - at);
      await new Promise(setImmediate);
    }
  }
}

function checkCpu(cpu: number | undefined): void {
  if (cpu === undefined) return;
  const allowed = allowedCpus();
  if (allowed.includes(cpu)) return;
  throw new Failure(`--cpu ${cpu}: this process may use the cores ${allowed.join(", ")} only`);
}

function openChannels(
  settings: SidecarSettings,
  { arena, layout }: SidecarMemory,
  mailbox: Mailbox,
  user: User | undefined,
  log: Log,
): Channels {
  const place = { prefix: settings.prefix, pages: settings.useHugePages ? ("huge" as const) : ("standard" as const) };
  const channels = new Channels({ arena, layout, mailbox, place, log, seed: settings.xxhashSeed });
  const refusal = channels.openAll(user === undefined ? {} : { owner: user });
  if (refusal !== undefined) throw new Failure(refusal);
  const missing = channels.absent((id) => CHANNELS[id].required);
  if (!settings.wait && missing.length > 0) {
    channels.closeAll();
    throw new Failure(
      `not there: ${missing.join(", ")}; create them with qos init, or leave --no-wait out to wait for them`,
    );
  }
  const attached = CHANNELS.length - channels.absent(() => true).length;
  log.info(`${attached} of ${CHANNELS.length} channels are there`, { attached });
  if (channels.absent((id) => PACKET_CHANNELS.some((one) => one === id)).length === PACKET_CHANNELS.length) {
    log.info("waiting for the first packet channel to appear");
  }
  return channels;
}

function becomeUser(user: User, log: Log): void {
  dropPrivileges(user);
  log.info(`root's rights are given up: running as ${user.name}`, { user: user.name, uid: user.uid, gid: user.gid });
}
