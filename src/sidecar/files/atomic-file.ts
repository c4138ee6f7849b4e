// Files that are replaced whole: a reader sees the old content or the new, never a part, whenever the process ends. What is
// not a regular file (a device, a FIFO, standard output) must never be renamed over; it is written to in place.

import { constants, realpathSync, type Stats, statSync } from "node:fs";
import { chown, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";

export interface ReplaceOptions {
  readonly mode: number;
  /** Force it to the disk before the name changes: it then survives a power cut, too. */
  readonly durable: boolean;
  /** The file's future owner; the writing process's user if absent. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** What stands at a path, through symbolic links: `stream` is a device, a FIFO, a socket, or a descriptor of a process. */
export type TargetKind = "absent" | "file" | "folder" | "stream";

const DESCRIPTOR = /^\/(dev\/(stdin|stdout|stderr|fd\/)|proc\/)/;

/** @throws Error of the file system where the path cannot be looked at */
export function targetKind(path: string): TargetKind {
  const stats: Stats | undefined = statSync(path, { throwIfNoEntry: false });
  if (DESCRIPTOR.test(path)) return "stream";
  if (stats === undefined) return "absent";
  return stats.isFile() ? "file" : stats.isDirectory() ? "folder" : "stream";
}

/** Where the new content is written first. A file left there by a process that was killed is overwritten. */
export function temporaryName(path: string): string {
  return `${path}.tmp`;
}

/**
 * Replaces a file's content; a symbolic link to it stays a link.
 * @throws Error of the file system, or where something else than a file is there; what was there is untouched then
 */
export async function replaceFile(path: string, content: string | Uint8Array, options: ReplaceOptions): Promise<void> {
  const kind = targetKind(path);
  if (kind === "folder" || kind === "stream") throw new Error(`${path} is not a plain file`);
  const target = kind === "file" ? realpathSync(path) : path;
  const temporary = temporaryName(target);
  await unlink(temporary).catch(() => undefined);
  // Exclusive: in a folder that others may write to, nobody's link decides where this goes.
  const file = await open(temporary, "wx", options.mode);
  try {
    try {
      await file.writeFile(content);
      if (options.durable) await file.sync();
    } finally {
      await file.close();
    }
    if (options.owner !== undefined) await chown(temporary, options.owner.uid, options.owner.gid);
    await rename(temporary, target);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  if (options.durable) await syncFolder(dirname(target));
}

/**
 * Writes to what is there, a device or a FIFO, without waiting for a reader.
 * @throws Error of the file system: nobody reads a FIFO, or its reader is too slow
 */
export async function writeInPlace(path: string, content: string | Uint8Array): Promise<void> {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY, O_APPEND } = constants;
  const file = await open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_APPEND);
  try {
    await file.writeFile(content);
  } finally {
    await file.close();
  }
}

/** The rename itself is durable once the folder is. Folders that cannot be synced (some file systems) are let be. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
