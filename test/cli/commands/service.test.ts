import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../../src/cli/command.ts";
import { endMetrics } from "../../../src/cli/commands/service.ts";
import { FOLLOWING } from "../../../src/cli/completion-words.ts";
import { bashCompletion, fishCompletion, zshCompletion } from "../../../src/cli/completions-text.ts";
import { shellWord, unitText, unitWord } from "../../../src/cli/host/unit.ts";
import { pathsOfConfig, unitPaths } from "../../../src/cli/host/unit-paths.ts";
import { manPage, roff } from "../../../src/cli/man-text.ts";
import { COMMANDS } from "../../../src/cli/root.ts";
import { WRITER_STATISTICS, type WriterNumbers } from "../../../src/database/writer-status.ts";
import { ALERTS, alertRules, dashboard, descriptionOf, summaryOf } from "../../../src/observe/alerts.ts";
import { Faults } from "../../../src/observe/faults.ts";
import { expose } from "../../../src/observe/metrics.ts";
import { choice, onOff, path } from "../../../src/settings/flags.ts";
import { kebabCase } from "../../../src/settings/names.ts";
import { CHANNELS } from "../../../src/shape/channels.ts";
import { SCENARIOS } from "../../../src/simulator/scenarios/index.ts";
import { rig } from "../../engine/rig.ts";
import { runText as qos } from "../../tools/command-line.ts";

/** A home that no test touches. */
const HOME = `/${"home"}/sol`;
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "qos-service-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const written = (name: string, content: string): string => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};

function spawn(...words: string[]): { code: number; text: string } {
  const done = Bun.spawnSync(words, { stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: 40_000 });
  return { code: done.exitCode, text: done.stdout.toString() + done.stderr.toString() };
}

const commands = () => Promise.all(COMMANDS.map((one) => one.load()));

