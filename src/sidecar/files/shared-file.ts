// A part of the arena as a file in /dev/shm, so that other processes can look at it without asking the sidecar anything.
// Without the file (no room, somebody else's) the sidecar runs all the same.

import { SystemError } from "../../../ffi/libc.ts";
import {
  changeOwner,
  closeFile,
  createExclusive,
  mapFile,
  openExisting,
  PAGE_BYTES,
  reserveFile,
  statPath,
  tryLock,
  unlinkPath,
} from "../../../ffi/shared-memory.ts";
import { sharedPath } from "../../channel/place.ts";
import type { Arena } from "../../shape/arena.ts";

const FILE_MODE = 0o600;
/** How the refusal ends that a later try may not meet. */
export const HELD_BY_ANOTHER = "is another sidecar's";

export interface SharedFile {
  readonly path: string;
  /** Removes the file, after the loop has ended. */
  readonly close: () => void;
  /** Lets go of the file and leaves it in place, for the next sidecar (previous-end.ts). */
  readonly leave: () => void;
}

/**
 * Lays a file over a range of the arena, which is zero then. Before the loop's thread begins.
 * @param name behind the folder: the prefix and the file's own name
 * @param owner the file's owner, if that is not the user of this process
 * @returns why there is none
 */
export function shareRange(
  arena: Arena,
  at: number,
  bytes: number,
  name: string,
  owner?: { readonly uid: number; readonly gid: number },
): SharedFile | string {
  const path = sharedPath(name);
  let descriptor: number | undefined;
  try {
    if (!removeStale(path)) return `${path} ${HELD_BY_ANOTHER}`;
    descriptor = createExclusive(path, FILE_MODE);
    tryLock(descriptor, path);
    reserveFile(descriptor, path, bytes);
    if (owner !== undefined) changeOwner(descriptor, path, owner.uid, owner.gid);
    const mapping = mapFile(arena.memory, at, bytes, descriptor, path, "read-write", PAGE_BYTES);
    const open = descriptor;
    const close = (): void => {
      mapping.unmap();
      unlinkPath(path);
      closeFile(open);
    };
    const leave = (): void => {
      mapping.unmap();
      closeFile(open);
    };
    return { path, close, leave };
  } catch (error) {
    if (descriptor !== undefined) {
      closeFile(descriptor);
      unlinkPath(path);
    }
    if (error instanceof SystemError) return error.message;
    throw error;
  }
}

/** Removes a file that a killed sidecar left behind. @returns false if a living one has it */
export function removeStale(path: string): boolean {
  if (statPath(path) === undefined) return true;
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
