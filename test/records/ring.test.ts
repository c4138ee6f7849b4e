import { describe, expect, test } from "bun:test";
import { Outlet } from "../../src/records/outlet.ts";
import { drainRing, readRing } from "../../src/records/ring.ts";
import { Arena } from "../../src/shape/arena.ts";
import { HEADER_BYTES } from "../../src/shape/channel-header.ts";
import {
  ARRIVAL_AT,
  META_BYTES,
  PORT_COPY_AT,
  SCORE_AT,
  TRAIT_TRANSMITTED,
  TRAITS_AT,
} from "../../src/shape/digest-layout.ts";
import { ENDS, endOf } from "../../src/shape/ends.ts";
import { arenaLayout } from "../../src/shape/layout.ts";
import {
  META_TRANSMIT_DELAY_AT,
  RECORD_BYTES,
  RECORD_END_AT,
  RECORD_END_MS_AT,
  RECORD_EXECUTION_NANOS_AT,
  RECORD_SEQUENCE_AT,
  RECORD_TAIL_AT,
  RECORD_TRANSMIT_MS_AT,
} from "../../src/shape/record-layout.ts";
import { Rig, SMALL } from "../database/rig.ts";

/** Everything that a ring holds now. */
function drained(rig: Rig, which: "outcomes" | "fates"): Uint8Array[] {
  const region = rig.layout[which];
  if (region === undefined) return [];
  const found: Uint8Array[] = [];
  const ring = readRing(rig.arena, region);
  const scratch = new Uint8Array(64 * RECORD_BYTES);
  while (
    drainRing(rig.arena, ring, 64, scratch, (records, count) => {
      for (let i = 0; i < count; i++) found.push(records.slice(i * RECORD_BYTES, (i + 1) * RECORD_BYTES));
    }) > 0
  );
  return found;
}

const f64 = (record: Uint8Array, at: number): number =>
  new DataView(record.buffer, record.byteOffset).getFloat64(at, true);

describe("ends", () => {
  test("have numbers and names of their own", () => {
    expect(new Set(ENDS.map(({ code }) => code)).size).toBe(ENDS.length);
    expect(new Set(ENDS.map(({ name }) => name)).size).toBe(ENDS.length);
    for (const end of ENDS) expect(endOf(end.code)).toBe(end);
    expect(endOf(0)).toBeUndefined();
    expect(endOf(255)).toBeUndefined();
  });
});

