// The man page, qos(1), made from the commands and their flags. Pure: definitions in, roff out.

import { flagName } from "../settings/flags.ts";
import type { AnyCommand } from "./command.ts";
import { flagText } from "./help.ts";

/** A text as roff takes it: backslashes, hyphens that are typed, and lines that would be requests. */
export function roff(text: string): string {
  return text
    .replace(/\\/g, "\\e")
    .replace(/-/g, "\\-")
    .replace(/^([.'])/gm, "\\&$1");
}

export function manPage(version: string, commands: readonly AnyCommand[]): string {
  const lines = [
    `.TH QOS 1 "" "qos ${roff(version)}" "User Commands"`,
    ".SH NAME",
    "qos \\- a QoS sidecar for Solana validators",
    ".SH SYNOPSIS",
    ".B qos",
    ".I COMMAND",
    "[flags]",
    ".br",
    ".B qos",
    "[flags of run]",
    ".SH DESCRIPTION",
    roff(
      "Takes every packet that a validator receives over shared memory, keeps the best, and sends them on to sigverify. " +
        "Flags and no command mean run.",
    ),
    ".SH COMMANDS",
  ];
  for (const one of commands) {
    const positionals = one.positionals ?? [];
    const names = positionals.map(({ name, required }) => (required ? ` ${name}` : ` [${name}]`)).join("");
    lines.push(`.SS "qos ${roff(one.name)}${roff(names)}"`, roff(one.about));
    for (const { name, help } of positionals) lines.push(".TP", `.I ${roff(name)}`, roff(help));
    for (const [name, row] of Object.entries(one.flags)) {
      const hint = row.hint === "" ? "" : ` \\fI${roff(row.hint)}\\fR`;
      lines.push(".TP", `\\fB${roff(flagName(name, row))}\\fR${hint}`, roff(flagText(row)));
    }
    lines.push(".PP", "Examples:");
    for (const { line, says } of one.examples) lines.push(".TP", `.B ${roff(line)}`, roff(says));
  }
  lines.push(
    ".SH FILES",
    ".TP",
    ".I /dev/shm/PREFIXqos_status",
    "the running sidecar's numbers, for qos monitor",
    ".TP",
    ".I /dev/shm/PREFIXqos_fates",
    "recent fates of packets, for qos explain",
    ".TP",
    ".I /dev/shm/PREFIXqos_control",
    "the control socket, for qos ctl",
    ".SH EXIT STATUS",
    "0 fine, 1 failed, 2 wrong usage.",
    ".SH ENVIRONMENT",
    ".TP",
    ".B QOS_CONFIG",
    "the configuration file",
    ".TP",
    ".B QOS_DEBUG",
    "1 shows where an error came from",
  );
  return `${lines.join("\n")}\n`;
}
