// A packet's way in: ring -> digest -> refuse? -> seen before? -> score -> queue.
//
// Packets are read in place, in groups: the kernel digests up to 16 of them in the ring (their cache misses overlap),
// one lap check covers the group, then the lines of every table that the group will need are loaded together, and only then
// is each packet judged. Only what enters the queue is copied, and checked once more after the copy. A packet that turns
// out to be torn has no effect at all: nothing is counted, learned or remembered before its last lap check.

import type { Consumer } from "../channel/consumer.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { type Chooser, SCORE_OF_COPY, SCORE_OF_SIBLING } from "../rank/chooser.ts";
import type { Model, ScoreFactors } from "../rank/model.ts";
import type { Queue } from "../rank/queue.ts";
import type { Outlet } from "../records/outlet.ts";
import type { Arena } from "../shape/arena.ts";
import { PACKET_CHANNELS } from "../shape/channels.ts";
import {
  ARRIVAL_AT,
  DIGEST_BYTES,
  GROUP,
  HASH_MIX_AT,
  REASON_AT,
  SCORE_AT,
  SIGNATURE_MIX_AT,
  SIZE_COPY_AT,
  TRAIT_IPV6,
  TRAIT_NEVER,
  TRAIT_SIMPLE_VOTE,
  TRAITS_AT,
} from "../shape/digest-layout.ts";
import {
  END_COPY,
  END_DENIED,
  END_DUPLICATE,
  END_FAILED_VIEW,
  END_LEAKED,
  END_OF_REASON,
  END_RECENTLY_PROCESSED,
  END_SIBLING,
} from "../shape/ends.ts";
import type { ArenaLayout } from "../shape/layout.ts";
import { PACKET_LAYOUTS } from "../shape/packet-layouts.ts";
import { STAT } from "../shape/statistics.ts";
import { SEEN_CONFIRMED, SEEN_WAITING } from "../shape/store-layout.ts";
import type { PartialMetas } from "../stores/partial-metas.ts";
import type { RecentFilter } from "../stores/recent-filter.ts";
import type { Ends } from "./ends.ts";
import type { OperatorRules } from "./operator-rules.ts";

export class Intake {
  /** Keeps the loads of the touch phase alive. */
  touched = 0;

  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #digests: number;
  readonly #context: number;
  readonly #packetBytes: number;
  /** Bytes of the payload's room. */
  readonly #room: number;
  readonly #isPassedWhole: boolean;
  readonly #chooser: Chooser | null;
  readonly #factors: ScoreFactors = { ip: 0, payer: 0 };

  constructor(
    arena: Arena,
    layout: ArenaLayout,
    private readonly kernel: Kernel,
    private readonly counters: Float64Array,
    private readonly recent: RecentFilter,
    private readonly metas: PartialMetas,
    private readonly model: Model,
    private readonly queue: Queue,
    private readonly outlet: Outlet,
    private readonly ends: Ends,
    private readonly rules: OperatorRules | null,
  ) {
    this.#u8 = arena.u8;
    this.#u32 = arena.u32;
    this.#f64 = arena.f64;
    this.#digests = layout.digestsAt;
    this.#context = layout.contextAt;
    const shape = PACKET_LAYOUTS[layout.options.packetLayout];
    this.#packetBytes = layout.channels[PACKET_CHANNELS[0]].elementBytes;
    this.#room = shape.payloadMaxBytes;
    this.#isPassedWhole = shape.isPassedWhole;
    this.#chooser = model.chooser;
  }

  /**
   * Takes packets from a channel until it is empty or the budget is used up.
   * @param channel the channel's id
   * @returns packets taken
   */
  drain(consumer: Consumer, channel: number, now: number, budget: number): number {
    let taken = 0;
    while (taken < budget) {
      const left = budget - taken;
      const count = consumer.readable(Math.min(left, GROUP));
      if (count === 0) break;
      this.#group(consumer, channel, count, now);
      taken += count;
    }
    return taken;
  }

  #group(consumer: Consumer, channel: number, count: number, now: number): void {
    const first = consumer.addressOf(0);
    const stride = this.#packetBytes;
    const digests = this.#digests;
    this.kernel.digest(first, count, stride, digests, this.#context);
    let torn = consumer.overrun();
    if (torn > 0) {
      if (torn > count) torn = count;
      consumer.drop(torn);
    }
    this.#touch(torn, count);
    for (let i = torn; i < count; i++)
      this.#judge(consumer, channel, first + i * stride, digests + i * DIGEST_BYTES, now);
    if (torn > 0) consumer.skipAhead();
  }

