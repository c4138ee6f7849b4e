// The paths that a service uses, and what its unit must say so that its sandbox shows them. A unit without that would be
// printed in silence, and its service would fail at every start.

import { dirname } from "node:path";
import { Failure } from "../../failure.ts";
import { readArguments } from "../../settings/arguments.ts";
import { readConfigFile } from "../../settings/config-file.ts";
import { flagName } from "../../settings/flags.ts";
import { RUN_FLAGS } from "../../settings/run-flags.ts";

/** A path and what names it: `--binary`, or a key of the configuration. */
export interface NamedPath {
  readonly name: string;
  readonly path: string;
  readonly use: "read" | "write";
}

/** What the unit's sandbox lets through beside the folders that every unit has. */
export interface UnitPaths {
  /** Something lies in a home: homes are shown, read-only. */
  readonly home: boolean;
  /** Folders that it writes to. */
  readonly write: readonly string[];
}

/** Where the unit's service stands; relative paths begin there. */
const STATE_FOLDER = "/var/lib/qos";
/** Folders that the unit lets it write to anyhow. */
const WRITABLE = [STATE_FOLDER, "/dev/shm", "/mnt/hugepages"];
/** What ProtectHome= speaks of. */
const HOMES = ["/home", "/root", "/run/user"];
/** Private to the service, or emptied at a restart of the host. */
const FLEETING = ["/tmp", "/var/tmp"];
/** Flags of files that the sidecar writes; it reads the others. */
const WRITTEN: ReadonlySet<string> = new Set(["state", "statsJson", "dbSpill", "control"]);
const SQLITE = "sqlite:";

const isIn = (path: string, folders: readonly string[]): boolean =>
  folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

/**
 * The paths that a configuration names.
 * @throws UsageError or Failure for a file that has mistakes
 */
export function pathsOfConfig(file: string): NamedPath[] {
  const { values } = readArguments([], RUN_FLAGS, [], {}, readConfigFile(file));
  return Object.entries(RUN_FLAGS).flatMap(([key, row]): NamedPath[] => {
    const value = (values as Readonly<Record<string, unknown>>)[key];
    if (typeof value !== "string") return [];
    const name = flagName(key, row).slice(2);
    if (key === "db") {
      return value.startsWith(SQLITE) ? [{ name, path: value.slice(SQLITE.length), use: "write" }] : [];
    }
    return row.kind === "path" ? [{ name, path: value, use: WRITTEN.has(key) ? "write" : "read" }] : [];
  });
}

/**
 * What a unit needs for these paths.
 * @throws Failure for a path that a service cannot have
 */
export function unitPaths(paths: readonly NamedPath[]): UnitPaths {
  const absolute = paths.filter(({ path }) => path.startsWith("/"));
  const fleeting = absolute.find(({ path }) => isIn(path, FLEETING));
  if (fleeting !== undefined) {
    throw new Failure(
      `${fleeting.name}: a service has a /tmp of its own and cannot see ${fleeting.path}, and a restart of the host ` +
        `may empty that folder; take another one, such as ${fleeting.use === "write" ? STATE_FOLDER : "/etc/qos"}`,
    );
  }
  const write = absolute
    .filter(({ path, use }) => use === "write" && !isIn(path, WRITABLE))
    .map(({ path }) => dirname(path));
  const system = write.find((folder) => folder === "/");
  if (system !== undefined) throw new Failure("a file in / cannot be written by a service; name one in a folder");
  return { home: absolute.some(({ path }) => isIn(path, HOMES)), write: [...new Set(write)].sort() };
}
