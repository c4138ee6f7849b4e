// Root's rights, in whole sidecars. Only root can give any up: without root there is nothing to try.

import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync } from "node:fs";
import { findUser } from "../../ffi/users.ts";
import { OUTPUT_CHANNEL } from "../../src/channel/channels.ts";
import { corpus } from "../engine/rig.ts";
import { Peer, TPU } from "./peer.ts";
import { freshPrefix, SidecarProcess, until } from "./sidecar-process.ts";

const peers: Peer[] = [];
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});

const isRoot = process.geteuid?.() === 0;
const nobody = findUser("nobody");

// Giving up rights needs some: skipped where the tests do not run as root.
describe.skipIf(!isRoot || nobody === undefined)("started as root", () => {
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
    using sidecar = new SidecarProcess(peer.prefix, ["--user", "nobody", "--stats-interval", "100ms"]);
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

  test("a channel that was created again for others only: the message says what would have made it joinable", async () => {
    const peer = new Peer(freshPrefix());
    peers.push(peer);
    peer.open(TPU);
    using sidecar = new SidecarProcess(peer.prefix, ["--user", "nobody"]);
    await sidecar.reads(peer, TPU);
    peer.remove(TPU);
    peer.open(TPU);
    await sidecar.says(/tpu_to_qos.*qos init --group/);
    chmodSync(peer.path(TPU), 0o666);
    await sidecar.reads(peer, TPU);
    expect(await sidecar.stop()).toBe(0);
  });
});
