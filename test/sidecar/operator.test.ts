// What an operator sees of a running sidecar, and tells it: monitor, control and metrics against real processes.

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StatusReader } from "../../src/observe/status-reader.ts";
import { OUTCOME_CHANNEL, OUTPUT_CHANNEL } from "../../src/shape/channels.ts";
import { controlPath } from "../../src/sidecar/endpoints/control-server.ts";
import { corpus, salted } from "../engine/rig.ts";
import { Peer, TPU } from "./peer.ts";
import { askOnceUp, freshPrefix, lawOf, SidecarProcess, until } from "./sidecar-process.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;

const peers: Peer[] = [];
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});

function validator(ids: readonly number[]): Peer {
  const peer = new Peer(freshPrefix());
  peers.push(peer);
  for (const id of ids) peer.open(id);
  return peer;
}

/** Sends `count` new packets from one address. */
let salt = 0;
function send(peer: Peer, count: number, ip: readonly number[] = [10, 0, 0, 1]): void {
  for (let i = 0; i < count; i++) {
    salt += 1;
    peer.send(TPU, salted(corpus[i % corpus.length], salt), ip);
  }
  peer.sync(TPU);
}

async function qos(...raw: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = Bun.spawn([process.execPath, MAIN, ...raw], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, out, err };
}

interface Numbers {
  readonly counters: Record<string, number>;
}

/** The statistics over the control socket. */
async function numbers(peer: Peer): Promise<Record<string, number>> {
  const answer = await askOnceUp(peer.prefix, { command: "stats" });
  return (answer.statistics as Numbers).counters;
}

async function untilCounter(peer: Peer, name: string, least: number): Promise<Record<string, number>> {
  for (;;) {
    const counters = await numbers(peer);
    if (counters[name] >= least) return counters;
    await Bun.sleep(10);
  }
}

const controlled = (peer: Peer): Promise<unknown> => askOnceUp(peer.prefix, { command: "stats" });

