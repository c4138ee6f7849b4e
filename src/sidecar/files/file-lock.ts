// A lock for a file that is replaced by renaming: the lock is on a file beside it, `FILE.lock`, which goes away with it. The
// kernel drops the lock of a process that was killed; the empty file that is left then is taken over by the next one.

import { SystemError } from "../../../ffi/libc.ts";
import {
  closeFile,
  createExclusive,
  lockHolder,
  openExisting,
  statFile,
  statPath,
  tryLock,
  unlinkPath,
} from "../../../ffi/shared-memory.ts";

const FILE_MODE = 0o600;
/** The file may vanish, or be somebody else's, between two calls. */
const RACES_MAX = 8;

export interface FileLock {
  readonly release: () => void;
}

export interface Locked {
  /** The process that has the lock; undefined if it cannot be told. */
  readonly lockedBy: number | undefined;
}

/** Takes a file's lock, or names its holder. @throws SystemError if the folder takes no files */
export function lockFile(path: string): FileLock | Locked {
  const name = lockName(path);
  for (let race = 0; race < RACES_MAX; race++) {
    const descriptor = openLock(name);
    if (descriptor === undefined) continue;
    if (typeof descriptor === "object") return descriptor;
    const facts = statFile(descriptor, name);
    if (!tryLock(descriptor, name)) {
      closeFile(descriptor);
      return { lockedBy: lockHolder(facts) };
    }
    // The one before may have removed the file between our opening and our locking: that lock would be nobody's.
    const now = statPath(name);
    if (now !== undefined && now.inode === facts.inode && now.device === facts.device) {
      return {
        release: () => {
          unlinkPath(name);
          closeFile(descriptor);
        },
      };
    }
    closeFile(descriptor);
  }
  return { lockedBy: undefined };
}

const lockName = (path: string): string => `${path}.lock`;

/** @returns undefined if somebody was quicker: try again */
function openLock(name: string): number | Locked | undefined {
  try {
    return createExclusive(name, FILE_MODE);
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== "EEXIST") throw error;
  }
  try {
    return openExisting(name, "read-write");
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    if (error.code === "ENOENT") return undefined;
    const facts = statPath(name);
    const holder = facts === undefined ? undefined : lockHolder(facts);
    if (holder !== undefined) return { lockedBy: holder };
    // A killed process of another user left it. Whoever owns the folder may remove it.
    if (error.code !== "EACCES") throw error;
    unlinkPath(name);
    return undefined;
  }
}
