import { beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { NONCE_TAG_AT } from "../../src/shape/digest-layout.ts";
import { type CorpusEntry, CorpusPackets, CorpusTraffic, readCorpus } from "../../src/simulator/corpus.ts";
import { type ValidatorMemory, validatorMemory } from "../../src/simulator/memory.ts";
import { Packets } from "../../src/simulator/packet-maker.ts";
import { Trace } from "../../src/simulator/trace.ts";
import { readingEngine } from "./rig.ts";

const FILE = new URL("../fixtures/corpus/mainnet-254170887.jsonl", import.meta.url).pathname;
const text = readFileSync(FILE, "utf8");

let memory: ValidatorMemory;
let entries: CorpusEntry[];
beforeAll(() => {
  memory = validatorMemory("agave2");
  entries = readCorpus(text, "corpus", memory);
});

function sent(rate: number, ms: number, seed = 1n) {
  const trace = new Trace();
  const channels = new Set<number>();
  const traffic = new CorpusTraffic(entries, rate, seed, trace);
  traffic.advance(ms, (_, __, channel) => channels.add(channel));
  return { trace, channels, packets: new Packets(trace, new CorpusPackets(entries, seed), "agave2") };
}

test("all 602 transactions are read, with the CUs that they used", () => {
  const rows = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { tx: string; cu: number });
  expect(entries.length).toBe(602);
  entries.forEach(({ bytes, usedUnits, fee, askedUnits, lands }, i) => {
    expect(Buffer.from(bytes).toString("base64")).toBe(rows[i].tx);
    expect(usedUnits).toBe(Math.max(1, rows[i].cu));
    expect(fee).toBeGreaterThanOrEqual(5_000);
    expect(askedUnits).toBeGreaterThan(0);
    expect(lands).toBe(true);
  });
});

test("fees are the chain's of the time for all but those whose limit has another default since SIMD-0170", () => {
  const fees = text
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { fee: number }).fee);
  expect(entries.filter(({ fee }, i) => fee === fees[i]).length).toBe(587);
});

test("a rate is held to the packet, over all four channels", () => {
  const { trace, channels } = sent(12_345, 2_000);
  expect(trace.packets).toBeGreaterThanOrEqual(24_689);
  expect(trace.packets).toBeLessThanOrEqual(24_690);
  expect([...channels].sort()).toEqual([0, 1, 2, 3]);
});

test("a thousand salted packets parse, are all different, and are known again", () => {
  const { trace, packets } = sent(1_000, 1_001);
  const { arena, scratchAt, digests } = memory;
  const hashes = new Set<string>();
  const signatures = new Set<string>();
  for (let id = 0; id < 1_000; id++) {
    packets.write(arena, scratchAt, id, trace.address[id]);
    expect(digests.read(scratchAt)).toBe(0);
    expect(digests.fee).toBe(entries[id % 602].fee);
    expect(packets.transactionOf(arena, scratchAt)).toBe(id);
    expect(packets.equals(arena, scratchAt, id, trace.address[id])).toBe(true);
    hashes.add(`${digests.hashHigh}:${digests.hashLow}`);
    const key = new Uint8Array(8);
    for (let i = 0; i < 64; i++) key[i >>> 3] ^= arena.u8[scratchAt + 1 + i];
    signatures.add(key.toHex());
  }
  expect(hashes.size).toBe(1_000);
  expect(signatures.size).toBe(1_000);
});

test("another seed salts differently", () => {
  const { arena, scratchAt } = memory;
  const [one, other] = [sent(1_000, 10, 1n), sent(1_000, 10, 2n)];
  one.packets.write(arena, scratchAt, 3, one.trace.address[3]);
  expect(other.packets.equals(arena, scratchAt, 3, one.trace.address[3])).toBe(false);
});

test("a hostile file is refused with the line's number", () => {
  const good = text.split("\n", 1)[0];
  for (const bad of [
    "{",
    "[]",
    '{"tx":""}',
    '{"tx":"A"}',
    '{"tx":"AAAA"}',
    `{"tx":${JSON.stringify("A".repeat(40_000))}}`,
  ]) {
    expect(() => readCorpus(`${good}\n\n${bad}\n${good}`, "file", memory)).toThrow("file:3:");
  }
  expect(() => readCorpus("\n \n", "file", memory)).toThrow("no transactions");
});

test("compute units that are no number are not believed", () => {
  const { tx } = JSON.parse(text.split("\n", 1)[0]) as { tx: string };
  for (const cu of [-1, 1.5, "7", null, 2 ** 60, {}]) {
    const [entry] = readCorpus(JSON.stringify({ tx, cu }), "file", memory);
    expect(entry.usedUnits).toBeGreaterThan(0);
    expect(entry.usedUnits).toBeLessThanOrEqual(entry.askedUnits);
  }
});

test("salted transactions on durable nonces are on values of their own", () => {
  const { trace, packets } = sent(1_000, 1_805);
  const { arena, scratchAt } = memory;
  const { arena: read, layout, kernel, scratchAt: at } = readingEngine();
  const tags: number[] = [];
  for (let id = 0; id < trace.transactions; id++) {
    packets.write(arena, scratchAt, id, trace.address[id]);
    read.u8.set(arena.u8.subarray(scratchAt, scratchAt + packets.shape.bytes), at);
    kernel.digest(at, 1, packets.shape.bytes, layout.digestsAt, layout.contextAt);
    const tag = read.view.getUint32(layout.digestsAt + NONCE_TAG_AT, true);
    if (tag !== 0) tags.push(tag);
  }
  expect(tags.length).toBeGreaterThan(10);
  expect(new Set(tags).size).toBe(tags.length);
});
