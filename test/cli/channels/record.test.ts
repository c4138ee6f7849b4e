// Recording live channels and replaying what was recorded: what comes out of the second pair of channels is what went into
// the first, byte for byte.

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type ChannelFile, joinProducer } from "../../../src/channel/files.ts";
import { Producer } from "../../../src/channel/producer.ts";
import { namedChannels } from "../../../src/cli/channels/channel-files.ts";
import { record } from "../../../src/cli/channels/record.ts";
import { Arena } from "../../../src/shape/arena.ts";
import { type PacketLayout, packetBytes } from "../../../src/shape/packet-layouts.ts";
import { HEADER_BYTES } from "../../../src/simulator/capture/format.ts";
import { openRecording } from "../../../src/simulator/capture/reader.ts";
import { salted } from "../../engine/rig.ts";
import { freshPrefix, lawOf, SidecarProcess, until } from "../../sidecar/sidecar-process.ts";
import { elementOf, Folder, keptOf, type Packet, packetsOf, recorded } from "../../simulator/capture/rig.ts";
import { CapturedOutput } from "../../tools/captured-output.ts";
import { run } from "../../tools/command-line.ts";

const LIMIT_MS = 120_000;
const CORPUS = readFileSync(`${import.meta.dir}/../../fixtures/corpus/mainnet-254170887.jsonl`, "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => new Uint8Array(Buffer.from((JSON.parse(line) as { tx: string }).tx, "base64")));

const prefixes: string[] = [];
const files: ChannelFile[] = [];
afterEach(() => {
  for (const file of files.splice(0)) file.close();
  for (const prefix of prefixes.splice(0)) {
    for (const name of readdirSync("/dev/shm")) if (name.startsWith(prefix)) rmSync(`/dev/shm/${name}`);
  }
});

function prefixed(): string {
  const prefix = freshPrefix();
  prefixes.push(prefix);
  return prefix;
}

const channelsOf = (prefix: string, layout: PacketLayout = "agave2") =>
  namedChannels({ pages: "standard", prefix }, layout);

/** A packet channel, created, and what puts elements into it. */
function openChannel(prefix: string, id: number, layout: PacketLayout = "agave2") {
  const { path, shape } = channelsOf(prefix, layout)[id];
  const arena = Arena.reserve(72 << 20);
  const result = joinProducer(arena, { at: 65_536, bytes: 68 << 20, ...shape }, path);
  if (result.state !== "joined") throw new Error(JSON.stringify(result));
  files.push(result.channel);
  const producer = new Producer(arena, 65_536, shape.capacity, shape.elementBytes);
  return {
    path,
    push(...elements: readonly Uint8Array[]): void {
      for (const element of elements) {
        arena.u8.set(element, producer.reserve());
        producer.commit();
      }
      producer.sync();
    },
  };
}

/** Starts recording; `end` ends it, with all that was in the channels by then. */
function recording(path: string, prefix: string, ids = [0, 1, 2, 3], packetLayout: PacketLayout = "agave2") {
  const controller = new AbortController();
  const out = new CapturedOutput();
  const channels = channelsOf(prefix, packetLayout);
  const running = record({ path, packetLayout, channels, forMs: undefined, stop: controller.signal }, ids, out);
  return {
    out,
    end: async () => {
      controller.abort();
      const facts = await running;
      return { facts, read: openRecording(path) };
    },
  };
}

const ofChannel = (packets: readonly Packet[], channel: number): Uint8Array[] =>
  packets.filter((one) => one.channel === channel).map(({ element }) => element);

describe("qos inspect --record", () => {
  test.each(["agave2", "agave4"] as const)("every new packet of every packet channel, as it is: %s", async (layout) => {
    using folder = new Folder();
    const prefix = prefixed();
    const channels = [0, 1, 2, 3].map((id) => openChannel(prefix, id, layout));
    channels[0].push(elementOf(CORPUS[0], { layout })); // was there before: no part of it
    const before = channels.map(({ path }) => Bun.hash(readFileSync(path).subarray(0, 4_096)));
    const { end } = recording(folder.file(), prefix, [0, 1, 2, 3], layout);
    expect(channels.map(({ path }) => Bun.hash(readFileSync(path).subarray(0, 4_096)))).toEqual(before);
    const sent = channels.map((channel, id) => {
      const elements = Array.from({ length: 700 }, (_, i) => {
        const payload = CORPUS[(7 * i + id) % CORPUS.length];
        return elementOf(payload, { layout, port: i, filler: i, ...(i % 50 === 0 ? { size: BigInt(1_233 + i) } : {}) });
      });
      channel.push(...elements);
      return elements;
    });
    const { facts, read } = await end();
    expect(read.layout).toBe(layout);
    expect(facts.packets).toEqual({ tpu_to_qos: 700, fwd_to_qos: 700, re1_to_qos: 700, re2_to_qos: 700 });
    expect(read.missed).toEqual([0, 0, 0, 0]);
    const packets = packetsOf(read);
    for (let id = 0; id < 4; id++) expect(ofChannel(packets, id)).toEqual(sent[id].map(keptOf));
  });

  test("what was overwritten first is counted", async () => {
    using folder = new Folder();
    const prefix = prefixed();
    const channel = openChannel(prefix, 2);
    const { end } = recording(folder.file(), prefix, [2]);
    const element = elementOf(new Uint8Array(20));
    channel.push(...new Array<Uint8Array>(40_000).fill(element));
    const { read } = await end();
    expect(read.missed[2]).toBeGreaterThan(7_000);
    expect(read.packets + read.missed[2]).toBe(40_000);
  });

  test(
    "a channel that comes later, or anew, is recorded from its beginning",
    async () => {
      using folder = new Folder();
      const prefix = prefixed();
      openChannel(prefix, 0);
      const later = recording(folder.file(), prefix, [0, 1]);
      const anew = recording(folder.file("anew.rec"), prefix, [0]);
      openChannel(prefix, 1).push(elementOf(CORPUS[1]));
      rmSync(channelsOf(prefix)[0].path);
      openChannel(prefix, 0).push(elementOf(CORPUS[2]), elementOf(CORPUS[3]));
      // Written once a second: then the files show what was seen.
      const sizeOf = (name: string): number => Bun.file(folder.file(name)).size;
      await until("both recordings have packets", () => sizeOf("traffic.rec") > 1_000 && sizeOf("anew.rec") > 500);
      const { read } = await later.end();
      expect(ofChannel(packetsOf(read), 1)).toEqual([keptOf(elementOf(CORPUS[1]))]);
      expect(ofChannel(packetsOf((await anew.end()).read), 0).length).toBe(2);
    },
    LIMIT_MS,
  );

  test("as a command, for a while, one channel or all", async () => {
    using folder = new Folder();
    const prefix = prefixed();
    const channel = openChannel(prefix, 1);
    const timer = setInterval(() => channel.push(elementOf(CORPUS[5])), 2);
    const flags = ["--prefix", prefix, "--duration", "200ms"];
    const one = await run("inspect", "fwd_to_qos", "--record", folder.file(), ...flags);
    const all = await run("inspect", "--record", folder.file("all.rec"), ...flags, "--json");
    clearInterval(timer);
    expect([one.code, all.code]).toEqual([0, 0]);
    const [, seconds] = /traffic\.rec: [1-9]\d* packets in (\d+\.\d) s/.exec(one.lines[0])!;
    expect(Number(seconds)).toBeGreaterThanOrEqual(0.2); // more on a busy machine
    expect(one.notes[0]).toContain("recording fwd_to_qos into");
    const facts = all.parsed<{ packets: Record<string, number>; missed: Record<string, number> }>();
    expect(facts.packets.fwd_to_qos).toBe(openRecording(folder.file("all.rec")).packets);
    expect(Object.keys(facts.missed)).toEqual(["tpu_to_qos", "fwd_to_qos", "re1_to_qos", "re2_to_qos"]);
  });

  test("refuses with a sentence, and leaves no file", async () => {
    using folder = new Folder();
    const prefix = prefixed();
    const file = folder.file();
    const tried = (...args: string[]) => run("inspect", "--prefix", prefix, ...args);
    expect((await tried("--record", file)).notes[0]).toContain("nothing to record");
    openChannel(prefix, 0);
    for (const [args, code, sentence] of [
      [["re1_to_qos", "--record", file], 1, "is not there"],
      [["sch_to_qos", "--record", file], 2, "--record records packet channels: tpu_to_qos"],
      [["tpu_to_qso", "--record", file], 2, "did you mean tpu_to_qos"],
      [["--record", file, "--follow"], 2, "--follow"],
      [["--record", file, "--packet-layout", "agave4"], 1, "--packet-layout"],
      [["tpu_to_qos", "--duration", "1s"], 2, "--duration is for --record"],
      [["--record", `${file}/none`], 1, "cannot write the recording"],
    ] as const) {
      const said = await tried(...args);
      expect([said.code, said.notes[0]]).toEqual([code, expect.stringContaining(sentence)]);
    }
    expect(existsSync(file)).toBe(false);
    writeFileSync(file, "dear");
    expect((await tried("--record", file)).notes[0]).toContain("nothing is overwritten");
    expect(readFileSync(file, "utf8")).toBe("dear");
  });
});

/** Distinct transactions, and packets that no sidecar lets through. */
function traffic(layout: PacketLayout, count: number): Packet[] {
  return Array.from({ length: count }, (_, i) => {
    const payload = salted(CORPUS[i % CORPUS.length], i);
    new DataView(payload.buffer).setUint8(9, i >>> 8); // a signature's key holds one byte of each eight (wire.md, 9)
    new DataView(payload.buffer).setUint8(1, i);
    const parts = { layout, ip: [10, 0, 0, i % 9], port: 9_000 + (i % 7), filler: i, flags: i % 3 === 0 ? 0x80 : 0 };
    return {
      channel: i % 4,
      micros: 250 * i,
      element: elementOf(i % 20 === 0 ? payload.subarray(0, 90) : payload, parts),
    };
  });
}

const replay = (...args: string[]) => run("simulate", "--replay", ...args, "--json");

describe("qos simulate --replay", () => {
  test(
    "what is replayed is what was recorded, byte for byte, on each channel in its order",
    async () => {
      using folder = new Folder();
      const prefix = prefixed();
      const packets = traffic("agave4", 2_000);
      writeFileSync(folder.file(), recorded(packets, { layout: "agave4", endMicros: 500_000 }));
      for (let id = 0; id < 4; id++) openChannel(prefix, id, "agave4");
      const { end } = recording(folder.file("again.rec"), prefix, [0, 1, 2, 3], "agave4");
      const flags = ["--prefix", prefix, "--packet-layout", "agave4", "--wait", "0ms", "--no-feedback"];
      const done = await replay(folder.file(), ...flags);
      const { read } = await end();
      expect([done.code, done.notes]).toEqual([0, []]);
      expect(done.parsed()).toMatchObject({ sent: 2_000, delivered: 0, kept: 2_000, assumed: expect.any(String) });
      const again = packetsOf(read);
      expect(again[0].element.length).toBe(packetBytes("agave4"));
      for (let id = 0; id < 4; id++) expect(ofChannel(again, id)).toEqual(ofChannel(packets, id).map(keptOf));
    },
    LIMIT_MS,
  );

  test.each(["agave2", "agave4"] as const)(
    "a sidecar gives back what it lets through as it was recorded: %s",
    async (layout) => {
      using folder = new Folder();
      const prefix = prefixed();
      const packets = traffic(layout, 2_000);
      writeFileSync(folder.file(), recorded(packets, { layout, endMicros: 500_000 }));
      await using sidecar = new SidecarProcess(prefix, ["--packet-layout", layout]);
      const done = await replay(folder.file(), "--prefix", prefix, "--packet-layout", layout, "--wait", "60s");
      expect([done.code, done.notes]).toEqual([0, []]);
      const summary = done.parsed<Record<string, number>>();
      expect(summary).toMatchObject({ sent: 2_000, delivered: 1_900, kept: 100, foreign: 0, repeated: 0, failed: 0 });
      expect(summary.included).toBeGreaterThan(1_000);
      expect(await sidecar.stop()).toBe(0);
      const stats = sidecar.stats();
      expect(stats.counters).toMatchObject({ failedView: 100, unknownOutcomes: 0, bankingTransmissions: 1_900 });
      const [total, accounted] = lawOf(stats);
      expect(accounted).toBe(total);
    },
    LIMIT_MS,
  );

  test(
    "in virtual time the same file gives the same history",
    async () => {
      using folder = new Folder();
      writeFileSync(folder.file(), recorded(traffic("agave4", 1_000), { layout: "agave4", endMicros: 800_000 }));
      const first = await replay(folder.file(), "--virtual");
      expect([first.code, first.notes]).toEqual([0, []]);
      expect(first.parsed()).toMatchObject({ sent: 1_000, delivered: 950, ms: 801, assumed: expect.any(String) });
      expect((await replay(folder.file(), "--virtual")).lines).toEqual(first.lines);
      const text = await run("simulate", "--replay", folder.file(), "--virtual", "--duration", "100ms");
      expect(text.lines.join("\n")).toMatch(
        /recording of 2026-.*1000 packets[\s\S]*assumed +every well-formed transaction/,
      );
    },
    LIMIT_MS,
  );

  test(
    "what a killed recorder left is replayed as far as it is whole, where that is asked for",
    async () => {
      using folder = new Folder();
      const prefix = prefixed();
      const channel = openChannel(prefix, 0);
      const main = `${import.meta.dir}/../../../src/main.ts`;
      const command = [process.execPath, main, "inspect", "--prefix", prefix, "--record", folder.file()];
      const recorder = Bun.spawn(command, { stdout: "ignore", stderr: "pipe" });
      const said = recorder.stderr.getReader();
      expect(new TextDecoder().decode((await said.read()).value)).toContain("recording tpu_to_qos");
      const sent = traffic("agave2", 400).filter((one) => one.channel === 0);
      channel.push(...sent.map(({ element }) => element));
      // It writes what it has a few times a second.
      const endMs = performance.now() + LIMIT_MS / 2;
      while (statSync(folder.file()).size <= HEADER_BYTES && performance.now() < endMs) await Bun.sleep(20);
      recorder.kill("SIGKILL");
      await recorder.exited;
      const refused = await replay(folder.file(), "--virtual");
      expect(refused.code).toBe(1);
      const [, packets] =
        /ends early.*; --salvage replays the (\d+) packets that are whole/.exec(refused.notes[0]) ?? [];
      expect(Number(packets)).toBeWithin(1, sent.length + 1);
      const done = await replay(folder.file(), "--virtual", "--salvage");
      expect([done.code, done.notes]).toEqual([0, []]);
      expect(done.parsed()).toMatchObject({ sent: Number(packets) });
      expect((await run("simulate", "--salvage")).notes[0]).toContain("--salvage is for --replay");
    },
    LIMIT_MS,
  );

  test("refuses what cannot be replayed, with a sentence", async () => {
    using folder = new Folder();
    const file = folder.file();
    writeFileSync(file, recorded(traffic("agave2", 50)).subarray(0, 3_000));
    const good = folder.file("good.rec");
    writeFileSync(good, recorded(traffic("agave4", 5), { layout: "agave4" }));
    for (const [args, code, sentence] of [
      [[file], 1, `${file} cannot be replayed: it ends early`],
      [[file, "--virtual"], 1, "ends early"],
      [[folder.file("none")], 1, "cannot read the recording"],
      [
        [good, "--packet-layout", "agave2"],
        2,
        "was recorded with --packet-layout agave4, and the channels have agave2",
      ],
      [[good, "--scenario", "overload"], 2, "leave --scenario and --corpus out"],
      [[good, "--rate", "5"], 2, "at their own times"],
      [[good, "--soak", "1s"], 2, "--soak"],
    ] as const) {
      const said = await replay(...args);
      expect([said.code, said.notes[0]]).toEqual([code, expect.stringContaining(sentence)]);
    }
  });
});
