// The sidecar's main thread: opens everything, gives up root's rights, starts the loop, and watches over it. It writes the
// log, the statistics and the checkpoint, looks for channels, and stops the loop when it is told to. What it does not do is
// touch a packet.

import { randomBytes } from "node:crypto";
import { dropPrivileges } from "../../ffi/privileges.ts";
import { faultIn } from "../../ffi/shared-memory.ts";
import { allowedCpus, denyNewPrivileges } from "../../ffi/thread.ts";
import type { User } from "../../ffi/users.ts";
import { CHANNELS, PACKET_CHANNELS } from "../channel/channels.ts";
import { Mailbox } from "../engine/mailbox.ts";
import { Failure } from "../failure.ts";
import { writeKernelContext } from "../kernel/context.ts";
import { Channels } from "./channels.ts";
import { type Log, openLog } from "./log.ts";
import { startLoop } from "./loop-thread.ts";
import { reserveMemory, type SidecarMemory } from "./memory.ts";
import { userToBecome } from "./rights.ts";
import type { SidecarSettings } from "./settings.ts";
import { Stakes } from "./stakes.ts";
import { StateFile } from "./state-file.ts";
import { supervise } from "./supervisor.ts";

const SECRET_BYTES = 32;

/**
 * Runs the sidecar until it is told to stop.
 * @returns the exit code
 * @throws Failure where it cannot start, before or while it gives up its rights
 */
export async function runSidecar(settings: SidecarSettings, version: string): Promise<number> {
  const startedAt = new Date();
  const log = openLog(settings.logFormat);
  try {
    return await start(settings, version, startedAt, log);
  } finally {
    await log.flush(500);
  }
}

async function start(settings: SidecarSettings, version: string, startedAt: Date, log: Log): Promise<number> {
  const user = userToBecome({
    effectiveUid: process.geteuid?.() ?? -1,
    user: settings.user,
    allowRoot: settings.allowRoot,
    sudoUser: process.env.SUDO_USER,
  });
  checkCpu(settings.cpu);
  const memory = reserveMemory(settings);
  const { arena, layout } = memory;
  const mailbox = new Mailbox(arena, layout.mailboxAt);
  const channels = openChannels(settings, memory, mailbox, user, log);
  if (user !== undefined) becomeUser(user, log);
  denyNewPrivileges();

  const stakes =
    settings.stakeFile === undefined ? undefined : new Stakes(settings.stakeFile, arena, layout, mailbox, log);
  await stakes?.open();
  const state = settings.stateFile === undefined ? undefined : new StateFile(settings.stateFile, log);
  const scores = state?.read(settings.model);
  if (scores !== undefined) {
    const rows = scores.tables.reduce((sum, table) => sum + table.traits.length, 0);
    log.info(`${rows} scores read from ${settings.stateFile}`, { rows });
  }
  writeKernelContext(arena, layout.contextAt, {
    xxhashSeed: channels.seed,
    secret: randomBytes(SECRET_BYTES),
    feeModel: settings.feeModel,
    ipv6: settings.ipv6,
  });
  channels.offerAll();
  const loop = startLoop({ memory: arena.memory, layout: layout.options, settings, scores });
  // While the thread starts: tables that are not faulted in would make its first turns slow.
  faultIn(arena.memory, 0, layout.channels[0].at);
  return supervise({ settings, version, startedAt, log, memory, mailbox, channels, stakes, state, loop });
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
  const channels = new Channels({ arena, layout, mailbox, place, log, seed: settings.seed });
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
