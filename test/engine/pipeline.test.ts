// The whole way of packets against the golden vector of the Rust sidecar: which packets come out, in which order, with
// which scores (test/fixtures/vectors/pipeline.json).

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { IpSigner } from "../../src/rank/reference/ip-signer.ts";
import type { Arena } from "../../src/shape/arena.ts";
import type { ArenaLayout } from "../../src/shape/layout.ts";
import { type Rig, rig } from "./rig.ts";

interface Case {
  readonly packets: number;
  readonly targetPps: number;
  readonly sent: number;
  readonly first: string[];
  readonly last: string[];
  readonly sum: number;
  readonly fold: string;
  readonly leakedPriority: number;
  readonly duplicatePackets: number;
  readonly failedView: number;
}

const cases = JSON.parse(
  readFileSync(new URL("../fixtures/vectors/pipeline.json", import.meta.url), "utf8"),
) as readonly Case[];

/** IpSigner that notes the score of each packet by its payload's salted bytes. */
class Noting extends IpSigner {
  readonly scores = new Map<bigint, number>();
  readonly #arena: Arena;

  constructor(arena: Arena, layout: ArenaLayout) {
    super(arena, layout);
    this.#arena = arena;
  }

  override score(at: number): number {
    const score = super.score(at);
    this.scores.set(this.#arena.u64[at / 8], score);
    return score;
  }
}

function fill(r: Rig, packets: number): void {
  const { arena, layout, kernel, model, scratchAt } = r.parts;
  const { ips } = (model as Noting).senders;
  for (let i = 0; i < 64; i++) {
    arena.u8.fill(0, scratchAt, scratchAt + 8);
    arena.u8.set([10, 0, 0, i], scratchAt);
    kernel.ipId(scratchAt, 0, scratchAt + 8, layout.contextAt);
    expect(ips.restore(scratchAt + 8, scratchAt, 0, 0.25 + i / 8)).toBe(true);
  }
  for (let n = 0; n < packets; n++) {
    r.sendUnique(0, n, [10, 0, 0, n % 64]);
    if (n % 512 === 511) r.engine.turn(0);
    if (n % 512 === 511) r.engine.turn(0);
  }
  r.settle(0);
}

const bits = (score: number): bigint => new BigUint64Array(Float64Array.of(score).buffer)[0];
const hex = (score: number): string => bits(score).toString(16).padStart(16, "0");

for (const golden of cases) {
  test(`${golden.packets} packets at ${golden.targetPps} packets/s come out as the Rust sidecar's`, () => {
    const r = rig({
      targetPps: golden.targetPps,
      batchIntervalMs: 100,
      model: (arena, layout) => new Noting(arena, layout),
      layout: { partialMetas: 65_536, queueCapacity: 16_384 },
    });
    r.engine.mailbox.setPaused(true);
    fill(r, golden.packets);
    r.engine.mailbox.setPaused(false);
    r.settle(0);
    const noted = (r.parts.model as Noting).scores;
    const scores = r.received().map((packet) => noted.get(hashOf(r, packet))!);
    expect(scores.length).toBe(golden.sent);
    expect(scores.slice(0, 10).map(hex)).toEqual(golden.first);
    expect(scores.slice(-10).map(hex)).toEqual(golden.last);
    let fold = 0n;
    for (const score of scores) {
      const rotated = BigInt.asUintN(64, (fold << 5n) | (fold >> 59n));
      fold = BigInt.asUintN(64, (rotated ^ bits(score)) * 0x517cc1b727220a95n);
    }
    expect(fold.toString(16).padStart(16, "0")).toBe(golden.fold);
    expect(scores.reduce((a, b) => a + b, 0)).toBeCloseTo(golden.sum, 6);
    expect(r.count("leakedPriority")).toBe(golden.leakedPriority);
    expect(r.count("duplicatePackets")).toBe(golden.duplicatePackets);
    expect(r.count("failedView")).toBe(golden.failedView);
    const law = r.law(0);
    expect(law.accounted).toBe(law.total);
  });
}

/** The packet hash of a received packet, by digesting it once more. */
function hashOf(r: Rig, packet: Uint8Array): bigint {
  const { arena, kernel, layout, scratchAt } = r.parts;
  const digestAt = scratchAt + 4_096;
  arena.u8.set(packet, scratchAt);
  kernel.digest(scratchAt, 1, packet.length, digestAt, layout.contextAt);
  return arena.u64[digestAt / 8];
}
