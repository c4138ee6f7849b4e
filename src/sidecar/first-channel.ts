// `--packet-layout auto`: the layout of the channels that are there. The arena is laid out for one layout, once and for all,
// so where no channel is there yet, the sidecar waits for the first one before it makes anything. It goes on being root
// meanwhile, if it was started as root: channels on huge pages can be opened by root alone.

import { findLayout } from "../channel/found-layout.ts";
import type { Trust } from "../channel/owners.ts";
import type { ChannelPlace } from "../channel/place.ts";
import { Failure } from "../failure.ts";
import type { AskedSettings, SidecarSettings } from "../settings/sidecar-settings.ts";
import { AUTO_PACKET_LAYOUT, type PacketLayout, USUAL_PACKET_LAYOUT } from "../shape/packet-layouts.ts";
import type { Log } from "./process/log.ts";
import { openServiceManager } from "./process/service-manager.ts";
import type { Signals } from "./process/signals.ts";

/** Producers wait for a reader from the moment at which their channel is there. */
const LOOK_MS = 100;

interface Around {
  readonly trust: Trust;
  readonly log: Log;
  readonly signals: Pick<Signals, "stop">;
}

/** Where the channels of these settings are. */
export function placeOfSettings({ prefix, useHugePages }: AskedSettings | SidecarSettings): ChannelPlace {
  return { prefix, pages: useHugePages ? "huge" : "standard" };
}

/**
 * The settings with the packet layout that the channels say.
 * @returns undefined if the sidecar was told to stop, or `--duration` was over, while no channel was there
 * @throws Failure for channels of several layouts
 */
export async function withLayout(asked: AskedSettings, around: Around): Promise<SidecarSettings | undefined> {
  const { packetLayout, wait } = asked;
  if (packetLayout !== AUTO_PACKET_LAYOUT) return { ...asked, packetLayout };
  const { problem, layout } = look(asked, around);
  if (layout !== undefined) return { ...asked, packetLayout: layout };
  // What is wrong with a file, or missing under --no-wait, shows when the channels are opened.
  if (problem !== undefined || !wait) return { ...asked, packetLayout: USUAL_PACKET_LAYOUT };
  return await firstChannel(asked, around);
}

function look(asked: AskedSettings, { trust, log }: Around): { layout?: PacketLayout; problem?: string | undefined } {
  const found = findLayout(placeOfSettings(asked), trust);
  if (found.state === "mixed") throw new Failure(found.message);
  if (found.state === "none") return { problem: found.problem };
  const { layout, names } = found;
  log.info(`packet layout ${layout}, said by ${names.map((name) => asked.prefix + name).join(", ")}`, { layout });
  return { layout };
}

/** Looks again and again. To a service manager this is a service that does its work: it must not be ended for waiting. */
async function firstChannel(asked: AskedSettings, around: Around): Promise<SidecarSettings | undefined> {
  const { log, signals } = around;
  log.info("waiting for the first channel: its packets say the layout (--packet-layout names it beforehand)");
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = process.env;
  let looks = 0;
  const manager = openServiceManager({ NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID }, process.pid, () => looks, log);
  manager?.begin("waiting for the first channel");
  const startedMs = performance.now();
  const { durationMs = Number.POSITIVE_INFINITY } = asked;
  let stopped: string | undefined;
  const stop = signals.stop.then((name) => {
    stopped = name;
  });
  let said: string | undefined;
  try {
    for (;;) {
      await Promise.race([stop, Bun.sleep(LOOK_MS)]);
      looks += 1;
      const waitedMs = performance.now() - startedMs;
      if (stopped === undefined && waitedMs >= durationMs) stopped = "its time is over";
      if (stopped !== undefined) {
        log.info(`stopping: ${stopped}; no channel came`);
        return undefined;
      }
      const { layout: packetLayout, problem } = look(asked, around);
      if (packetLayout !== undefined) {
        const leftMs = asked.durationMs === undefined ? undefined : Math.ceil(durationMs - waitedMs);
        return { ...asked, packetLayout, durationMs: leftMs };
      }
      if (problem !== undefined && problem !== said) log.warn(problem);
      said = problem;
    }
  } finally {
    manager?.handOver();
  }
}
