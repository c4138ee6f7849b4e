// Parts of a sidecar for tests of one of them: settings, a log that remembers, a small arena.

import { Mailbox } from "../../src/engine/mailbox.ts";
import { Faults } from "../../src/observe/faults.ts";
import { readArguments } from "../../src/settings/arguments.ts";
import { RUN_FLAGS } from "../../src/settings/run-flags.ts";
import { type AskedSettings, type SidecarSettings, settingsOf } from "../../src/settings/sidecar-settings.ts";
import { Arena } from "../../src/shape/arena.ts";
import { type ArenaLayout, arenaLayout } from "../../src/shape/layout.ts";
import type { Log } from "../../src/sidecar/process/log.ts";
import { Runtime } from "../../src/sidecar/runtime.ts";

/** What a command line asks for. */
export function askedFor(...raw: string[]): AskedSettings {
  return settingsOf(readArguments(raw, RUN_FLAGS, [], {}).values);
}

/** The settings of a command line; of `auto` the layout of `smallMemory`. */
export function settingsFor(...raw: string[]): SidecarSettings {
  const asked = askedFor(...raw);
  return { ...asked, packetLayout: asked.packetLayout === "auto" ? "agave2" : asked.packetLayout };
}

export class MemoryLog implements Log {
  readonly lines: string[] = [];
  readonly counts = { warn: 0, error: 0 };
  readonly faults = new Faults();
  readonly info = (message: string): void => this.#put("info", message);
  readonly warn = (message: string): void => this.#put("warn", message);
  readonly error = (message: string): void => this.#put("error", message);
  readonly flush = async (): Promise<void> => undefined;

  #put(level: string, message: string): void {
    this.lines.push(`${level}: ${message}`);
  }
}

/** What the sidecar's parts work with, over memory that a test has. */
export function runtimeFor(
  memory: SmallMemory,
  settings: SidecarSettings,
  log: Log = new MemoryLog(),
  now?: () => number,
): Runtime {
  return new Runtime({ settings, version: "1", startedAt: new Date(5), log, memory, ...(now && { now }) });
}

export interface SmallMemory {
  readonly arena: Arena;
  readonly layout: ArenaLayout;
  readonly mailbox: Mailbox;
}

/** An arena with channels of full size (their files are) and small tables. */
export function smallMemory(): SmallMemory {
  const layout = arenaLayout({
    packetLayout: "agave2",
    maxIps: 10,
    maxSigners: 10,
    partialMetas: 4,
    recentSignatures: 4,
    queueCapacity: 4,
    listEntries: 65_536,
  });
  const arena = Arena.reserve(layout.bytes);
  return { arena, layout, mailbox: new Mailbox(arena, layout.mailboxAt) };
}