describe("the unit", () => {
  const options = {
    binary: "/usr/bin/true",
    config: "/etc/qos/qos.toml",
    user: "root",
    watchdogSeconds: 10,
    network: false,
    group: undefined as string | undefined,
    paths: { home: false, write: [] as readonly string[] },
  };

  test("runs with the configuration, a watchdog and a restart", () => {
    const text = unitText({ ...options, binary: "/opt/q s/qos", config: "/etc/100%" });
    expect(text).toContain('ExecStart="/opt/q s/qos" run --config /etc/100%%');
    expect(text).toContain("Type=notify");
    expect(text).toContain("WatchdogSec=10");
    expect(text).toContain("Restart=always");
    expect(text).toContain("ProtectHome=yes");
    expect(text).not.toContain("Documentation=");
    expect(text).toContain("IPAddressAllow=localhost");
    expect(unitText({ ...options, network: true })).not.toContain("IPAddressDeny");
    expect(unitWord('a"b$c')).toBe('"a\\"b$$c"');
  });

  // Skipped without systemd.
  test.skipIf(Bun.which("systemd-analyze") === null)("is one, and is safe (needs systemd-analyze)", () => {
    const unit = written("qos.service", unitText(options));
    const verified = spawn("systemd-analyze", "verify", unit);
    expect(verified).toEqual({ code: 0, text: "" });
    const full = { group: "root", paths: { home: true, write: [`${HOME}/a b/100%`, "/data/qos"] } };
    const other = written("qos.service", unitText({ ...options, ...full, config: "/srv/it's $(here)" }));
    expect(spawn("systemd-analyze", "verify", other)).toEqual({ code: 0, text: "" });
    // Of 10, less is safer; systemd's own services are at 4 to 9. docs/operating.md names the figures.
    const exposure = (more: Partial<typeof options>): number => {
      const file = written("qos.service", unitText({ ...options, user: "sol", ...more }));
      const { text } = spawn("systemd-analyze", "security", "--offline=true", file);
      return Number(/Overall exposure level for qos\.service: ([\d.]+)/.exec(text)?.[1]);
    };
    expect(exposure({})).toBeLessThanOrEqual(1.9);
    expect(exposure({ network: true })).toBeLessThanOrEqual(2.1);
  });

  test("is what qos service prints", async () => {
    const { code, out } = await qos("service", "--user", "sol", "--binary", "/usr/bin/qos", "--watchdog", "5s");
    expect(code).toBe(0);
    expect(out).toContain("User=sol\n");
    expect(out).toContain("WatchdogSec=5\n");
    expect(out).toContain("ExecStart=/usr/bin/qos run --config /etc/qos/qos.toml\n");
    expect(await qos("service", "--alerts", "--grafana")).toMatchObject({ code: 2 });
    for (const wrong of ["qos.toml", "/etc/qos\nExecStart=/bin/sh", "./x"]) {
      for (const flag of ["--config-file", "--binary"]) {
        expect(await qos("service", flag, wrong)).toMatchObject({ code: 2, out: "" });
      }
    }
    const stranger = await qos("service", "--user", "nobody-of-that-name");
    expect(stranger.code).toBe(0);
    expect(stranger.err).toContain('this host has no user "nobody-of-that-name"');
    expect((await qos("service", "--user", "root")).err).toBe(
      "qos service: /etc/qos/qos.toml is not there yet; print the unit again once it names its files\n",
    );
  });

  test("does not start a program for ever that cannot live: three seconds, 200 times in a row", () => {
    const text = unitText(options);
    const [interval, burst] = ["IntervalSec", "Burst"].map((name) =>
      Number(new RegExp(`^StartLimit${name}=(\\d+)$`, "m").exec(text)?.[1]),
    );
    expect(interval).toBeGreaterThan(0);
    expect((interval ?? 0) / (burst ?? 1)).toBe(3);
    expect(text).toContain("RestartSec=1\n");
  });

  test("quotes what its comments tell a shell", () => {
    const text = unitText({ ...options, config: "/etc/q os/$(x)'.toml" });
    expect(text).toContain("chown root '/etc/q os/$(x)'\\''.toml'\n");
    expect(Bun.spawnSync(["sh", "-c", `printf %s ${shellWord('a\'b $(c) "d"\\')}`]).stdout.toString()).toBe(
      'a\'b $(c) "d"\\',
    );
  });

  test("shows its service the files in a home, and lets it write where the configuration says", async () => {
    const config = written(
      "qos.toml",
      `state = "/data/qos/scores"\ndb = "sqlite:${HOME}/db/qos.db"\nstats-json = "/dev/shm/s.json"\nallow = "${HOME}/allow"\n`,
    );
    const paths = unitPaths(pathsOfConfig(config));
    expect(paths).toEqual({ home: true, write: ["/data/qos", `${HOME}/db`] });
    const text = unitText({ ...options, paths });
    expect(text).toContain("ProtectHome=read-only\n");
    expect(text).toContain(`ReadWritePaths=/dev/shm -/mnt/hugepages /data/qos ${HOME}/db\n`);
    for (const home of [`${HOME}/bin/qos`, `/${"root"}/qos`, "/run/user/1000/qos"]) {
      expect((await qos("service", "--user", "root", "--binary", home)).out).toContain("ProtectHome=read-only\n");
    }
    const fine = await qos("service", "--user", "root", "--binary", "/opt/qos/qos");
    expect(fine.out).toContain("ProtectHome=yes\n");
    expect(unitPaths([{ name: "state", path: "scores", use: "write" }])).toEqual({ home: false, write: [] });
  });

  test("is refused where its service could not see a file, with the reason", async () => {
    for (const flag of ["--binary", "--config-file"]) {
      const refused = await qos("service", "--user", "root", flag, "/tmp/x/qos");
      expect(refused).toMatchObject({ code: 1, out: "" });
      expect(refused.err).toContain(`${flag}: a service has a /tmp of its own and cannot see /tmp/x/qos`);
    }
    expect(() => unitPaths([{ name: "state", path: "/var/tmp/scores", use: "write" }])).toThrow(
      /^state: .*\/var\/lib\/qos/,
    );
    expect(() => unitPaths([{ name: "state", path: "/scores", use: "write" }])).toThrow("a file in / cannot");
    expect(unitPaths([{ name: "state", path: "/tmpfs/scores", use: "write" }]).write).toEqual(["/tmpfs"]);
  });

  test("lets root make the channels for a group, with a program that only root can replace", async () => {
    const plain = await qos("service", "--user", "root", "--binary", "/usr/bin/env");
    expect(plain.out).not.toContain("ExecStartPre=+");
    expect(plain.out).toContain("qos init --group GROUP");
    const group = await qos("service", "--user", "root", "--binary", "/usr/bin/env", "--group", "root");
    expect(group.out).toContain("ExecStartPre=+/usr/bin/env init --group root --config /etc/qos/qos.toml\n");
    const home = mkdtempSync(join(import.meta.dir, "qos-home-"));
    const binary = join(home, "qos");
    writeFileSync(binary, "");
    chmodSync(binary, 0o777);
    const refused = await qos("service", "--user", "root", "--binary", binary, "--group", "root");
    rmSync(home, { recursive: true });
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toContain("can be changed by others than root");
  });
});

