// Recorded traffic: found again byte for byte, the same history each time, through the engine and over real channels.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { modelOptions } from "../../src/cli/simulations/simulate-virtual.ts";
import type { PacketLayout } from "../../src/shape/packet-layouts.ts";
import { readRecording } from "../../src/simulator/capture/reader.ts";
import { loadScenario } from "../../src/simulator/load-scenario.ts";
import { Random } from "../../src/simulator/random.ts";
import { recordedSource } from "../../src/simulator/recorded.ts";
import { GOOD_SIGNATURE, INCLUDABLE, PARSABLE } from "../../src/simulator/trace.ts";
import { VirtualRun } from "../../src/simulator/virtual.ts";
import { AGAVE4_PACKET_BYTES, SIZE_AT } from "../tools/agave-packet.ts";
import { elementOf, keptOf, type Packet, type Parts, recorded } from "./capture/rig.ts";

const CORPUS = readFileSync(new URL("../fixtures/corpus/mainnet-254170887.jsonl", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => new Uint8Array(Buffer.from((JSON.parse(line) as { tx: string }).tx, "base64")));
const validator = loadScenario("agents").validator;
const USUAL = { name: "recorded", validator };

function readingOf(packets: readonly Packet[], layout: PacketLayout = "agave2") {
  const read = readRecording(recorded(packets, { layout, endMicros: (packets.at(-1)?.micros ?? 0) + 400_000 }));
  if (typeof read === "string") throw new Error(read);
  return read;
}

/** Real transactions, some twice and some from several senders, and packets that are none. */
function mixedTraffic(count: number, layout: PacketLayout = "agave2"): Packet[] {
  const random = new Random(3n, "recorded");
  let before: Uint8Array | undefined;
  return Array.from({ length: count }, (_, i) => {
    // Sent twice in a row: the second is a duplicate, whatever became of the first by then.
    if (i % 10 === 9 && before !== undefined) return { channel: random.below(4), micros: i * 137, element: before };
    const payload = CORPUS[random.below(CORPUS.length)];
    const ip = random.chance(0.1)
      ? [32, 1, 13, 184, ...new Array<number>(11).fill(0), random.below(3)]
      : [10, 0, 0, random.below(5)];
    const parts: Parts = {
      layout,
      ip,
      port: 8_000 + random.below(2),
      flags: random.chance(0.2) ? 0x80 : 0,
      filler: random.below(256),
    };
    const kinds: (() => Uint8Array)[] = [
      () => elementOf(payload.subarray(0, random.below(payload.length)), parts),
      () => elementOf(payload, { ...parts, tag: 2 + random.below(200) }),
      () => elementOf(payload, { ...parts, size: 2n ** 40n + 5n }),
    ];
    const element = random.chance(0.15) ? kinds[random.below(kinds.length)]() : elementOf(payload, parts);
    before = element;
    return { channel: random.below(4), micros: i * 137, element };
  });
}

describe("the packets", () => {
  test.each(["agave2", "agave4"] as const)(
    "each comes as it was, at its time, on its channel, and is found again: %s",
    (layout) => {
      const traffic = mixedTraffic(3_000, layout);
      const { packets, sending, trace, durationMs } = recordedSource(readingOf(traffic, layout), USUAL);
      const buffer = new ArrayBuffer(AGAVE4_PACKET_BYTES + 8);
      const memory = { u8: new Uint8Array(buffer), view: new DataView(buffer) };
      const AT = 8;
      let next = 0;
      for (let ms = 1; ms <= durationMs; ms++) {
        sending.advance(ms, (transaction, address, channel) => {
          const { element, channel: expected, micros } = traffic[next++];
          expect([Math.floor(micros / 1_000), expected]).toEqual([ms - 1, channel]);
          memory.u8.fill(0xaa);
          packets!.write(memory, AT, transaction, address);
          expect(new Uint8Array(buffer.slice(AT, AT + element.length))).toEqual(new Uint8Array(keptOf(element)));
          expect([packets!.transactionOf(memory, AT), packets!.addressOf(memory, AT)]).toEqual([transaction, address]);
          expect(packets!.equals(memory, AT, transaction, address)).toBe(true);
          for (const at of [...(element[SIZE_AT] > 0 ? [0] : []), SIZE_AT + 9, SIZE_AT + 26, SIZE_AT + 28]) {
            memory.u8[AT + at] ^= 1;
            expect(packets!.equals(memory, AT, transaction, address)).toBe(false);
            memory.u8[AT + at] ^= 1;
          }
        });
      }
      expect(next).toBe(traffic.length);
      expect(trace.packets).toBe(traffic.length);
      expect(trace.transactions).toBeLessThan(traffic.length);
    },
  );

  test("well-formed ones are taken as good, others are not", () => {
    const micros = 0;
    const broken = CORPUS[0].slice(0, 100);
    const source = recordedSource(
      readingOf([
        { channel: 0, micros, element: elementOf(CORPUS[0]) },
        { channel: 1, micros, element: elementOf(CORPUS[0], { ip: [10, 0, 0, 9] }) },
        { channel: 0, micros, element: elementOf(broken) },
        { channel: 0, micros, element: elementOf(CORPUS[0], { tag: 9 }) },
      ]),
      USUAL,
    );
    source.sending.advance(1, () => {});
    const { trace } = source;
    expect([trace.transactions, trace.packets]).toEqual([3, 4]);
    expect(trace.traits[0] & INCLUDABLE).toBe(INCLUDABLE);
    expect(trace.feeLamports[0]).toBeGreaterThanOrEqual(5_000);
    expect(trace.traits[1] & PARSABLE).toBe(0);
    expect(trace.traits[2] & PARSABLE).toBe(0);
    expect(source.maker.signatureAt?.(0)).toBe(1);
  });

  test("where signatures are checked, those of the chain are good and changed ones are not", () => {
    const wrong = CORPUS.slice(0, 50).map((bytes, i) => {
      const other = bytes.slice();
      other[i % 2 === 0 ? 1 + (i % 64) : other.length - 1] ^= 1; // in the signature, or in the last instruction's data
      return other;
    });
    const packets = [...CORPUS, ...wrong].map((payload, i) => ({ channel: 0, micros: i, element: elementOf(payload) }));
    const traits = (checked: boolean): number[] => {
      const source = recordedSource(readingOf(packets), { ...USUAL, checked });
      source.sending.advance(source.durationMs, () => {});
      return [...source.trace.traits.subarray(0, source.trace.transactions)];
    };
    const good = (one: number): boolean => (one & GOOD_SIGNATURE) !== 0;
    const parses = (one: number): boolean => (one & PARSABLE) !== 0;
    const checked = traits(true);
    expect(checked.length).toBe(packets.length);
    expect(checked.slice(0, CORPUS.length).every(good)).toBe(true);
    expect(checked.slice(CORPUS.length).some(good)).toBe(false);
    expect(checked.slice(CORPUS.length).filter(parses).length).toBeGreaterThan(40);
    const taken = traits(false);
    expect(taken.map(parses)).toEqual(checked.map(parses));
    expect(taken.filter(good).length).toBe(taken.filter(parses).length);
  });

  test("it can be ended sooner", () => {
    expect(recordedSource(readingOf(mixedTraffic(100)), USUAL).durationMs).toBe(414);
    expect(recordedSource(readingOf(mixedTraffic(100)), { ...USUAL, mostMs: 5 }).durationMs).toBe(5);
  });
});

describe("in virtual time", () => {
  const scenario = { ...loadScenario("agents"), senders: [], attackAt: 0 };
  const play = (model: "ip-signer" | "evidence", layout: PacketLayout, seed = 1n) =>
    new VirtualRun({
      scenario,
      seed,
      source: recordedSource(readingOf(mixedTraffic(6_000, layout), layout), USUAL),
      packetLayout: layout,
      partialMetas: 16_384,
      recentSignatures: 16_384,
      ...modelOptions(model),
    })
      .run()
      .result();

  test.each([
    ["ip-signer", "agave2"],
    ["evidence", "agave2"],
    ["evidence", "agave4"],
  ] as const)(
    "the same recording gives the same history, and all invariants hold: %s, %s",
    (model, layout) => {
      const first = play(model, layout);
      expect(play(model, layout)).toEqual(first);
      expect(first.sent).toBe(6_000);
      expect(first.counters.totalPackets).toBe(6_000);
      expect(first.counters.duplicatePackets).toBeGreaterThan(100);
      expect(first.counters.nonIpv4 + first.counters.invalidMetaSize).toBeGreaterThan(100);
      expect(first.delivered).toBeGreaterThan(500);
      expect(first.delivered).toBe(first.counters.bankingTransmissions);
      expect(first.validator).toMatchObject({ failed: 0 });
      expect(first.validator.included).toBeGreaterThan(300);
    },
    120_000,
  );
});
