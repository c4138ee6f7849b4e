// A queued packet's last step: recently confirmed, too old, or out (engine.md, 6). What both ways of transmitting share.

import type { Producer } from "../channel/producer.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Outlet } from "../records/outlet.ts";
import type { Arena } from "../shape/arena.ts";
import {
  ARRIVAL_AT,
  DIGEST_BYTES,
  HASH_MIX_AT,
  SIGNATURE_KEY_AT,
  SIGNATURE_MIX_AT,
  SIZE_COPY_AT,
} from "../shape/digest-layout.ts";
import { END_EXPIRED, END_RECENTLY_PROCESSED_QUEUED, END_TRANSMITTED } from "../shape/ends.ts";
import type { ArenaLayout } from "../shape/layout.ts";
import { PACKET_LAYOUTS } from "../shape/packet-layouts.ts";
import type { PartialMetas } from "../stores/partial-metas.ts";
import type { RecentFilter } from "../stores/recent-filter.ts";
import type { Ends } from "./ends.ts";
import { record } from "./turn-times.ts";

const MICROS_PER_MS = 1_000;
/** A mask that changes no row number. */
const ALL = -1;

export class Dispatch {
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #packetBytes: number;
  /** Bytes of the payload's room. */
  readonly #room: number;
  readonly #isPassedWhole: boolean;

  constructor(
    arena: Arena,
    layout: ArenaLayout,
    private readonly maxAgeMs: number,
    private readonly ends: Ends,
    private readonly recent: RecentFilter,
    private readonly metas: PartialMetas,
    private readonly outlet: Outlet,
    private readonly kernel: Kernel,
    private readonly words: Float64Array,
    private readonly straightWord: number,
    private readonly waitedWord: number,
  ) {
    this.#u32 = arena.u32;
    this.#f64 = arena.f64;
    const shape = PACKET_LAYOUTS[layout.options.packetLayout];
    this.#packetBytes = shape.bytes;
    this.#room = shape.payloadMaxBytes;
    this.#isPassedWhole = shape.isPassedWhole;
  }

  /**
   * Loads what `offer` reads of digests and stores, for a group.
   * @param slotsAt arena offset of the first slot's number (u32); the next ones follow
   * @param digestsAt arena offset of slot 0's digest
   * @returns anything that depends on the loads
   */
  touch(slotsAt: number, count: number, digestsAt: number, slotBytes: number): number {
    const { kernel, recent, metas } = this;
    const touched =
      recent.lru.touchThrough(slotsAt, count, digestsAt + SIGNATURE_MIX_AT, slotBytes) +
      kernel.touchRows(slotsAt, 4, count, digestsAt + SIGNATURE_KEY_AT, ALL, slotBytes) +
      kernel.touchRows(slotsAt, 4, count, digestsAt + ARRIVAL_AT, ALL, slotBytes);
    if (!this.outlet.open) return touched;
    return touched + metas.lru.touchThrough(slotsAt, count, digestsAt + HASH_MIX_AT, slotBytes);
  }

  /**
   * Sends a packet, or ends it. The slot is the caller's to release.
   * @param at the slot's digest, with the packet behind it
   * @returns whether it went out
   */
  offer(output: Producer, at: number, now: number): boolean {
    const { ends } = this;
    if (this.recent.has(at + SIGNATURE_KEY_AT, at + SIGNATURE_MIX_AT)) {
      ends.close(at, END_RECENTLY_PROCESSED_QUEUED, now);
      return false;
    }
    if (now - this.#f64[(at + ARRIVAL_AT) >>> 3] > this.maxAgeMs) {
      ends.close(at, END_EXPIRED, now);
      return false;
    }
    const used = this.#isPassedWhole ? this.#room : this.#u32[(at + SIZE_COPY_AT) >>> 2];
    this.kernel.copyPacket(output.reserve(), at + DIGEST_BYTES, used, this.#room, this.#packetBytes);
    output.commit();
    ends.close(at, END_TRANSMITTED, now);
    const waitedMs = now - this.#f64[(at + ARRIVAL_AT) >>> 3];
    record(this.words, waitedMs > 0 ? this.waitedWord : this.straightWord, waitedMs * MICROS_PER_MS);
    if (this.outlet.open) this.#noteSent(at, now);
    return true;
  }

  /** Keeps the time in the partial meta, for the record of the outcome. */
  #noteSent(at: number, now: number): void {
    const meta = this.metas.find(at);
    if (meta !== 0) this.outlet.transmitted(meta, now);
  }
}
