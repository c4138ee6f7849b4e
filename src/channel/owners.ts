// Whose files are believed. Anybody on a host may make files in /dev/shm under the names of channels, sockets and pages: a
// file counts only where its owner is root, this process's own user, or the user that it is about to become. A channel may
// also be another user's that shares a group with us (qos init --group). What everybody may write to is nobody's.

import { type FileFacts, statPath } from "../../ffi/shared-memory.ts";
import { groupsOf, type User, userName } from "../../ffi/users.ts";

const WORLD_WRITABLE = 0o002;
const GROUP_WRITABLE = 0o020;

export interface Trust {
  readonly uids: ReadonlySet<number>;
  readonly gids: ReadonlySet<number>;
}

/** Believes everybody: for the validator's side, which joins what the sidecar's user made and cannot know that user. */
export const ANYBODY: Trust = { uids: everybody(), gids: everybody() };

function everybody(): ReadonlySet<number> {
  class Everybody extends Set<number> {
    override has(): boolean {
      return true;
    }
  }
  return new Everybody();
}

/** @param user the one whose rights this process is about to take, or the one named as the sidecar's */
export function trustOf(user?: User): Trust {
  const own = [process.getegid?.() ?? -1, ...(process.getgroups?.() ?? [])];
  const effective = process.geteuid?.() ?? -1;
  const { SUDO_UID = "" } = process.env;
  const caller = effective === 0 && /^\d{1,10}$/.test(SUDO_UID) ? [Number(SUDO_UID)] : [];
  return {
    uids: new Set([0, effective, ...caller, ...(user === undefined ? [] : [user.uid])]),
    // Root is in its own group alone; what counts is whose groups it is about to have.
    gids: new Set(user === undefined ? own : [user.gid, ...groupsOf(user)]),
  };
}

/** @returns why a channel's file is not believed, with the remedy; undefined if it is */
export function strangersChannel(path: string, { uid, gid, mode }: FileFacts, trust: Trust): string | undefined {
  const remedy = "remove it, and have qos init or the validator make it";
  if ((mode & WORLD_WRITABLE) !== 0) {
    return `${path} can be written to by every user of this host (mode ${mode.toString(8)}): chmod o-w it, or ${remedy}`;
  }
  if (trust.uids.has(uid) || ((mode & GROUP_WRITABLE) !== 0 && trust.gids.has(gid))) return undefined;
  return (
    `${path} belongs to ${userName(uid)} (uid ${uid}), which is neither root nor this sidecar's user, nor shares a group with ` +
    `it: ${remedy} (qos init --group GROUP, for a group of both)`
  );
}

/**
 * A socket or a page that a sidecar made for its own user.
 * @returns why it is not believed; undefined if it is, or nothing is there
 */
export function strangersFile(path: string, trust: Trust): string | undefined {
  const facts = statPath(path);
  if (facts === undefined || trust.uids.has(facts.uid)) return undefined;
  const name = userName(facts.uid);
  return `${path} belongs to ${name}, and could be anybody's: if that is the sidecar's user, say --user ${name}, or run this as it`;
}
