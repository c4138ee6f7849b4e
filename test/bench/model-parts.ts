// The model of senders at several sizes: a score (address times payer), an update from 401 completed transactions, and an
// update that makes 80 new senders enter a full table, so that as many are pruned. A sender's id is part of the digest, so
// it is made beforehand; the baselines' trees go by the address and the key themselves.

import { faultIn } from "../../ffi/shared-memory.ts";
import { threadCpuNanos } from "../../ffi/thread.ts";
import { writeKernelContext } from "../../src/kernel/context.ts";
import { type Kernel, loadKernel } from "../../src/kernel/kernel.ts";
import { IpSigner } from "../../src/rank/reference/ip-signer.ts";
import { Arena } from "../../src/shape/arena.ts";
import { smallCapacities } from "../../src/shape/channels.ts";
import * as D from "../../src/shape/digest-layout.ts";
import { type ArenaLayout, arenaLayout } from "../../src/shape/layout.ts";
import { AGAVE2_PACKET_BYTES } from "../tools/agave-packet.ts";
import type { Baselines, Sample } from "./baselines.ts";
import type { Bench } from "./bench.ts";
import { firstScore, hex, SplitMix64, salt } from "./mix.ts";

const SCORES_SEED = 3n;
const MADE_UP_SIGNERS = 0x5eed_0000_0000_0000n;
const BATCH = 401;
const NEWCOMERS = 80;
const SENDERS_IN_BATCH = 40;
const TWO_32 = 4_294_967_296n;

/** Addresses and payers with their ids, one digest's first 128 bytes each, behind the layout. */
class SenderRig {
  readonly arena: Arena;
  readonly layout: ArenaLayout;
  readonly kernel: Kernel;
  readonly model: IpSigner;
  readonly #batchAt: number;
  readonly #ids: Int32Array;
  readonly #keys: Uint8Array;
  readonly #scratchAt: number;

  constructor(
    readonly entries: number,
    packets: Uint8Array,
  ) {
    this.layout = arenaLayout({
      packetLayout: "agave2",
      maxIps: entries,
      maxSigners: entries,
      partialMetas: 4_096,
      recentSignatures: 4_096,
      channelCapacities: smallCapacities(4),
    });
    this.arena = Arena.reserve(this.layout.bytes + (BATCH + 4) * D.DIGEST_BYTES + AGAVE2_PACKET_BYTES);
    faultIn(this.arena.memory, 0, this.layout.bytes);
    this.#batchAt = this.layout.bytes;
    this.#scratchAt = this.#batchAt + BATCH * D.DIGEST_BYTES;
    this.kernel = loadKernel(this.arena);
    writeKernelContext(this.arena, this.layout.contextAt, {
      packetLayout: "agave2",
      xxhashSeed: 420n,
      secret: new Uint8Array(32).fill(7),
      feeModel: "reference",
      ipv6: "64",
    });
    this.model = new IpSigner(this.arena, this.layout);
    this.#ids = new Int32Array(4 * entries);
    this.#keys = new Uint8Array(40 * entries);
    this.#fill(packets);
  }

