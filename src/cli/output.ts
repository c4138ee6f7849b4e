// Standard output for commands. A reader that went away (`qos inspect | head`) is no error: writing stops in silence, and
// long-running commands ask `closed`. Writes are synchronous: the answer is out before the process ends. Much of what is
// printed came from outside, so nothing leaves here that a terminal would obey.

import { writeSync } from "node:fs";
import { printable, printableJson } from "../wire/printable.ts";

export interface Output {
  /** Writes a text and a line end. */
  readonly line: (text: string) => void;
  /** Writes one JSON line; bigints become decimal strings. */
  readonly json: (value: unknown) => void;
  /** For the person at the terminal, on standard error. */
  readonly note: (text: string) => void;
  /** Whether the reader of standard output went away. */
  readonly closed: () => boolean;
}

const RETRY_MS = 1;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of it. @returns false where the reader is gone or the place behind the descriptor takes no more */
function writeAll(descriptor: number, text: string): boolean {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes));
    } catch (error) {
      // A pipe that another process made non-blocking is full: wait for its reader.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return false;
      Atomics.wait(sleeper, 0, 0, RETRY_MS);
    }
  }
  return true;
}

export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_, item) => (typeof item === "bigint" ? item.toString() : item), indent);
}

/** The process's own standard output and error. */
export function processOutput(): Output {
  let open = true;
  const line = (text: string): void => {
    if (open) open = writeAll(1, `${printable(text)}\n`);
  };
  return {
    line,
    json: (value) => line(printableJson(toJson(value))),
    note: (text) => {
      writeAll(2, `${printable(text)}\n`);
    },
    closed: () => !open,
  };
}