describe("the outlet", () => {
  test("numbers its records and publishes them once a turn", () => {
    const rig = new Rig();
    for (let i = 0; i < 10; i++) rig.transmitted(i);
    expect(drained(rig, "fates")).toEqual([]);
    rig.turn();
    const records = drained(rig, "fates");
    expect(records.map((record) => f64(record, RECORD_SEQUENCE_AT))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(records.map((record) => f64(record, SCORE_AT))).toEqual([...Array(10).keys()].map((i) => i / 4));
  });

  test("tells an outcome with its transmit time, to the millisecond, and nothing of an earlier record", () => {
    const rig = new Rig();
    const first = rig.layout.outcomes!.at + HEADER_BYTES;
    rig.arena.u8.fill(0xee, first, first + RECORD_BYTES);
    rig.outcome(4);
    rig.turn();
    const [record] = drained(rig, "outcomes");
    const arrival = f64(record!, ARRIVAL_AT);
    expect(f64(record!, RECORD_TRANSMIT_MS_AT)).toBe(arrival + 24);
    expect(f64(record!, RECORD_EXECUTION_NANOS_AT)).toBe(100_000);
    expect(f64(record!, RECORD_END_MS_AT)).toBe(rig.now - 1);
    expect(endOf(record![RECORD_END_AT])?.name).toBe("included");
    expect(record!.subarray(RECORD_TAIL_AT)).toEqual(new Uint8Array(RECORD_BYTES - RECORD_TAIL_AT));
  });

  test("keeps a long transmit delay at its most, and an untransmitted one apart", () => {
    const rig = new Rig();
    const at = rig.make(1);
    rig.outlet.transmitted(at, rig.now + 10_000_000);
    expect(rig.arena.u16[(at + META_TRANSMIT_DELAY_AT) / 2]).toBe(65_535);
    rig.make(1);
    rig.outlet.outcome(at, 0, rig.now);
    rig.turn();
    expect(f64(drained(rig, "outcomes")[0], RECORD_TRANSMIT_MS_AT)).toBe(-1);
  });

  test("leaves all but the score's last bits of a transmitted meta as models know it, and its record whole", () => {
    const rig = new Rig();
    const at = rig.make(1);
    rig.arena.f64[(at + SCORE_AT) / 8] = Math.PI;
    rig.arena.u16[(at + PORT_COPY_AT) / 2] = 50_001;
    const before = rig.arena.u8.slice(at, at + META_BYTES);
    rig.outlet.transmitted(at, rig.now);
    const after = rig.arena.u8.slice(at, at + META_BYTES);
    expect(after[TRAITS_AT]).toBe(before[TRAITS_AT] | TRAIT_TRANSMITTED);
    after[TRAITS_AT] = before[TRAITS_AT];
    after.set(before.subarray(SCORE_AT, SCORE_AT + 2), SCORE_AT);
    expect(after).toEqual(before);
    rig.outlet.outcome(at, 1, rig.now);
    rig.turn();
    const [record] = drained(rig, "outcomes");
    expect(record![TRAITS_AT]).toBe(before[TRAITS_AT]);
    expect(Math.abs(f64(record!, SCORE_AT) / Math.PI - 1)).toBeLessThan(2 ** -36);
    expect(f64(record!, RECORD_TRANSMIT_MS_AT)).toBe(f64(record!, ARRIVAL_AT) + 40);
  });

  test("joins a failed signature with what was known, or takes the packet's own digest", () => {
    const rig = new Rig();
    const known = rig.make(7);
    rig.outlet.failed(known, known, rig.now);
    const unknown = rig.make(8);
    rig.outlet.failed(unknown, 0, rig.now);
    rig.turn();
    expect(drained(rig, "outcomes").length).toBe(1);
    const fates = drained(rig, "fates");
    expect(fates.map((record) => endOf(record[RECORD_END_AT])?.name)).toEqual(["failedSignature", "failedSignature"]);
    expect(f64(fates[1], ARRIVAL_AT)).toBe(rig.now - 1);
  });

  test("is closed where there are no rings: calls do nothing", () => {
    const { outcomeRecords: _, fateRecords: __, ...options } = SMALL;
    const layout = arenaLayout(options);
    const arena = Arena.reserve(layout.bytes);
    const outlet = new Outlet(arena, layout);
    expect([outlet.open, outlet.fates, outlet.outcomes]).toEqual([false, false, false]);
    const before = arena.u8.slice(0, layout.bytes);
    outlet.fate(layout.digestsAt, 1, 5, 5);
    outlet.outcome(layout.digestsAt, 5, 5);
    outlet.sync();
    expect(Buffer.compare(arena.u8.slice(0, layout.bytes), before)).toBe(0);
  });
});

describe("a ring that nobody reads in time", () => {
  test("counts what was overwritten, and gives what is left in order", () => {
    const rig = new Rig({ ...SMALL, fateRecords: 64 });
    const region = rig.layout.fates!;
    const ring = readRing(rig.arena, region);
    for (let i = 0; i < 200; i++) {
      rig.transmitted(i);
      if (i % 10 === 9) rig.turn();
    }
    const seen: number[] = [];
    const scratch = new Uint8Array(64 * RECORD_BYTES);
    while (
      drainRing(rig.arena, ring, 64, scratch, (records, count, first) => {
        for (let i = 0; i < count; i++) {
          const sequence = f64(records.subarray(i * RECORD_BYTES), RECORD_SEQUENCE_AT);
          expect(sequence).toBe(first + i);
          seen.push(sequence);
        }
      }) > 0
    );
    expect(seen.length + ring.lapped).toBe(200);
    expect(seen).toEqual([...Array(48).keys()].map((i) => 152 + i));
  });

  test("records that were overwritten while they were copied are not handed on", () => {
    const rig = new Rig({ ...SMALL, fateRecords: 64 });
    const ring = readRing(rig.arena, rig.layout.fates!);
    for (let i = 0; i < 10; i++) rig.transmitted(i);
    rig.turn();
    /** While the records are copied here, the loop goes on. */
    class Racing extends Uint8Array {
      override set(from: ArrayLike<number>): void {
        super.set(from);
        for (let i = 10; i < 55; i++) rig.transmitted(i); // seven of the ten are out of a reader's reach then
        rig.turn();
      }
    }
    const sequences: number[] = [];
    const got = drainRing(rig.arena, ring, 10, new Racing(64 * RECORD_BYTES), (records, count, first) => {
      expect([first, count]).toEqual([7, 3]);
      for (let i = 0; i < count; i++) sequences.push(f64(records.slice(i * RECORD_BYTES), RECORD_SEQUENCE_AT));
    });
    expect(sequences).toEqual([7, 8, 9]);
    expect([got, ring.torn, ring.lapped]).toEqual([3, 7, 7]);
  });

  test("an outcome's record holds nothing of the packet whose place it took", () => {
    const rig = new Rig({ ...SMALL, fateRecords: 64 });
    for (let i = 0; i < 64; i++) rig.transmitted(i); // each with what was known at its arrival
    rig.outcome(64);
    rig.turn();
    const record = drained(rig, "fates").at(-1) ?? new Uint8Array();
    expect(f64(record, RECORD_SEQUENCE_AT)).toBe(64);
    expect(record.subarray(RECORD_TAIL_AT)).toEqual(new Uint8Array(RECORD_BYTES - RECORD_TAIL_AT));
  });

  test("refuses a capacity that is not a power of two", () => {
    expect(() => arenaLayout({ ...SMALL, fateRecords: 100 })).toThrow("not a power of two");
    expect(RECORD_BYTES).toBeGreaterThan(META_BYTES);
  });
});
