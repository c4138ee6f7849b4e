// Test files by group: the first folder below test/, or "house" for the files in test/ itself. Folders of fixtures and of
// builds are not entered, and symbolic links are not followed: what cargo builds holds whole trees of others.

import { readdirSync } from "node:fs";
import { join } from "node:path";

const NOT_ENTERED = new Set(["fixtures", "target", "node_modules"]);

/** @param root the folder of the tests. @returns paths below it, in order, by group */
export function findTests(root: string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  const walk = (folder: string): void => {
    const entries = readdirSync(join(root, folder), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!NOT_ENTERED.has(entry.name)) walk(path);
      } else if (entry.isFile() && entry.name.endsWith(".test.ts")) {
        const group = path.includes("/") ? path.slice(0, path.indexOf("/")) : "house";
        groups.set(group, [...(groups.get(group) ?? []), path]);
      }
    }
  };
  walk("");
  return groups;
}
