// A loop's side of the records for tests: a small arena with both rings and a status page, and outcomes and fates as the
// engine would hand them over.

import type { Batch } from "../../src/database/batch.ts";
import { StatusPage } from "../../src/engine/status.ts";
import { Outlet } from "../../src/records/outlet.ts";
import { drainRing, readRing } from "../../src/records/ring.ts";
import { Arena } from "../../src/shape/arena.ts";
import { smallCapacities } from "../../src/shape/channels.ts";
import {
  ARRIVAL_AT,
  COMPUTE_UNITS_AT,
  DIGEST_BYTES,
  FEE_AT,
  HASH_AT,
  IP_KEY_AT,
  PAYER_KEY_AT,
  PRICE_AT,
  SCORE_AT,
  SIGNATURE_KEY_AT,
} from "../../src/shape/digest-layout.ts";
import { END_TRANSMITTED } from "../../src/shape/ends.ts";
import { type ArenaLayout, arenaLayout, type LayoutOptions } from "../../src/shape/layout.ts";
import { RECORD_BYTES } from "../../src/shape/record-layout.ts";
import { STAT } from "../../src/shape/statistics.ts";

export const SMALL: LayoutOptions = {
  packetLayout: "agave2",
  maxIps: 4,
  maxSigners: 4,
  partialMetas: 4,
  recentSignatures: 4,
  queueCapacity: 4,
  channelCapacities: smallCapacities(4),
  outcomeRecords: 1_024,
  fateRecords: 1_024,
};

export class Rig {
  readonly layout: ArenaLayout;
  readonly arena: Arena;
  readonly outlet: Outlet;
  readonly status: StatusPage;
  readonly digest: number;
  /** The loop's clock. */
  now = 1_000;

  constructor(options: LayoutOptions = SMALL) {
    this.layout = arenaLayout(options);
    this.arena = Arena.reserve(this.layout.bytes);
    this.outlet = new Outlet(this.arena, this.layout);
    this.status = new StatusPage(this.arena, this.layout.statusAt);
    this.digest = this.layout.digestsAt;
  }

  /** Lets the loop be seen to turn. */
  turn(ms = 1): void {
    this.now += ms;
    this.status.words[STAT.turns] += 1;
    this.status.words[STAT.clockMs] = this.now;
    this.outlet.sync();
    this.status.publish();
  }

  /** A transaction's digest, told apart by a number. */
  make(number: number): number {
    const { digest, arena } = this;
    arena.u8.fill(0, digest, digest + DIGEST_BYTES);
    arena.u64[(digest + HASH_AT) / 8] = BigInt(Math.imul(number + 1, 0x9e3779b1) >>> 0) + (BigInt(number) << 32n);
    arena.u64[(digest + SIGNATURE_KEY_AT) / 8] = BigInt(number) + 1n;
    arena.u8.set([10, 0, 0, number % 200], digest + IP_KEY_AT);
    arena.u8[digest + PAYER_KEY_AT] = number % 50;
    arena.f64[(digest + FEE_AT) / 8] = 5_000 + number;
    arena.u32[(digest + COMPUTE_UNITS_AT) / 4] = 1_000;
    arena.u64[(digest + PRICE_AT) / 8] = BigInt(number * 1_000);
    arena.f64[(digest + SCORE_AT) / 8] = number / 4;
    arena.f64[(digest + ARRIVAL_AT) / 8] = this.now - 40;
    return digest;
  }

  /** The scheduler's answer for transaction `number`, included if the number is even. */
  outcome(number: number): void {
    const at = this.make(number);
    this.outlet.transmitted(at, this.now - 15.5);
    this.outlet.outcome(at, number % 2 === 0 ? 100_000 : 0, this.now);
  }

  transmitted(number: number): void {
    const at = this.make(number);
    this.outlet.arrived(at, 0, 0.5, 2, 3);
    this.outlet.fate(at, END_TRANSMITTED, this.now, this.now);
  }
}

/** A batch of `count` outcomes or fates, as the writer would make it. */
export function batchOf(kind: "transactions" | "fates", count: number, session = "session", first = 0): Batch {
  const rig = new Rig({ ...SMALL, outcomeRecords: 65_536, fateRecords: 65_536 });
  for (let i = 0; i < count; i++) {
    if (kind === "transactions") rig.outcome(first + i);
    else rig.transmitted(first + i);
  }
  rig.turn();
  const region = kind === "transactions" ? rig.layout.outcomes : rig.layout.fates;
  const scratch = new Uint8Array(count * RECORD_BYTES);
  let payload = new Uint8Array();
  if (region !== undefined) {
    drainRing(rig.arena, readRing(rig.arena, region), count, scratch, (records) => {
      payload = records.slice();
    });
  }
  return { kind, session, host: "host", wallOffsetMs: Date.UTC(2026, 0, 2), count, payload };
}
