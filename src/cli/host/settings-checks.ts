// What a configuration names on this host, looked at before a start: files that the sidecar's user must read or write, and
// the port of the metrics. Nothing is written; the port is taken for a moment.

import { groupsOf } from "../../../ffi/users.ts";
import { messageOf } from "../../failure.ts";
import type { RunValues } from "../../settings/run-flags.ts";
import { type AskedSettings, settingsOf } from "../../settings/sidecar-settings.ts";
import { userToBecome } from "../../sidecar/process/rights.ts";
import { type Identity, readProblem, writeProblem } from "./access.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

export interface Asked {
  /** undefined: they do not go together, and the findings say why. */
  readonly settings: AskedSettings | undefined;
  /** The user that the sidecar runs as; undefined: there is none, and the findings say why. */
  readonly who: Identity | undefined;
  readonly findings: readonly Finding[];
}

/** The user and groups of this process. */
const ownIdentity = (): Identity => ({
  uid: process.geteuid?.() ?? -1,
  gids: [process.getegid?.() ?? -1, ...(process.getgroups?.() ?? [])],
});

/** What a `qos run` with these values would be told, and as whom it would run. */
export function asked(values: RunValues): Asked {
  const findings: Finding[] = [];
  const attempt = <T>(name: string, use: () => T): T | undefined => {
    try {
      return use();
    } catch (error) {
      findings.push(fail(name, messageOf(error)));
      return undefined;
    }
  };
  const settings = attempt("settings", () => settingsOf(values));
  const who = attempt("user", () => {
    const user = userToBecome({
      effectiveUid: process.geteuid?.() ?? -1,
      user: values.user,
      allowRoot: values.allowRoot,
      sudoUser: process.env.SUDO_USER,
    });
    if (user !== undefined) findings.push(ok("user", `root's rights are given up for those of ${user.name}`));
    return user === undefined ? ownIdentity() : { uid: user.uid, gids: groupsOf(user) };
  });
  return { settings, who, findings };
}

/** Findings of files and of the port. @param running a sidecar runs under this prefix: the port may be its own */
export function settingsChecks(
  settings: AskedSettings,
  who: Identity,
  config: string | undefined,
  running: boolean,
): Finding[] {
  const findings: Finding[] = [];
  const reads = (name: string, path: string | undefined, level: typeof fail): void => {
    if (path === undefined) return;
    const problem = readProblem(path, who);
    findings.push(problem === undefined ? ok(name, `${path} can be read`) : level(name, problem.says, problem.mend));
  };
  const writes = (name: string, path: string | undefined, read: boolean): void => {
    if (path === undefined) return;
    const problem = writeProblem(path, who, read);
    findings.push(problem === undefined ? ok(name, `${path} can be written`) : fail(name, problem.says, problem.mend));
  };
  // Only a warning: root may be the one that starts the sidecar and reads the file.
  reads("config", config, warn);
  reads("allow", settings.allowFile, fail);
  reads("deny", settings.denyFile, fail);
  reads("stake file", settings.stakeFile, fail);
  writes("state", settings.stateFile, true);
  writes("stats", settings.statsJsonFile, false);
  writes("control", settings.controlFile, false);
  const { database } = settings;
  if (database !== undefined) {
    if (database.kind === "sqlite") writes("database", database.path, true);
    writes("db spill", settings.dbSpillFile ?? `${settings.prefix}qos.spill`, true);
  }
  if (settings.metrics !== undefined) findings.push(portFinding(settings.metrics, running));
  return findings;
}

function portFinding({ hostname, port }: { hostname: string; port: number }, running: boolean): Finding {
  const at = `${hostname}:${port}`;
  try {
    const server = Bun.listen({ hostname, port, socket: { data: () => undefined } });
    server.stop(true);
    return ok("metrics", `${at} is free`);
  } catch (error) {
    if (running) return ok("metrics", `${at} is taken, by the sidecar that runs or by somebody else`);
    return fail("metrics", `${at} cannot be had: ${messageOf(error)}`, "take another port, or stop what listens there");
  }
}
