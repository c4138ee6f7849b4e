import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { base58 } from "@scure/base";
import { type ChannelFile, joinProducer } from "../../../src/channel/files.ts";
import { Producer } from "../../../src/channel/producer.ts";
import { namedChannels } from "../../../src/cli/channels/channel-files.ts";
import { decodeLine } from "../../../src/cli/commands/decode.ts";
import inspect from "../../../src/cli/commands/inspect.ts";
import { TransactionDecoder } from "../../../src/kernel/decoder.ts";
import { Arena } from "../../../src/shape/arena.ts";
import { METADATA_AT } from "../../../src/shape/channel-header.ts";
import { CONFIRMED_CHANNEL, OUTCOME_CHANNEL, OUTPUT_CHANNEL } from "../../../src/shape/channels.ts";
import { type PacketLayout, packetBytes } from "../../../src/shape/packet-layouts.ts";
import { addressOctets } from "../../../src/wire/address.ts";
import * as packet from "../../tools/agave-packet.ts";
import { CapturedOutput } from "../../tools/captured-output.ts";
import { run } from "../../tools/command-line.ts";

const PREFIX = `inspect_${process.pid}_`;
const SEED = 2n ** 64n - 420n;
const CORPUS = fs
  .readFileSync(`${import.meta.dir}/../../fixtures/corpus/mainnet-254170887.jsonl`, "utf8")
  .split("\n")
  .slice(0, 20);
const bytesOf = (line: string): Buffer => Buffer.from((JSON.parse(line) as { tx: string }).tx, "base64");

interface Open {
  readonly file: ChannelFile;
  readonly producer: Producer;
  readonly push: (element: Uint8Array) => void;
  readonly arena: Arena;
  readonly at: number;
}
const open: ChannelFile[] = [];

function openChannel(prefix: string, id: number, layout: PacketLayout = "agave2"): Open {
  const { path, shape } = namedChannels({ pages: "standard", prefix }, layout)[id];
  const arena = Arena.reserve(72 << 20);
  const result = joinProducer(arena, { at: 65_536, bytes: 68 << 20, ...shape }, path);
  if (result.state !== "joined") throw new Error(JSON.stringify(result));
  open.push(result.channel);
  const producer = new Producer(arena, 65_536, shape.capacity, shape.elementBytes);
  const push = (element: Uint8Array): void => {
    arena.u8.set(element, producer.reserve());
    producer.commit();
    producer.sync();
  };
  return { file: result.channel, producer, push, arena, at: 65_536 };
}

interface PacketParts {
  ip?: string;
  tag?: number;
  port?: number;
  flags?: number;
  size?: bigint;
  layout?: PacketLayout;
}

function packetOf(payload: Uint8Array, parts: PacketParts = {}): Uint8Array {
  const element = new Uint8Array(packetBytes(parts.layout ?? "agave2")).fill(0xee); // garbage between the fields
  const view = new DataView(element.buffer);
  const octets = addressOctets(parts.ip ?? "10.1.2.3") ?? new Uint8Array(4);
  element.set(payload);
  view.setBigUint64(packet.SIZE_AT, parts.size ?? BigInt(payload.length), true);
  element[packet.ADDRESS_TAG_AT] = parts.tag ?? (octets.length === 4 ? 0 : 1);
  element.set(octets, packet.ADDRESS_AT);
  view.setUint16(packet.PORT_AT, parts.port ?? 8001, true);
  element[packet.FLAGS_AT] = parts.flags ?? 0;
  return element;
}

const linesOf = (out: CapturedOutput) => out.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
const inspected = (...args: string[]) => run("inspect", "--prefix", PREFIX, ...args);

let tpu: Open;
let sch: Open;
beforeAll(() => {
  tpu = openChannel(PREFIX, 0);
  sch = openChannel(PREFIX, OUTCOME_CHANNEL);
});
afterAll(() => {
  for (const file of open) {
    file.close();
    fs.rmSync(file.path, { force: true });
  }
});