  /** The packets' senders first, then made-up ones. */
  #fill(packets: Uint8Array): void {
    const { arena, layout, kernel, entries } = this;
    const { ips, payers } = this.model.senders;
    const at = this.#scratchAt;
    const packetAt = at + D.DIGEST_BYTES;
    for (let from = 0; from < packets.length; from += AGAVE2_PACKET_BYTES) {
      arena.u8.set(packets.subarray(from, from + AGAVE2_PACKET_BYTES), packetAt);
      kernel.digest(packetAt, 1, AGAVE2_PACKET_BYTES, at, layout.contextAt);
      this.#add(at);
    }
    for (let i = 0; ips.size < entries || payers.size < entries; i++) {
      this.#write(at, [11, i >> 16, (i >> 8) & 0xff, i & 0xff], new SplitMix64(MADE_UP_SIGNERS + BigInt(i)).bytes(32));
      this.#add(at);
    }
  }

  #add(at: number): void {
    const { i32, u8, u32 } = this.arena;
    const { ips, payers } = this.model.senders;
    const { entries } = this;
    const ip = ips.size;
    const ids = this.#ids;
    if (ip < entries && this.model.senders.restoreIp(at, firstScore(u32[(at + D.IP_KEY_AT) / 4]))) {
      ids.set(i32.subarray((at + D.IP_ID_AT) / 4, (at + D.IP_ID_AT) / 4 + 2), 4 * ip);
      this.#keys.set(u8.subarray(at + D.IP_KEY_AT, at + D.IP_KEY_AT + 8), 40 * ip);
    }
    const payer = payers.size;
    const score = firstScore(u32[(at + D.PAYER_KEY_AT) / 4]);
    if (payer < entries && this.model.senders.restorePayer(at, score)) {
      ids.set(i32.subarray((at + D.PAYER_ID_AT) / 4, (at + D.PAYER_ID_AT) / 4 + 2), 4 * payer + 2);
      this.#keys.set(u8.subarray(at + D.PAYER_KEY_AT, at + D.PAYER_KEY_AT + 32), 40 * payer + 8);
    }
  }

  #write(at: number, address: ArrayLike<number>, payer: Uint8Array): void {
    const { arena, kernel, layout } = this;
    arena.u8.fill(0, at, at + D.DIGEST_BYTES);
    arena.u8.set(address, at + D.IP_KEY_AT);
    arena.u8.set(payer, at + D.PAYER_KEY_AT);
    kernel.ipId(at + D.IP_KEY_AT, 0, at + D.IP_ID_AT, layout.contextAt);
    kernel.payerId(at + D.PAYER_KEY_AT, at + D.PAYER_ID_AT, layout.contextAt);
  }

  /** Scores of senders drawn at random: the sum of the scores' bits, as the baselines have it. */
  score(count: number): Sample {
    const { arena, entries, kernel, model, layout } = this;
    const { i32, f64, u32 } = arena;
    const ids = this.#ids;
    const order = new SplitMix64(SCORES_SEED);
    const drawn = new Int32Array(2 * count);
    for (let i = 0; i < count; i++) {
      const word = order.next();
      drawn[2 * i] = Number((word >> 32n) % BigInt(entries));
      drawn[2 * i + 1] = Number((word % TWO_32) % BigInt(entries));
    }
    const at = layout.digestsAt;
    for (let i = 0; i < D.GROUP; i++) {
      f64[(at + i * D.DIGEST_BYTES + D.FEE_AT) / 8] = 1;
      u32[(at + i * D.DIGEST_BYTES + D.COMPUTE_UNITS_AT) / 4] = 1;
    }
    const scoreWord = this.#scratchAt >>> 2;
    let low = 0;
    let high = 0;
    let touched = 0;
    const start = threadCpuNanos();
    for (let from = 0; from < count; from += D.GROUP) {
      for (let i = 0; i < D.GROUP; i++) {
        const digest = at + i * D.DIGEST_BYTES;
        const ip = 4 * drawn[2 * (from + i)];
        const payer = 4 * drawn[2 * (from + i) + 1] + 2;
        i32[(digest + D.IP_ID_AT) >>> 2] = ids[ip];
        i32[(digest + D.IP_ID_AT + 4) >>> 2] = ids[ip + 1];
        i32[(digest + D.PAYER_ID_AT) >>> 2] = ids[payer];
        i32[(digest + D.PAYER_ID_AT + 4) >>> 2] = ids[payer + 1];
      }
      touched ^= model.touch(kernel, at, D.GROUP);
      for (let i = 0; i < D.GROUP; i++) {
        f64[scoreWord >>> 1] = model.score(at + i * D.DIGEST_BYTES);
        low += u32[scoreWord];
        high += u32[scoreWord + 1];
      }
    }
    const nanos = threadCpuNanos() - start;
    this.loads = touched;
    return { operations: count, nanos, checksum: hex((BigInt(high) << 32n) + BigInt(low)) };
  }
  loads = 0;

  /** Updates, each from a batch of its own; the batch is written beforehand, untimed. */
  update(rounds: number, newcomers: boolean): Sample {
    const { ips, payers } = this.model.senders;
    let nanos = 0;
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < BATCH; i++) this.#writeBatch(round, i, newcomers);
      const start = threadCpuNanos();
      for (let i = 0; i < BATCH; i++) {
        const at = this.#batchAt + i * D.DIGEST_BYTES;
        const value = 0.05 + (i % 7) * 0.01;
        ips.gather(at + D.IP_ID_AT, at + D.IP_KEY_AT, 0, value);
        payers.gather(at + D.PAYER_ID_AT, at + D.PAYER_KEY_AT, 0, value);
      }
      ips.update();
      payers.update();
      nanos += threadCpuNanos() - start;
    }
    this.arena.f64[this.#scratchAt / 8] = ips.median;
    const checksum = this.arena.u64[this.#scratchAt / 8] ^ BigInt(payers.size);
    return { operations: rounds, nanos, checksum: hex(checksum) };
  }

  #writeBatch(round: number, i: number, newcomers: boolean): void {
    const at = this.#batchAt + i * D.DIGEST_BYTES;
    if (newcomers) {
      const key = new Uint8Array(32);
      new DataView(key.buffer).setBigUint64(0, salt(round * NEWCOMERS + (i % NEWCOMERS)), true);
      this.#write(at, [key[0], key[1], key[2], key[3] | 0x80], key);
      return;
    }
    const sender = Number((salt(round) ^ BigInt(i)) % BigInt(Math.min(SENDERS_IN_BATCH, this.entries)));
    const keys = this.#keys.subarray(40 * sender, 40 * sender + 40);
    this.#write(at, keys.subarray(0, 4), keys.subarray(8));
  }
}

export function modelBenches(
  packets: Uint8Array,
  baselines: Baselines | undefined,
  sizes: readonly number[],
  scale: number,
): Bench[] {
  const count = Math.max(1_024, Math.round((262_144 * scale) / 16) * 16);
  return sizes.flatMap((entries) => {
    const updates = Math.max(2, Math.round((entries > 10_000 ? 20 : 50) * scale));
    let rig: SenderRig | undefined;
    const opened = (): SenderRig => {
      rig ??= new SenderRig(entries, packets);
      return rig;
    };
    const bench = (part: string, unit: string, ours: () => Sample, operations: number): Bench => ({
      name: `model: ${part} at ${entries} + ${entries}`,
      unit,
      ours,
      theirs: baselines && (() => baselines.run(`model ${entries} ${part} ${operations}`)),
      same: part === "score",
    });
    return [
      bench("score", "packet", () => opened().score(count), count),
      bench("update", "update", () => opened().update(updates, false), updates),
      bench("prune", "update", () => opened().update(updates, true), updates),
    ];
  });
}
