import { expect, test } from "bun:test";
import { Faults } from "../../src/observe/faults.ts";
import { logLine, RateMeter, statisticsOf } from "../../src/observe/statistics-lines.ts";
import { corpus, rig, salted } from "../engine/rig.ts";
import { settingsFor } from "../sidecar/parts.ts";

/** The names that others rely on. */
const COUNTERS = [
  ...["totalPackets", "nonIpv4", "invalidMetaSize", "invalidPacketData", "failedView", "failedSanitize"],
  ...["recentlyProcessed", "duplicatePackets", "zeroScore", "leakedPriority", "recentlyProcessedQueued"],
  ...["bankingTransmissions", "recentSignaturesReceived", "completed", "queued", "expired", "sigverifyFeedback"],
];
const NOBODY = { known: 0, top: [], bottom: [] };

function snapshotOfSome() {
  const { engine, ...rest } = (() => {
    const one = rig();
    for (let i = 0; i < 10; i++) one.send(0, { payload: salted(corpus[i], i) });
    one.send(0, { payload: salted(corpus[0], 0) });
    one.send(1, { payload: new Uint8Array(3) });
    one.settle(1_000);
    return { engine: one.engine, one };
  })();
  expect(engine.queue.size).toBe(0);
  return rest.one.snapshot(1_000);
}

test("the statistics file has every counter by its name, and each channel", () => {
  const snapshot = snapshotOfSome();
  const rates = new RateMeter(0).next(snapshot, 2_000);
  const process = { version: "1", pid: 7, startedAt: new Date(0), uptimeMs: 2_000.4 };
  const senders = { ips: NOBODY, payers: NOBODY };
  const stats = JSON.parse(
    JSON.stringify(statisticsOf(snapshot, rates, senders, settingsFor(), process, new Faults())),
  );
  for (const name of COUNTERS) expect([name, typeof stats.counters[name]]).toEqual([name, "number"]);
  expect(stats.counters).toMatchObject({
    totalPackets: 12,
    duplicatePackets: 1,
    failedView: 1,
    bankingTransmissions: 10,
  });
  expect(stats.channels.tpu_to_qos).toMatchObject({ state: "attached", received: 11, lapped: 0, torn: 0, tail: 11 });
  expect(Object.keys(stats.channels)).toHaveLength(8);
  expect(stats.queue).toEqual({ size: 0, door: null });
  expect(stats.rates).toEqual({ in: 6, inAverage: 6, out: 5, outAverage: 5 });
  expect(stats.sidecar).toMatchObject({ pid: 7, uptimeMs: 2_000, startedAt: "1970-01-01T00:00:00.000Z" });
  expect(Object.keys(stats.turns)).toEqual(["count", "turn", "gap", "transmit", "straight", "waited"]);
});

test("rates count since the last call and since the start", () => {
  const snapshot = snapshotOfSome();
  const meter = new RateMeter(1_000);
  expect(meter.next(snapshot, 2_000)).toEqual({ in: 12, inAverage: 12, out: 10, outAverage: 10 });
  expect(meter.next(snapshot, 3_000)).toEqual({ in: 0, inAverage: 6, out: 0, outAverage: 5 });
  expect(meter.next(snapshot, 3_000)).toEqual({ in: 0, inAverage: 6, out: 0, outAverage: 5 });
});

test("the log line says what became of the packets", () => {
  const snapshot = snapshotOfSome();
  expect(logLine(snapshot, { in: 1, inAverage: 2, out: 3, outAverage: 4 })).toBe(
    "in 1 packets/s (average 2); out 3 packets/s (average 4); queue 0; taken 12; sent 10; " +
      "not sent: failedView 1, duplicatePackets 1; outcomes 0",
  );
});
