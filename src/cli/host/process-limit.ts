// Whether this process may start the threads that it needs. The runtime starts some of its own and
// shows a crash page if it cannot, so the kernel is asked before any thread is begun.

import { readFileSync } from "node:fs";
import { softLimit } from "./soft-limit.ts";

/** The runtime's threads and the loop's: with 8 processes a start fails, with 10 it works. */
export const PROCESSES_MIN = 16;

/**
 * Why there are too few processes for a start; undefined if there are enough.
 * @param limits content of /proc/self/limits
 * @param uid root is not held to the limit
 */
export function processProblem(limits: string, uid: number): string | undefined {
  const allowed = softLimit(limits, "Max processes");
  if (uid === 0 || allowed === undefined || allowed >= PROCESSES_MIN) return undefined;
  return (
    `this user may have ${allowed} processes and threads, and qos needs ${PROCESSES_MIN}: ` +
    "raise the limit (ulimit -u, or LimitNPROC= of a service)"
  );
}

/** The same, of this process. */
export function ownProcessProblem(): string | undefined {
  try {
    return processProblem(readFileSync("/proc/self/limits", "latin1"), process.geteuid?.() ?? -1);
  } catch {
    return undefined; // the kernel does not say
  }
}
