// The loop's way out for records: two rings, one of outcomes (for the database) and one of recent fates (every packet's end).
// Either may be absent. The loop asks `fates` or `outcomes` before it calls, so that a sidecar without them pays one
// predictable branch. Nothing here allocates; a turn publishes once.

import type { Producer } from "../channel/producer.ts";
import type { Arena } from "../shape/arena.ts";
import { HEADER_BYTES } from "../shape/channel-header.ts";
import { ARRIVAL_AT, META_BYTES, TRAIT_TRANSMITTED, TRAITS_AT } from "../shape/digest-layout.ts";
import { END_FAILED_SIGNATURE, END_INCLUDED, END_NOT_INCLUDED } from "../shape/ends.ts";
import type { RingRegion } from "../shape/layout.ts";
import {
  ARRIVAL_CHANNEL_AT,
  ARRIVAL_DOOR_AT,
  ARRIVAL_IP_SCORE_AT,
  ARRIVAL_PAYER_SCORE_AT,
  META_TRANSMIT_DELAY_AT,
  NOT_TRANSMITTED,
  RECORD_BYTES,
  RECORD_END_AT,
  RECORD_END_MS_AT,
  RECORD_EXECUTION_NANOS_AT,
  RECORD_SEQUENCE_AT,
  RECORD_TAIL_AT,
  RECORD_TRANSMIT_MS_AT,
  TRANSMIT_DELAY_MAX,
} from "../shape/record-layout.ts";
import { createRing } from "./ring.ts";

const LINE_WORDS = 16;

export interface OutletRegions {
  readonly outcomes: RingRegion | undefined;
  readonly fates: RingRegion | undefined;
}

export class Outlet {
  /** Whether fates are recorded. */
  readonly fates: boolean;
  /** Whether outcomes are. */
  readonly outcomes: boolean;
  /** Either. */
  readonly open: boolean;

  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #f32: Float32Array;
  readonly #arena: Arena;
  readonly #fatesAt: number;
  readonly #fateRing: Producer | null;
  readonly #outcomeRing: Producer | null;

  constructor(arena: Arena, regions: OutletRegions) {
    this.#arena = arena;
    this.#fatesAt = (regions.fates?.at ?? 0) + HEADER_BYTES;
    this.#u8 = arena.u8;
    this.#u16 = arena.u16;
    this.#i32 = arena.i32;
    this.#f64 = arena.f64;
    this.#f32 = new Float32Array(arena.buffer);
    this.#fateRing = regions.fates === undefined ? null : createRing(arena, regions.fates);
    this.#outcomeRing = regions.outcomes === undefined ? null : createRing(arena, regions.outcomes);
    this.fates = this.#fateRing !== null;
    this.outcomes = this.#outcomeRing !== null;
    this.open = this.fates || this.outcomes;
  }

  /**
   * Loads the lines that the next `count` fates are written to, so that the misses of a group overlap.
   * @returns anything that depends on the loads
   */
  touch(count: number): number {
    const ring = this.#fateRing;
    if (ring === null) return 0;
    const { i32 } = this.#arena;
    const mask = ring.capacity - 1;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const line = (this.#fatesAt + ((ring.tail + i) & mask) * RECORD_BYTES) >>> 2;
      touched += i32[line] + i32[line + LINE_WORDS] + i32[line + 2 * LINE_WORDS];
    }
    return touched;
  }

  /**
   * Keeps what is known of a packet at its arrival, in its digest.
   * @param channel id of the channel that it came on
   * @param door the score that it had to beat
   * @param ipScore the score's factors
   */
  arrived(digest: number, channel: number, door: number, ipScore: number, payerScore: number): void {
    const f32 = this.#f32;
    f32[(digest + ARRIVAL_DOOR_AT) >>> 2] = door;
    f32[(digest + ARRIVAL_IP_SCORE_AT) >>> 2] = ipScore;
    f32[(digest + ARRIVAL_PAYER_SCORE_AT) >>> 2] = payerScore;
    this.#i32[(digest + ARRIVAL_CHANNEL_AT) >>> 2] = channel + 1;
  }

