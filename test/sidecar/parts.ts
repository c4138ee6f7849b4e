// Parts of a sidecar for tests of one of them: settings, a log that remembers, a small arena.

import { Arena } from "../../src/arena.ts";
import { readArguments } from "../../src/cli/arguments.ts";
import { settingsOf } from "../../src/cli/run.ts";
import { RUN_FLAGS } from "../../src/cli/run-flags.ts";
import { Mailbox } from "../../src/engine/mailbox.ts";
import { type ArenaLayout, arenaLayout } from "../../src/layout.ts";
import { Faults } from "../../src/sidecar/faults.ts";
import type { Log } from "../../src/sidecar/log.ts";
import type { SidecarSettings } from "../../src/sidecar/settings.ts";

/** The settings of a command line. */
export function settingsFor(...raw: string[]): SidecarSettings {
  return settingsOf(readArguments(raw, RUN_FLAGS, [], {}).values);
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
