import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { socketAddress } from "../../../ffi/notify.ts";
import { openServiceManager, ServiceManager, watchdogMs } from "../../../src/sidecar/process/service-manager.ts";
import { MemoryLog } from "../parts.ts";
import { Peer, TPU } from "../peer.ts";
import { freshPrefix, SidecarProcess, until } from "../sidecar-process.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "qos-notify-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("an address is a path or an abstract name", () => {
  expect([...socketAddress("/a")]).toEqual([1, 0, 47, 97, 0]);
  expect([...socketAddress("@a")]).toEqual([1, 0, 0, 97]);
  for (const wrong of ["", "a", "vsock:1", `/${"x".repeat(107)}`])
    expect(() => socketAddress(wrong)).toThrow(RangeError);
});

test("a watchdog is one that is meant for this process", () => {
  expect(watchdogMs({ WATCHDOG_USEC: "2000000" }, 5)).toBe(2_000);
  expect(watchdogMs({ WATCHDOG_USEC: "2000000", WATCHDOG_PID: "5" }, 5)).toBe(2_000);
  expect(watchdogMs({ WATCHDOG_USEC: "2000000", WATCHDOG_PID: "6" }, 5)).toBeUndefined();
  for (const wrong of ["", "0", "-1", "soon"]) expect(watchdogMs({ WATCHDOG_USEC: wrong }, 5)).toBeUndefined();
  expect(watchdogMs({}, 5)).toBeUndefined();
});

test("it is ready when the loop turns, and beats only while it does", async () => {
  const said: string[] = [];
  let turns = 0;
  const manager = new ServiceManager(
    "/x",
    undefined,
    () => turns,
    new MemoryLog(),
    (_, message) => said.push(message),
  );
  manager.begin();
  await Bun.sleep(60); // some looks
  expect(said).toEqual([]);
  turns = 7;
  await until("readiness", () => said.length === 1);
  expect(said[0]).toStartWith("READY=1");
  manager.beat();
  expect(said).toHaveLength(1); // it has not turned since
  turns = 8;
  manager.beat();
  manager.beat();
  expect(said.slice(1)).toEqual(["WATCHDOG=1"]);
  manager.stopping();
  expect(said.at(-1)).toBe("STOPPING=1");
});

test("nobody who listens is said once, and ends nothing", () => {
  const log = new MemoryLog();
  expect(openServiceManager({}, 1, () => 1, log)).toBeUndefined();
  expect(openServiceManager({ NOTIFY_SOCKET: "nonsense" }, 1, () => 1, log)).toBeUndefined();
  const manager = openServiceManager({ NOTIFY_SOCKET: join(folder, "nobody") }, 1, () => 1, log)!;
  manager.stopping();
  manager.stopping();
  expect(log.lines).toHaveLength(2);
  expect(log.lines[1]).toContain("does not listen");
});

const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(s.recv(4096).decode().replace("\\n", " "), flush=True)
`;

// Skipped without python3, which listens here: Bun has no datagram sockets of this kind.
test.skipIf(Bun.which("python3") === null)(
  "a sidecar says READY and beats; stopped in its tracks it beats no more, and goes on when it may (needs python3)",
  async () => {
    const socket = join(folder, "manager");
    const listener = Bun.spawn(["python3", "-c", LISTENER, socket], { stdin: "ignore", stdout: "pipe" });
    let heard = "";
    const listening = (async () => {
      for await (const bytes of listener.stdout) heard += new TextDecoder().decode(bytes);
    })();
    const peer = new Peer(freshPrefix());
    try {
      await until("the listener", () => heard.includes("bound"));
      peer.open(TPU);
      await using sidecar = new SidecarProcess(peer.prefix, [], { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "200000" });
      await until("READY", () => heard.includes("READY=1"));
      const beats = (): number => heard.split("WATCHDOG=1").length;
      const first = beats();
      await until("beats", () => beats() > first + 2);
      sidecar.kill("SIGSTOP");
      await until("it stands", () => {
        const state = /^State:\s+(\S)/m.exec(readFileSync(`/proc/${sidecar.pid}/status`, "latin1"));
        return state?.[1] === "T";
      });
      const stopped = beats();
      await Bun.sleep(400); // twice the limit: nothing may be heard
      expect(beats() - stopped).toBeLessThanOrEqual(1);
      sidecar.kill("SIGCONT");
      await until("beats again", () => beats() > stopped + 2);
      expect(await sidecar.stop()).toBe(0);
      await until("STOPPING", () => heard.includes("STOPPING=1"));
    } finally {
      listener.kill();
      await listening;
      peer.close();
    }
  },
);
