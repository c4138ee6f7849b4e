import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { writeKernelContext } from "../../../src/kernel/context.ts";
import { loadKernel } from "../../../src/kernel/kernel.ts";
import { standingsOf } from "../../../src/observe/standings.ts";
import { IpSigner } from "../../../src/rank/reference/ip-signer.ts";
import { ScoreReader } from "../../../src/rank/reference/score-reader.ts";
import { Arena } from "../../../src/shape/arena.ts";
import { smallCapacities } from "../../../src/shape/channels.ts";
import { arenaLayout } from "../../../src/shape/layout.ts";
import { decodeCheckpoint, encodeCheckpoint, type SavedScores } from "../../../src/sidecar/scores/checkpoint.ts";
import { putScores, rowsToRestore, takeScores } from "../../../src/sidecar/scores/scores.ts";

/** A model over an arena of its own, whose ids are keyed with a secret of its own. */
function fresh(secret: number, limit = 100) {
  const layout = arenaLayout({
    packetLayout: "agave2",
    maxIps: limit,
    maxSigners: limit,
    partialMetas: 4,
    recentSignatures: 4,
    queueCapacity: 4,
    channelCapacities: smallCapacities(4),
  });
  const arena = Arena.reserve(layout.bytes);
  writeKernelContext(arena, layout.contextAt, {
    packetLayout: "agave2",
    xxhashSeed: 1n,
    secret: new Uint8Array(32).fill(secret),
    feeModel: "chain",
    ipv6: "64",
  });
  const kernel = loadKernel(arena);
  const { senders } = new IpSigner(arena, layout);
  const readers = { ips: new ScoreReader(arena, layout.ips), payers: new ScoreReader(arena, layout.signers) };
  return {
    senders,
    readers,
    put: (saved: SavedScores) => putScores(saved, senders, arena, layout, kernel),
    take: () => takeScores("ip-signer", readers)!,
  };
}

const SAVED: SavedScores = {
  model: "ip-signer",
  tables: [
    {
      name: "ips",
      keyBytes: 8,
      keys: Uint8Array.of(10, 0, 0, 1, 0, 0, 0, 0, 10, 0, 0, 1, 0, 0, 0, 0, 10, 0, 0, 2, 0, 0, 0, 0),
      traits: Uint8Array.of(0, 1, 0),
      scores: Float64Array.of(3.25, 0.5, 7),
    },
    {
      name: "payers",
      keyBytes: 32,
      keys: Uint8Array.from({ length: 64 }, (_, i) => (i < 32 ? 1 : 2)),
      traits: Uint8Array.of(0, 0),
      scores: Float64Array.of(1e9, 1e-9),
    },
  ],
};

/** Rows by their key and kind, in no order. */
function rowsOf(saved: SavedScores): Record<string, number> {
  const rows: Record<string, number> = {};
  for (const { name, keyBytes, keys, traits, scores } of saved.tables) {
    for (const [row, score] of scores.entries()) {
      rows[
        `${name} ${Buffer.from(keys.subarray(row * keyBytes, (row + 1) * keyBytes)).toString("hex")} ${traits[row]}`
      ] = score;
    }
  }
  return rows;
}

describe("scores", () => {
  test("are the same after a restart, whose ids are others", () => {
    const first = fresh(1);
    expect(first.put(SAVED)).toBe(5);
    const taken = first.take();
    expect(rowsOf(taken)).toEqual(rowsOf(SAVED));
    const decoded = decodeCheckpoint(encodeCheckpoint(taken), "ip-signer");
    const second = fresh(2);
    expect(second.put(decoded.state === "good" ? decoded.scores : SAVED)).toBe(5);
    expect(rowsOf(second.take())).toEqual(rowsOf(SAVED));
    expect(second.senders.ips.median).toBe(3.25);
  });

  test("an address and half of an IPv6 one with the same bytes are two senders", () => {
    const model = fresh(3);
    model.put(SAVED);
    expect(model.senders.ips.size).toBe(3);
    expect(standingsOf(model.readers).ips.top).toEqual([
      { sender: "10.0.0.2", score: 7 },
      { sender: "10.0.0.1", score: 3.25 },
      { sender: "a00:1::/64", score: 0.5 },
    ]);
  });

  test("the best and the worst payers in base58", () => {
    const model = fresh(4);
    model.put(SAVED);
    const { payers } = standingsOf(model.readers);
    expect([payers.known, payers.top[0].score, payers.bottom[0].score]).toEqual([2, 1e9, 1e-9]);
    expect(payers.top[0].sender).toBe("4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi");
  });

  test("no numbers, and tables of another shape, stay out", () => {
    const ips = SAVED.tables[0];
    const model = fresh(5);
    const odd = Float64Array.of(Number.NaN, -1, Number.POSITIVE_INFINITY);
    expect(model.put({ model: "ip-signer", tables: [{ ...ips, scores: odd }] })).toBe(0);
    expect(model.put({ model: "ip-signer", tables: [{ ...ips, name: "others" }] })).toBe(0);
    expect(model.put({ model: "ip-signer", tables: [{ ...ips, name: "payers" }] })).toBe(0);
  });

  test("of more rows than fit, the best and the worst stay", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 30 }),
        (list, limit) => {
          const rows = rowsToRestore(Float64Array.from(list), limit).map((row) => list[row]);
          const sorted = list.toSorted((a, b) => a - b);
          const excess = Math.max(0, list.length - limit);
          const low = limit >>> 1;
          expect(rows).toEqual(excess === 0 ? sorted : [...sorted.slice(0, low), ...sorted.slice(low + excess)]);
        },
      ),
    );
  });
});
