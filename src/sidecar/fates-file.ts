// The ring of recent fates as a file in shared memory, `<prefix>qos_fates`, so that `qos explain` can look at it from its own
// process without asking the sidecar anything. Without the file (no room, somebody else's) the sidecar runs all the same.

import { SystemError } from "../../ffi/libc.ts";
import {
  changeOwner,
  closeFile,
  createExclusive,
  type FileMapping,
  mapFile,
  openExisting,
  PAGE_BYTES,
  reserveFile,
  tryLock,
  unlinkPath,
} from "../../ffi/shared-memory.ts";
import type { Arena } from "../arena.ts";
import { STANDARD_PAGES_FOLDER } from "../channel/place.ts";
import { WallClock } from "../database/wall-clock.ts";
import type { Snapshot } from "../engine/status.ts";
import { FATES_NAME, SESSION_AT, SESSION_BYTES, WALL_OFFSET_AT } from "../records/fates-header.ts";
import type { RingRegion } from "../records/ring.ts";

const FILE_MODE = 0o600;

export class FatesFile {
  readonly #clock = new WallClock();

  private constructor(
    private readonly path: string,
    private readonly arena: Arena,
    private readonly region: RingRegion,
    private readonly descriptor: number,
    private readonly mapping: FileMapping,
  ) {}

  /**
   * Lays the file over the ring. Before the loop's thread begins.
   * @param owner whose it is to be, where that is somebody else than who runs now
   * @returns why there is none
   */
  static open(
    arena: Arena,
    region: RingRegion,
    prefix: string,
    session: string,
    owner?: { readonly uid: number; readonly gid: number },
  ): FatesFile | string {
    const path = `${STANDARD_PAGES_FOLDER}/${prefix}${FATES_NAME}`;
    let descriptor: number | undefined;
    try {
      if (!removeStale(path)) return `${path} is another sidecar's`;
      descriptor = createExclusive(path, FILE_MODE);
      tryLock(descriptor, path);
      reserveFile(descriptor, path, region.bytes);
      if (owner !== undefined) changeOwner(descriptor, path, owner.uid, owner.gid);
      const mapping = mapFile(arena.memory, region.at, region.bytes, descriptor, path, "read-write", PAGE_BYTES);
      arena.u8.set(Buffer.from(session.slice(0, SESSION_BYTES), "latin1"), region.at + SESSION_AT);
      return new FatesFile(path, arena, region, descriptor, mapping);
    } catch (error) {
      if (descriptor !== undefined) {
        closeFile(descriptor);
        unlinkPath(path);
      }
      if (error instanceof SystemError) return error.message;
      throw error;
    }
  }

  /** Lets readers know what the loop's clock means. Every second or so. */
  look(snapshot: Snapshot | null): void {
    if (snapshot === null || snapshot.counters.turns === 0) return;
    this.#clock.read(snapshot.counters.clockMs, Date.now(), performance.now());
    this.arena.f64[(this.region.at + WALL_OFFSET_AT) / 8] = this.#clock.offsetMs;
  }

  /** Removes the file, after the loop has ended. */
  close(): void {
    this.mapping.unmap();
    unlinkPath(this.path);
    closeFile(this.descriptor);
  }
}

/** A file that a killed sidecar left behind. @returns false where a living one has it */
function removeStale(path: string): boolean {
  let descriptor: number;
  try {
    descriptor = openExisting(path, "read-write");
  } catch (error) {
    if (error instanceof SystemError && error.code === "ENOENT") return true;
    throw error;
  }
  try {
    if (!tryLock(descriptor, path)) return false;
    unlinkPath(path);
    return true;
  } finally {
    closeFile(descriptor);
  }
}
