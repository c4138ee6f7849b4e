import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import fc from "fast-check";
import {
  CHUNK_HEAD_BYTES,
  END_BYTES,
  END_MICROS_AT,
  HEADER_BYTES,
  PACKET_BYTES_AT,
  STARTED_AT,
  VERSION_AT,
} from "../../../src/simulator/capture/format.ts";
import { openRecording, type Recording, readRecording } from "../../../src/simulator/capture/reader.ts";
import { elementOf, Folder, keptOf, packetsOf, recorded, STARTED_MS, sealed } from "./rig.ts";

const bytesOf = (length: number, filler = 7): Uint8Array => new Uint8Array(length).fill(filler);
const few = () =>
  recorded(
    [
      { channel: 0, micros: 0, element: elementOf(bytesOf(3)) },
      {
        channel: 3,
        micros: 5,
        element: elementOf(bytesOf(0), { ip: [32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9] }),
      },
    ],
    { missed: [0, 4, 0, 1] },
  );
const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const changed = (change: (bytes: Uint8Array, at: DataView) => void): Uint8Array => {
  const bytes = few();
  change(bytes, view(bytes));
  return bytes;
};

describe("what was written is read", () => {
  const packet = fc.record({
    channel: fc.nat(3),
    afterMicros: fc.oneof(fc.nat(5_000), fc.constant(0), fc.integer({ min: 0, max: 2 ** 33 })),
    payload: fc.uint8Array({ maxLength: 1_232 }),
    size: fc.option(fc.bigInt({ min: 1_233n, max: 2n ** 64n - 1n }), { nil: undefined }),
    tag: fc.option(fc.nat(255), { nil: undefined }),
    filler: fc.nat(255),
  });

  test("whatever the packets are, in both layouts", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("agave2" as const, "agave4" as const),
        fc.array(packet, { maxLength: 20 }),
        (layout, rows) => {
          let micros = 0;
          const packets = rows.map(({ channel, afterMicros, payload, size, tag, filler }) => {
            micros += Math.floor(Math.min(afterMicros, (86_400_000_000 - micros) / 2));
            const parts = {
              layout,
              filler,
              ...(size === undefined ? {} : { size }),
              ...(tag === undefined ? {} : { tag }),
            };
            return { channel, micros, element: elementOf(payload, parts) };
          });
          const read = readRecording(recorded(packets, { layout, endMicros: micros }));
          if (typeof read === "string") throw new Error(read);
          expect(read).toMatchObject({
            layout,
            packets: packets.length,
            durationMicros: micros,
            startedMs: STARTED_MS,
          });
          expect(packetsOf(read)).toEqual(packets.map((one) => ({ ...one, element: keptOf(one.element) })));
        },
      ),
      { seed: 6, numRuns: 60 },
    );
  });

  test("over many chunks, over pauses that no 32 bits hold, and with what was missed", () => {
    const packets = Array.from({ length: 2_500 }, (_, i) => ({
      channel: i % 4,
      micros: i * 1_000 + (i > 2_000 ? 2 ** 33 : 0),
      element: elementOf(bytesOf(1_000 + (i % 200), i)),
    }));
    const read = readRecording(recorded(packets, { endMicros: 2 ** 34, missed: [1, 2, 3, 2 ** 40] }));
    if (typeof read === "string") throw new Error(read);
    expect(packetsOf(read)).toEqual(packets);
    expect(read.missed).toEqual([1, 2, 3, 2 ** 40]);
  });

  test("even where there is nothing", () => {
    expect(readRecording(recorded([]))).toMatchObject({ packets: 0, durationMicros: 10_000_000 });
  });
});

describe("salvaged", () => {
  test("a recording that was cut anywhere gives the packets of its whole chunks", () => {
    const bytes = few();
    const whole = readRecording(bytes) as Recording;
    expect(readRecording(bytes, true)).toEqual(whole);
    let most = 0;
    for (let length = HEADER_BYTES; length < bytes.length; length++) {
      const found = readRecording(bytes.slice(0, length), true) as Recording;
      expect(found.packets).toBeGreaterThanOrEqual(most); // more of the file is never less
      most = found.packets;
      expect([...found.micros]).toEqual([...whole.micros.slice(0, found.packets)]);
      expect([...found.channel]).toEqual([...whole.channel.slice(0, found.packets)]);
      expect(found.durationMicros).toBe(found.micros.at(-1) ?? 0);
      expect(found.leftOut).toBeLessThan(length);
    }
    expect(most).toBe(whole.packets);
    for (let length = 0; length < HEADER_BYTES; length++) {
      expect(typeof readRecording(bytes.slice(0, length), true)).toBe("string");
    }
  });

  test("one that is damaged in the middle gives what stands before the damage", () => {
    const bytes = few();
    for (let at = HEADER_BYTES; at < bytes.length; at++) {
      const other = bytes.slice();
      other[at] ^= 0x10;
      expect((readRecording(other, true) as Recording).leftOut).toBeGreaterThan(0);
    }
  });
});

