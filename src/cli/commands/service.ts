// `qos service`: prints what other programs of a host need for the sidecar: a systemd unit, alert rules, a dashboard.

import { existsSync, realpathSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { findGroup, findUser } from "../../../ffi/users.ts";
import { Failure, messageOf } from "../../failure.ts";
import { alertRules, dashboard } from "../../observe/alerts.ts";
import { metricName } from "../../observe/metrics.ts";
import { EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { duration, onOff, path, text } from "../../settings/flags.ts";
import { STATISTICS } from "../../shape/statistics.ts";
import { command } from "../command.ts";
import { shellWord, unitText } from "../host/unit.ts";
import { type NamedPath, pathsOfConfig, unitPaths } from "../host/unit-paths.ts";
import { type Output, toJson } from "../output.ts";

const CONFIG = "/etc/qos/qos.toml";
const BINARY = "/usr/local/bin/qos";

/** This program. If it runs from source the process is the runtime, so the usual place is named. */
function ownBinary(): string {
  const own = realpathSync(process.execPath);
  return basename(own).startsWith("qos") ? own : BINARY;
}

/** Where a path leads; itself where nothing is there yet. */
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

/**
 * The paths that the configuration names, if it can be read.
 * @throws Failure for a configuration with mistakes
 */
function namedByConfig(config: string, out: Output): NamedPath[] {
  if (!existsSync(config)) {
    out.note(`qos service: ${config} is not there yet; print the unit again once it names its files`);
    return [];
  }
  try {
    return pathsOfConfig(config);
  } catch (error) {
    if (error instanceof UsageError) throw new Failure(`${error.message}; qos config check ${config} says all of it`);
    out.note(`qos service: the files that ${config} names are not looked at: ${messageOf(error)}`);
    return [];
  }
}

/**
 * Root runs the program ahead of the service, so nobody else may be able to replace it.
 * @throws Failure that names the file or folder
 */
function refuseReplaceable(binary: string): void {
  if (!existsSync(binary)) return;
  const OTHERS_WRITE = 0o022;
  for (let path = realpathSync(binary); ; path = dirname(path)) {
    const { uid, mode } = statSync(path);
    if (uid !== 0 || (mode & OTHERS_WRITE) !== 0) {
      throw new Failure(
        `--group: root would run ${binary}, and ${path} can be changed by others than root; install the program as ` +
          `root (install -m 0755 ${shellWord(binary)} ${BINARY}) and name it with --binary ${BINARY}`,
      );
    }
    if (path === "/") return;
  }
}

/** Metrics of the ends of packets that are not sent on. */
export function endMetrics(): string[] {
  return STATISTICS.filter(({ name, kind }) => kind === "end" && name !== "bankingTransmissions").map(({ name }) =>
    metricName(name, true),
  );
}

interface UnitValues {
  readonly user: string | undefined;
  readonly configFile: string | undefined;
  readonly binary: string | undefined;
  readonly group: string | undefined;
  /** Milliseconds. */
  readonly watchdog: number;
  readonly network: boolean;
}

/**
 * The unit, with notes about what this host lacks.
 * @throws UsageError for a path that systemd does not take
 */
function unitFor(values: UnitValues, out: Output): string {
  // systemd takes no other programs; and a line end would begin a line of the unit.
  for (const [flag, given] of [
    ["--binary", values.binary],
    ["--config-file", values.configFile],
  ] as const) {
    if (given !== undefined && !/^\/[^\p{Cc}]*$/u.test(given)) {
      throw new UsageError(`${flag}: a path from the root on is needed, without control characters`);
    }
  }
  const binary = values.binary ?? ownBinary();
  const config = values.configFile ?? CONFIG;
  const { SUDO_USER } = process.env;
  const user = values.user ?? (SUDO_USER === undefined || SUDO_USER === "" ? "sol" : SUDO_USER);
  if (findUser(user) === undefined) out.note(`qos service: this host has no user "${user}"; --user names another`);
  if (values.group !== undefined) {
    if (findGroup(values.group) === undefined) {
      out.note(`qos service: this host has no group "${values.group}"; groupadd creates one`);
    }
    refuseReplaceable(binary);
  }
  const paths = unitPaths([
    ...[binary, realPath(binary)].map((path): NamedPath => ({ name: "--binary", path, use: "read" })),
    ...[config, realPath(config)].map((path): NamedPath => ({ name: "--config-file", path, use: "read" })),
    ...namedByConfig(config, out),
  ]);
  for (const folder of paths.write.filter((one) => !existsSync(one))) {
    out.note(`qos service: ${folder} is not there: install -d -o ${shellWord(user)} -m 0700 ${shellWord(folder)}`);
  }
  return unitText({
    binary,
    config,
    user,
    watchdogSeconds: values.watchdog / 1_000,
    network: values.network,
    group: values.group,
    paths,
  });
}

export default command({
  name: "service",
  summary: "prints a systemd unit, alert rules or a dashboard",
  about:
    "Prints a hardened systemd unit that runs `qos run` with a configuration file, with readiness, a watchdog on the " +
    "loop's progress, and a restart whatever happens; or alert rules for Prometheus, or a dashboard for Grafana.",
  flags: {
    user: text({
      help: "whose rights the service has: the validator's user [default the user who called sudo, or sol]",
      hint: "NAME",
      fallback: undefined,
      pattern: /^[a-z_][a-z0-9_-]{0,31}\$?$/,
      allowed: "a user's name",
    }),
    configFile: path({ help: `the configuration that it runs with [default ${CONFIG}]` }),
    binary: path({ help: "the program [default this one]" }),
    watchdog: duration({
      help: "restart it when the loop stands still for this long",
      min: 1_000,
      max: 3_600_000,
      fallback: 10_000,
    }),
    group: text({
      help: "group of the channels: root makes them for it ahead of each start, as qos init --group does",
      hint: "NAME",
      fallback: undefined,
      pattern: /^[a-z_][a-z0-9_-]{0,31}$/,
      allowed: "a group's name",
    }),
    network: onOff({ help: "let it speak to other hosts: a database there, or scrapes from there" }),
    alerts: onOff({ help: "print alert rules for Prometheus instead" }),
    docs: text({
      help: "with --alerts: where docs/ is published, for a link in each alert (runbook_url)",
      hint: "URL",
      fallback: undefined,
      pattern: /^https?:\/\/[^\s"\p{Cc}]{1,500}$/u,
      allowed: "an address that begins with https://",
    }),
    grafana: onOff({ help: "print a dashboard for Grafana instead" }),
  },
  examples: [
    {
      line: "qos service --user sol > /etc/systemd/system/qos.service",
      says: "the unit for a validator that runs as sol",
    },
    { line: "qos service --alerts > /etc/prometheus/qos.rules.yml", says: "alert rules" },
    { line: "qos service --grafana > qos-dashboard.json", says: "a dashboard to import" },
  ],
  run: ({ values, out }) => {
    if (values.alerts && values.grafana) throw new UsageError("--alerts and --grafana: give one of them");
    if (values.alerts) out.line(alertRules(values.docs).trimEnd());
    else if (values.grafana) out.line(toJson(dashboard(endMetrics()), 2));
    else out.line(unitFor(values, out).trimEnd());
    return EXIT_FINE;
  },
});
