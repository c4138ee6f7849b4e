// The sidecar's main thread: opens everything, gives up root's rights, starts the loop, and watches over it. It writes the
// log, the statistics and the checkpoint, looks for channels, and stops the loop when it is told to. It touches no packet.

import { dropPrivileges } from "../../ffi/privileges.ts";
import { allowedCpus, denyNewPrivileges } from "../../ffi/thread.ts";
import type { User } from "../../ffi/users.ts";
import { trustOf } from "../channel/owners.ts";
import { Failure } from "../failure.ts";
import { writeKernelContext } from "../kernel/context.ts";
import { STATUS_NAME } from "../observe/status-reader.ts";
import { modelRow } from "../rank/models.ts";
import { SESSION_BYTES } from "../records/fates-header.ts";
import { EXIT_FINE } from "../settings/errors.ts";
import type { AskedSettings, SidecarSettings } from "../settings/sidecar-settings.ts";
import { CHANNELS, PACKET_CHANNELS } from "../shape/channels.ts";
import { STATUS_BYTES } from "../shape/layout.ts";
import { Channels } from "./channel-files.ts";
import { faultInTables } from "./fault-in.ts";
import { FatesFile } from "./files/fates-file.ts";
import { HELD_BY_ANOTHER, type SharedFile, shareRange } from "./files/shared-file.ts";
import { StatsFile } from "./files/stats-file.ts";
import { placeOfSettings, withLayout } from "./first-channel.ts";
import { openInputs } from "./inputs/inputs.ts";
import type { FileWatch } from "./inputs/watched-file.ts";
import { reserveMemory } from "./memory.ts";
import { type Log, openLog } from "./process/log.ts";
import { previousEnd } from "./process/previous-end.ts";
import { userToBecome } from "./process/rights.ts";
import { Signals } from "./process/signals.ts";
import { Runtime } from "./runtime.ts";
import type { SavedScores } from "./scores/checkpoint.ts";
import { StateFile } from "./scores/state-file.ts";
import { supervise } from "./supervisor.ts";
import { DatabaseWriter } from "./threads/database.ts";
import { LoopThread } from "./threads/loop-thread.ts";

const SECRET_BYTES = 32;
/** A predecessor that is ending lets go of its files within a moment. */
const PREDECESSOR_MAX_MS = 1_000;
const LOOK_AGAIN_MS = 20;

/**
 * Runs the sidecar until it is told to stop.
 * @returns the exit code
 * @throws Failure if it cannot start, before or while it gives up its rights
 */
export async function runSidecar(asked: AskedSettings, version: string): Promise<number> {
  const startedAt = new Date();
  const signals = new Signals();
  const log = await openLog(asked.json ? "json" : "text", asked.logLevel);
  try {
    const user = userToBecome({
      effectiveUid: process.geteuid?.() ?? -1,
      user: asked.user,
      allowRoot: asked.allowRoot,
      sudoUser: process.env.SUDO_USER,
    });
    checkCpu(asked.cpu);
    const settings = await withLayout(asked, { trust: trustOf(user), log, signals });
    if (settings === undefined) return EXIT_FINE;
    const memory = reserveMemory(settings);
    const loop = new LoopThread();
    loop.prepare({ memory: memory.arena.memory, layout: memory.layout.options, settings });
    warnOfRights(log);
    const previous = previousEnd(settings.prefix, trustOf(user));
    const runtime = new Runtime({ settings, version, startedAt, log, memory, previous });
    return await share(runtime, loop, signals, user);
  } finally {
    await log.flush(500);
  }
}

/** The sidecar's own files in shared memory, or why others cannot look at them. */
interface SharedFiles {
  readonly session: string;
  readonly status: SharedFile | string;
  readonly fates: FatesFile | string | undefined;
}

/** Lays the shared files over the arena, which the loop has not touched yet, and runs the sidecar over them. */
async function share(runtime: Runtime, loop: LoopThread, signals: Signals, user: User | undefined): Promise<number> {
  const { arena, layout, settings } = runtime;
  const { prefix } = settings;
  const session = crypto.getRandomValues(new Uint8Array(SESSION_BYTES / 2)).toHex();
  const ring = layout.fates;
  const fates =
    ring === undefined ? undefined : await onceFree(() => FatesFile.open(arena, ring, prefix, session, user));
  const name = `${prefix}${STATUS_NAME}`;
  const status = await onceFree(() => shareRange(arena, layout.statusAt, STATUS_BYTES, name, user));
  let exitCode: number | undefined;
  try {
    exitCode = await start(runtime, loop, signals, user, { session, status, fates });
    return exitCode;
  } finally {
    if (typeof fates === "object") fates.close();
    // An end that was not meant leaves its reason behind, for the sidecar that begins next; a start that failed does not.
    if (typeof status === "object") (exitCode ?? 0) === 0 ? status.close() : status.leave();
  }
}