describe("refused with a sentence", () => {
  test("cut at any byte", () => {
    const bytes = few();
    for (let length = 0; length < bytes.length; length++) {
      expect(readRecording(bytes.slice(0, length))).toEqual(
        expect.stringMatching(length < 8 ? /not a recording/ : /ends early/),
      );
    }
  });

  test("any byte changed", () => {
    const bytes = few();
    for (let at = 0; at < bytes.length; at++) {
      const other = bytes.slice();
      other[at] ^= 0x10;
      expect(typeof readRecording(other)).toBe("string");
    }
  });

  test("any byte changed by somebody who knows the checksums: refused or read, never thrown", () => {
    const bytes = few();
    for (let at = 0; at < bytes.length; at++) {
      for (const bits of [0x01, 0x10, 0x80, 0xff]) {
        const other = bytes.slice();
        other[at] ^= bits;
        const read = readRecording(sealed(other));
        if (typeof read !== "string") expect(packetsOf(read).length).toBe(2);
      }
    }
  });

  const FIRST_PACKET_AT = HEADER_BYTES + CHUNK_HEAD_BYTES + 8;
  test.each<[string, string, Uint8Array]>([
    ["nothing", "not a recording", new Uint8Array(0)],
    ["something else", "not a recording", bytesOf(500)],
    [
      "a later version",
      "of version 2, and this qos reads version 1",
      changed((_, at) => at.setUint16(VERSION_AT, 2, true)),
    ],
    ["version 0", "of version 0", changed((_, at) => at.setUint16(VERSION_AT, 0, true))],
    ["another layout", "1265 bytes", sealed(changed((_, at) => at.setUint16(PACKET_BYTES_AT, 1_265, true)))],
    ["no such date", "times", sealed(changed((_, at) => at.setBigUint64(STARTED_AT, 2n ** 63n, true)))],
    [
      "a channel that is none",
      "chunk 0",
      sealed(changed((bytes) => bytes.fill(4, FIRST_PACKET_AT + 4, FIRST_PACKET_AT + 5))),
    ],
    ["more packets than counted", "chunk 0", sealed(changed((_, at) => at.setUint32(HEADER_BYTES + 8, 1, true)))],
    ["fewer packets than counted", "chunk 0", sealed(changed((_, at) => at.setUint32(HEADER_BYTES + 8, 3, true)))],
    [
      "a count beyond all memory",
      "chunk 0",
      sealed(changed((_, at) => at.setUint32(HEADER_BYTES + 8, 2 ** 32 - 1, true))),
    ],
    ["a chunk beyond all memory", "chunk 0", changed((_, at) => at.setUint32(HEADER_BYTES + 4, 2 ** 32 - 1, true))],
    ["another chunk's place", "out of its place", sealed(changed((_, at) => at.setUint32(HEADER_BYTES + 12, 1, true)))],
    ["a kind that is none", "chunk 0", sealed(changed((_, at) => at.setUint32(HEADER_BYTES, 3, true)))],
    [
      "a day and more",
      "times",
      sealed(changed((bytes, at) => at.setBigUint64(bytes.length - 8 - END_BYTES + END_MICROS_AT, 2n ** 40n, true))),
    ],
    [
      "an end before its packets",
      "times",
      sealed(changed((bytes, at) => at.setBigUint64(bytes.length - 8 - END_BYTES + END_MICROS_AT, 4n, true))),
    ],
    [
      "other packets than at the end",
      "other packets",
      sealed(changed((bytes) => bytes.fill(9, bytes.length - 72, bytes.length - 71))),
    ],
    ["something behind", "follows", Uint8Array.from([...few(), 0])],
    ["two files in one", "follows", Uint8Array.from([...few(), ...few()])],
  ])("%s", (_, sentence, bytes) => {
    expect(readRecording(bytes)).toEqual(expect.stringContaining(sentence));
  });

  test("a chunk of another recording", () => {
    const packets = [{ channel: 0, micros: 1, element: elementOf(bytesOf(9)) }];
    const other = changed((_, at) => at.setBigUint64(STARTED_AT, 1n, true));
    const bytes = recorded(packets);
    const foreign = sealed(other).subarray(0, HEADER_BYTES);
    expect(readRecording(Uint8Array.from([...foreign, ...bytes.subarray(HEADER_BYTES)]))).toContain(
      "chunk 0 is damaged",
    );
  });
});

test("a file is named in what is said of it", () => {
  using folder = new Folder();
  const path = folder.file();
  expect(() => openRecording(path)).toThrow(`cannot read the recording ${path}`);
  expect(() => openRecording(folder.path)).toThrow("not a plain file");
  writeFileSync(path, few().subarray(0, 100));
  expect(() => openRecording(path)).toThrow(`${path} cannot be replayed: it ends early`);
  writeFileSync(path, few());
  expect(openRecording(path).packets).toBe(2);
});
