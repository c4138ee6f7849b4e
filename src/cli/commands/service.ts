// `qos service`: what a host's other programs need to know of the sidecar: a systemd unit, alert rules, a dashboard.

import { realpathSync } from "node:fs";
import { basename } from "node:path";
import { findUser } from "../../../ffi/users.ts";
import { alertRules, dashboard } from "../../observe/alerts.ts";
import { metricName } from "../../observe/metrics.ts";
import { EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { duration, onOff, path, text } from "../../settings/flags.ts";
import { STATISTICS } from "../../shape/statistics.ts";
import { command } from "../command.ts";
import { unitText } from "../host/unit.ts";
import { toJson } from "../output.ts";

const CONFIG = "/etc/qos/qos.toml";
const BINARY = "/usr/local/bin/qos";

/** This program, if it is one: run from source it is the runtime. */
function ownBinary(): string {
  const own = realpathSync(process.execPath);
  return basename(own).startsWith("qos") ? own : BINARY;
}

/** Metrics of the ends of packets that are not sent on. */
export function endMetrics(): string[] {
  return STATISTICS.filter(({ name, kind }) => kind === "end" && name !== "bankingTransmissions").map(({ name }) =>
    metricName(name, true),
  );
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
      help: "restart it when the loop stands still for so long",
      min: 1_000,
      max: 3_600_000,
      fallback: 10_000,
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
    else {
      // systemd takes no other programs; and a line end would begin a line of the unit.
      for (const [flag, given] of [
        ["--binary", values.binary],
        ["--config-file", values.configFile],
      ] as const) {
        if (given !== undefined && !/^\/[^\p{Cc}]*$/u.test(given)) {
          throw new UsageError(`${flag}: a path from the root on is needed, without control characters`);
        }
      }
      const { SUDO_USER } = process.env;
      const user = values.user ?? (SUDO_USER === undefined || SUDO_USER === "" ? "sol" : SUDO_USER);
      if (findUser(user) === undefined) out.note(`qos service: this host has no user "${user}"; --user names another`);
      const unit = unitText({
        binary: values.binary ?? ownBinary(),
        config: values.configFile ?? CONFIG,
        user,
        watchdogSeconds: values.watchdog / 1_000,
        network: values.network,
      });
      out.line(unit.trimEnd());
    }
    return EXIT_FINE;
  },
});
