// The third model: what a transaction is expected to earn, by what it is expected to take.
//
//     score = P(signature good) * P(lands | good) * fee
//             / (balance * 1 / packets that sigverify takes + (1 - balance) * E[work] / work that a block takes)
//
// All of it is learned from what comes back. Probabilities come from decayed counts in a hierarchy, each level drawn towards
// the one above it: p = (good + k p_parent) / (good + bad + k). For signatures: everybody without a record; the address; the
// address and port; both and the payer. The payer alone proves nothing about a signature: anybody can write anybody's key
// into a forged packet. For landing, the payer is what counts, since its signature was good. A level also counts how its
// children without a record fare: an address whose forgers use ever new ports is bad for new ports alone.
//
// Work is known as execution time only, so it is learned in that unit, per payer and asked compute unit.
// What it reads: model-notes of the prototype; Josang & Ismail (2002) on beta reputation; congestion windows for the room.

import type { Arena } from "../../arena.ts";
import type { ArenaLayout } from "../../layout.ts";
import {
  ARRIVAL_AT,
  COMPUTE_UNITS_AT,
  FEE_AT,
  IP_ID_AT,
  PAYER_ID_AT,
  PAYLOAD_MIX_AT,
  PORT_COPY_AT,
  REASON_AT,
  TRAIT_STAKED,
  TRAITS_AT,
} from "../../wire/digest-layout.ts";
import { CHOICE_COPY, CHOICE_KEEP, CHOICE_SEND, CHOICE_STOP, type Chooser, SCORE_OF_COPY } from "../chooser.ts";
import type { Model, ScoreFactors } from "../model.ts";
import { BlockRoom } from "./block-room.ts";
import * as k from "./constants.ts";
import * as node from "./evidence-table.ts";
import { EvidenceTable } from "./evidence-table.ts";
import { Newcomers } from "./newcomers.ts";
import { PayloadMemory } from "./payload-memory.ts";
import { UnknownClass } from "./unknown-class.ts";

/** Holds in a row after which nothing smaller is looked for in this transmit. */
const KEEPS_MOST = 256;
const SENT = 1;

export class Evidence implements Model, Chooser {
  readonly name = "evidence";
  readonly chooser = this;
  /** It learns from each outcome at once. */
  readonly pending = 0;
  readonly table: EvidenceTable;
  readonly room = new BlockRoom();

  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #counts: Float32Array;
  readonly #sentPayloads: PayloadMemory;
  readonly #seenPayloads: PayloadMemory;
  readonly #newcomers: Newcomers;
  readonly #unknown = [new UnknownClass(), new UnknownClass()] as const;
  #nowMs = 0;
  #packetsPerMs = 10_000;
  /** Nanoseconds of execution and compute units asked for them, over all that was included. */
  #nanos = 0;
  #asked = 0;
  /** Price that nine tenths of what blocks include are above, lamports per asked compute unit. */
  #lowPrice = 0;
  // Of the transmit under way.
  #packetsLeft = 0;
  #roomMost = 0;
  #roomLeft = 0;
  #keeps = 0;
  // What the last look found: estimates, and the nodes that they came from (0: none).
  #pGood = 0;
  #pLands = 0;
  #nanosPerUnit = 0;
  #address = 0;
  #port = 0;
  #leaf = 0;
  #payer = 0;
  // Ids of the last look's keys.
  #portLow = 0;
  #portHigh = 0;
  #leafLow = 0;
  #leafHigh = 0;

  constructor(arena: Arena, layout: ArenaLayout) {
    this.table = new EvidenceTable(arena, layout.evidence);
    this.#sentPayloads = new PayloadMemory(arena, layout.sentPayloads);
    this.#seenPayloads = new PayloadMemory(arena, layout.seenPayloads);
    this.#newcomers = new Newcomers(arena, layout.presence);
    this.#u8 = arena.u8;
    this.#u16 = arena.u16;
    this.#i32 = arena.i32;
    this.#u32 = arena.u32;
    this.#f64 = arena.f64;
    this.#counts = this.table.counts;
  }

  // --- Arrival ---

