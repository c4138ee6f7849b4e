// Root's rights, in whole sidecars. Only root can give any up: without root there is nothing to try.

import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findUser, groupsOf } from "../../ffi/users.ts";
import { OUTPUT_CHANNEL } from "../../src/shape/channels.ts";
import { corpus } from "../engine/rig.ts";
import { Peer, TPU } from "./peer.ts";
import { freshPrefix, SidecarProcess, until } from "./sidecar-process.ts";

const peers: Peer[] = [];
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});

const compiler = Bun.which("cc");
const SIGTRAP = 5;
const SIGRTMAX = 64;
const isRoot = process.geteuid?.() === 0;
/** A user of no rights that is neither root nor nobody. */
const STRANGER = 54_321;
const nobody = findUser("nobody");

// Giving up rights needs some: skipped if the tests do not run as root.
describe.skipIf(!isRoot || nobody === undefined)("started as root (needs root and the user nobody)", () => {
  const uid = nobody?.uid ?? -1;

  test("without a user to become: refused with what to do", async () => {
    const child = Bun.spawn([process.execPath, new URL("../../src/main.ts", import.meta.url).pathname, "run"], {
      env: { PATH: process.env.PATH ?? "" },
      stdout: "ignore",
      stderr: "pipe",
    });
    expect(await child.exited).toBe(1);
    expect(await new Response(child.stderr).text()).toMatch(
      /^qos: started as root with nobody to become: .*--user NAME/,
    );
  });

  test("every thread is the user's, and the channels that were open before still work", async () => {
    const peer = new Peer(freshPrefix());
    peers.push(peer);
    peer.open(TPU);
    await using sidecar = new SidecarProcess(peer.prefix, ["--user", "nobody", "--stats-interval", "100ms"]);
    chmodSync(sidecar.folder, 0o777);
    await sidecar.reads(peer, TPU);
    const threads = readdirSync(`/proc/${sidecar.pid}/task`);
    expect(threads.length).toBeGreaterThan(1);
    const names: string[] = [];
    for (const thread of threads) {
      const status = readFileSync(`/proc/${sidecar.pid}/task/${thread}/status`, "utf8");
      names.push(/^Name:\t(.*)$/m.exec(status)?.[1] ?? "");
      expect(/^Uid:\t(.*)$/m.exec(status)?.[1]).toBe(`${uid}\t${uid}\t${uid}\t${uid}`);
      expect(/^CapEff:\t(.*)$/m.exec(status)?.[1]).toBe("0000000000000000");
    }
    expect(names).toContain("solana-qos");
    peer.open(OUTPUT_CHANNEL);
    peer.send(TPU, corpus[8]);
    peer.sync(TPU);
    await until("the packet", () => peer.received().length > 0);
    await sidecar.says(/root's rights are given up: running as nobody/);
    expect(await sidecar.stop()).toBe(0);
    expect(sidecar.stats().counters.bankingTransmissions).toBe(1);
  });

  // Skipped without a C compiler: what tries is preloaded into the sidecar.
  test.skipIf(compiler === null)(
    "each thread tries to get root's rights back, in every way, and fails (needs a C compiler)",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "qos-regain-"));
      chmodSync(folder, 0o755);
      const peer = new Peer(freshPrefix());
      peers.push(peer);
      try {
        const run = (...words: string[]): string => {
          const done = Bun.spawnSync(words, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
          if (done.exitCode !== 0) throw new Error(`${words.join(" ")}: ${done.stderr}`);
          return done.stdout.toString().trim();
        };
        const source = new URL("./regain.c", import.meta.url).pathname;
        const [library, helper] = [join(folder, "regain.so"), join(folder, "helper")];
        run(compiler!, "-shared", "-fPIC", "-O2", "-o", library, source);
        run(compiler!, "-DHELPER", "-O2", "-o", helper, source);
        chmodSync(helper, 0o4755);
        // It does make a user root if nothing stands against it: else the attempt below would prove nothing.
        const asNobody = ["--reuid", `${uid}`, "--regid", `${nobody!.gid}`, "--clear-groups"];
        expect(run("setpriv", ...asNobody, helper)).toBe("0");
        const [results, rootsFile] = [join(folder, "results"), join(folder, "roots")];
        writeFileSync(results, "");
        writeFileSync(rootsFile, "root's own", { mode: 0o600 });

        peer.open(TPU);
        await using sidecar = new SidecarProcess(peer.prefix, ["--user", "nobody"], {
          LD_PRELOAD: library,
          QOS_TEST_REGAIN: results,
          QOS_TEST_HELPER: helper,
          QOS_TEST_ROOTS_FILE: rootsFile,
        });
        chmodSync(sidecar.folder, 0o777);
        await sidecar.reads(peer, TPU);
        await sidecar.says(/root's rights are given up/);
        const lines = (): string[] => readFileSync(results, "utf8").split("\n");
        run(helper, `${sidecar.pid}`, `${sidecar.pid}`, `${SIGRTMAX}`);
        await until("the attempts are armed", () => lines().some((line) => line.endsWith(" armed 0")));

        const tried = readdirSync(`/proc/${sidecar.pid}/task`);
        expect(tried.length).toBeGreaterThan(3);
        for (const thread of tried) {
          run(helper, `${sidecar.pid}`, thread, `${SIGTRAP}`);
          await until(`thread ${thread} has tried`, () => lines().includes(`${thread} all 0`));
        }
        for (const thread of tried) {
          const outcomes = Object.fromEntries(
            lines()
              .filter((line) => line.startsWith(`${thread} `) && !line.includes(" armed "))
              .map((line) => line.split(" ").slice(1)),
          );
          const refused = "-1";
          expect({ thread, ...outcomes }).toEqual({
            thread,
            ...{ setresuid: refused, seteuid: refused, setreuid: refused, setuid: refused },
            ...{ setresgid: refused, setgid: refused, setgroups: refused, fsuid: `${uid}` },
            ...{ capset: refused, ambient: refused, securebits: refused, "new-privileges-again": refused },
            ...{ open: refused, "setuid-program": `${uid}`, all: "0" },
          });
        }
        // The kernel's word, after all of that: on these threads and on those that began meanwhile.
        const none = "0".repeat(16);
        for (const thread of readdirSync(`/proc/${sidecar.pid}/task`)) {
          const status = readFileSync(`/proc/${sidecar.pid}/task/${thread}/status`, "latin1");
          const field = (name: string): string =>
            (new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "").trim().split(/\s+/).join(" ");
          expect(field("Uid")).toBe(Array(4).fill(uid).join(" "));
          expect(field("Gid")).toBe(Array(4).fill(nobody!.gid).join(" "));
          expect(field("Groups")).toBe(groupsOf(nobody!).join(" "));
          expect([field("CapEff"), field("CapPrm"), field("CapAmb"), field("CapInh")]).toEqual([
            none,
            none,
            none,
            none,
          ]);
          expect(field("NoNewPrivs")).toBe("1");
        }
        expect(await sidecar.stop()).toBe(0);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );

  // strace sees the attempts; where the machine lacks it, the reason is in the name.
  test.skipIf(Bun.which("strace") === null)("tries every way back to root after the drop (needs strace)", async () => {
    const peer = new Peer(freshPrefix());
    peers.push(peer);
    const folder = mkdtempSync(join(tmpdir(), "qos-irreversible-"));
    try {
      const trace = join(folder, "trace");
      const flags = ["--prefix", peer.prefix, "--user", "nobody", "--idle", "backoff", "--duration", "200ms"];
      // No channel is there: with the layout named it starts all the same.
      const layout = ["--packet-layout", "large"];
      const strace = ["strace", "-f", "-qq", "-e", "trace=setresuid,setresgid,setgroups", "-o", trace];
      const main = new URL("../../src/main.ts", import.meta.url).pathname;
      const child = Bun.spawn([...strace, process.execPath, main, "run", ...layout, ...flags], {
        stdout: "ignore",
        stderr: "ignore",
      });
      expect(await child.exited).toBe(0);
      const calls = readFileSync(trace, "latin1");
      const dropped = calls.lastIndexOf(`setresuid(${uid}, ${uid}, ${uid})`);
      expect(dropped).toBeGreaterThan(0);
      const after = calls.slice(dropped);
      for (const attempt of [
        /setresuid\(0, 0, 0\) += -1 EPERM/,
        /setresuid\(-1, 0, -1\) += -1 EPERM/,
        /setgroups\(1, \[0\]\) += -1 EPERM/,
        /setresgid\(0, 0, 0\) += -1 EPERM/,
      ]) {
        expect(after).toMatch(attempt);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a channel that a stranger made is refused, before root's rights are given up and after", async () => {
    const peer = new Peer(freshPrefix());
    peers.push(peer);
    peer.open(TPU);
    chownSync(peer.path(TPU), STRANGER, STRANGER);
    await using first = new SidecarProcess(peer.prefix, ["--user", "nobody"]);
    expect(await first.ended()).toBe(1);
    expect(first.log).toContain(`${peer.path(TPU)} belongs to`);
    expect(first.log).toContain("neither root nor this sidecar's user");
    peer.remove(TPU);
    await using second = new SidecarProcess(peer.prefix, ["--user", "nobody"]);
    await second.says(/waiting for the first packet channel/);
    peer.open(TPU);
    chownSync(peer.path(TPU), STRANGER, STRANGER);
    chmodSync(peer.path(TPU), 0o660);
    await second.says(/tpu_to_qos (belongs to|may not be used)/);
    expect(await second.stop()).toBe(0);
  });

  test("a channel that was created again for others only: the message says what would have made it joinable", async () => {
    const peer = new Peer(freshPrefix());
    peers.push(peer);
    peer.open(TPU);
    await using sidecar = new SidecarProcess(peer.prefix, ["--user", "nobody"]);
    await sidecar.reads(peer, TPU);
    peer.remove(TPU);
    peer.open(TPU);
    await sidecar.says(/tpu_to_qos.*qos init --group/);
    chmodSync(peer.path(TPU), 0o666);
    await sidecar.says(/tpu_to_qos can be written to by every user of this host/);
    chmodSync(peer.path(TPU), 0o600);
    chownSync(peer.path(TPU), uid, uid);
    await sidecar.reads(peer, TPU);
    expect(await sidecar.stop()).toBe(0);
  });
});
