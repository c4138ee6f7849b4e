// Users and groups by name or number, through the C library: it finds everything that the host's name service knows.

import { CString, FFIType, type Pointer } from "bun:ffi";
import { cString, openLibc, SystemError } from "./libc.ts";

export interface User {
  readonly name: string;
  readonly uid: number;
  /** Primary group. */
  readonly gid: number;
}

export interface Group {
  readonly name: string;
  readonly gid: number;
}

const { i32, u32, u64, ptr } = FFIType;
const libc = openLibc({
  getpwnam_r: { args: [ptr, ptr, ptr, u64, ptr], returns: i32 },
  getpwuid_r: { args: [u32, ptr, ptr, u64, ptr], returns: i32 },
  getgrnam_r: { args: [ptr, ptr, ptr, u64, ptr], returns: i32 },
  getgrgid_r: { args: [u32, ptr, ptr, u64, ptr], returns: i32 },
  getgrouplist: { args: [ptr, u32, ptr, ptr], returns: i32 },
});

// struct passwd { name, passwd: pointers; uid, gid: u32; ... } and struct group { name, passwd: pointers; gid: u32; ... }
// are the same in glibc and musl on 64-bit machines.
const ENTRY_BYTES = 64;
const NAME_AT = 0;
const FIRST_ID_AT = 16;
const SECOND_ID_AT = 20;
const STRINGS_BYTES = 16_384;
const STRINGS_MAX_BYTES = 1_048_576;
const ERANGE = 34;
const NO_SUCH_ENTRY = new Set([0, 2, 3, 9, 1]); // what `get*_r` may answer for "not there": its manual page lists them
const ID_MAX = 4_294_967_294; // the last u32 means "no change"

type Find = (entry: Uint8Array, strings: Uint8Array, result: BigUint64Array) => number;

/** Runs a `get*_r` call with enough room. @returns the entry's name and its two numbers, undefined if there is no entry */
function findEntry(what: string, find: Find): { name: string; ids: [number, number] } | undefined {
  for (let size = STRINGS_BYTES; size <= STRINGS_MAX_BYTES; size *= 4) {
    const entry = new Uint8Array(ENTRY_BYTES);
    const strings = new Uint8Array(size);
    const result = new BigUint64Array(1);
    const code = find(entry, strings, result);
    if (code === ERANGE) continue;
    if (result[0] === 0n) {
      if (NO_SUCH_ENTRY.has(code)) return undefined;
      throw SystemError.of("look-up", what, code);
    }
    const view = new DataView(entry.buffer);
    const name = new CString(Number(view.getBigUint64(NAME_AT, true)) as Pointer).toString();
    const ids: [number, number] = [view.getUint32(FIRST_ID_AT, true), view.getUint32(SECOND_ID_AT, true)];
    strings[0] = 0; // the name was in it: it had to live until here
    return { name, ids };
  }
  throw SystemError.of("look-up", what, ERANGE);
}

function idOf(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= ID_MAX ? id : undefined;
}

/**
 * @param who a name, or a uid in decimal (a name that consists of digits is looked up first)
 * @returns undefined if the host knows no such user
 */
export function findUser(who: string): User | undefined {
  if (who === "" || who.includes("\0")) return undefined;
  const name = cString(who);
  const uid = idOf(who);
  const found =
    findEntry(`user ${who}`, (entry, strings, result) =>
      libc.getpwnam_r(name, entry, strings, strings.length, result),
    ) ?? (uid === undefined ? undefined : findUserEntry(uid));
  return found === undefined ? undefined : { name: found.name, uid: found.ids[0], gid: found.ids[1] };
}

const findUserEntry = (uid: number) =>
  findEntry(`uid ${uid}`, (entry, strings, result) => libc.getpwuid_r(uid, entry, strings, strings.length, result));

const findGroupEntry = (gid: number) =>
  findEntry(`gid ${gid}`, (entry, strings, result) => libc.getgrgid_r(gid, entry, strings, strings.length, result));

/**
 * @param which a name, or a gid in decimal
 * @returns undefined if the host knows no such group
 */
export function findGroup(which: string): Group | undefined {
  if (which === "" || which.includes("\0")) return undefined;
  const name = cString(which);
  const gid = idOf(which);
  const found =
    findEntry(`group ${which}`, (entry, strings, result) =>
      libc.getgrnam_r(name, entry, strings, strings.length, result),
    ) ?? (gid === undefined ? undefined : findGroupEntry(gid));
  return found === undefined ? undefined : { name: found.name, gid: found.ids[0] };
}

/** A uid as people write it: its name, else the number. */
export function userName(uid: number): string {
  return findUserEntry(uid)?.name ?? String(uid);
}

/** A gid as people write it: its name, else the number. */
export function groupName(gid: number): string {
  return findGroupEntry(gid)?.name ?? String(gid);
}

const GROUPS_MAX = 65_536;

/** All groups of a user, the primary one among them, in ascending order. */
export function groupsOf(user: User): number[] {
  const groups = new Uint32Array(GROUPS_MAX);
  const count = new Int32Array([GROUPS_MAX]);
  if (libc.getgrouplist(cString(user.name), user.gid, groups, count) < 0) {
    throw new Error(`user ${user.name} is in more than ${GROUPS_MAX} groups`);
  }
  return [...new Set(groups.subarray(0, count[0]))].sort((a, b) => a - b);
}