describe("qos inspect", () => {
  test("shows packets as qos decode reads them, with their hash once a seed is stored", async () => {
    for (const line of CORPUS) tpu.push(packetOf(bytesOf(line)));
    const decoder = new TransactionDecoder({
      feeModel: "chain",
      preSimd0170: false,
      packetLayout: "agave2",
      xxhashSeed: SEED,
    });
    const octets = addressOctets("10.1.2.3");
    const start = tpu.producer.tail - CORPUS.length;
    const expected = (hashed: boolean) =>
      CORPUS.map((line, i) => {
        const answer = decodeLine(decoder, line, hashed ? octets : undefined);
        const size = String(bytesOf(line).length);
        return { index: start + i, ip: "10.1.2.3", port: 8001, size, flags: [], ...answer };
      });
    const unseeded = await inspected("tpu_to_qos", "--jsonl", "--count", String(CORPUS.length));
    expect(unseeded.code).toBe(0);
    expect(linesOf(unseeded)).toEqual(JSON.parse(JSON.stringify(expected(false))));
    sch.arena.u64[(sch.at + METADATA_AT) / 8] = SEED;
    const seeded = await inspected("tpu_to_qos", "--jsonl", "--count", String(CORPUS.length));
    expect(linesOf(seeded)).toEqual(JSON.parse(JSON.stringify(expected(true))));
    expect(`${seeded.lines}${seeded.notes}`).not.toContain(String(SEED));
    sch.arena.u64[(sch.at + METADATA_AT) / 8] = 0n;
  });

  test("shows every wrong kind of packet as what is wrong with it", async () => {
    const good = bytesOf(CORPUS[0]);
    tpu.push(packetOf(good, { ip: "2001:db8:0:0:1::7", port: 65_535, flags: 0xcf }));
    tpu.push(packetOf(good, { tag: 2 }));
    tpu.push(packetOf(good, { size: 1233n }));
    tpu.push(packetOf(good, { size: 2n ** 64n - 1n }));
    tpu.push(packetOf(good.subarray(0, 100)));
    tpu.push(packetOf(new Uint8Array(0)));
    const lines = linesOf(await inspected("tpu_to_qos", "--jsonl", "--count", "6"));
    expect(lines[0]).toMatchObject({
      ip: "2001:db8::1:0:0:7",
      port: 65_535,
      verdict: "ok",
      flags: ["discard", "forwarded", "repair", "simple-vote", "perf-track", "staked"],
    });
    expect(lines.slice(1).map(({ verdict, reasonName }) => [verdict, reasonName])).toEqual([
      ["refused", "NON_IPV4"],
      ["refused", "INVALID_META_SIZE"],
      ["refused", "INVALID_META_SIZE"],
      ["malformed", expect.stringContaining("MALFORMED_")],
      ["malformed", "MALFORMED_EMPTY"],
    ]);
    expect(lines[3].size).toBe("18446744073709551615");
    expect(lines[1].ip).toBeUndefined();
    const text = await inspected("tpu_to_qos", "--count", "6");
    expect(text.lines.at(-6)).toMatch(/^\d+ {2}\[2001:db8::1:0:0:7\]:65535 {2}\d+ bytes {2}discard,.*,staked {2}ok /);
    expect(text.lines.at(-1)).toContain("MALFORMED_EMPTY: there are no bytes");
  });

  test("shows outcomes and signatures", async () => {
    const outcome = new Uint8Array(16);
    new DataView(outcome.buffer).setBigUint64(0, 0xabcdefn, true);
    sch.push(outcome);
    new DataView(outcome.buffer).setBigUint64(8, 2n ** 64n - 1n, true);
    sch.push(outcome);
    const found = linesOf(await inspected("sch_to_qos", "--jsonl"));
    expect(found).toEqual([
      { index: 0, packetHash: "0000000000abcdef", executionNanos: "0", included: false },
      { index: 1, packetHash: "0000000000abcdef", executionNanos: "18446744073709551615", included: true },
    ]);
    const confirmed = openChannel(PREFIX, CONFIRMED_CHANNEL);
    const signature = Uint8Array.from({ length: 64 }, (_, i) => i + 1);
    confirmed.push(signature);
    const { elements, tail, capacity } = (await inspected("tx_status_cache", "--json")).parsed<{
      elements: unknown[];
      tail: string;
      capacity: number;
    }>();
    expect([elements, tail, capacity]).toEqual([[{ index: 0, signature: base58.encode(signature) }], "1", 1_048_576]);
  });

  test("shows the newer layout's peer", async () => {
    const prefix = `${PREFIX}new_`;
    const channel = openChannel(prefix, 0, "agave4");
    const known = packetOf(bytesOf(CORPUS[1]), { layout: "agave4" });
    const key = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
    known.set(key, packet.REMOTE_PUBKEY_AT);
    channel.push(known);
    const unknown = packetOf(bytesOf(CORPUS[1]), { layout: "agave4" });
    unknown.fill(0, packet.REMOTE_PUBKEY_AT, packet.REMOTE_PUBKEY_AT + 32);
    channel.push(unknown);
    const out = await run("inspect", "--prefix", prefix, "tpu_to_qos", "--jsonl");
    expect(linesOf(out).map(({ peer, verdict }) => [peer, verdict])).toEqual([
      [base58.encode(key), "ok"],
      [undefined, "ok"],
    ]);
    const wrong = await run("inspect", "--prefix", prefix, "tpu_to_qos", "--packet-layout", "large");
    const bothNamed = "it has packets of --packet-layout agave4, and this is large";
    expect([wrong.code, wrong.notes[0]]).toEqual([1, expect.stringContaining(bothNamed)]);
    const output = openChannel(prefix, OUTPUT_CHANNEL, "large");
    const mixed = await run("inspect", "--prefix", prefix);
    const each = `agave4 (${prefix}tpu_to_qos) and large (${prefix}qos_to_sig)`;
    expect([mixed.code, mixed.notes[0]]).toEqual([1, expect.stringContaining(each)]);
    fs.unlinkSync(output.file.path);
  });

  test("says who is alive and how fast it runs, and leaves no trace", async () => {
    const before = Bun.hash(fs.readFileSync(tpu.file.path));
    const still = (await inspected("tpu_to_qos", "--json", "--count", "0")).parsed<Record<string, unknown>>();
    expect(still).toMatchObject({ producerAlive: false, consumerAlive: false, elementsPerSecond: 0, elements: [] });
    expect(Bun.hash(fs.readFileSync(tpu.file.path))).toBe(before);
    const timer = setInterval(() => tpu.push(packetOf(bytesOf(CORPUS[2]))), 1);
    const moving = (await inspected("tpu_to_qos", "--json", "--count", "1")).parsed<Record<string, unknown>>();
    clearInterval(timer);
    expect(moving).toMatchObject({ producerAlive: true, consumerAlive: false, channel: "tpu_to_qos", mode: "0600" });
    expect(moving.elementsPerSecond).toBeGreaterThan(0);
    const text = await inspected("sch_to_qos", "--count", "0");
    expect(text.lines).toContainEqual("seed      none");
    expect(text.lines[0]).toBe("channel   sch_to_qos, from scheduler to qos");
  });

  test("takes the name with its prefix too, and names what it does not know", async () => {
    expect((await inspected(`${PREFIX}tpu_to_qos`, "--jsonl", "--count", "0")).code).toBe(0);
    const unknown = await inspected("tpu_to_qso");
    expect([unknown.code, unknown.notes[0]]).toEqual([2, expect.stringContaining("(did you mean tpu_to_qos?)")]);
    expect((await inspected("everything")).notes[0]).toContain("there are tpu_to_qos, fwd_to_qos");
    expect((await inspected("--jsonl")).notes[0]).toContain("--jsonl and --follow need CHANNEL");
    expect((await inspected("tpu_to_qos", "--json", "--follow")).code).toBe(2);
    const absent = await inspected("re1_to_qos");
    expect([absent.code, absent.notes[0]]).toEqual([1, expect.stringContaining("re1_to_qos does not exist: qos init")]);
    const empty = `/dev/shm/${PREFIX}re2_to_qos`;
    fs.writeFileSync(empty, "");
    expect((await inspected("re2_to_qos")).notes[0]).toContain("is not initialised yet");
    fs.rmSync(empty);
  });

  test("without a channel shows all eight: who is alive, how fast they run, what is wrong with a file", async () => {
    const empty = `/dev/shm/${PREFIX}re2_to_qos`;
    const other = `/dev/shm/${PREFIX}fwd_to_qos`;
    fs.writeFileSync(empty, "");
    fs.writeFileSync(other, "no channel at all, and long enough to be looked at as a header".repeat(20));
    const beating = setInterval(() => tpu.push(packetOf(bytesOf(CORPUS[0]))), 10);
    const shown = await inspected();
    const json = await inspected("--json");
    clearInterval(beating);
    fs.rmSync(empty);
    fs.rmSync(other);
    expect([shown.code, json.code]).toEqual([0, 0]);
    expect(shown.lines[0]).toMatch(/^channel +from +to +producer +consumer +per second +published +file$/);
    const line = (name: string) => shown.lines.find((one) => one.startsWith(name));
    expect(line("tpu_to_qos")).toMatch(
      /^tpu_to_qos +validator \(TPU\) +qos +alive +still +\d+ +\d+ +0[0-7]{3} \w+:\w+$/,
    );
    expect(line("sch_to_qos")).toMatch(/ still +still +0 /);
    expect(line("qos_to_sig")).toEndWith("not there");
    expect(line("re2_to_qos")).toEndWith("see below");
    expect(shown.lines).toContainEqual("re2_to_qos: not initialised yet");
    expect(shown.lines.at(-1)).toMatch(/^(re2|fwd)_to_qos: /);
    const [all] = linesOf(json) as unknown as Record<string, unknown>[][];
    expect(all).toHaveLength(8);
    expect(all[0]).toMatchObject({ channel: "tpu_to_qos", producerAlive: true, consumerAlive: false });
    const problems = all.filter((one) => one.problem !== undefined).map(({ channel }) => channel);
    expect(problems).toEqual(expect.arrayContaining(["fwd_to_qos", "re2_to_qos", "qos_to_sig"]));
    const none = await run("inspect", "--prefix", `${PREFIX}nobody_`);
    expect(none.notes[0]).toContain("qos init creates them");
  });

  test("follows: what comes, and what a re-created channel brings, until nobody reads", async () => {
    const prefix = `${PREFIX}follow_`;
    let channel = openChannel(prefix, OUTCOME_CHANNEL);
    const element = (value: bigint): Uint8Array => {
      const bytes = new Uint8Array(16);
      new DataView(bytes.buffer).setBigUint64(0, value, true);
      return bytes;
    };
    const out = new CapturedOutput();
    const running = inspect.start(["--prefix", prefix, "sch_to_qos", "--jsonl", "--follow", "--count", "1"], out);
    const until = async (lines: number): Promise<void> => {
      while (out.lines.length < lines) await Bun.sleep(5);
    };
    channel.push(element(1n));
    await until(1);
    fs.rmSync(channel.file.path);
    channel.file.close();
    while (!out.notes.some((note) => note.includes("does not exist"))) await Bun.sleep(5);
    channel = openChannel(prefix, OUTCOME_CHANNEL);
    channel.push(element(2n));
    channel.push(element(3n));
    await until(3);
    expect(out.notes.at(-1)).toContain("was re-created");
    out.isClosed = true;
    expect(await running).toBe(0);
    expect(linesOf(out).map(({ index, packetHash }) => [index, Number(`0x${packetHash}`)])).toEqual([
      [0, 1],
      [0, 2],
      [1, 3],
    ]);
  });
});
