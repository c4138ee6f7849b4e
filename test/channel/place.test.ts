import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PAGE_BYTES } from "../../ffi/shared-memory.ts";
import { channelFileBytes, channelPath, pagesOf, prefixProblem, roomProblem } from "../../src/channel/place.ts";
import { CHANNELS, capacityOf, elementBytes } from "../../src/shape/channels.ts";
import { type PacketLayout, packetBytes } from "../../src/shape/packet-layouts.ts";

describe("a channel's path", () => {
  test("is the prefix and the name, in the folder of its pages", () => {
    expect(channelPath({ pages: "standard", prefix: "" }, "tpu_to_qos")).toBe("/dev/shm/tpu_to_qos");
    expect(channelPath({ pages: "huge", prefix: "a_" }, "tpu_to_qos")).toBe("/mnt/hugepages/a_tpu_to_qos");
    expect(pagesOf("/mnt/hugepages/a_tpu_to_qos")).toBe("huge");
    expect(pagesOf("/dev/shm/hugepages")).toBe("standard");
  });

  test("never leaves its folder, whatever the prefix", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (prefix) => {
        const problem = prefixProblem(prefix);
        if (problem !== undefined) {
          expect(() => channelPath({ pages: "standard", prefix }, "x")).toThrow(RangeError);
          return;
        }
        expect(prefix).not.toMatch(/[/\0]/);
        const path = channelPath({ pages: "standard", prefix }, "tx_status_cache");
        expect(Buffer.byteLength(path.slice("/dev/shm/".length))).toBeLessThanOrEqual(255);
      }),
      { seed: 1, numRuns: 2_000 },
    );
    for (const prefix of ["../", "a/b", "a\0", "ü", "a b", "x".repeat(241)]) {
      expect(prefixProblem(prefix)).toBeString();
    }
    for (const prefix of ["", "a_", "x".repeat(240), "A.b-1_"]) expect(prefixProblem(prefix)).toBeUndefined();
  });
});

describe("a channel's file", () => {
  test("has the header and the elements, rounded up to 128 and to its pages", () => {
    const huge = (capacity: number, bytes: number) => channelFileBytes({ capacity, elementBytes: bytes }, "huge");
    const standard = (capacity: number, bytes: number) =>
      channelFileBytes({ capacity, elementBytes: bytes }, "standard");
    // 640 + 32768 x 1264 = 41,419,392
    expect(standard(32_768, 1264)).toBe(Math.ceil(41_419_392 / PAGE_BYTES) * PAGE_BYTES);
    expect(huge(32_768, 1264)).toBe(20 * 2_097_152);
    expect(huge(32_768, 1296)).toBe(21 * 2_097_152);
    expect(huge(1_048_576, 64)).toBe(33 * 2_097_152);
    expect(huge(32_768, 16)).toBe(2_097_152);
    expect(standard(1, 1)).toBe(PAGE_BYTES);
  });

  test("of the eight need 154 huge pages, 160 in the newer layout", () => {
    const pages = (layout: PacketLayout) =>
      CHANNELS.reduce((sum, spec) => {
        const shape = { capacity: capacityOf(spec, layout), elementBytes: elementBytes(spec, layout) };
        return sum + channelFileBytes(shape, "huge") / 2_097_152;
      }, 0);
    expect([pages("agave2"), pages("agave4")]).toEqual([154, 160]);
    expect([packetBytes("agave2"), packetBytes("agave4")]).toEqual([1264, 1296]);
  });

  test("that does not fit is said with what is needed, what is there and what to do", () => {
    expect(roomProblem("standard", 0)).toBeUndefined();
    expect(roomProblem("standard", 2 ** 52)).toMatch(
      /^4294967296 MiB are needed in \/dev\/shm and \d+ MiB are free; .*mount -o remount,size=\d+M \/dev\/shm$/,
    );
    expect(roomProblem("huge", 2 ** 52)).toMatch(/huge pages|hugetlbfs|\/mnt\/hugepages/);
  });
});
