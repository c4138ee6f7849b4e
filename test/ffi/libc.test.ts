import { FFIType } from "bun:ffi";
import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import { cString, errno, openLibc, SystemError, system } from "../../ffi/libc.ts";

describe("the C library", () => {
  test("is found, and its errno is the one of the last call", () => {
    const { close, getpid } = openLibc({
      close: { args: [FFIType.i32], returns: FFIType.i32 },
      getpid: { args: [], returns: FFIType.i32 },
    });
    expect(getpid()).toBe(process.pid);
    expect(close(-1)).toBe(-1);
    expect(errno()).toBe(9); // EBADF
  });

  test("a symbol that it lacks is an error that names each library tried", () => {
    expect(() => openLibc({ qos_has_no_such_function: { args: [], returns: FFIType.i32 } })).toThrow(
      /no C library could be opened \(libc\.so\.6: .*libc\.musl-/s,
    );
  });

  test("strings end with a NUL and hold none", () => {
    expect([...cString("ab")]).toEqual([97, 98, 0]);
    expect([...cString("")]).toEqual([0]);
    expect(() => cString("a\0b")).toThrow(TypeError);
  });
});

describe("a failed call", () => {
  test("says which call, on what, and the errno's name", () => {
    const failure = SystemError.of("mmap", "/dev/shm/x", 13);
    expect(failure).toMatchObject({ syscall: "mmap", subject: "/dev/shm/x", code: "EACCES" });
    expect(failure.message).toBe("mmap of /dev/shm/x failed: permission denied (EACCES)");
    expect(SystemError.of("mmap", "x", 99_999).code).toBe("errno 99999");
  });

  test("of node:fs becomes one of ours; what is no failed call is thrown on", () => {
    const missing = "/dev/shm/there/is/no/such/folder";
    let caught: unknown;
    try {
      system(missing, () => fs.openSync(missing, "r"));
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(SystemError);
    expect(caught).toMatchObject({ code: "ENOENT", subject: missing, syscall: "open" });
    const own = SystemError.of("a", "b", 1);
    expect(SystemError.from(own, "c")).toBe(own);
    const bug = new TypeError("a mistake");
    expect(() =>
      system("x", () => {
        throw bug;
      }),
    ).toThrow(bug);
  });
});
