// What a user may do with a file, worked out from owner, group and permission bits: so that root can say what another user
// will be able to open. Access lists (setfacl) are not looked at.

import fs from "node:fs";
import { dirname, resolve } from "node:path";
import { userName } from "../../../ffi/users.ts";

export interface Identity {
  readonly uid: number;
  /** All groups, the primary one among them. */
  readonly gids: readonly number[];
}

/** Owner, group and permission bits of a file. */
export interface Rights {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export const READ = 4;
export const WRITE = 2;
export const ENTER = 1;
const STICKY = 0o1000;

/** Whether a user has all of these rights. As in the kernel one class counts: the owner's, else the group's, else others'. */
export function allows({ uid, gid, mode }: Rights, who: Identity, wanted: number): boolean {
  if (who.uid === 0) return true;
  const shift = uid === who.uid ? 6 : who.gids.includes(gid) ? 3 : 0;
  return ((mode >> shift) & wanted) === wanted;
}

/** Rights as `ls` shows them: `0660 root:sol`. */
export function shownRights({ uid, gid, mode }: Rights, groupName: (gid: number) => string): string {
  return `${octal(mode)} ${userName(uid)}:${groupName(gid)}`;
}

export const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, "0");

interface Problem {
  readonly says: string;
  readonly mend: string | undefined;
}

/** Why a user cannot read a regular file; undefined if it can. */
export function readProblem(path: string, who: Identity): Problem | undefined {
  const whole = resolve(path);
  const closed = enterProblem(dirname(whole), who);
  if (closed !== undefined) return closed;
  const there = statOf(whole);
  if (there === undefined) return { says: `${path} is not there`, mend: `create it, or name another file` };
  if (there.isDirectory()) return { says: `${path} is a folder`, mend: "name a file" };
  if (allows(there, who, READ)) return undefined;
  return {
    says: `${path} (${octal(there.mode)} ${userName(there.uid)}) cannot be read by ${userName(who.uid)}`,
    mend: `chown ${userName(who.uid)} ${path}`,
  };
}

/**
 * Why a user cannot write a file and replace it; undefined if it can. A file that is not there yet is fine.
 * @param read it must be able to read what is there, too
 */
export function writeProblem(path: string, who: Identity, read: boolean): Problem | undefined {
  const whole = resolve(path);
  const folder = dirname(whole);
  const user = userName(who.uid);
  const at = statOf(folder);
  const closed = enterProblem(at === undefined ? dirname(folder) : folder, who);
  if (closed !== undefined) return closed;
  if (at === undefined) return { says: `the folder ${folder} is not there`, mend: installLine(user, folder) };
  if (!at.isDirectory()) return { says: `${folder} is not a folder`, mend: "name another file" };
  if (!allows(at, who, WRITE | ENTER)) {
    const says = `${user} cannot write into ${folder} (${octal(at.mode)} ${userName(at.uid)})`;
    return { says, mend: `${installLine(user, folder)}, or name a file elsewhere` };
  }
  const there = statOf(whole);
  if (there === undefined) return undefined;
  if (there.isDirectory()) return { says: `${path} is a folder`, mend: "name a file" };
  const owned = who.uid === 0 || there.uid === who.uid || at.uid === who.uid;
  const stuck = (at.mode & STICKY) !== 0 && !owned;
  if (allows(there, who, read ? READ | WRITE : WRITE) && !stuck) return undefined;
  return {
    says: `${path} is ${userName(there.uid)}'s (${octal(there.mode)}), and ${user} cannot use it`,
    mend: `chown ${user} ${path}`,
  };
}

/** What makes a folder that a user owns. */
const installLine = (user: string, folder: string): string => `install -d -o ${user} -m 0700 ${folder}`;

/** Why a user does not come as far as into a folder. */
function enterProblem(folder: string, who: Identity): Problem | undefined {
  const parts = folder.split("/").filter((part) => part !== "");
  for (let depth = 0; depth <= parts.length; depth++) {
    const path = `/${parts.slice(0, depth).join("/")}`;
    const at = statOf(path);
    if (at === undefined) return { says: `the folder ${path} is not there`, mend: `mkdir -p ${folder}` };
    if (!at.isDirectory()) return { says: `${path} is not a folder`, mend: undefined };
    if (!allows(at, who, ENTER)) {
      return {
        says: `${userName(who.uid)} cannot enter ${path} (${octal(at.mode)} ${userName(at.uid)})`,
        mend: "name a file in a folder that this user can enter",
      };
    }
  }
  return undefined;
}

function statOf(path: string): fs.Stats | undefined {
  try {
    return fs.statSync(path);
  } catch {
    return undefined; // not there, or not for us to see
  }
}
