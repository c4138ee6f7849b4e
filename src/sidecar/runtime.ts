// What every part of the main thread works with, made once at the start: the settings, the memory, the log, and the way to
// the loop's latest numbers.

import { Mailbox } from "../engine/mailbox.ts";
import { readStatus, type Snapshot } from "../engine/status.ts";
import { openReaders, type ScoreReaders } from "../rank/models.ts";
import type { SidecarSettings } from "../settings/sidecar-settings.ts";
import type { Arena } from "../shape/arena.ts";
import type { ArenaLayout } from "../shape/layout.ts";
import type { SidecarMemory } from "./memory.ts";
import type { Log } from "./process/log.ts";
import type { PreviousEnd } from "./process/previous-end.ts";

export interface Beginning {
  readonly settings: SidecarSettings;
  readonly version: string;
  readonly startedAt: Date;
  readonly log: Log;
  readonly memory: SidecarMemory;
  /** What became of the sidecar before this one; undefined if it ended well, or there was none. */
  readonly previous?: PreviousEnd | undefined;
  /** Milliseconds of a clock that never goes back; a test may bring its own. */
  readonly now?: () => number;
}

export class Runtime {
  readonly settings: SidecarSettings;
  readonly version: string;
  readonly startedAt: Date;
  readonly log: Log;
  readonly previous: PreviousEnd | undefined;
  readonly now: () => number;
  readonly arena: Arena;
  readonly layout: ArenaLayout;
  readonly mailbox: Mailbox;
  /** Read the model's tables while the loop runs. */
  readonly readers: ScoreReaders;
  /** When the loop began to turn, by `now`. */
  turningSinceMs: number;

  constructor({ settings, version, startedAt, log, memory, previous, now }: Beginning) {
    this.settings = settings;
    this.version = version;
    this.startedAt = startedAt;
    this.log = log;
    this.previous = previous;
    this.now = now ?? (() => performance.now());
    this.arena = memory.arena;
    this.layout = memory.layout;
    this.mailbox = new Mailbox(memory.arena, memory.layout.mailboxAt);
    this.readers = openReaders(memory.arena, memory.layout);
    this.turningSinceMs = this.now();
  }

  /** The loop's latest numbers; null before its first turn. */
  snapshot(): Snapshot | null {
    return readStatus(this.arena.buffer, this.layout.statusAt);
  }
}