describe("alerts and dashboard", () => {
  /** Names of all that can be scraped. */
  const exposed = (): Set<string> => {
    const database = Object.fromEntries(WRITER_STATISTICS.map(({ name }) => [name, 0])) as WriterNumbers;
    const text = expose(rig().snapshot(1), {
      version: "1",
      model: "ip-signer",
      startedMs: 0,
      process: { residentBytes: 0, cpuSeconds: 0 },
      previousEnd: undefined,
      targetPps: 1,
      paused: false,
      ready: true,
      loopAgeMs: 0,
      heartbeatAgeMs: {},
      lastUpdateMs: 0,
      tables: { ips: 0, payers: 0 },
      limits: { ips: 0, payers: 0 },
      database,
      warnings: 0,
      errors: 0,
      faults: new Faults().counts,
      detached: {},
    });
    const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    return new Set(
      names.flatMap(([, name, type]) => (type === "histogram" ? [`${name}_bucket`, `${name}_sum`] : [name!])),
    );
  };
  const namesIn = (text: string): string[] => [...text.matchAll(/\bqos_[a-z0-9_]+/g)].map(([name]) => name);

  test("name only what is exposed", () => {
    const known = exposed();
    const used = [...ALERTS.map(({ expression }) => expression).flatMap(namesIn)];
    const drawn = dashboard(endMetrics()) as { panels: { targets: { expr: string }[] }[] };
    used.push(...drawn.panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => namesIn(expr))));
    expect(used.length).toBeGreaterThan(30);
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  });

  test("and the documents name only what is exposed", () => {
    const known = exposed();
    const text = readFileSync(new URL("../../../docs/operating.md", import.meta.url), "utf8");
    const named = namesIn(text).filter((name) => /_(total|seconds|info)$/.test(name));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  test("are what qos service prints", async () => {
    expect((await qos("service", "--alerts")).out).toBe(alertRules());
    const { panels, title } = JSON.parse((await qos("service", "--grafana")).out);
    expect(title).toBe("qos");
    expect(panels.length).toBeGreaterThan(10);
    expect(new Set(panels.map(({ id }: { id: number }) => id)).size).toBe(panels.length);
  });

  // Skipped without promtool, which comes with Debian's prometheus.
  test.skipIf(Bun.which("promtool") === null)("are rules to promtool (needs promtool)", () => {
    const checked = spawn("promtool", "check", "rules", written("rules.yml", alertRules()));
    expect(checked.text).toContain(`SUCCESS: ${ALERTS.length} rules found`);
    expect(checked.code).toBe(0);
  });

  test("send people to sections that exist", async () => {
    const headings =
      readFileSync(join(import.meta.dir, "../../../docs/operating.md"), "utf8").match(/^##+ .*$/gm) ?? [];
    for (const { section } of ALERTS) expect(headings).toContain(`## ${section}`);
    expect(alertRules()).not.toContain("runbook_url");
    const { out } = await qos("service", "--alerts", "--docs", "https://wiki.example/qos/docs/");
    expect(out.match(/runbook_url: /g)).toHaveLength(ALERTS.length);
    expect(out).toContain('runbook_url: "https://wiki.example/qos/docs/operating.md#when-things-break"');
    expect((await qos("service", "--alerts", "--docs", "wiki")).code).toBe(2);
  });

  test("name the instance, but for the one that is about all", () => {
    const without = ALERTS.filter((alert) => !summaryOf(alert).includes("{{ $labels.instance }}"));
    expect(without.map(({ name }) => name)).toEqual(["QosAbsent"]);
  });

  /** Runs promtool's unit tests. @param cases YAML of `tests`, with `every` for the scrape interval */
  const testRules = (every: string, cases: string): void => {
    const rules = written(`rules-${every}.yml`, alertRules());
    const head = `rule_files: [${JSON.stringify(rules)}]\nevaluation_interval: 15s\ntests:\n`;
    const tested = spawn("promtool", "test", "rules", written(`tests-${every}.yml`, head + cases));
    expect(tested.text).toContain("SUCCESS");
    expect(tested.code).toBe(0);
  };
  const named = (name: string) => ALERTS.find((alert) => alert.name === name)!;
  /** What must fire. @param labels beside the severity, as YAML */
  const fires = (
    at: string,
    name: string,
    instance: string,
    labels = "",
    more: Record<string, string> = {},
  ): string => {
    const fill = (text: string): string =>
      Object.entries({ instance, ...more }).reduce(
        (so, [label, value]) => so.replaceAll(`{{ $labels.${label} }}`, value),
        text,
      );
    return `      - eval_time: ${at}
        alertname: ${name}
        exp_alerts:
          - exp_labels: { severity: ${named(name).severity}, ${labels} }
            exp_annotations:
              summary: ${JSON.stringify(fill(summaryOf(named(name))))}
              description: ${JSON.stringify(descriptionOf(named(name)))}
`;
  };
  const silent = (at: string, name: string): string =>
    `      - { eval_time: ${at}, alertname: ${name}, exp_alerts: [] }\n`;

  // Skipped without promtool, as above.
  test.skipIf(Bun.which("promtool") === null)(
    "fire at a scrape each 15 seconds and each minute (needs promtool)",
    () => {
      for (const [every, perMinute] of [
        ["15s", 4],
        ["1m", 1],
      ] as const) {
        // b vanishes after five minutes while a goes on; a's loop stands still after ten; b loses packets from the start.
        const steps = 20 * perMinute;
        const gone = 5 * perMinute;
        const stalled = 10 * perMinute;
        const lapped = "job: sidecars, instance: a, channel: tpu_to_qos";
        const expected = [
          silent("5m", "QosInstanceDown"),
          fires("12m", "QosInstanceDown", "b", "job: sidecars, instance: b"),
          silent("18m", "QosAbsent"),
          silent("9m", "QosLoopStalled"),
          fires("12m", "QosLoopStalled", "a", "job: sidecars, instance: a"),
          fires("15m", "QosPacketsLapped", "a", lapped, { channel: "tpu_to_qos" }),
        ];
        testRules(
          every,
          `  - interval: ${every}
    input_series:
      - { series: 'up{job="sidecars",instance="a"}', values: "1x${steps}" }
      - { series: 'up{job="sidecars",instance="b"}', values: "1x${gone - 1} 0x${steps - gone}" }
      - { series: 'up{job="other",instance="c"}', values: "0x${steps}" }
      - { series: 'qos_build_info{job="sidecars",instance="a"}', values: "1x${steps}" }
      - { series: 'qos_build_info{job="sidecars",instance="b"}', values: "1x${gone - 1} stale" }
      - { series: 'qos_loop_age_seconds{job="sidecars",instance="a"}', values: "0x${stalled} 6x${steps - stalled}" }
      - { series: 'qos_channel_lapped_total{job="sidecars",instance="a",channel="tpu_to_qos"}', values: "0+7x${steps}" }
      - { series: 'qos_channel_lapped_total{job="sidecars",instance="a",channel="fwd_to_qos"}', values: "0x${steps}" }
    alert_rule_test:
${expected.join("")}  - interval: ${every}
    input_series:
      - { series: 'up{job="qos",instance="never-came"}', values: "0x${steps}" }
    alert_rule_test:
${fires("5m", "QosInstanceDown", "never-came", "job: qos, instance: never-came")}${fires("5m", "QosAbsent", "", "")}  - interval: ${every}
    input_series:
      - { series: 'qos_leaked_priority_total{job="qos",instance="a"}', values: "0+600x${60 * perMinute}" }
      - { series: 'qos_banking_transmissions_total{job="qos",instance="a"}', values: "0+${(8_000 * 60) / perMinute}x${60 * perMinute}" }
      - { series: 'qos_target_packets_per_second{job="qos",instance="a"}', values: "8000x${60 * perMinute}" }
      - { series: 'qos_included_total{job="qos",instance="a"}', values: "0+90x${60 * perMinute} ${90 * 60 * perMinute}+9x${60 * perMinute}" }
      - { series: 'qos_completed_total{job="qos",instance="a"}', values: "0+100x${120 * perMinute}" }
    alert_rule_test:
${fires("25m", "QosQueueFull", "a", "job: qos, instance: a")}${silent("50m", "QosInclusionFalls")}${fires("100m", "QosInclusionFalls", "a", "job: qos, instance: a")}`,
        );
      }
    },
  );
});

describe("completions", () => {
  test("of each shell name every command and flag", async () => {
    const all = await commands();
    for (const text of [bashCompletion(all), zshCompletion(all), fishCompletion(all)]) {
      for (const { name, flags } of all) {
        expect(text).toContain(name);
        for (const flag of Object.keys(flags)) {
          expect(text).toContain(kebabCase(flag));
        }
      }
    }
  });

  test("of bash complete commands, flags, choices and words", async () => {
    const file = written("qos.bash", bashCompletion(await commands()));
    const complete = (...words: string[]): string[] => {
      const quoted = words.map((word) => `'${word}'`).join(" ");
      const script = `source ${file}; COMP_WORDS=(qos ${quoted}); COMP_CWORD=${words.length}; _qos; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { code, text } = spawn("bash", "--norc", "-c", script);
      expect(code).toBe(0);
      return text.split("\n").filter(Boolean);
    };
    expect(complete("mon")).toEqual(["monitor"]);
    expect(complete("run", "--target")).toEqual(["--target-pps"]);
    expect(complete("--target")).toEqual(["--target-pps"]);
    expect(complete("run", "--fee-model", "c")).toEqual(["chain"]);
    expect(complete("ctl", "pa")).toEqual(["pause"]);
    expect(complete("run", "--target-pps", "")).toEqual([]);
    expect(complete("run", "--state", folder.slice(0, -2))).toEqual([folder]);
    expect(complete("config", "check", folder.slice(0, -2))).toEqual([folder]);
    expect(complete("ctl", "pause", folder.slice(0, -2))).toEqual([]);
    expect(complete("inspect", "tpu")).toEqual(["tpu_to_qos"]);
    expect(complete("simulate", "--scenario", "low-")).toEqual(["low-load"]);
    expect(complete("simulate", "--scenario", folder.slice(0, -2))).toEqual([folder]);
    expect(complete("ctl", "set", "t")).toEqual(["target-pps"]);
    expect(complete("ctl", "explain", "t")).toEqual([]);
    expect(complete("run", "--user", "roo")).toEqual(["root"]);
    expect(complete("init", "--group", "roo")).toEqual(["root"]);
  });

  // Skipped without zsh.
  test.skipIf(Bun.which("zsh") === null)(
    "of zsh complete commands, flags, choices, words and files, in a real zsh (needs zsh)",
    async () => {
      written("_qos", zshCompletion(await commands()));
      const script = new URL("../completions.zsh", import.meta.url).pathname;
      const complete = (line: string): string[] => {
        const results = join(folder, "zsh-results");
        rmSync(results, { force: true });
        const { code, text } = spawn("zsh", "-f", script, folder, results, line);
        expect({ code, text }).toEqual({ code: 0, text: "" });
        return readFileSync(results, "utf8").split("\n").filter(Boolean).sort();
      };
      expect(complete("qos mon")).toEqual(["monitor"]);
      expect(complete("qos run --target")).toEqual(["--target-pps"]);
      expect(complete("qos --target")).toEqual(["--target-pps"]);
      expect(complete("qos run --fee-model ")).toEqual(["chain", "reference"]);
      expect(complete("qos run --fee-model=c")).toEqual(["chain"]);
      expect(complete("qos ctl pa")).toEqual(["pause"]);
      expect(complete("qos --max-ips 5 --votes f")).toEqual(["first"]);
      expect(complete("qos run --target-pps ")).toEqual([]);
      expect(complete(`qos config check ${folder}/_q`)).toEqual(["_qos"]);
      expect(complete(`qos ctl pause ${folder}/_q`)).toEqual([]);
      expect(complete("qos completions f")).toEqual(["fish"]);
      expect(complete("qos inspect tpu")).toEqual(["tpu_to_qos"]);
      expect(complete("qos simulate --scenario low-")).toEqual(["low-load"]);
      expect(complete(`qos simulate --scenario ${folder}/_q`)).toEqual(["_qos"]);
      expect(complete("qos ctl set t")).toEqual(["target-pps"]);
      expect(complete("qos run --user roo")).toEqual(["root"]);
    },
  );

  // Skipped without fish.
  test.skipIf(Bun.which("fish") === null)(
    "of fish complete commands, flags, choices, words and files, in a real fish (needs fish)",
    async () => {
      const file = written("qos.fish", fishCompletion(await commands()));
      const complete = (line: string): string[] => {
        const { code, text } = spawn(
          ...["fish", "--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"', file, line],
        );
        expect(code).toBe(0);
        return text
          .split("\n")
          .filter(Boolean)
          .map((row) => row.split("\t")[0]);
      };
      expect(complete("qos mon")).toEqual(["monitor"]);
      expect(complete("qos ").sort()).toEqual(COMMANDS.map(({ name }) => name).sort());
      expect(complete("qos run --target")).toEqual(["--target-pps"]);
      expect(complete("qos --target")).toEqual(["--target-pps"]);
      expect(complete("qos run --fee-model ")).toEqual(["chain", "reference"]);
      expect(complete("qos ctl pa")).toEqual(["pause"]);
      expect(complete("qos --max-ips 5 --votes f")).toEqual(["first"]);
      expect(complete("qos run --target-pps ")).toEqual([]);
      expect(complete("qos config check --apply")).toEqual([]);
      expect(complete("qos configure hugepages --appl")).toEqual(["--apply"]);
      expect(complete(`qos config check ${folder}/qos.fi`)).toEqual([`${folder}/qos.fish`]);
      expect(complete(`qos run --state ${folder}/qos.fi`)).toEqual([`${folder}/qos.fish`]);
      expect(complete(`qos ctl pause ${folder}/qos.fi`)).toEqual([]);
      expect(complete("qos completions f")).toEqual(["fish"]);
      expect(complete("qos inspect tpu")).toEqual(["tpu_to_qos"]);
      expect(complete("qos simulate --scenario low-")).toEqual(["low-load"]);
      expect(complete(`qos simulate --scenario ${folder}/qos.fi`)).toEqual([`${folder}/qos.fish`]);
      expect(complete("qos ctl set t")).toEqual(["target-pps"]);
      expect(complete("qos ctl explain t")).toEqual([]);
      expect(complete("qos run --user roo")).toEqual(["root"]);
      expect(complete("qos init --group roo")).toEqual(["root"]);
    },
  );

  test("know what qos ctl sets, all channels and all scenarios, as the help of simulate does", async () => {
    for (const { command: name, after, words } of FOLLOWING) {
      for (const word of words) {
        // It is a value that is missing then, and no setting that is unknown.
        expect((await qos(name, after, word)).err).toContain(`${word}: expected`);
      }
    }
    const { out } = await qos("completions", "bash");
    const help = (await qos("simulate", "--help")).out;
    for (const { name } of CHANNELS) expect(out).toContain(name);
    for (const name of Object.keys(SCENARIOS)) {
      expect(out).toContain(name);
      expect(help).toContain(name);
    }
  });

  test("quote what shells would take for their own", () => {
    const odd = command({
      name: "odd",
      summary: "it's: odd [very]",
      about: "x",
      flags: {
        one: choice(["a", "b"], { help: "it's [a]: b", fallback: "a" }),
        two: path({ help: "'$(x)`y`" }),
        three: onOff({ help: "three" }),
      },
      examples: [],
      run: () => 0,
    });
    const file = written("odd.bash", bashCompletion([odd]));
    expect(spawn("bash", "-n", file)).toEqual({ code: 0, text: "" });
    expect(zshCompletion([odd])).toContain("'--one=[it'\\''s \\[a\\]\\: b]:a|b:(a b)'");
    expect(fishCompletion([odd])).toContain("-d 'it'\\''s [a]: b'");
  });

  test("unknown ones are refused", async () => {
    expect((await qos("completions", "bsah")).err).toContain("did you mean bash?");
    expect(await qos("completions", "toString")).toMatchObject({ code: 2 });
    expect((await qos("completions", "fish")).out).toContain("complete -c qos");
  });
});

describe("the man page", () => {
  test("escapes what roff would take for its own", () => {
    expect(roff("--a-b\n.x\n'y\\z")).toBe("\\-\\-a\\-b\n\\&.x\n\\&'y\\ez");
  });

  // Skipped without man.
  test.skipIf(Bun.which("man") === null)("is read by man without a warning (needs man)", async () => {
    const file = written("qos.1", manPage("0.0.1", await commands()));
    const { code, text } = spawn("man", "--warnings", "--local-file", file);
    expect(code).toBe(0);
    expect(text).not.toContain("warning");
    for (const { name } of COMMANDS) expect(text).toContain(`qos ${name}`);
    expect(text).toContain("--target-pps N");
  });
});
