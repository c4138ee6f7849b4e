// Giving up root's rights for good: groups, gid, uid, and the proof for every thread that
// it has none left and can get none back.

import { FFIType } from "bun:ffi";
import fs from "node:fs";
import { cString, errno, openLibc, SystemError } from "./libc.ts";
import { groupsOf, type User } from "./users.ts";

const { i32, u32, u64, ptr } = FFIType;
const libc = openLibc({
  initgroups: { args: [ptr, u32], returns: i32 },
  setgroups: { args: [u64, ptr], returns: i32 },
  setresgid: { args: [u32, u32, u32], returns: i32 },
  setresuid: { args: [u32, u32, u32], returns: i32 },
  seteuid: { args: [u32], returns: i32 },
});

/** The C library's calls that change rights. A test gives others, in which one succeeds that must not. */
export interface RightsCalls {
  initgroups(name: Buffer, gid: number): number;
  setgroups(count: number, groups: Uint32Array): number;
  setresgid(real: number, effective: number, saved: number): number;
  setresuid(real: number, effective: number, saved: number): number;
  seteuid(uid: number): number;
}

const THREADS = "/proc/self/task";

/** The drop failed or did not hold. The process must end: it may still be root. */
export class PrivilegeError extends Error {
  override readonly name = "PrivilegeError";
}

/**
 * Becomes a user for good: its groups, its gid, its uid, in all threads (the C library applies each call to every
 * thread), and proves it. The order matters: after the uid nothing else could be changed.
 * @throws PrivilegeError; the caller must end the process
 */
export function dropPrivileges(user: User, calls: RightsCalls = libc): void {
  if (user.uid === 0) {
    throw new PrivilegeError(
      `user ${user.name} has uid 0: dropping privileges to root drops nothing; name another user`,
    );
  }
  const groups = groupsOf(user);
  const step = (call: string, result: number): void => {
    if (result === 0) return;
    throw new PrivilegeError(`privileges stay: ${SystemError.of(call, `user ${user.name}`, errno()).message}`);
  };
  step("initgroups", calls.initgroups(cString(user.name), user.gid));
  step("setresgid", calls.setresgid(user.gid, user.gid, user.gid));
  step("setresuid", calls.setresuid(user.uid, user.uid, user.uid));
  proveDropped(user, groups);
  proveIrreversible(user, calls);
  proveDropped(user, groups);
}

/**
 * Checks what the kernel says about every thread of this process.
 * @param groups all groups that the user has, in ascending order
 * @throws PrivilegeError that names the thread and what it still has
 */
export function proveDropped(user: User, groups: readonly number[]): void {
  for (const thread of fs.readdirSync(THREADS)) {
    let status: string;
    try {
      status = fs.readFileSync(`${THREADS}/${thread}/status`, "latin1");
    } catch (error) {
      const { code } = SystemError.from(error, `thread ${thread}`);
      if (code === "ENOENT" || code === "ESRCH") continue; // it ended meanwhile
      throw new PrivilegeError(`the status of thread ${thread} cannot be read: ${code}`);
    }
    const field = (name: string): string =>
      new RegExp(`^${name}:[ \t]*(.*)$`, "m").exec(status)?.[1].trim() ?? "missing";
    const expect = (name: string, wanted: string): void => {
      const found = field(name).split(/\s+/).join(" ");
      if (found !== wanted) {
        throw new PrivilegeError(`privileges stay: thread ${thread} has ${name} ${found}, and ${wanted} is wanted`);
      }
    };
    expect("Uid", Array(4).fill(user.uid).join(" "));
    expect("Gid", Array(4).fill(user.gid).join(" "));
    expect("Groups", groups.join(" "));
    for (const set of ["CapEff", "CapPrm", "CapAmb"]) expect(set, "0".repeat(16));
  }
}

/**
 * Tries every way to become root again.
 * @throws PrivilegeError if one of them works
 */
function proveIrreversible(user: User, calls: RightsCalls): void {
  const attempts: readonly (readonly [string, () => number])[] = [
    ["setresuid(0, 0, 0)", () => calls.setresuid(0, 0, 0)],
    ["seteuid(0)", () => calls.seteuid(0)],
    ["setgroups([0])", () => calls.setgroups(1, new Uint32Array(1))],
    ["setresgid(0, 0, 0)", () => (user.gid === 0 ? -1 : calls.setresgid(0, 0, 0))],
  ];
  for (const [name, attempt] of attempts) {
    if (attempt() === 0) throw new PrivilegeError(`privileges came back: ${name} succeeded as user ${user.name}`);
  }
}
