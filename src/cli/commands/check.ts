// `qos check`: reads the host and says what is fine, what is not, and what mends it.

import { findLayout } from "../../channel/found-layout.ts";
import { EXIT_FAILED, EXIT_FINE } from "../../settings/errors.ts";
import { onOff } from "../../settings/flags.ts";
import { RUN_FLAGS } from "../../settings/run-flags.ts";
import { AUTO_PACKET_LAYOUT, type PacketLayout, USUAL_PACKET_LAYOUT } from "../../shape/packet-layouts.ts";
import { type ChannelValues, namedChannels, placeOf } from "../channels/channel-files.ts";
import { command } from "../command.ts";
import { type Finding, fail, ok } from "../host/finding.ts";
import { hostChecks } from "../host/host-checks.ts";
import { hostFacts } from "../host/host-facts.ts";
import { asked, settingsChecks } from "../host/settings-checks.ts";

/** The packet layout that a sidecar would take, and whether it can. */
function layoutCheck(values: ChannelValues): { readonly layout: PacketLayout; readonly finding: Finding } {
  const name = "packet layout";
  const { packetLayout } = values;
  if (packetLayout !== AUTO_PACKET_LAYOUT) return { layout: packetLayout, finding: ok(name, packetLayout) };
  const found = findLayout(placeOf(values));
  if (found.state === "found") {
    const { layout, names } = found;
    return { layout, finding: ok(name, `${layout}, said by ${names.map((one) => values.prefix + one).join(", ")}`) };
  }
  const layout = USUAL_PACKET_LAYOUT;
  if (found.state === "none") {
    return { layout, finding: ok(name, `the first channel will say it; memory is counted for ${layout}`) };
  }
  const [says, mend] = found.message.split("; ");
  return { layout, finding: fail(name, says, mend) };
}

export default command({
  name: "check",
  summary: "reads the host and says what to mend",
  about:
    "Reads the host for a `qos run` with the same flags, environment and configuration, and says line by line ok, warn or " +
    "fail, with the command that mends it. Root's findings are those of the user that the sidecar becomes (`--user`). It " +
    "changes nothing. The exit code is 1 where something fails.",
  flags: { ...RUN_FLAGS, json: onOff({ help: "print the findings as JSON" }) },
  examples: [
    { line: "qos check", says: "for a run with everything as it is by default" },
    { line: "sudo qos check --use-huge-pages --cpu 3", says: "for a run on huge pages and a core of its own" },
    { line: "sudo qos check --config /etc/qos/qos.toml --user sol", says: "what the service will meet, as its user" },
  ],
  run: async ({ values, out }) => {
    const { layout, finding } = layoutCheck(values);
    const channels = namedChannels(placeOf(values), layout);
    const { settings, who, findings: ofRequest } = asked(values);
    const facts = await hostFacts(channels, values.prefix, values.cpu, who);
    const findings = [...hostChecks(facts, values), finding, ...ofRequest];
    if (settings !== undefined && who !== undefined) {
      findings.push(...settingsChecks(settings, who, values.config, facts.sidecarPid !== undefined));
    }
    const failed = findings.some(({ level }) => level === "fail");
    if (values.json) out.json(findings);
    else {
      const widest = Math.max(...findings.map(({ name }) => name.length));
      for (const { name, level, says, mend } of findings) {
        out.line(`${level.padEnd(4)}  ${name.padEnd(widest)}  ${says}`);
        if (mend !== undefined && level !== "ok") out.line(`${" ".repeat(widest + 8)}mend: ${mend}`);
      }
      const count = (level: string): number => findings.filter((one) => one.level === level).length;
      out.line(`${count("ok")} ok, ${count("warn")} warnings, ${count("fail")} failed`);
    }
    return failed ? EXIT_FAILED : EXIT_FINE;
  },
});
