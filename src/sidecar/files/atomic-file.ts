// Files that are replaced whole: a reader sees the old content or the new, never a part, whenever the process ends.

import { open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";

export interface ReplaceOptions {
  readonly mode: number;
  /** Force it to the disk before the name changes: it then survives a power cut, too. */
  readonly durable: boolean;
}

/** Where the new content is written first. A file left there by a process that was killed is overwritten. */
export function temporaryName(path: string): string {
  return `${path}.tmp`;
}

/**
 * Replaces a file's content.
 * @throws Error of the file system; the old file is untouched then
 */
export async function replaceFile(path: string, content: string | Uint8Array, options: ReplaceOptions): Promise<void> {
  const temporary = temporaryName(path);
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
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  if (options.durable) await syncFolder(dirname(path));
}

/** The rename itself is durable once the folder is. Folders that cannot be synced (some file systems) are let be. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
