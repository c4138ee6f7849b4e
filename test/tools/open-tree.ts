// Programs that tests start as another user, or that go on as another user: the tree may lie in a folder that only its
// owner can enter (a home of mode 0700), so such a program must not read its sources from there.

import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const HOUSE = join(import.meta.dir, "../..");
const OTHERS_ENTER = 0o001;

/** Whether users other than the owner can reach the sources. */
export function isTreeOpen(): boolean {
  for (let folder = HOUSE; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & OTHERS_ENTER) === 0) return false;
    if (folder === "/") return true;
  }
}

/**
 * Bundles programs, each with all that it imports, into a folder that every user can read. Their names stay, so that one
 * still finds another beside it.
 * @param programs paths of the sources
 */
export async function openPrograms(...programs: string[]): Promise<{ folder: string; remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), "qos-open-"));
  chmodSync(folder, 0o755);
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const built = await Bun.build({ entrypoints: programs, outdir: folder, target: "bun", naming: "[name].ts" });
  if (!built.success) {
    remove();
    throw new Error(built.logs.join("\n"));
  }
  return { folder, remove };
}