  touch(at: number): number {
    const i32 = this.#i32;
    this.#setIds(at);
    return (
      this.table.touch(this.#leafLow) +
      this.table.touch(i32[(at + PAYER_ID_AT) >>> 2]!) +
      this.table.touch(i32[(at + IP_ID_AT) >>> 2]!) +
      this.#sentPayloads.touch(i32[(at + PAYLOAD_MIX_AT) >>> 2]!) +
      this.#seenPayloads.touch(i32[(at + PAYLOAD_MIX_AT) >>> 2]!)
    );
  }

  score(at: number): number {
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    if (this.#sentPayloads.find(this.#i32[mix]!, this.#i32[mix + 1]!) !== 0) return SCORE_OF_COPY;
    this.#lookQuickly(at);
    return this.#worth(at) * (this.#isCopy(at) ? k.COPY_WORTH : 1);
  }

  arrived(at: number): void {
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    const low = this.#i32[mix]!;
    const high = this.#i32[mix + 1]!;
    if (this.#seenPayloads.find(low, high) === 0) this.#seenPayloads.put(low, high, this.#senderTag(at));
    if (this.#address === 0) this.#newcomers.note(at, this.#nowMs);
  }

  /** Estimates from the deepest node alone, as of its last settling: what a look at every level would give, a moment ago. */
  #lookQuickly(at: number): void {
    const i32 = this.#i32;
    const { table } = this;
    const counts = this.#counts;
    this.#setIds(at);
    const leaf = table.find(this.#leafLow, this.#leafHigh);
    this.#address = leaf;
    if (leaf !== 0) {
      this.#pGood = counts[leaf + node.P_GOOD]!;
    } else {
      const port = table.find(this.#portLow, this.#portHigh);
      const address = table.find(i32[(at + IP_ID_AT) >>> 2]!, i32[(at + IP_ID_AT + 4) >>> 2]!);
      const known = port !== 0 ? port : address;
      this.#address = known;
      this.#pGood = known !== 0 ? counts[known + node.P_GOOD]! : this.#unknownOf(at).pGood;
    }
    const payer = table.find(i32[(at + PAYER_ID_AT) >>> 2]!, i32[(at + PAYER_ID_AT + 4) >>> 2]!);
    if (payer !== 0) {
      this.#pLands = counts[payer + node.P_LANDS]!;
      this.#nanosPerUnit = counts[payer + node.NANOS_PER_UNIT]!;
    } else {
      const address = table.find(i32[(at + IP_ID_AT) >>> 2]!, i32[(at + IP_ID_AT + 4) >>> 2]!);
      this.#pLands = address !== 0 ? counts[address + node.P_LANDS]! : this.#unknownOf(at).pLands;
      this.#nanosPerUnit = this.#usualNanosPerUnit();
    }
  }

  // --- Transmit ---

  begin(nowMs: number, most: number, intervalMs: number): void {
    this.#nowMs = Math.floor(nowMs);
    this.#packetsPerMs = most / intervalMs;
    this.#packetsLeft = most;
    this.#roomMost = this.room.roomOf(intervalMs);
    this.#roomLeft = this.#roomMost;
    this.#keeps = 0;
    this.#newcomers.begin(Math.ceil(k.EXPLORED_SHARE * most));
  }

  touchAgain(at: number): number {
    this.#setIds(at);
    return (
      this.table.touch(this.#leafLow) +
      this.table.touch(this.#portLow) +
      this.table.touch(this.#i32[(at + PAYER_ID_AT) >>> 2]!) +
      this.table.touch(this.#i32[(at + IP_ID_AT) >>> 2]!)
    );
  }

  rescore(at: number, place: number): number {
    this.#look(at);
    let worth = this.#worth(at);
    if (this.#isCopy(at)) worth *= k.COPY_WORTH;
    else if (this.#address === 0 || this.table.evidence(this.#address) < k.RECORD_LEAST) {
      this.#newcomers.consider(at, place, worth);
    }
    return this.#nowMs - this.#f64[(at + ARRIVAL_AT) >>> 3]! > k.STALE_AFTER_MS ? worth * k.STALE_WORTH : worth;
  }

  favoured(): number {
    return this.#newcomers.next();
  }

  choose(at: number): number {
    if (this.#packetsLeft <= 0 || this.#keeps > KEEPS_MOST) return CHOICE_STOP;
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    if (this.#sentPayloads.find(this.#i32[mix]!, this.#i32[mix + 1]!) !== 0) return CHOICE_COPY;
    this.#look(at);
    if (this.#isTooMuchInFlight()) return CHOICE_KEEP;
    if (this.#expectedNanos(at) > this.#roomLeft) {
      this.#keeps += 1;
      return CHOICE_KEEP;
    }
    return CHOICE_SEND;
  }

  /** What is sent is the packet that `choose` looked at last. */
  sent(at: number): void {
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    this.#sentPayloads.put(this.#i32[mix]!, this.#i32[mix + 1]!, SENT);
    this.#packetsLeft -= 1;
    this.#roomLeft -= this.#expectedNanos(at);
    const address = this.#address !== 0 ? this.#address : this.#addressNode(at);
    this.#counts[address + node.IN_FLIGHT]! += 1;
    if (this.#leaf !== 0) this.#counts[this.#leaf + node.IN_FLIGHT]! += 1;
    if (this.#payer !== 0) this.#counts[this.#payer + node.IN_FLIGHT]! += 1;
  }

  end(): void {
    this.room.spent(this.#packetsLeft, this.#keeps > 0 ? 0 : this.#roomLeft);
  }

  // --- What comes back ---

  failedSignature(at: number): void {
    if (this.#u8[at + REASON_AT] !== 0) {
      this.unparsable(at);
      return;
    }
    this.#look(at);
    if (!this.#isKnownAddress()) this.#unknownOf(at).signature(false, this.#nowMs);
    const address = this.#addressNode(at);
    const port = this.table.findOrAdd(this.#portLow, this.#portHigh, this.#nowMs);
    const leaf = this.table.findOrAdd(this.#leafLow, this.#leafHigh, this.#nowMs);
    if (this.#port === 0) this.#counts[address + node.FRESH_BAD]! += 1;
    if (this.#leaf === 0) this.#counts[port + node.FRESH_BAD]! += 1;
    this.#bad(address, 1);
    this.#bad(port, 1);
    this.#bad(leaf, 1);
    this.#landedAtLast(address, leaf);
    this.#look(at);
  }

  unparsable(at: number): void {
    const address = this.#addressNode(at);
    this.#bad(address, k.UNPARSABLE_BLAME);
    this.#counts[address + node.FRESH_BAD]! += k.UNPARSABLE_BLAME;
  }

  outcome(at: number, executionNanos: number): void {
    this.#look(at);
    const wasLikely = this.#pLands >= k.LIKELY_LANDER;
    const expected = this.#nanosPerUnit * this.#u32[(at + COMPUTE_UNITS_AT) >>> 2]!;
    const known = this.#isKnownAddress();
    const now = this.#nowMs;
    const counts = this.#counts;
    const address = this.#addressNode(at);
    const port = this.table.findOrAdd(this.#portLow, this.#portHigh, now);
    const leaf = this.table.findOrAdd(this.#leafLow, this.#leafHigh, now);
    const i32 = this.#i32;
    const freshPayer = this.#payer === 0 || this.table.evidence(this.#payer) < k.RECORD_LEAST;
    const payer = this.table.findOrAdd(i32[(at + PAYER_ID_AT) >>> 2]!, i32[(at + PAYER_ID_AT + 4) >>> 2]!, now);
    if (!known) this.#unknownOf(at).signature(true, now);
    if (this.#port === 0) this.#good(address, node.FRESH_GOOD);
    if (this.#leaf === 0) this.#good(port, node.FRESH_GOOD);
    this.#good(address, node.GOOD);
    this.#good(port, node.GOOD);
    this.#good(leaf, node.GOOD);
    this.#landedAtLast(address, leaf);
    counts[payer + node.IN_FLIGHT] = Math.max(0, counts[payer + node.IN_FLIGHT]! - 1);
    if (executionNanos > 0) {
      this.#landed(at, address, payer, freshPayer, executionNanos);
      if (!known) this.#unknownOf(at).landing(true, now);
    } else {
      if (wasLikely) this.room.cameBack(expected);
      if (this.#price(at) > k.MISS_PRICE_FACTOR * this.#lowPrice) {
        this.#missed(address, payer, freshPayer);
        if (!known) this.#unknownOf(at).landing(false, now);
      }
    }
    this.#look(at);
  }

  /** It learns from each outcome at once. */
  learn(): void {}

  advance(nowMs: number): void {
    this.#nowMs = Math.floor(nowMs);
    this.room.advance(nowMs);
  }

  /** The probabilities that a packet's signature is good, and that it lands then. */
  factors(at: number, into: ScoreFactors): void {
    this.#look(at);
    into.ip = this.#pGood;
    into.payer = this.#pLands;
  }

  // --- Estimates ---

  /** Looks at every level, settles what it finds, and leaves the estimates in its nodes for quick looks. */
  #look(at: number): void {
    const { table } = this;
    const i32 = this.#i32;
    const counts = this.#counts;
    const now = this.#nowMs;
    this.#setIds(at);
    const address = table.find(i32[(at + IP_ID_AT) >>> 2]!, i32[(at + IP_ID_AT + 4) >>> 2]!);
    const port = table.find(this.#portLow, this.#portHigh);
    const leaf = table.find(this.#leafLow, this.#leafHigh);
    const payer = table.find(i32[(at + PAYER_ID_AT) >>> 2]!, i32[(at + PAYER_ID_AT + 4) >>> 2]!);
    this.#address = address;
    this.#port = port;
    this.#leaf = leaf;
    this.#payer = payer;
    const unknown = this.#unknownOf(at);
    let good = unknown.pGood;
    let lands = unknown.pLands;
    if (address !== 0) {
      table.settle(address, now);
      good = shrunk(counts, address, node.GOOD, node.BAD, good);
      lands = shrunk(counts, address, node.LANDED, node.MISSED, lands);
      lands = shrunk(counts, address, node.FRESH_LANDED, node.FRESH_MISSED, lands);
      counts[address + node.P_LANDS] = lands;
      const fresh = shrunk(counts, address, node.FRESH_GOOD, node.FRESH_BAD, good);
      counts[address + node.P_GOOD] = fresh;
      if (port === 0) good = fresh;
    }
    if (port !== 0) {
      table.settle(port, now);
      good = shrunk(counts, port, node.GOOD, node.BAD, good);
      const fresh = shrunk(counts, port, node.FRESH_GOOD, node.FRESH_BAD, good);
      counts[port + node.P_GOOD] = fresh;
      if (leaf === 0) good = fresh;
    }
    if (leaf !== 0) {
      table.settle(leaf, now);
      good = shrunk(counts, leaf, node.GOOD, node.BAD, good);
      counts[leaf + node.P_GOOD] = good;
    }
    this.#pGood = good;
    const usual = this.#usualNanosPerUnit();
    let perUnit = usual;
    if (payer !== 0) {
      table.settle(payer, now);
      lands = shrunk(counts, payer, node.LANDED, node.MISSED, lands);
      const prior = k.PARENT_WEIGHT * this.#u32[(at + COMPUTE_UNITS_AT) >>> 2]!;
      const asked = counts[payer + node.ASKED]! + prior;
      if (asked > 0) perUnit = (counts[payer + node.NANOS]! + prior * usual) / asked;
      counts[payer + node.P_LANDS] = lands;
      counts[payer + node.NANOS_PER_UNIT] = perUnit;
    }
    this.#pLands = lands;
    this.#nanosPerUnit = perUnit;
  }

  /** Expected lamports by expected cost, from the last look. */
  #worth(at: number): number {
    const p = this.#pGood * this.#pLands;
    const value = p * this.#f64[(at + FEE_AT) >>> 3]!;
    const { balance, nanosPerMs } = this.room;
    const packets = balance / this.#packetsPerMs;
    if (nanosPerMs === Number.POSITIVE_INFINITY) return value / packets;
    const work = (p * this.#nanosPerUnit * this.#u32[(at + COMPUTE_UNITS_AT) >>> 2]!) / nanosPerMs;
    const worth = value / (packets + (1 - balance) * work);
    return Number.isNaN(worth) ? 0 : worth; // the queue never receives NaN
  }

  #expectedNanos(at: number): number {
    return this.#pGood * this.#pLands * this.#nanosPerUnit * this.#u32[(at + COMPUTE_UNITS_AT) >>> 2]!;
  }

  #usualNanosPerUnit(): number {
    return this.#asked > 0 ? this.#nanos / this.#asked : 0;
  }

  #price(at: number): number {
    return this.#f64[(at + FEE_AT) >>> 3]! / Math.max(1, this.#u32[(at + COMPUTE_UNITS_AT) >>> 2]!);
  }

  #unknownOf(at: number): UnknownClass {
    return this.#unknown[(this.#u8[at + TRAITS_AT]! & TRAIT_STAKED) !== 0 ? 1 : 0]!;
  }

  #isKnownAddress(): boolean {
    return this.#address !== 0 && this.table.evidence(this.#address) >= k.RECORD_LEAST;
  }

  #isTooMuchInFlight(): boolean {
    return this.#unproven(this.#leaf !== 0 ? this.#leaf : this.#address) || this.#unproven(this.#payer);
  }

  #unproven(at: number): boolean {
    if (at === 0) return false;
    const counts = this.#counts;
    if (counts[at + node.IN_FLIGHT]! < k.UNPROVEN_IN_FLIGHT_MOST) return false;
    return this.table.evidence(at) < k.RECORD_LEAST;
  }

  #isCopy(at: number): boolean {
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    const first = this.#seenPayloads.find(this.#i32[mix]!, this.#i32[mix + 1]!);
    return first !== 0 && first !== this.#senderTag(at);
  }

  #senderTag(at: number): number {
    return this.#i32[(at + IP_ID_AT + 4) >>> 2]! | 1;
  }

  // --- Counts ---

  #addressNode(at: number): number {
    const word = (at + IP_ID_AT) >>> 2;
    return this.table.findOrAdd(this.#i32[word]!, this.#i32[word + 1]!, this.#nowMs);
  }

  #good(at: number, column: number): void {
    const counts = this.#counts;
    counts[at + column] = Math.min(k.GOOD_MOST, counts[at + column]! + 1);
  }

  #bad(at: number, by: number): void {
    const counts = this.#counts;
    counts[at + node.BAD] = Math.min(k.BAD_MOST, counts[at + node.BAD]! + by);
    counts[at + node.GOOD]! *= k.GOOD_KEPT_BY_BAD;
    counts[at + node.FRESH_GOOD]! *= k.GOOD_KEPT_BY_BAD;
  }

  #landedAtLast(address: number, leaf: number): void {
    const counts = this.#counts;
    counts[address + node.IN_FLIGHT] = Math.max(0, counts[address + node.IN_FLIGHT]! - 1);
    counts[leaf + node.IN_FLIGHT] = Math.max(0, counts[leaf + node.IN_FLIGHT]! - 1);
  }

  #landed(at: number, address: number, payer: number, freshPayer: boolean, nanos: number): void {
    const counts = this.#counts;
    const asked = this.#u32[(at + COMPUTE_UNITS_AT) >>> 2]!;
    for (const one of [address, payer]) {
      this.#good(one, node.LANDED);
      counts[one + node.MISSED]! *= k.MISSED_KEPT_BY_LANDING;
    }
    if (freshPayer) this.#good(address, node.FRESH_LANDED);
    counts[payer + node.NANOS]! += nanos;
    counts[payer + node.ASKED]! += asked;
    this.#nanos = this.#nanos * 0.9995 + nanos;
    this.#asked = this.#asked * 0.9995 + asked;
    this.room.included(nanos);
    const price = this.#price(at);
    if (this.#lowPrice === 0) this.#lowPrice = price;
    else
      this.#lowPrice *= Math.exp(
        price < this.#lowPrice ? -k.QUANTILE_STEP * (1 - k.QUANTILE) : k.QUANTILE_STEP * k.QUANTILE,
      );
  }

  #missed(address: number, payer: number, freshPayer: boolean): void {
    const counts = this.#counts;
    for (const one of [address, payer]) {
      counts[one + node.MISSED] = Math.min(k.BAD_MOST, counts[one + node.MISSED]! + 1);
      counts[one + node.LANDED]! *= k.LANDED_KEPT_BY_MISS;
    }
    if (freshPayer) counts[address + node.FRESH_MISSED]! += 1;
  }

  // --- Keys ---

  /** Ids of the keys below the address: keyed because they are made of keyed ids, spread by odd multipliers. */
  #setIds(at: number): void {
    const i32 = this.#i32;
    const ipLow = i32[(at + IP_ID_AT) >>> 2]!;
    const ipHigh = i32[(at + IP_ID_AT + 4) >>> 2]!;
    const port = this.#u16[(at + PORT_COPY_AT) >>> 1]! + 1;
    this.#portLow = Math.imul(ipLow ^ Math.imul(port, 0x9e3779b1), 0x85ebca77) ^ (ipHigh >>> 15);
    this.#portHigh = Math.imul(ipHigh ^ Math.imul(port, 0xc2b2ae3d), 0x27d4eb2f) ^ (ipLow >>> 13);
    const payerLow = i32[(at + PAYER_ID_AT) >>> 2]!;
    const payerHigh = i32[(at + PAYER_ID_AT + 4) >>> 2]!;
    this.#leafLow = Math.imul(this.#portLow ^ payerLow, 0x165667b1) ^ (payerHigh >>> 16);
    this.#leafHigh = Math.imul(this.#portHigh ^ payerHigh, 0x9e3779b1) ^ (payerLow >>> 14);
  }
}

/** A level's estimate, drawn towards its parent's; what is in flight counts against it until it is answered. */
function shrunk(counts: Float32Array, at: number, good: number, bad: number, parent: number): number {
  const g = counts[at + good]!;
  return (
    (g + k.PARENT_WEIGHT * parent) /
    (g + counts[at + bad]! + k.PARENT_WEIGHT + (k.IN_FLIGHT_BLAME * counts[at + node.IN_FLIGHT]!) / (1 + g))
  );
}
