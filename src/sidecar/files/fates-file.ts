// The ring of recent fates as a file in shared memory, `<prefix>qos_fates`, so that `qos explain` can look at it from its own
// process without asking the sidecar anything. Without the file (no room, somebody else's) the sidecar runs all the same.

import { WallClock } from "../../database/wall-clock.ts";
import type { Snapshot } from "../../engine/status.ts";
import { FATES_NAME, SESSION_AT, SESSION_BYTES, WALL_OFFSET_AT } from "../../records/fates-header.ts";
import type { Arena } from "../../shape/arena.ts";
import type { RingRegion } from "../../shape/layout.ts";
import { type SharedFile, shareRange } from "./shared-file.ts";

export class FatesFile {
  readonly #clock = new WallClock();

  private constructor(
    private readonly arena: Arena,
    private readonly region: RingRegion,
    private readonly file: SharedFile,
  ) {}

  /**
   * Lays the file over the ring. Before the loop's thread builds its engine.
   * @param owner the file's owner, if that is not the user of this process
   * @returns why there is none
   */
  static open(
    arena: Arena,
    region: RingRegion,
    prefix: string,
    session: string,
    owner?: { readonly uid: number; readonly gid: number },
  ): FatesFile | string {
    const file = shareRange(arena, region.at, region.bytes, `${prefix}${FATES_NAME}`, owner);
    if (typeof file === "string") return file;
    arena.u8.set(Buffer.from(session.slice(0, SESSION_BYTES), "latin1"), region.at + SESSION_AT);
    return new FatesFile(arena, region, file);
  }

  /** Lets readers know what the loop's clock means. Every second or so. */
  look(snapshot: Snapshot | null): void {
    if (snapshot === null || snapshot.counters.turns === 0) return;
    this.#clock.read(snapshot.counters.clockMs, Date.now(), performance.now());
    this.arena.f64[(this.region.at + WALL_OFFSET_AT) / 8] = this.#clock.offsetMs;
  }

  /** Removes the file, after the loop has ended. */
  close(): void {
    this.file.close();
  }
}
