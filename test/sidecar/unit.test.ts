// The unit's filter of system calls against a sidecar at work: a call that the filter does not let through would fail as a
// service only, on somebody's host.

import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unitText } from "../../src/cli/host/unit.ts";
import { OUTPUT_CHANNEL } from "../../src/shape/channels.ts";
import { corpus } from "../engine/rig.ts";
import { Peer, TPU } from "./peer.ts";
import { askOnceUp, freshPrefix, until } from "./sidecar-process.ts";

const IS_ROOT = process.geteuid?.() === 0;
const NOBODY = 65_534;
const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;

const peers: Peer[] = [];
let folder = "";
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const peer of peers.splice(0)) peer.close();
});

/** What systemd puts into a group: `    @aio` and the names of calls, indented, under the group's own line. */
function systemdGroups(): Map<string, string[]> {
  const { stdout } = Bun.spawnSync(["systemd-analyze", "--no-pager", "syscall-filter"], { stdin: "ignore" });
  const groups = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of stdout.toString().split("\n")) {
    if (/^@\S+$/.test(line)) {
      current = [];
      groups.set(line, current);
    } else if (/^\s+[@\w]/.test(line)) current.push(line.trim());
  }
  return groups;
}

/** The calls that the lines `SystemCallFilter=` let through: the first says which, `~` takes away. */
function allowedCalls(unit: string): Set<string> {
  const groups = systemdGroups();
  const expand = (name: string): string[] =>
    name.startsWith("@") ? (groups.get(name) ?? []).flatMap((one) => expand(one)) : [name];
  const allowed = new Set(expand("@default"));
  for (const [, line] of unit.matchAll(/^SystemCallFilter=(.*)$/gm)) {
    const isTaken = line!.startsWith("~");
    for (const call of line!.replace("~", "").split(" ").flatMap(expand)) {
      if (isTaken) allowed.delete(call);
      else allowed.add(call);
    }
  }
  return allowed;
}

const isMissing = ["systemd-analyze", "strace", "setpriv"].some((tool) => Bun.which(tool) === null);

describe("the unit", () => {
  // Skipped without systemd-analyze, strace and setpriv.
  test.skipIf(isMissing)(
    "lets through every system call that a sidecar makes (needs systemd-analyze, strace, setpriv)",
    async () => {
      folder = mkdtempSync(join(tmpdir(), "qos-unit-"));
      const peer = new Peer(freshPrefix());
      peers.push(peer);
      peer.open(TPU);
      const trace = join(folder, "trace");
      const flags = ["--prefix", peer.prefix, "--idle", "backoff", "--allow-root", "--cpu", "0"];
      flags.push("--state", join(folder, "scores"), "--db", `sqlite:${join(folder, "db")}`, "--metrics", "127.0.0.1:0");
      flags.push(
        "--db-spill",
        join(folder, "spill"),
        "--stats-json",
        join(folder, "stats"),
        "--stats-interval",
        "100ms",
      );
      // As the unit does: a user, and no new privileges from the start.
      chmodSync(folder, 0o777);
      if (IS_ROOT) chownSync(peer.path(TPU), NOBODY, NOBODY);
      const user = IS_ROOT ? ["--reuid", `${NOBODY}`, "--regid", `${NOBODY}`, "--clear-groups"] : [];
      const command = [
        "setpriv",
        ...user,
        "--no-new-privs",
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=!clock_gettime",
        "-o",
        trace,
      ];
      const child = Bun.spawn([...command, process.execPath, MAIN, "run", ...flags], {
        stdin: "ignore",
        stdout: "ignore",
        stderr: "pipe",
      });
      const said = new Response(child.stderr).text();
      try {
        await until("it reads", () => peer.heartbeat(TPU) > 0);
        await until("the output", () => existsSync(peer.path(OUTPUT_CHANNEL)));
        peer.open(OUTPUT_CHANNEL);
        peer.send(TPU, corpus[0]);
        peer.sync(TPU);
        await until("the packet", () => peer.received().length > 0);
        await askOnceUp(peer.prefix, { command: "checkpoint" });
        await until("statistics", () => existsSync(join(folder, "stats")));
      } finally {
        // The sidecar, which strace follows to its end; strace itself if there is no sidecar (yet).
        const traced = /^\d+/.exec(existsSync(trace) ? readFileSync(trace, "latin1") : "");
        process.kill(traced === null ? child.pid : Number(traced[0]), "SIGTERM");
        await child.exited;
      }
      expect(await child.exited).toBe(0);
      expect(await said).toContain("stopped");
      const called = new Set(
        [...readFileSync(trace, "latin1").matchAll(/^\d+ +([a-z_0-9]+)\(/gm)].map(([, name]) => name!),
      );
      expect(called.size).toBeGreaterThan(40);
      expect(called).toContain("sched_setaffinity");
      const options = {
        binary: "qos",
        config: "qos.toml",
        user: "sol",
        watchdogSeconds: 10,
        network: false,
        group: undefined,
        paths: { home: false, write: [] },
      };
      const allowed = allowedCalls(unitText(options));
      expect([...called].filter((name) => !allowed.has(name))).toEqual([]);
    },
  );
});
