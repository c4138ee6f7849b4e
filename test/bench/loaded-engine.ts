// An engine as it is in the middle of its work: both stores full, tables full of the packets' senders, the queue full; in
// the same state as the Rust baselines are brought to (test/rust/baselines/src/parts.rs), down to each score.

import { faultIn } from "../../ffi/shared-memory.ts";
import { type PlainEngine, plainEngine } from "../../src/engine/plain.ts";
import { Evidence } from "../../src/rank/evidence/evidence.ts";
import { IpSigner } from "../../src/rank/reference/ip-signer.ts";
import type { Senders } from "../../src/rank/reference/senders.ts";
import * as D from "../../src/shape/digest-layout.ts";
import { CONFIRMED_ENTRY_BYTES, OUTCOME_ENTRY_BYTES, OUTCOME_MIX_AT } from "../../src/shape/entry-layout.ts";
import { PARTIAL_METAS, QUEUE_CAPACITY } from "../../src/shape/layout.ts";
import { AGAVE2_PACKET_BYTES, SIGNATURE_BYTES } from "../tools/agave-packet.ts";
import { firstScore, SplitMix64 } from "./mix.ts";

/** The generators' seeds, as in parts.rs. */
const METAS_SEED = 1n;
const RECENT_SEED = 2n;
const SCORES_SEED = 3n;
const MADE_UP_SIGNERS = 0x5eed_0000_0000_0000n;

/** What the queue keeps: the push that makes it full drops one. */
export const QUEUED_MAX = QUEUE_CAPACITY - 1;
const BATCH = 64;

export interface LoadedOptions {
  readonly packets: Uint8Array;
  readonly model?: "ip-signer" | "evidence";
  /** Scores are part of the checksum. */
  readonly foldsScores?: boolean;
  readonly tableFill?: number;
  readonly storeFill?: number;
  /** Entries that each store has room for: 1,048,576 where absent, a power of two. */
  readonly storeCapacity?: number;
  readonly targetPps?: number;
}

export class LoadedEngine {
  readonly plain: PlainEngine;
  /** Arena offset of the packets. */
  readonly packetsAt: number;
  readonly packetCount: number;
  /** Scratch for digests of a group. */
  readonly digestsAt: number;
  readonly senders: Senders | undefined;
  readonly #scores = new SplitMix64(SCORES_SEED);

  constructor(options: LoadedOptions) {
    const { packets, model = "ip-signer", tableFill = 10_000, targetPps = 2_000_000 } = options;
    const { storeCapacity = PARTIAL_METAS, storeFill = storeCapacity } = options;
    const tables = Math.max(tableFill, 10_000);
    let senders: Senders | undefined;
    this.plain = plainEngine({
      layout: {
        packetLayout: "agave2",
        maxIps: tables,
        maxSigners: tables,
        partialMetas: storeCapacity,
        recentSignatures: storeCapacity,
      },
      context: {
        xxhashSeed: 420n,
        secret: new Uint8Array(32).fill(7),
        feeModel: "reference",
        ipv6: "64",
        skipPayloads: model !== "evidence",
      },
      engine: { targetPps, maxAgeMs: 1e12 },
      model: (arena, layout) => {
        if (model === "evidence") return new Evidence(arena, layout);
        const ipSigner = new IpSigner(arena, layout);
        senders = ipSigner.senders;
        return ipSigner;
      },
      scratchBytes: packets.length + 65_536,
    });
    const { arena, layout, scratchAt, engine } = this.plain;
    this.senders = senders;
    if (storeCapacity === PARTIAL_METAS) faultIn(arena.memory, 0, layout.bytes + packets.length);
    this.packetsAt = scratchAt;
    this.packetCount = packets.length / AGAVE2_PACKET_BYTES;
    this.digestsAt = Math.ceil((scratchAt + packets.length) / 64) * 64;
    arena.u8.set(packets, scratchAt);
    this.#fillTables(tableFill);
    this.#fillMetas(Math.min(storeFill, storeCapacity));
    this.#fillRecent(Math.min(storeFill, storeCapacity));
    engine.mailbox.setPaused(true);
    engine.turn(0);
  }

  /** Fills up the queue with middling scores and packets out of the file. */
  fillQueue(): void {
    const { arena, engine } = this.plain;
    const { queue } = engine;
    while (queue.size + queue.outgoing < QUEUED_MAX) {
      const word = this.#scores.next();
      const packet = this.packetsAt + Number(word % BigInt(this.packetCount)) * AGAVE2_PACKET_BYTES;
      const score = Number(word >> 11n) / 9_007_199_254_740_992;
      const slot = queue.slots.claim();
      const at = queue.slots.at(slot);
      arena.u8.fill(0, at, at + D.DIGEST_BYTES);
      arena.u64[(at + D.SIGNATURE_KEY_AT) / 8] = word;
      arena.u64[(at + D.SIGNATURE_MIX_AT) / 8] = word;
      arena.f64[(at + D.SCORE_AT) / 8] = score;
      arena.u8.copyWithin(at + D.DIGEST_BYTES, packet, packet + AGAVE2_PACKET_BYTES);
      queue.push(slot, score, 0);
    }
  }