describe("qos monitor", () => {
  test("shows what the statistics say, and rates of its own interval", async () => {
    const peer = validator([TPU, OUTCOME_CHANNEL]);
    await using sidecar = new SidecarProcess(peer.prefix, ["--xxhash-seed", "1"]);
    await sidecar.reads(peer, TPU);
    await controlled(peer);
    peer.open(OUTPUT_CHANNEL);
    const saltBefore = salt;
    send(peer, 200);
    peer.send(TPU, Uint8Array.of(1, 2, 3));
    peer.sync(TPU);
    await untilCounter(peer, "bankingTransmissions", 200);
    const sending = setInterval(() => send(peer, 10), 20);
    const earlier = (await numbers(peer)).totalPackets!;
    const { code, out } = await qos("monitor", "--once", "--json", "--prefix", peer.prefix, "--interval", "500ms");
    clearInterval(sending);
    expect(code).toBe(0);
    const picture = JSON.parse(out);
    // Its rate is a whole number of packets in its own interval, and no more than the statistics have before and after.
    const later = (await untilCounter(peer, "totalPackets", salt - saltBefore + 1)).totalPackets!;
    const packets = (picture.packetsPerSecond.totalPackets * picture.elapsedMs) / 1_000;
    expect(Math.abs(packets - Math.round(packets))).toBeLessThan(1e-6);
    expect(packets).toBeLessThanOrEqual(later - earlier);
    expect(picture.counters.totalPackets - packets).toBeGreaterThanOrEqual(earlier);
    expect(picture.counters.totalPackets).toBeLessThanOrEqual(later);
    expect(picture.sidecar).toMatchObject({ pid: sidecar.pid, prefix: peer.prefix, paused: false });
    expect(picture.counters.failedView).toBe(1);
    expect(picture.packetsPerSecond.totalPackets).toBeGreaterThan(0);
    expect(picture.channels.tpu_to_qos.state).toBe("attached");
    const busiest = ["--sort", "packets", "--interval", "100ms"];
    const text = await qos("monitor", "--once", "--prefix", peer.prefix, ...busiest);
    const counters = await numbers(peer);
    expect(text.out).toMatch(new RegExp(`^in .* ${counters.totalPackets!.toLocaleString("en-US")}$`, "m"));
    expect(text.out).toMatch(/^ {2}failedView .* 1$/m);
    expect(text.out).toContain("10.0.0.1");
    for (const line of text.out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  test("says that there is no sidecar, that it was killed, and goes on with the next one", async () => {
    const peer = validator([TPU]);
    expect(await qos("monitor", "--once", "--prefix", peer.prefix)).toMatchObject({ code: 1, out: "" });
    await using first = new SidecarProcess(peer.prefix);
    await first.reads(peer, TPU);
    await controlled(peer);
    const reader = StatusReader.open(peer.prefix) as StatusReader;
    await until("a picture", () => reader.read() !== undefined);
    expect(reader.alive).toBe(true);
    first.kill("SIGKILL");
    await first.ended();
    expect(reader.alive).toBe(false);
    expect((await qos("monitor", "--once", "--prefix", peer.prefix)).err).toContain("was killed");
    expect((await qos("ctl", "stats", "--prefix", peer.prefix)).err).toContain("no sidecar listens");
    await using second = new SidecarProcess(peer.prefix, ["--metrics", "127.0.0.1:0"]);
    await until("the second one's page", () => reader.replaced);
    reader.close();
    await until("the second one's numbers", () => {
      const next = StatusReader.open(peer.prefix);
      if (typeof next === "string") return false;
      const pid = next.read()?.board.pid;
      next.close();
      return pid === second.pid;
    });
    await second.says(/metrics at http/); // said later than the next
    expect(second.log).toContain(`the sidecar before this one, process ${first.pid}: it was killed, or crashed`);
    const scraped = await (await fetch(/metrics at (\S+)/.exec(second.log)![1])).text();
    expect(scraped).toContain('qos_previous_end_info{reason="it was killed, or crashed"} 1\n');
    await second.stop();
    expect(existsSync(`/dev/shm/${peer.prefix}qos_status`)).toBe(false);
    expect(existsSync(controlPath(peer.prefix))).toBe(false);
  });

  test("refuses what is not a status page", async () => {
    const peer = validator([]);
    writeFileSync(`/dev/shm/${peer.prefix}qos_status`, "something else");
    const { code, err } = await qos("monitor", "--once", "--prefix", peer.prefix);
    expect(code).toBe(1);
    expect(err).toContain("is not a status page of this version");
  });

  // Skipped without tmux.
  test.skipIf(Bun.which("tmux") === null)(
    "on terminals of 80x24, 120x40 and 200x50 fits, shows a loop that stands still, and obeys its keys (needs tmux)",
    async () => {
      const peer = validator([TPU]);
      await using sidecar = new SidecarProcess(peer.prefix);
      await sidecar.reads(peer, TPU);
      peer.open(OUTPUT_CHANNEL);
      send(peer, 50);
      const socket = join(sidecar.folder, "tmux");
      const tmux = (...words: string[]): string =>
        Bun.spawnSync(["tmux", "-S", socket, "-f", "/dev/null", ...words]).stdout.toString();
      const command = `${process.execPath} ${MAIN} monitor --interval 100ms --prefix ${peer.prefix}`;
      tmux("new-session", "-d", "-x", "80", "-y", "24", `${command}; echo ended; cat`);
      try {
        const screen = (): string => tmux("capture-pane", "-p");
        await until("the screen", () => /out +/.test(screen()) && screen().includes("best of"));
        const lines = screen().trimEnd().split("\n");
        expect(lines).toHaveLength(24);
        expect(lines.at(-1)).toStartWith("q quit");
        expect(lines[0]).toContain(`pid ${sidecar.pid}`);
        for (const name of ["tpu_to_qos", "qos_to_sig"]) expect(screen()).toContain(name);
        expect(lines.some((line) => /^queue \d.* door .* turn p99 /.test(line))).toBe(true);
        sidecar.kill("SIGSTOP");
        await until("the loop that stands", () => screen().startsWith("PROCESS STOPPED (SIGSTOP)"));
        sidecar.kill("SIGCONT");
        await until("the loop that turns again", () => screen().startsWith("qos "));
        tmux("send-keys", "t");
        await until("fee payers", () => screen().includes("fee payers"));
        tmux("send-keys", "s");
        await until("the worst", () => screen().includes("worst of"));
        tmux("send-keys", "p");
        await until("a pause", () => screen().includes("[screen paused]"));
        tmux("send-keys", "p");
        tmux("resize-window", "-x", "120", "-y", "40");
        await until("the middle screen", () => {
          const middle = screen().trimEnd().split("\n");
          const heads = middle.filter((line) => line.startsWith("packets ") || line.startsWith("channel "));
          return middle.length === 40 && heads.length === 2;
        });
        tmux("resize-window", "-x", "200", "-y", "50");
        await until("the wide screen", () => {
          const wide = screen().trimEnd().split("\n");
          const heads = wide.find((line) => line.startsWith("packets ") && line.includes("channel "));
          const senders = wide.find((line) => line.startsWith("worst of"));
          return wide.length === 50 && heads !== undefined && senders?.includes("best of") === true;
        });
        await sidecar.stop();
        await until("its end", () => screen().includes("no sidecar runs here"));
        tmux("send-keys", "q");
        await until("the end of the monitor", () => /^ended/m.test(screen()));
      } finally {
        tmux("kill-server");
      }
    },
  );
});

describe("qos ctl", () => {
  test("pauses, resumes, limits, and says where a sender stands", async () => {
    const peer = validator([TPU]);
    await using sidecar = new SidecarProcess(peer.prefix);
    await sidecar.reads(peer, TPU);
    await controlled(peer);
    peer.open(OUTPUT_CHANNEL);
    await sidecar.reads(peer, OUTPUT_CHANNEL);
    expect((await qos("ctl", "pause", "--prefix", peer.prefix)).out).toContain("paused");
    send(peer, 100);
    const paused = await untilCounter(peer, "totalPackets", 100);
    expect([paused.queued, paused.bankingTransmissions]).toEqual([100, 0]);
    expect((await qos("ctl", "set", "target-pps", "200", "--prefix", peer.prefix)).out).toContain("target-pps is 200");
    expect((await qos("ctl", "resume", "--prefix", peer.prefix)).out).toContain("running");
    await untilCounter(peer, "bankingTransmissions", 100);
    const explained = await qos("ctl", "explain", "10.0.0.1", "--prefix", peer.prefix);
    expect(explained.out).toContain("100  bankingTransmissions");
    expect((await qos("ctl", "explain", "nobody", "--prefix", peer.prefix)).code).toBe(1);
    const noSocket = await qos("ctl", "stats", "--control", sidecar.statsPath.replace("stats.json", ""));
    expect(noSocket.code).toBe(1);
    expect((await qos("ctl", "stats", "--control", MAIN)).err).toContain(`${MAIN} is not a socket`);
    expect((await qos("ctl", "checkpoint", "--prefix", peer.prefix)).err).toContain("no --state");
    expect(await sidecar.stop()).toBe(0);
    expect(sidecar.log).toContain("paused by qos ctl");
    expect(lawOf(sidecar.stats())).toEqual([100, 100]);
  });

  test("a deny list is reloaded on change; checkpoints are written when asked", async () => {
    const peer = validator([TPU]);
    await using sidecar = new SidecarProcess(peer.prefix);
    const deny = join(sidecar.folder, "deny");
    const state = join(sidecar.folder, "state");
    await sidecar.stop();
    writeFileSync(deny, "# nobody yet\n");
    await using listed = new SidecarProcess(peer.prefix, ["--deny", deny, "--state", state]);
    await listed.reads(peer, TPU);
    await controlled(peer);
    peer.open(OUTPUT_CHANNEL);
    send(peer, 10, [66, 0, 0, 1]);
    await untilCounter(peer, "bankingTransmissions", 10);
    writeFileSync(deny, "66.0.0.0/8\n");
    expect((await qos("ctl", "reload", "--prefix", peer.prefix)).out).toContain(deny);
    await listed.says(/1 addresses and prefixes and 0 payers denied/);
    send(peer, 10, [66, 0, 0, 1]);
    send(peer, 5, [10, 0, 0, 1]);
    const counters = await untilCounter(peer, "totalPackets", 25);
    expect(counters.denied).toBe(10);
    expect((await qos("ctl", "checkpoint", "--prefix", peer.prefix)).out).toContain("written");
    expect(existsSync(state)).toBe(true);
    expect(await listed.stop()).toBe(0);
    expect(lawOf(listed.stats())).toEqual([25, 25]);
  });
});

describe("--metrics", () => {
  test("serves the numbers, health and readiness; a taken port is said and ends nothing", async () => {
    const peer = validator([TPU]);
    using taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("mine") });
    await using unlucky = new SidecarProcess(peer.prefix, ["--metrics", `127.0.0.1:${taken.port}`]);
    await unlucky.says(/metrics cannot be had at/);
    await unlucky.reads(peer, TPU);
    expect(await unlucky.stop()).toBe(0);

    await using sidecar = new SidecarProcess(peer.prefix, ["--metrics", "127.0.0.1:0"]);
    await sidecar.reads(peer, TPU);
    await sidecar.says(/metrics at http/);
    const base = /metrics at (http:\S+)\/metrics/.exec(sidecar.log)![1];
    const status = async (page: string): Promise<number> => (await fetch(`${base}${page}`)).status;
    expect(await status("/healthz")).toBe(200);
    peer.open(OUTPUT_CHANNEL);
    for (let ready = 0; ready !== 200; ready = await status("/readyz")) await Bun.sleep(10);
    send(peer, 30);
    let text = "";
    while (!text.includes("qos_packets_total 30\n")) {
      text = await (await fetch(`${base}/metrics`)).text();
      await Bun.sleep(10);
    }
    expect(text).toContain("qos_unaccounted_packets 0\n");
    await qos("ctl", "pause", "--prefix", peer.prefix);
    expect(await status("/readyz")).toBe(503);
    expect(await sidecar.stop()).toBe(0);
  });

  test("is for this host alone, unless other hosts are let in", async () => {
    const { code, err } = await qos("run", "--metrics", "0.0.0.0:9464");
    expect(code).toBe(2);
    expect(err).toContain("add --metrics-public");
  });
});