  /** Loads what the group's packets will need, so that the misses overlap instead of following one another. */
  #touch(from: number, count: number): void {
    const { recent, metas, model, kernel } = this;
    const digests = this.#digests + from * DIGEST_BYTES;
    const left = count - from;
    let touched =
      metas.lru.touchVictims(left) +
      recent.lru.touch(digests + SIGNATURE_MIX_AT, DIGEST_BYTES, left) +
      metas.lru.touch(digests + HASH_MIX_AT, DIGEST_BYTES, left) +
      model.touch(kernel, digests, left);
    if (this.outlet.fates) touched += this.outlet.touch(left);
    this.touched = touched;
  }

  /** Judges the packet at the consumer's head, and moves the head. */
  #judge(consumer: Consumer, channel: number, packet: number, digest: number, now: number): void {
    const refusal = this.#refusal(digest);
    if (refusal !== 0) {
      this.#refuse(consumer, digest, refusal, channel, now);
      if (refusal === END_FAILED_VIEW) this.model.unparsable(digest);
      return;
    }
    let score = this.model.score(digest);
    if (score === SCORE_OF_COPY) {
      this.#refuse(consumer, digest, END_COPY, channel, now);
      return;
    }
    if (score === SCORE_OF_SIBLING) {
      this.#refuse(consumer, digest, END_SIBLING, channel, now);
      return;
    }
    const { rules } = this;
    if (rules !== null) score = rules.arrived(digest, score);
    this.#f64[(digest + SCORE_AT) >>> 3] = score;
    this.#f64[(digest + ARRIVAL_AT) >>> 3] = now;
    if (this.outlet.fates) this.#recordArrival(digest, channel);
    if (this.queue.wants(score)) {
      if (!this.#enqueue(consumer, packet, digest, score, now)) return;
    } else {
      // Not remembered: it was never queued, and its retry may find room.
      this.#count(consumer, digest);
      this.ends.close(digest, END_LEAKED, now);
    }
    if (this.#chooser !== null) this.#chooser.arrived(digest);
    if (score === 0) this.counters[STAT.zeroScore]++;
  }

  /** @returns the end of a packet that is refused before it is scored, or 0 */
  #refusal(digest: number): number {
    const reason = this.#u8[digest + REASON_AT];
    if (reason !== 0) return END_OF_REASON[reason];
    if (this.rules?.denies(digest)) return END_DENIED;
    const seen = this.kernel.recognise(this.recent.at, this.metas.at, digest);
    if (seen === SEEN_CONFIRMED) return END_RECENTLY_PROCESSED;
    return seen === SEEN_WAITING ? END_DUPLICATE : 0;
  }

  /** @returns false if the packet was overwritten or changed while it was copied: then it never was */
  #enqueue(consumer: Consumer, packet: number, digest: number, score: number, now: number): boolean {
    const { queue } = this;
    const slot = queue.slots.claim();
    const at = queue.slots.at(slot);
    const used = this.#isPassedWhole ? this.#room : this.#u32[(digest + SIZE_COPY_AT) >>> 2];
    const bytes = this.#packetBytes;
    const isSame = this.kernel.fillSlot(at, packet, used, this.#room, bytes, digest, this.#context) !== 0;
    if (consumer.overrun() > 0 || !isSame) {
      queue.slots.release(slot);
      consumer.drop(1);
      return false;
    }
    this.#count(consumer, digest);
    this.metas.noteQueued(at, this.metas.insert(digest));
    const mayBeReady = this.#chooser === null || this.#chooser.mayBeReady();
    const left = queue.push(slot, score, now, mayBeReady);
    if (left >= 0) this.ends.close(queue.slots.at(left), END_LEAKED, now);
    return true;
  }

  /** What a fate tells beside the packet: how the score came about, and what it had to beat. */
  #recordArrival(digest: number, channel: number): void {
    this.model.factors(digest, this.#factors);
    this.outlet.arrived(digest, channel, this.queue.door, this.#factors.ip, this.#factors.payer);
  }

  #refuse(consumer: Consumer, digest: number, end: number, channel: number, now: number): void {
    this.#count(consumer, digest);
    this.ends.refuse(digest, end, channel, now);
  }

  #count(consumer: Consumer, digest: number): void {
    const { counters } = this;
    consumer.take(1);
    counters[STAT.totalPackets]++;
    const traits = this.#u8[digest + TRAITS_AT];
    if ((traits & (TRAIT_IPV6 | TRAIT_NEVER | TRAIT_SIMPLE_VOTE)) === 0) return;
    if ((traits & TRAIT_SIMPLE_VOTE) !== 0) counters[STAT.simpleVotes]++;
    if ((traits & TRAIT_IPV6) !== 0) counters[STAT.ipv6Packets]++;
    if ((traits & TRAIT_NEVER) !== 0) counters[STAT.neverIncludable]++;
  }
}