/** Tries again for a while where the sidecar before this one is still ending. */
async function onceFree<File extends object>(open: () => File | string): Promise<File | string> {
  const until = performance.now() + PREDECESSOR_MAX_MS;
  for (;;) {
    const file = open();
    const isHeld = typeof file === "string" && file.endsWith(HELD_BY_ANOTHER);
    if (!isHeld || performance.now() > until) return file;
    await Bun.sleep(LOOK_AGAIN_MS);
  }
}

/** Opens what the loop works on, has it turn, and watches over it. @returns the exit code */
async function start(
  runtime: Runtime,
  loop: LoopThread,
  signals: Signals,
  user: User | undefined,
  { session, status, fates }: SharedFiles,
): Promise<number> {
  const { settings, log, previous, arena, layout } = runtime;
  // The engine takes as long to build as the channels to open. It does nothing before `go`.
  loop.build();
  const channels = openChannels(runtime, user);
  if (user !== undefined) becomeUser(user, log);
  if (previous !== undefined) log.warn(`the sidecar before this one, process ${previous.pid}: ${previous.reason}`);
  if (typeof status === "string") log.warn(`qos monitor cannot look at this sidecar: ${status}`);
  if (typeof fates === "string") log.warn(`recent fates cannot be looked at by qos explain: ${fates}`);
  const files = openFiles(settings, log);
  try {
    const inputs: FileWatch[] = await openInputs(runtime);
    const scores = readScores(files.state, runtime);
    writeKernelContext(arena, layout.contextAt, {
      ...settings,
      identitiesAt: layout.identitiesAt,
      xxhashSeed: channels.seed,
      secret: crypto.getRandomValues(new Uint8Array(SECRET_BYTES)),
      skipPayloads: !modelRow(settings.model).needsPayloads,
    });
    channels.offerAll();
    runtime.turningSinceMs = runtime.now();
    loop.go({ scores });
    const database =
      settings.database === undefined ? undefined : new DatabaseWriter(runtime, settings.database, session);
    const supervised = supervise(runtime, {
      ...files,
      channels,
      inputs,
      database,
      fates: typeof fates === "string" ? undefined : fates,
      loop: loop.ended,
      signals,
    });
    const faultedIn = faultInTables(runtime, channels);
    return await Promise.race([supervised, faultedIn.then(() => supervised)]);
  } finally {
    files.state?.close();
    files.statistics?.close();
  }
}

/** The files that the sidecar writes. @throws Failure if one cannot be what it is meant for */
function openFiles({ stateFile, statsJsonFile }: SidecarSettings, log: Log) {
  const state = stateFile === undefined ? undefined : new StateFile(stateFile, log);
  const statistics = statsJsonFile === undefined ? undefined : new StatsFile(statsJsonFile, log);
  state?.open();
  try {
    statistics?.open();
  } catch (error) {
    state?.close();
    throw error;
  }
  return { state, statistics };
}

function readScores(state: StateFile | undefined, { settings, log }: Runtime): SavedScores | undefined {
  const scores = state?.read(settings.model);
  if (scores === undefined) return undefined;
  const rows = scores.tables.reduce((sum, table) => sum + table.traits.length, 0);
  log.info(`${rows} scores read from ${settings.stateFile}`, { rows });
  return scores;
}

function checkCpu(cpu: number | undefined): void {
  if (cpu === undefined) return;
  const allowed = allowedCpus();
  if (allowed.includes(cpu)) return;
  throw new Failure(`--cpu ${cpu}: this process may use the cores ${allowed.join(", ")} only`);
}

function warnOfRights(log: Log): void {
  const mayGain = denyNewPrivileges();
  if (mayGain.length === 0) return;
  log.warn(
    `threads ${mayGain.join(", ")} could still run programs with rights of their own: this kernel has no seccomp`,
  );
}

function openChannels(runtime: Runtime, user: User | undefined): Channels {
  const { settings, log } = runtime;
  const place = placeOfSettings(settings);
  const channels = new Channels({ ...partsOf(runtime), place, trust: trustOf(user), seed: settings.xxhashSeed });
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

const partsOf = ({ arena, layout, mailbox, log }: Runtime) => ({ arena, layout, mailbox, log });

function becomeUser(user: User, log: Log): void {
  dropPrivileges(user);
  log.info(`root's rights are given up: running as ${user.name}`, { user: user.name, uid: user.uid, gid: user.gid });
}