  /** A packet that was refused before it had a score: its arrival is now. @param channel id of its channel */
  refused(digest: number, end: number, channel: number, now: number): void {
    this.#i32[(digest + ARRIVAL_CHANNEL_AT) >>> 2] = channel + 1;
    this.#f64[(digest + ARRIVAL_AT) >>> 3] = now;
    this.fate(digest, end, now, NOT_TRANSMITTED);
  }

  /**
   * A packet's end, from its whole digest.
   * @param end shape/ends.ts
   * @param transmitMs the loop's clock, or NOT_TRANSMITTED
   */
  fate(digest: number, end: number, now: number, transmitMs: number): void {
    const ring = this.#fateRing;
    if (ring === null) return;
    const at = ring.reserve();
    this.#u8.copyWithin(at, digest, digest + RECORD_BYTES);
    this.#finish(at, ring.tail, end, now, transmitMs, 0);
    ring.commit();
  }

  /** Keeps a meta's transmit time, for the record of its outcome. */
  transmitted(meta: number, now: number): void {
    const delay = Math.floor(now - this.#f64[(meta + ARRIVAL_AT) >>> 3]);
    this.#u16[(meta + META_TRANSMIT_DELAY_AT) >>> 1] = Math.min(delay, TRANSMIT_DELAY_MAX);
    this.#u8[meta + TRAITS_AT] |= TRAIT_TRANSMITTED;
  }

  /** The scheduler's answer for a meta. @param nanos 0 if it was not included */
  outcome(meta: number, nanos: number, now: number): void {
    const end = nanos > 0 ? END_INCLUDED : END_NOT_INCLUDED;
    if (this.#outcomeRing !== null) this.#fromMeta(this.#outcomeRing, meta, end, nanos, now);
    if (this.#fateRing !== null) this.#fromMeta(this.#fateRing, meta, end, nanos, now);
  }

  /**
   * Sigverify's refusal.
   * @param digest the failed packet's; its arrival here is now
   * @param meta what was known of it, or 0
   */
  failed(digest: number, meta: number, now: number): void {
    if (meta !== 0) {
      if (this.#outcomeRing !== null) this.#fromMeta(this.#outcomeRing, meta, END_FAILED_SIGNATURE, 0, now);
      if (this.#fateRing !== null) this.#fromMeta(this.#fateRing, meta, END_FAILED_SIGNATURE, 0, now);
      return;
    }
    this.#i32[(digest + ARRIVAL_CHANNEL_AT) >>> 2] = 0;
    this.#f64[(digest + ARRIVAL_AT) >>> 3] = now;
    this.fate(digest, END_FAILED_SIGNATURE, now, NOT_TRANSMITTED);
  }

  /** Publishes the turn's records. */
  sync(): void {
    this.#fateRing?.sync();
    this.#outcomeRing?.sync();
  }

  #fromMeta(ring: Producer, meta: number, end: number, nanos: number, now: number): void {
    const at = ring.reserve();
    this.#u8.copyWithin(at, meta, meta + META_BYTES);
    const i32 = this.#i32;
    for (let word = (at + RECORD_TAIL_AT) >>> 2, last = (at + RECORD_BYTES) >>> 2; word < last; word++) i32[word] = 0;
    let transmitMs = NOT_TRANSMITTED;
    if ((this.#u8[at + TRAITS_AT] & TRAIT_TRANSMITTED) !== 0) {
      transmitMs = this.#f64[(at + ARRIVAL_AT) >>> 3] + this.#u16[(at + META_TRANSMIT_DELAY_AT) >>> 1];
      this.#u16[(at + META_TRANSMIT_DELAY_AT) >>> 1] = 0;
      this.#u8[at + TRAITS_AT] &= ~TRAIT_TRANSMITTED;
    }
    this.#finish(at, ring.tail, end, now, transmitMs, nanos);
    ring.commit();
  }

  #finish(at: number, sequence: number, end: number, now: number, transmitMs: number, nanos: number): void {
    const f64 = this.#f64;
    const words = at >>> 3;
    f64[(at + RECORD_EXECUTION_NANOS_AT) >>> 3] = nanos;
    this.#i32[(at + RECORD_END_AT) >>> 2] = end;
    f64[words + RECORD_SEQUENCE_AT / 8] = sequence;
    f64[words + RECORD_END_MS_AT / 8] = now;
    f64[words + RECORD_TRANSMIT_MS_AT / 8] = transmitMs;
  }
}
