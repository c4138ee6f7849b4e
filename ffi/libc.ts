// The C library: how it is found (glibc or musl), and how a failed call is reported. Only files in ffi/ call it.
//
// File calls that Node's own API has (open, fstat, ftruncate, pread, chown, unlink) go through `node:fs`; only what it lacks
// comes from here. bun:ffi's habits, once: `*_fast` integers are plain numbers below 2^53 (user addresses end at 2^47); a
// string is a NUL-terminated Buffer whose caller keeps it alive during the call; errno is read at once after the call.
//
// Node's tables of errors are loaded when a call has failed: node:os and node:util cost each thread 3 to 4 ms of its start.

import { dlopen, type FFIFunction, FFIType, type Library, type Pointer, read } from "bun:ffi";

/** glibc's name is the same everywhere, musl's has the machine in it. */
const LIBRARIES = ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`, "libc.so"];

/**
 * Opens the C library this process already runs on.
 * @throws Error if neither glibc nor musl is there
 */
export function openLibc<Symbols extends Record<string, FFIFunction>>(symbols: Symbols): Library<Symbols>["symbols"] {
  const failures: string[] = [];
  for (const name of LIBRARIES) {
    try {
      return dlopen(name, symbols).symbols;
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(`no C library could be opened (${failures.join("; ")})`);
}

/** NUL-terminated bytes of a string, for a `const char *`. */
export function cString(text: string): Buffer {
  if (text.includes("\0")) throw new TypeError("a C string cannot hold a NUL");
  return Buffer.from(`${text}\0`);
}

const location = openLibc({ __errno_location: { args: [], returns: FFIType.ptr } });

/** This thread's errno. Read it directly after the failed call: anything between may change it. */
export function errno(): number {
  return read.i32(location.__errno_location() as Pointer, 0);
}

/** A failed call to the operating system: its name, its subject, and the errno's name (`EACCES`). */
export class SystemError extends Error {
  constructor(
    readonly syscall: string,
    readonly subject: string,
    readonly code: string,
    readonly explanation: string,
  ) {
    super(`${syscall} of ${subject} failed: ${explanation} (${code})`);
    this.name = "SystemError";
  }

  /** @param number errno's value */
  static of(syscall: string, subject: string, number: number): SystemError {
    const [code, explanation] = process.getBuiltinModule("node:util").getSystemErrorMap().get(-number) ?? [
      `errno ${number}`,
      "unknown error",
    ];
    return new SystemError(syscall, subject, code, explanation);
  }

  /** An error of `node:fs` as a SystemError. Throws on anything that is not a failed call. */
  static from(error: unknown, subject: string): SystemError {
    if (error instanceof SystemError) return error;
    const { code, syscall } = error as { code?: unknown; syscall?: unknown };
    const numbers: Readonly<Record<string, number | undefined>> = process.getBuiltinModule("node:os").constants.errno;
    const number = numbers[String(code)];
    if (number === undefined) throw error;
    return SystemError.of(typeof syscall === "string" ? syscall : "call", subject, number);
  }
}

/** Calls `node:fs` and turns its errors into a SystemError that names the subject. */
export function system<Result>(subject: string, call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    throw SystemError.from(error, subject);
  }
}
