// Standard output for commands. A reader that went away (`qos inspect | head`) is not an error: writing stops in silence, and
// long-running commands ask `closed`. Any other failure (a full disk) is kept, and ends the command with exit code 1. Writes
// are synchronous: the answer is out before the process ends. Control characters that come from outside are taken out.

import { writeSync } from "node:fs";
import { printable, printableJson } from "../wire/printable.ts";

export interface Output {
  /** Writes a text and a line end. */
  readonly line: (text: string) => void;
  /** Writes one JSON line; bigints become decimal strings. */
  readonly json: (value: unknown) => void;
  /** For the person at the terminal, on standard error. */
  readonly note: (text: string) => void;
  /** Whether standard output takes no more: its reader went away, or writing failed. */
  readonly closed: () => boolean;
  /** Why writing failed, the reader's going away apart; undefined if it did not. */
  readonly problem?: () => string | undefined;
}

const RETRY_MS = 1;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of it. @returns the error's code where the reader is gone or the place takes no more */
function writeAll(descriptor: number, text: string): string | undefined {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes));
    } catch (error) {
      // A pipe that another process made non-blocking is full: wait for its reader.
      const { code = "unknown error" } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN") return code;
      Atomics.wait(sleeper, 0, 0, RETRY_MS);
    }
  }
  return undefined;
}

export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_, item) => (typeof item === "bigint" ? item.toString() : item), indent);
}

/** The process's own standard output and error. */
export function processOutput(): Output {
  let failed: string | undefined;
  const line = (text: string): void => {
    failed ??= writeAll(1, `${printable(text)}\n`);
  };
  return {
    line,
    json: (value) => line(printableJson(toJson(value))),
    note: (text) => {
      writeAll(2, `${printable(text)}\n`);
    },
    closed: () => failed !== undefined,
    problem: () => (failed === undefined || failed === "EPIPE" ? undefined : failed),
  };
}
