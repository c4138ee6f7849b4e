// The ring of fates of a running sidecar, read from its file by another process: `qos explain`, `qos ctl explain` and
// `qos monitor`. Believed only if the file's owner is (channel/owners.ts): its records go to an operator's terminal.

import { SystemError } from "../../ffi/libc.ts";
import { closeFile, openExisting, readAt, statFile } from "../../ffi/shared-memory.ts";
import { strangersFile, type Trust, trustOf } from "../channel/owners.ts";
import { fatesPath } from "../records/fates-header.ts";
import { type RecentFates, recentFates, ringProblem } from "../records/fates-reader.ts";
import { HEADER_BYTES } from "../shape/channel-header.ts";

/**
 * @param trust whose files are believed
 * @returns the fates, or why they cannot be read; undefined if no sidecar keeps fates under the prefix
 */
export function readFates(prefix: string, trust: Trust = trustOf()): RecentFates | string | undefined {
  const path = fatesPath(prefix);
  let descriptor: number | undefined;
  try {
    const stranger = strangersFile(path, trust);
    if (stranger !== undefined) return stranger;
    descriptor = openExisting(path, "read");
    const facts = statFile(descriptor, path);
    if (facts.kind !== "file") return `${path} is not a regular file`;
    const bytes = new Uint8Array(facts.bytes);
    const got = readAt(descriptor, path, bytes, 0);
    const problem = ringProblem(bytes.subarray(0, got));
    if (problem !== undefined) return `${path} ${problem}`;
    const after = new Uint8Array(HEADER_BYTES);
    readAt(descriptor, path, after, 0);
    return recentFates(bytes, after);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return error.code === "ENOENT" ? undefined : `${path} cannot be read (${error.code}); run as the sidecar's user`;
  } finally {
    if (descriptor !== undefined) closeFile(descriptor);
  }
}
