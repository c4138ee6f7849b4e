// Whose rights the sidecar keeps: root's are given up after the channels are open (engine.md, 9 and 12).

import { findUser, type User } from "../../../ffi/users.ts";
import { Failure } from "../../failure.ts";

export interface RightsRequest {
  readonly effectiveUid: number;
  /** `--user`. */
  readonly user: string | undefined;
  readonly allowRoot: boolean;
  /** Whoever called sudo, if that is how it was started. */
  readonly sudoUser: string | undefined;
}

/**
 * The user to become; undefined to stay the user that this process is.
 * @param find looks a user up by name or number
 * @throws Failure that says what to do
 */
export function userToBecome(
  request: RightsRequest,
  find: (who: string) => User | undefined = findUser,
): User | undefined {
  const { effectiveUid, user, allowRoot, sudoUser } = request;
  if (effectiveUid !== 0) {
    if (user === undefined || find(user)?.uid === effectiveUid) return undefined;
    throw new Failure(`--user ${user}: only root can become another user; start it as root or leave --user out`);
  }
  if (user !== undefined) return known(user, `--user ${user}`, find);
  if (allowRoot) return undefined;
  if (sudoUser !== undefined && sudoUser !== "" && sudoUser !== "root") {
    return known(sudoUser, `SUDO_USER ${sudoUser}`, find);
  }
  throw new Failure(
    "started as root with nobody to become: say whose rights to keep with --user NAME, start it through sudo as that " +
      "user, or keep root's rights with --allow-root (in a container or a test)",
  );
}

function known(name: string, source: string, find: (who: string) => User | undefined): User {
  const found = find(name);
  if (found === undefined) throw new Failure(`${source}: this host knows no such user`);
  if (found.uid === 0)
    throw new Failure(`${source}: that user is root; name another, or keep root's rights with --allow-root`);
  return found;
}
