// One transaction's fates from the database and from a running sidecar's ring: each event once, in order.

import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { base58 } from "@scure/base";
import { textOf, wantedOf } from "../../src/cli/commands/explain.ts";
import { openReader } from "../../src/database/reader.ts";
import { fateRows } from "../../src/database/rows.ts";
import { openSink } from "../../src/database/sink.ts";
import { type RecentFates, recentFates } from "../../src/records/fates-reader.ts";
import { type Event, merged, recentEvents, savedEvents } from "../../src/report/fates.ts";
import { END_DUPLICATE } from "../../src/shape/ends.ts";
import { batchOf, Rig } from "../database/rig.ts";

const folder = fs.mkdtempSync("/tmp/qos-fates-");
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const SESSION = "0123456789abcdef";

/** A ring in which transaction 3 came, came again, was sent on and was not included; and others beside it. */
function ring(): { recent: RecentFates; rig: Rig } {
  const rig = new Rig();
  for (const number of [1, 3, 4]) rig.transmitted(number);
  rig.turn();
  rig.make(3);
  rig.outlet.refused(rig.digest, END_DUPLICATE, 0, rig.now);
  rig.turn();
  rig.outcome(3);
  rig.turn();
  const { at, bytes } = rig.layout.fates!;
  const copy = rig.arena.u8.slice(at, at + bytes);
  return { recent: { ...recentFates(copy, copy), session: SESSION, wallOffsetMs: Date.UTC(2026, 0, 2) }, rig };
}

describe("one transaction", () => {
  const { recent } = ring();
  const rows = fateRows({ ...recent, kind: "fates", host: "h", payload: recent.records });
  const { packetHash, signatureKey } = rows[1];

  test("is found by hash and by signature in the ring, all its ends in order", () => {
    for (const wanted of [{ packetHash: packetHash! }, { signatureKey: signatureKey! }]) {
      const events = merged(recentEvents(recent, wanted, "h"));
      expect(events.map(({ row }) => row.ending)).toEqual(["bankingTransmissions", "duplicatePackets", "notIncluded"]);
    }
    expect(recentEvents(recent, { packetHash: "f".repeat(16) }, "h")).toEqual([]);
  });

  test("is told once where ring and database both know it", async () => {
    const location = { kind: "sqlite" as const, path: `${folder}/a.db` };
    const sink = await openSink(location);
    const batch = { kind: "fates" as const, session: SESSION, host: "h", wallOffsetMs: recent.wallOffsetMs + 1.5 };
    await sink.insert({ ...batch, count: recent.count, payload: recent.records });
    await sink.insert({ ...batchOf("transactions", 1, SESSION, 3), wallOffsetMs: recent.wallOffsetMs });
    await sink.insert({ ...batchOf("transactions", 1, "another run", 3), wallOffsetMs: recent.wallOffsetMs + 1e6 });
    await sink.close();
    const reader = await openReader(location);
    const saved = await savedEvents(reader, { packetHash: packetHash! });
    await reader.close();
    expect(saved.map(({ source }) => source)).toEqual(["database", "database", "database", "outcomes", "outcomes"]);
    const all = merged([...recentEvents(recent, { packetHash: packetHash! }, "h"), ...saved]);
    expect(all.map(({ source, row }) => [source, row.ending])).toEqual([
      ["running sidecar", "bankingTransmissions"],
      ["running sidecar", "duplicatePackets"],
      ["running sidecar", "notIncluded"],
      ["outcomes", "notIncluded"],
    ]);
  });

  test("is told in words: where, when, what it was worth, what it had to beat", () => {
    const [first] = merged(recentEvents(recent, { packetHash: packetHash! }, "h"));
    const text = textOf(first as Event);
    expect(text).toContain("bankingTransmissions: it was sent on to sigverify");
    expect(text).toContain("from 10.0.0.3");
    expect(text).toContain("on tpu_to_qos, sent on after 40 ms");
    expect(text).toContain("packet score 0.75 from: address 2, payer 3, fee/CU 5.003; the queue's lowest was 0.5");
  });
});

describe("a ring that is written while it is read", () => {
  test("gives only what cannot have been written over", () => {
    const rig = new Rig();
    const region = rig.layout.fates!;
    for (let i = 0; i < 3_000; i++) {
      rig.transmitted(i);
      if (i % 100 === 99) rig.turn();
    }
    const before = rig.arena.u8.slice(region.at, region.at + region.bytes);
    for (let i = 0; i < 300; i++) rig.transmitted(i);
    rig.turn();
    const after = rig.arena.u8.slice(region.at, region.at + 64);
    const recent = recentFates(before, after);
    expect(recent.count).toBe(768 - 300);
    const sequences = fateRows({ ...recent, kind: "fates", host: "h", payload: recent.records }).map(
      (row) => row.sequence,
    );
    expect(sequences).toEqual(Array.from({ length: 468 }, (_, i) => 2_532 + i));
  });
});

describe("what is looked for", () => {
  test("is a hash, or a signature's key: byte j is the XOR of bytes 8j to 8j + 7", () => {
    expect(wantedOf("00FFaa0123456789")).toEqual({ packetHash: "00ffaa0123456789" });
    const signature = Uint8Array.from({ length: 64 }, (_, i) => (i * 37 + 11) & 255);
    let key = 0n;
    for (let j = 0; j < 8; j++) {
      let byte = 0;
      for (let i = 0; i < 8; i++) byte ^= signature[8 * j + i];
      key |= BigInt(byte) << BigInt(8 * j);
    }
    const expected = { signatureKey: key.toString(16).padStart(16, "0") };
    expect(wantedOf(base58.encode(signature))).toEqual(expected);
    expect(wantedOf(Buffer.from(signature).toString("base64"))).toEqual(expected);
  });

  test("is refused where it is neither", () => {
    for (const word of ["", "00ffaa", "0l".repeat(20), "z".repeat(5_000), base58.encode(new Uint8Array(63))]) {
      expect(() => wantedOf(word)).toThrow("neither a signature (base58) nor a packet hash");
    }
  });
});
