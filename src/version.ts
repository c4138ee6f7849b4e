// What `--version` says: the package's version, and the commit that a build was made from.

import { version } from "../package.json";

/** Set by build.ts; from source it does not exist. */
declare const QOS_COMMIT: string | undefined;

/** `0.1.0+1a2b3c4`; `0.1.0+source` when run from its sources, `0.1.0` when built outside of a git checkout. */
export const VERSION: string = describeVersion(version, typeof QOS_COMMIT === "string" ? QOS_COMMIT : "source");

export function describeVersion(packageVersion: string, commit: string): string {
  return commit === "" ? packageVersion : `${packageVersion}+${commit}`;
}
