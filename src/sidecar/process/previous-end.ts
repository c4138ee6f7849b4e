// What became of the sidecar before this one: a good end removes its status page, any other leaves it behind. It holds what a
// sidecar of this user wrote last; whatever that is, this one begins.

import type { Trust } from "../../channel/owners.ts";
import { StatusReader } from "../../observe/status-reader.ts";

const REASON_CHARACTERS_MAX = 200;
const KILLED = "it was killed, or crashed";

export interface PreviousEnd {
  /** 0 if it cannot be told. */
  readonly pid: number;
  readonly reason: string;
}

/** @returns undefined if it ended well, still runs, or there was none. Before the page is laid anew */
export function previousEnd(prefix: string, trust?: Trust): PreviousEnd | undefined {
  const reader = StatusReader.open(prefix, trust);
  if (typeof reader === "string") return undefined;
  try {
    if (reader.alive) return undefined;
    const { pid, ended } = reader.read()?.board ?? {};
    const reason = typeof ended === "string" ? ended.slice(0, REASON_CHARACTERS_MAX) : KILLED;
    return { pid: Number.isSafeInteger(pid) ? (pid as number) : 0, reason };
  } catch {
    return { pid: 0, reason: KILLED };
  } finally {
    reader.close();
  }
}
