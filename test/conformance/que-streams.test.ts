// Millions of elements between processes, at full speed, the crate `que` on one side and our cursors on the other: nothing
// torn, nothing twice, every skip counted; also with one side stopped and continued at any moment.

import { afterEach, describe, expect, test } from "bun:test";
import { writeElement } from "./elements.ts";
import { Peer, Place, rust, type Shape } from "./que-peer.ts";
import { type Seen, StreamReader } from "./stream-reader.ts";

interface Stream extends Shape {
  readonly count: number;
  readonly syncEvery: number;
}

const STREAMS: readonly Stream[] = [
  { elementBytes: 16, capacity: 4, count: 1_000_000, syncEvery: 1 },
  { elementBytes: 16, capacity: 1_048_576, count: 4_000_000, syncEvery: 64 },
  { elementBytes: 64, capacity: 1_048_576, count: 3_000_000, syncEvery: 0 },
  { elementBytes: 64, capacity: 64, count: 2_000_000, syncEvery: 5 },
  { elementBytes: 1264, capacity: 4, count: 500_000, syncEvery: 1 },
  { elementBytes: 1264, capacity: 256, count: 1_000_000, syncEvery: 0 },
  { elementBytes: 1264, capacity: 32_768, count: 1_000_000, syncEvery: 64 },
  { elementBytes: 1296, capacity: 16, count: 500_000, syncEvery: 3 },
  { elementBytes: 1296, capacity: 32_768, count: 500_000, syncEvery: 64 },
  { elementBytes: 4160, capacity: 16, count: 100_000, syncEvery: 3 },
  { elementBytes: 4160, capacity: 16_384, count: 250_000, syncEvery: 64 },
];

const LIMIT_MS = 40_000;
/** More than any machine writes during a test; the test ends the producer. */
const ENDLESS = "1000000000000";
const STOPS = 150;
const STOPS_MIN = 20;
const STOPPING_MS = 15_000;
const places: Place[] = [];
const peers: Peer[] = [];

function place(shape: Shape): Place {
  const fresh = new Place(shape);
  places.push(fresh);
  return fresh;
}

function start(command: string, at: Place, more: readonly string[] = []): Peer {
  const peer = new Peer(command, at, more);
  peers.push(peer);
  return peer;
}

afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.end();
  for (const at of places.splice(0)) at.remove();
});

/** What must hold of every finished stream. */
function expectWhole(seen: Seen, joined: number, tail: number): void {
  expect(seen.wrong).toBe(0);
  expect(seen.head).toBe(tail);
  expect(seen.received + seen.lapped).toBe(tail - joined);
  expect(seen.missing).toBe(seen.lapped);
  expect(seen.torn).toBeLessThanOrEqual(seen.lapped);
}

describe.skipIf(!rust.ok)("que, at full speed (needs cargo)", () => {
  for (const { elementBytes, capacity, count, syncEvery } of STREAMS) {
    const name = `${count} elements of ${elementBytes} bytes, capacity ${capacity}`;

    test(`the crate writes, we read: ${name}`, async () => {
      const at = place({ elementBytes, capacity });
      at.produce(); // so that there is something to join; the crate goes on from it
      const consumer = at.consume();
      const reader = new StreamReader(at.arena, consumer);
      const peer = start("produce", at, ["--count", `${count}`, "--sync-every", `${syncEvery}`]);
      reader.readUntil(count, LIMIT_MS);
      expect(await peer.next()).toEqual({ event: "joined", tail: 0 });
      expect(await peer.next()).toEqual({ event: "done", pushed: count, tail: count });
      expectWhole(reader.seen(), 0, count);
    }, 60_000);

    test(`we write, the crate reads: ${name}`, async () => {
      const at = place({ elementBytes, capacity });
      const producer = at.produce();
      const peer = start("consume", at, ["--until", `${count}`, "--idle-ms", "5000"]);
      expect(await peer.next()).toEqual({ event: "joined", tail: 0 });
      const every = syncEvery === 0 ? count : syncEvery;
      for (let index = 0; index < count; index++) {
        writeElement(at.arena.i32, producer.reserve(), elementBytes, index);
        producer.commit();
        if ((index + 1) % every === 0) producer.sync();
      }
      producer.sync();
      const { received, skipped, repeated, torn, next } = await peer.next();
      expect({ repeated, torn, next }).toEqual({ repeated: 0, torn: 0, next: count });
      expect((received as number) + (skipped as number)).toBe(count);
    }, 60_000);
  }

  test("a crate's producer that is stopped and continued at any moment", async () => {
    const at = place({ elementBytes: 1264, capacity: 64 });
    at.produce();
    const consumer = at.consume();
    const reader = new StreamReader(at.arena, consumer);
    const peer = start("produce", at, ["--count", ENDLESS, "--sync-every", "7"]);
    expect(await peer.next()).toEqual({ event: "joined", tail: 0 });
    const end = performance.now() + STOPPING_MS;
    let groups = 0;
    let stops = 0;
    // a busy machine may let the other side wait for long: a number of stops, or a time
    while (stops < STOPS && (stops < STOPS_MIN || performance.now() < end)) {
      // a different number of groups each time, so that the stop falls anywhere in its work
      const until = groups + 50 + ((stops * 7919) % 400);
      while (groups < until) if (reader.readGroup() > 0) groups += 1;
      process.kill(peer.pid, "SIGSTOP");
      // it may still run for a moment: empty the ring until its tail has stood still for long
      for (let quiet = 0; quiet < 20_000; quiet++) if (reader.readGroup() > 0) quiet = 0;
      expect(consumer.head).toBe(consumer.tail);
      expect(reader.wrong).toBe(0);
      process.kill(peer.pid, "SIGCONT");
      stops += 1;
    }
    await peer.end();
    reader.readUntil(consumer.loadTail(), LIMIT_MS);
    expectWhole(reader.seen(), 0, consumer.tail);
    expect(consumer.received).toBeGreaterThan(stops * 50);
  }, 60_000);

  test("our consumer that is stopped and continued at any moment, behind the crate's producer", async () => {
    const count = 1_500_000;
    const at = place({ elementBytes: 1264, capacity: 64 });
    at.produce();
    const script = new URL("stream-reader.ts", import.meta.url).pathname;
    const child = Bun.spawn([process.execPath, script, at.name, "1264", "64", `${count}`], { stdout: "pipe" });
    const output = child.stdout.getReader();
    const decoder = new TextDecoder();
    expect(decoder.decode((await output.read()).value)).toBe("joined\n");
    const peer = start("produce", at, ["--count", `${count}`, "--sync-every", "5", "--pace-nanos", "2000"]);
    await peer.next();
    let running = true;
    const finished = peer.next().finally(() => {
      running = false;
    });
    while (running) {
      process.kill(child.pid, "SIGSTOP");
      await Bun.sleep(1);
      process.kill(child.pid, "SIGCONT");
      await Bun.sleep(2);
    }
    expect(await finished).toEqual({ event: "done", pushed: count, tail: count });
    const seen = JSON.parse(decoder.decode((await output.read()).value)) as Seen;
    await child.exited;
    expectWhole(seen, 0, count);
    expect(seen.lapped).toBeGreaterThan(0);
  }, 60_000);
});
