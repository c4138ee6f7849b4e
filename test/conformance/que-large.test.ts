// Packets of the layout `large` from the published crate `que`, a process of its own, through a whole sidecar that nobody
// told the layout: byte for byte, and the law exact.

import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Consumer } from "../../src/channel/consumer.ts";
import { joinConsumer } from "../../src/channel/files.ts";
import { channelPath } from "../../src/channel/place.ts";
import { Arena } from "../../src/shape/arena.ts";
import { CHANNELS, OUTPUT_CHANNEL } from "../../src/shape/channels.ts";
import { arenaLayout } from "../../src/shape/layout.ts";
import { PACKET_LAYOUTS } from "../../src/shape/packet-layouts.ts";
import { corpus } from "../engine/rig.ts";
import { newTransaction } from "../oracle/build.ts";
import { freshPrefix, lawOf, SidecarProcess, until } from "../sidecar/sidecar-process.ts";
import { rust } from "./que-peer.ts";

const { bytes, sizeAt, addressAt, portAt, flagsAt, remoteKeyAt = 0 } = PACKET_LAYOUTS.large;
const PACKETS = 1_000;
const COUNT = 250_000;
const GROUP = 64;
const LOOKS_AFTER = 500;
const OVERHEAD = newTransaction({ mask: 3, config: [1, 1], instructions: [{ data: [] }] }).length;
/** test/rust/que-peer/src/flood.rs */
const SALT = 0x9e3779b97f4a7c15n;
const VERSION_1 = 0x81;

const viewOf = (element: Uint8Array): DataView => new DataView(element.buffer, element.byteOffset, element.byteLength);
const sizeOf = (element: Uint8Array): number => Number(viewOf(element).getBigUint64(sizeAt, true));
const saltAt = (element: Uint8Array): number => (element[0] === VERSION_1 ? sizeOf(element) - 8 : 1);

/** Each third one a real transaction, the others v1 of 200 to 4,096 bytes; the port is the number. */
function elementOf(number: number): Uint8Array {
  const size = Math.max(OVERHEAD, 200 + ((number * 977) % 3_897));
  const data = Uint8Array.from({ length: size - OVERHEAD }, (_, i) => number * 31 + i * 7);
  const payload =
    number % 3 === 0
      ? corpus[number % corpus.length]
      : newTransaction({ mask: 3, config: [number + 1, 1], instructions: [{ data }] });
  const element = new Uint8Array(bytes).fill(0xa5);
  element.set(payload);
  element.fill(0, sizeAt);
  viewOf(element).setBigUint64(sizeAt, BigInt(payload.length), true);
  element.set([10, 0, number >> 8, number & 255], addressAt);
  viewOf(element).setUint16(portAt, number, true);
  element[flagsAt] = 0x80;
  element.fill(number, remoteKeyAt, remoteKeyAt + 32);
  return element;
}

test.skipIf(!rust.ok)(
  "250,000 packets come out as the crate wrote them, and the law is exact (needs cargo)",
  async () => {
    const prefix = freshPrefix();
    await using sidecar = new SidecarProcess(prefix, ["--stats-interval", "100ms"]);
    const file = join(sidecar.folder, "packets");
    const elements = Array.from({ length: PACKETS }, (_, number) => elementOf(number));
    writeFileSync(file, Buffer.concat(elements));
    const words = ["--packets", file, "--element", `${bytes}`, "--create", "1", "--seconds", "60", "--pps", "9000"];
    const flood = Bun.spawn(
      [join(rust.binDir, "que-peer"), "flood", "--prefix", prefix, ...words, "--count", `${COUNT}`],
      { stdin: "ignore", stdout: "ignore", stderr: "inherit" },
    );
    const options = { packetLayout: "large", maxIps: 1, maxSigners: 1, partialMetas: 4, recentSignatures: 4 } as const;
    const layout = arenaLayout({ ...options, queueCapacity: 4 });
    const arena = Arena.reserve(layout.bytes);
    const region = layout.channels[OUTPUT_CHANNEL];
    try {
      const path = channelPath({ pages: "standard", prefix }, CHANNELS[OUTPUT_CHANNEL].name);
      const joined = await until("the output", () => {
        const result = joinConsumer(arena, region, path);
        return result.state === "joined" && result;
      });
      const consumer = new Consumer(arena, region.at, region.capacity, region.elementBytes);
      consumer.join();
      const seen = new Set<bigint>();
      const check = (got: Uint8Array): void => {
        const original = elements[viewOf(got).getUint16(portAt, true)].slice();
        const salted = saltAt(original);
        const salt = viewOf(got).getBigUint64(salted, true) ^ viewOf(original).getBigUint64(salted, true);
        viewOf(original).setBigUint64(salted, viewOf(got).getBigUint64(salted, true), true);
        const used = sizeOf(original);
        const isSame =
          Buffer.compare(got.subarray(0, used), original.subarray(0, used)) === 0 &&
          Buffer.compare(got.subarray(sizeAt), original.subarray(sizeAt)) === 0;
        if (!isSame || seen.has(salt)) throw new Error(`packet ${viewOf(got).getUint16(portAt, true)} differs`);
        seen.add(salt);
      };
      const take = (): void => {
        for (let count = consumer.readable(GROUP); count > 0; count = consumer.readable(GROUP)) {
          const group = Array.from({ length: count }, (_, i) => {
            const at = consumer.addressOf(i);
            return arena.u8.slice(at, at + bytes);
          });
          const torn = Math.min(count, consumer.overrun());
          consumer.drop(torn);
          consumer.take(count - torn);
          for (const got of group.slice(torn)) check(got);
        }
        consumer.beat();
      };
      let isOver = false;
      const ended = flood.exited.then(() => {
        isOver = true;
      });
      while (!isOver) {
        take();
        await Bun.sleep(2);
      }
      await ended;
      // What waits in the queue goes with the next transmits.
      for (let look = 0; look < LOOKS_AFTER; look++) {
        take();
        await Bun.sleep(2);
      }
      expect(await sidecar.stop()).toBe(0);
      take();
      const stats = sidecar.stats();
      expect(stats.sidecar).toMatchObject({ packetLayout: "large" });
      const { received, lapped } = stats.channels.tpu_to_qos;
      expect(received + lapped).toBe(COUNT);
      const [total, accounted] = lawOf(stats);
      expect([total, accounted]).toEqual([received, received]);
      const { failedView, failedSanitize, invalidMetaSize, bankingTransmissions } = stats.counters;
      expect([failedView, failedSanitize, invalidMetaSize]).toEqual([0, 0, 0]);
      expect(seen.size + consumer.lapped).toBe(bankingTransmissions);
      expect(seen.size).toBeGreaterThan(COUNT / 2);
      for (let n = 0n; n < BigInt(COUNT); n++) seen.delete(BigInt.asUintN(64, (n + 1n) * SALT));
      expect(seen.size).toBe(0);
      joined.channel.close();
    } finally {
      flood.kill();
      for (const { name } of CHANNELS) rmSync(`/dev/shm/${prefix}${name}`, { force: true });
    }
  },
  150_000,
);
