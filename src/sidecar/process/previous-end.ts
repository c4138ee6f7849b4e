// What became of the sidecar before this one: a good end removes its status page, any other leaves it behind. What stands in
// it is what a sidecar of this user wrote last; whatever it is, this one begins.

import { StatusReader } from "../../observe/status-reader.ts";

const REASON_MAX_CHARACTERS = 200;
const KILLED = "it was killed, or crashed";

export interface PreviousEnd {
  /** 0 where it cannot be told. */
  readonly pid: number;
  readonly reason: string;
}

/** @returns undefined where it ended well, still runs, or there was none. Before the page is laid anew */
export function previousEnd(prefix: string): PreviousEnd | undefined {
  const reader = StatusReader.open(prefix);
  if (typeof reader === "string") return undefined;
  try {
    if (reader.alive) return undefined;
    const { pid, ended } = reader.read()?.board ?? {};
    const reason = typeof ended === "string" ? ended.slice(0, REASON_MAX_CHARACTERS) : KILLED;
    return { pid: Number.isSafeInteger(pid) ? (pid as number) : 0, reason };
  } catch {
    return { pid: 0, reason: KILLED };
  } finally {
    reader.close();
  }
}