  /** Senders of the packets first, then made-up ones, until a table holds `entries`. */
  #fillTables(entries: number): void {
    const { senders, digestsAt } = this;
    if (senders === undefined) return;
    const { arena, layout, kernel } = this.plain;
    const { u8, u32 } = arena;
    for (let i = 0; i < this.packetCount; i++) {
      kernel.digest(this.packetsAt + i * AGAVE2_PACKET_BYTES, 1, AGAVE2_PACKET_BYTES, digestsAt, layout.contextAt);
      senders.restoreIp(digestsAt, firstScore(u32[(digestsAt + D.IP_KEY_AT) / 4]));
      if (u8[digestsAt + D.REASON_AT] === 0 && senders.payers.size < entries)
        senders.restorePayer(digestsAt, firstScore(u32[(digestsAt + D.PAYER_KEY_AT) / 4]));
    }
    for (let i = 0; senders.ips.size < entries || senders.payers.size < entries; i++) {
      u8.fill(0, digestsAt, digestsAt + D.DIGEST_BYTES);
      u8.set([11, i >> 16, (i >> 8) & 0xff, i & 0xff], digestsAt + D.IP_KEY_AT);
      u8.set(new SplitMix64(MADE_UP_SIGNERS + BigInt(i)).bytes(32), digestsAt + D.PAYER_KEY_AT);
      kernel.ipId(digestsAt + D.IP_KEY_AT, 0, digestsAt + D.IP_ID_AT, layout.contextAt);
      kernel.payerId(digestsAt + D.PAYER_KEY_AT, digestsAt + D.PAYER_ID_AT, layout.contextAt);
      if (senders.ips.size < entries) senders.restoreIp(digestsAt, firstScore(u32[(digestsAt + D.IP_KEY_AT) / 4]));
      if (senders.payers.size < entries)
        senders.restorePayer(digestsAt, firstScore(u32[(digestsAt + D.PAYER_KEY_AT) / 4]));
    }
  }

  #fillMetas(entries: number): void {
    const { arena, layout, kernel, engine } = this.plain;
    const { u8, u64 } = arena;
    const { digestsAt } = this;
    const metasAt = digestsAt + 4_096;
    const entriesAt = metasAt + BATCH * 16;
    const numbers = new SplitMix64(METAS_SEED);
    u8.fill(0, digestsAt, digestsAt + D.DIGEST_BYTES);
    for (let done = 0; done < entries; done += BATCH) {
      for (let i = 0; i < BATCH; i++) u64[metasAt / 8 + 2 * i] = numbers.next();
      kernel.digestOutcomes(metasAt, BATCH, entriesAt, layout.contextAt);
      for (let i = 0; i < BATCH && done + i < entries; i++) {
        u64[(digestsAt + D.HASH_AT) / 8] = u64[metasAt / 8 + 2 * i];
        u64[(digestsAt + D.HASH_MIX_AT) / 8] = u64[(entriesAt + i * OUTCOME_ENTRY_BYTES + OUTCOME_MIX_AT) / 8];
        engine.metas.insert(digestsAt);
      }
    }
  }

  #fillRecent(entries: number): void {
    const { arena, layout, kernel, engine } = this.plain;
    const { u8 } = arena;
    const signaturesAt = this.digestsAt + 4_096;
    const entriesAt = signaturesAt + BATCH * SIGNATURE_BYTES;
    const numbers = new SplitMix64(RECENT_SEED);
    u8.fill(0, signaturesAt, entriesAt);
    for (let done = 0; done < entries; done += BATCH) {
      for (let i = 0; i < BATCH; i++) {
        const key = numbers.bytes(8); // byte j is the XOR of signature bytes 8j to 8j + 7
        for (let j = 0; j < 8; j++) u8[signaturesAt + i * SIGNATURE_BYTES + 8 * j] = key[j];
      }
      kernel.digestSignatures(signaturesAt, BATCH, entriesAt, layout.contextAt);
      for (let i = 0; i < BATCH && done + i < entries; i++) {
        engine.recent.put(entriesAt + i * CONFIRMED_ENTRY_BYTES, entriesAt + i * CONFIRMED_ENTRY_BYTES + 8);
      }
    }
  }
}
