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
import { type ArenaLayout, EVIDENCE_WAYS } from "../../layout.ts";
import {
  ARRIVAL_AT,
  COMPUTE_UNITS_AT,
  FEE_AT,
  IP_ID_AT,
  IP_KEY_AT,
  PAYER_ID_AT,
  PAYER_KEY_AT,
  PAYLOAD_MIX_AT,
  PORT_COPY_AT,
  REASON_AT,
  TRAIT_IPV6,
  TRAIT_STAKED,
  TRAITS_AT,
} from "../../wire/digest-layout.ts";
import { CHOICE_COPY, CHOICE_KEEP, CHOICE_SEND, CHOICE_STOP, type Chooser, SCORE_OF_COPY } from "../chooser.ts";
import type { Model, ScoreFactors, SenderStore } from "../model.ts";
import { BlockRoom } from "./block-room.ts";
import * as k from "./constants.ts";
import * as node from "./evidence-table.ts";
import { EvidenceTable } from "./evidence-table.ts";
import { Misses } from "./misses.ts";
import { Newcomers } from "./newcomers.ts";
import { PayloadMemory } from "./payload-memory.ts";
import { UnknownClass } from "./unknown-class.ts";

/** Holds in a row after which nothing smaller is looked for in this transmit. */
const KEEPS_MOST = 256;
const STALE_STEPS_PER_HALF_LIFE = 4;

export class Evidence implements Model, Chooser {
  readonly name = "evidence";
  readonly chooser = this;
  /** Outcomes since the last `learn`; each is learned from at once. */
  pending = 0;
  readonly senders: SenderStore;
  readonly table: EvidenceTable;
  readonly room = new BlockRoom();

  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #counts: Float32Array;
  readonly #payloads: PayloadMemory;
  readonly #newcomers: Newcomers;
  readonly #misses = new Misses();
  readonly #unknown = [new UnknownClass(), new UnknownClass()] as const;
  /** New ports and new payers of addresses that have a record. */
  readonly #strangers = new UnknownClass();
  #nowMs = 0;
  /** Of the last score: its payload was not seen before. */
  #isFirst = false;
  #packetsPerMs = 10_000;
  /** Compute units that a transaction asks for, on average over those that landed. */
  #usualAsked = 0;
  /** Nanoseconds per asked unit, as the middle one of those that landed (its logarithm, followed by steps). */
  #usualNanosPerUnit = 0;
  // Of the transmit under way.
  #packetsLeft = 0;
  #roomMost = 0;
  #roomLeft = 0;
  #keeps = 0;
  #queued = 0;
  /** More is queued than can be sent, and answers come: only then is there a reason to wait for one. */
  #canWait = false;
  #answeredMs = Number.NEGATIVE_INFINITY;
  // What the last look found: estimates, and the nodes that they came from (0: none).
  #pGood = 0;
  #pLands = 0;
  #pTakesRoom = 0;
  #addressGood = 0;
  #addressLands = 0;
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
    this.#payloads = new PayloadMemory(arena, layout.payloads);
    this.#newcomers = new Newcomers(arena, layout.presence);
    this.#u8 = arena.u8;
    this.#u16 = arena.u16;
    this.#i32 = arena.i32;
    this.#u32 = arena.u32;
    this.#f64 = arena.f64;
    this.#counts = this.table.counts;
    const nodes = layout.evidence.sets * EVIDENCE_WAYS;
    const { table } = this;
    const bounds = {
      limit: nodes,
      get size() {
        return table.size;
      },
    };
    this.senders = {
      ips: bounds,
      payers: bounds,
      restoreIp: (at, score) => this.#restore(this.#addressNode(at), node.GOOD, score),
      restorePayer: (at, score) => this.#restore(this.#payerNode(at), node.LANDED, score),
      warm() {},
    };
  }

  /** Gives a node what a checkpoint says: an estimate, with the weight of a few observations. */
  #restore(at: number, column: number, score: number): boolean {
    if (!(score >= 0 && score <= 1)) return false;
    const counts = this.#counts;
    counts[at + column] = k.RESTORED_EVIDENCE * score;
    counts[at + column + 1] = k.RESTORED_EVIDENCE * (1 - score);
    counts[at + node.P_GOOD] = column === node.GOOD ? score : 0;
    counts[at + node.P_LANDS] = score;
    counts[at + node.NANOS_PER_UNIT] = 0;
    return true;
  }

  // --- Arrival ---

  touch(at: number): number {
    const i32 = this.#i32;
    this.#setIds(at);
    return (
      this.table.touch(this.#leafLow) +
      this.table.touch(i32[(at + PAYER_ID_AT) >>> 2]!) +
      this.table.touch(i32[(at + IP_ID_AT) >>> 2]!) +
      this.#payloads.touch(i32[(at + PAYLOAD_MIX_AT) >>> 2]!)
    );
  }

  score(at: number): number {
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    const known = this.#payloads.find(this.#i32[mix]!, this.#i32[mix + 1]!);
    if (PayloadMemory.wasSent(known)) return SCORE_OF_COPY;
    this.#setIds(at);
    this.#lookQuickly(at);
    this.#isFirst = known === 0;
    return this.#worth(at) * (known !== 0 && known !== this.#senderTag(at) ? k.COPY_WORTH : 1);
  }

  /** What arrived is the packet that `score` looked at last. */
  arrived(at: number): void {
    if (!this.#isFirst) return;
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    this.#payloads.add(this.#i32[mix]!, this.#i32[mix + 1]!, this.#senderTag(at));
  }

  /** Estimates from the deepest nodes alone, as of their last settling: what a look at every level would give, a moment ago. */
  #lookQuickly(at: number): void {
    const i32 = this.#i32;
    const { table } = this;
    const counts = this.#counts;
    const leaf = table.find(this.#leafLow, this.#leafHigh);
    const payer = table.find(i32[(at + PAYER_ID_AT) >>> 2]!, i32[(at + PAYER_ID_AT + 4) >>> 2]!);
    let known = leaf;
    let address = 0;
    if (leaf === 0 || payer === 0) {
      address = table.find(i32[(at + IP_ID_AT) >>> 2]!, i32[(at + IP_ID_AT + 4) >>> 2]!);
      // An address that was never seen has no ports either.
      if (leaf === 0 && address !== 0) {
        known = table.find(this.#portLow, this.#portHigh);
        if (known === 0) known = address;
      }
    }
    this.#address = known;
    this.#pGood = known !== 0 ? counts[known + node.P_GOOD]! : this.#unknownOf(at).pGood;
    const lander = payer !== 0 ? payer : address;
    if (lander === 0) {
      const unknown = this.#unknownOf(at);
      this.#pLands = unknown.pLands;
      this.#nanosPerUnit = unknown.nanosPerUnit;
    } else {
      this.#pLands = counts[lander + node.P_LANDS]!;
      this.#nanosPerUnit = counts[lander + node.NANOS_PER_UNIT]!;
    }
    this.#pTakesRoom = payer === 0 ? this.#pLands : takesRoom(this.#pLands, counts[payer + node.LANDED]!);
  }

  // --- Transmit ---

  begin(nowMs: number, most: number, intervalMs: number): void {
    this.#nowMs = Math.floor(nowMs);
    this.#judgeMisses();
    this.#packetsPerMs = most / intervalMs;
    this.#packetsLeft = most;
    this.#roomMost = this.room.roomOf(intervalMs);
    this.#roomLeft = this.#roomMost;
    this.#keeps = 0;
    this.#queued = 0;
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
    this.#queued += 1;
    this.#setIds(at);
    if (!this.#lookAtSettled(at)) this.#look(at);
    let worth = this.#worth(at);
    const ageMs = this.#nowMs - this.#f64[(at + ARRIVAL_AT) >>> 3]!;
    if (this.#isCopy(at)) worth *= k.COPY_WORTH;
    else if (this.#address === 0 || this.table.evidence(this.#address) < k.RECORD_LEAST) {
      // Seen in this window only if it came in it: what waits in the queue is not seen again.
      if (ageMs < k.PRESENCE_WINDOW_MS) this.#newcomers.note(at, this.#nowMs);
      this.#newcomers.consider(at, place, worth);
    }
    const late = ageMs - k.STALE_AFTER_MS;
    return late > 0 ? worth * staleWorth(late) : worth;
  }

  favoured(): number {
    this.#canWait = this.#queued > this.#packetsLeft && this.#nowMs - this.#answeredMs < k.SILENCE_MS;
    return this.#newcomers.next();
  }

  choose(at: number): number {
    if (this.#packetsLeft <= 0 || this.#keeps > KEEPS_MOST) return CHOICE_STOP;
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    if (PayloadMemory.wasSent(this.#payloads.find(this.#i32[mix]!, this.#i32[mix + 1]!))) return CHOICE_COPY;
    this.#look(at);
    if (this.#canWait && this.#isTooMuchInFlight()) return CHOICE_KEEP;
    if (this.#expectedNanos(at) > this.#roomLeft) {
      this.#keeps += 1;
      return CHOICE_KEEP;
    }
    return CHOICE_SEND;
  }

  /** What is sent is the packet that `choose` looked at last. */
  sent(at: number): void {
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    this.#payloads.markSent(this.#i32[mix]!, this.#i32[mix + 1]!, this.#senderTag(at));
    this.#packetsLeft -= 1;
    this.#roomLeft -= this.#expectedNanos(at);
    const counts = this.#counts;
    const address = this.#addressNode(at);
    const payer = this.#payerNode(at);
    if (this.#address === 0) this.#settleAddress(address, this.#unknownOf(at));
    if (this.#payer === 0) {
      counts[payer + node.P_LANDS] = this.#pLands;
      counts[payer + node.NANOS_PER_UNIT] = this.#nanosPerUnit;
    }
    counts[address + node.IN_FLIGHT]! += 1;
    counts[payer + node.IN_FLIGHT]! += 1;
    if (this.#leaf !== 0) counts[this.#leaf + node.IN_FLIGHT]! += 1;
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
    else if (this.#port === 0) this.#strangers.signature(false, this.#nowMs);
    const address = this.#addressNode(at);
    const port = this.table.findOrAdd(this.#portLow, this.#portHigh, this.#nowMs);
    const leaf = this.table.findOrAdd(this.#leafLow, this.#leafHigh, this.#nowMs);
    if (this.#port === 0) this.#bad(address, node.FRESH_GOOD, 1);
    if (this.#leaf === 0) this.#bad(port, node.FRESH_GOOD, 1);
    this.#bad(address, node.GOOD, 1);
    this.#bad(port, node.GOOD, 1);
    this.#bad(leaf, node.GOOD, 1);
    this.#answered(address);
    this.#answered(leaf);
    if (this.#payer !== 0) this.#answered(this.#payer);
    this.#look(at);
  }

  unparsable(at: number): void {
    const address = this.#addressNode(at);
    this.#bad(address, node.GOOD, k.UNPARSABLE_BLAME);
    this.#bad(address, node.FRESH_GOOD, k.UNPARSABLE_BLAME);
    this.#settleAddress(address, this.#unknownOf(at));
  }

  outcome(at: number, executionNanos: number): void {
    this.pending += 1;
    this.#answeredMs = this.#nowMs;
    this.#look(at);
    const { room } = this;
    const pLands = this.#pLands;
    const price = this.#price(at);
    const known = this.#isKnownAddress();
    const now = this.#nowMs;
    const freshPayer = this.#payer === 0 || this.table.evidence(this.#payer) < k.RECORD_LEAST;
    const freshPort = this.#port === 0;
    const freshLeaf = this.#leaf === 0;
    const unknown = this.#unknownOf(at);
    const address = this.#addressNode(at);
    const port = this.table.findOrAdd(this.#portLow, this.#portHigh, now);
    const leaf = this.table.findOrAdd(this.#leafLow, this.#leafHigh, now);
    const payer = this.#payerNode(at);
    if (!known) unknown.signature(true, now);
    else if (freshPort) this.#strangers.signature(true, now);
    if (freshPort) this.#good(address, node.FRESH_GOOD);
    if (freshLeaf) this.#good(port, node.FRESH_GOOD);
    this.#good(address, node.GOOD);
    this.#good(port, node.GOOD);
    this.#good(leaf, node.GOOD);
    this.#answered(address);
    this.#answered(leaf);
    const landed = executionNanos > 0;
    if (pLands >= k.LIKELY_LANDER && !freshPayer) room.market.note(price, pLands, landed);
    if (landed) {
      this.#landed(at, address, payer, freshPayer, executionNanos);
      room.included(executionNanos);
      if (!known) unknown.landing(1, 0, now);
      else if (freshPayer) this.#strangers.landing(1, 0, now);
      if (!known || freshPayer) unknown.work(executionNanos, this.#u32[(at + COMPUTE_UNITS_AT) >>> 2]!);
    } else {
      if (this.#misses.isFull) this.#judgeMisses();
      const staked = unknown === this.#unknown[1];
      this.#misses.push(this.#i32, (at + IP_ID_AT) >>> 2, price, pLands, !known, freshPayer, staked);
    }
    this.#look(at);
  }

  /** There is nothing left to learn: it only begins to count anew. */
  learn(): void {
    this.pending = 0;
  }

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

  /** What is expected of a packet, for whoever asks why. @param at its digest */
  estimate(at: number): { pGood: number; pLands: number; nanosPerUnit: number; worth: number } {
    this.#look(at);
    return {
      pGood: this.#pGood,
      pLands: this.#pLands,
      nanosPerUnit: this.#nanosPerUnit,
      worth: this.#worth(at),
    };
  }

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
    let good: number;
    let lands: number;
    let perUnit: number;
    if (address !== 0) {
      // A payer that never landed stays a stranger, however often it was tried.
      const stranger = payer === 0 || counts[payer + node.LANDED]! < k.RECORD_LEAST;
      this.#settleAddress(address, this.#unknownOf(at));
      good = port === 0 ? counts[address + node.P_GOOD]! : this.#addressGood;
      lands = stranger ? counts[address + node.P_LANDS]! : this.#addressLands;
      perUnit = counts[address + node.NANOS_PER_UNIT]!;
    } else {
      const unknown = this.#unknownOf(at);
      good = unknown.pGood;
      lands = unknown.pLands;
      perUnit = unknown.nanosPerUnit;
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
    if (payer !== 0) {
      table.settle(payer, now);
      lands = shrunk(counts, payer, node.LANDED, node.MISSED, lands);
      perUnit = workOf(counts, payer, perUnit, this.#usualAsked);
      counts[payer + node.P_LANDS] = lands;
      counts[payer + node.NANOS_PER_UNIT] = perUnit;
    }
    this.#pLands = lands;
    this.#pTakesRoom = payer === 0 ? lands : takesRoom(lands, counts[payer + node.LANDED]!);
    this.#nanosPerUnit = perUnit;
  }

  /**
   * Takes the estimates of an address, port and payer that were settled in this transmit already: most packets share theirs
   * with others. What became known meanwhile is in them, too.
   * @returns whether there were such
   */
  #lookAtSettled(at: number): boolean {
    const { table } = this;
    const counts = this.#counts;
    const i32 = this.#i32;
    const leaf = table.find(this.#leafLow, this.#leafHigh);
    if (leaf === 0 || !table.isSettled(leaf, this.#nowMs)) return false;
    const payer = table.find(i32[(at + PAYER_ID_AT) >>> 2]!, i32[(at + PAYER_ID_AT + 4) >>> 2]!);
    if (payer === 0 || !table.isSettled(payer, this.#nowMs)) return false;
    this.#address = leaf;
    this.#pGood = counts[leaf + node.P_GOOD]!;
    this.#pLands = counts[payer + node.P_LANDS]!;
    this.#nanosPerUnit = counts[payer + node.NANOS_PER_UNIT]!;
    this.#pTakesRoom = takesRoom(this.#pLands, counts[payer + node.LANDED]!);
    return true;
  }

  /** Brings an address up to now. Its node keeps what holds for ports and payers without a record. */
  #settleAddress(address: number, unknown: UnknownClass): void {
    const counts = this.#counts;
    this.table.settle(address, this.#nowMs);
    const good = shrunk(counts, address, node.GOOD, node.BAD, unknown.pGood);
    const lands = shrunk(counts, address, node.LANDED, node.MISSED, unknown.pLands);
    this.#addressGood = good;
    this.#addressLands = lands;
    let freshGood = good;
    let freshLands = lands;
    if (this.table.evidence(address) >= k.RECORD_LEAST) {
      freshGood = Math.min(good, this.#strangers.pGood);
      freshLands = Math.min(lands, this.#strangers.pLands);
    }
    counts[address + node.P_GOOD] = shrunk(counts, address, node.FRESH_GOOD, node.FRESH_BAD, freshGood);
    counts[address + node.P_LANDS] = shrunk(counts, address, node.FRESH_LANDED, node.FRESH_MISSED, freshLands);
    counts[address + node.NANOS_PER_UNIT] = workOf(counts, address, unknown.nanosPerUnit, this.#usualAsked);
  }

  /** Expected lamports by expected cost, from the last look. */
  #worth(at: number): number {
    // Squared: by the mere expectation, whoever is believed one time in fifty would win by declaring fifty times the fee.
    const p = this.#pGood * this.#pLands;
    const value = p * p * this.#f64[(at + FEE_AT) >>> 3]!;
    const { balance, nanosPerMs } = this.room;
    const packets = balance / this.#packetsPerMs;
    if (nanosPerMs === Number.POSITIVE_INFINITY) return value / packets;
    const work = this.#expectedNanos(at) / nanosPerMs;
    const overrun = this.#nanosPerUnit / (k.OVERRUN_FREE * this.#usualNanosPerUnit);
    const worth = value / ((packets + (1 - balance) * work) * Math.max(1, overrun));
    return Number.isNaN(worth) ? 0 : worth; // the queue never receives NaN
  }

  #expectedNanos(at: number): number {
    return this.#pGood * this.#pTakesRoom * this.#nanosPerUnit * this.#u32[(at + COMPUTE_UNITS_AT) >>> 2]!;
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
    const known = this.#payloads.find(this.#i32[mix]!, this.#i32[mix + 1]!);
    return known !== 0 && PayloadMemory.senderOf(known) !== this.#senderTag(at);
  }

  #senderTag(at: number): number {
    return PayloadMemory.tagOf(this.#i32[(at + IP_ID_AT + 4) >>> 2]!);
  }

  // --- Counts ---

  #addressNode(at: number): number {
    const word = (at + IP_ID_AT) >>> 2;
    const kind = (this.#u8[at + TRAITS_AT]! & TRAIT_IPV6) === 0 ? node.KIND_ADDRESS : node.KIND_ADDRESS_IPV6;
    const key = (at + IP_KEY_AT) >>> 2;
    return this.table.findOrAdd(this.#i32[word]!, this.#i32[word + 1]!, this.#nowMs, kind, key);
  }

  #payerNode(at: number): number {
    const word = (at + PAYER_ID_AT) >>> 2;
    const key = (at + PAYER_KEY_AT) >>> 2;
    return this.table.findOrAdd(this.#i32[word]!, this.#i32[word + 1]!, this.#nowMs, node.KIND_PAYER, key);
  }

  /** Credit in a column, and forgiveness in the column of blame behind it. */
  #good(at: number, column: number): void {
    const counts = this.#counts;
    counts[at + column] = Math.min(k.GOOD_MOST, counts[at + column]! + 1);
    counts[at + column + 1]! *= k.BLAME_KEPT_BY_GOOD;
  }

  /** Blame in the column behind that of credit. */
  #bad(at: number, column: number, by: number): void {
    const counts = this.#counts;
    const before = counts[at + column + 1]!;
    counts[at + column + 1] = Math.min(k.BAD_MOST, before + by * (1 + k.BLAME_COMPOUND * before));
    counts[at + column]! *= 1 - by * (1 - (column === node.LANDED ? k.LANDED_KEPT_BY_MISS : k.GOOD_KEPT_BY_BAD));
  }

  #answered(at: number): void {
    const counts = this.#counts;
    counts[at + node.IN_FLIGHT] = Math.max(0, counts[at + node.IN_FLIGHT]! - 1);
  }

  /** Blames those that missed, as far as it was not the block's fault. */
  #judgeMisses(): void {
    const misses = this.#misses;
    const { market } = this.room;
    const now = this.#nowMs;
    market.refresh();
    for (let i = 0; i < misses.count; i++) {
      const blame = market.weightOfMiss(misses.prices[i]!, misses.chances[i]!);
      const freshPayer = misses.wasFreshPayer[i] === 1;
      // Nodes that left within the moment had nothing on record.
      const address = this.table.find(misses.id(i, 0), misses.id(i, 1));
      if (address !== 0) {
        this.table.settle(address, now);
        this.#bad(address, node.LANDED, blame);
        if (freshPayer) this.#bad(address, node.FRESH_LANDED, blame);
      }
      const payer = this.table.find(misses.id(i, 2), misses.id(i, 3));
      if (payer !== 0) {
        this.table.settle(payer, now);
        this.#bad(payer, node.LANDED, blame);
        this.#answered(payer);
      }
      if (misses.wasUnknown[i] === 1) this.#unknown[misses.wasStaked[i]!]!.landing(0, blame, now);
      else if (freshPayer) this.#strangers.landing(0, blame, now);
    }
    misses.count = 0;
  }

  #landed(at: number, address: number, payer: number, freshPayer: boolean, nanos: number): void {
    const counts = this.#counts;
    const asked = this.#u32[(at + COMPUTE_UNITS_AT) >>> 2]!;
    this.#usualAsked += k.USUAL_STEP * (asked - this.#usualAsked);
    const perUnit = nanos / Math.max(1, asked);
    if (this.#usualNanosPerUnit === 0) this.#usualNanosPerUnit = perUnit;
    else this.#usualNanosPerUnit *= perUnit > this.#usualNanosPerUnit ? 1 + k.USUAL_STEP : 1 - k.USUAL_STEP;
    this.#good(address, node.LANDED);
    this.#good(payer, node.LANDED);
    this.#answered(payer);
    if (freshPayer) this.#good(address, node.FRESH_LANDED);
    counts[address + node.NANOS]! += nanos;
    counts[address + node.ASKED]! += asked;
    counts[payer + node.NANOS]! += nanos;
    counts[payer + node.ASKED]! += asked;
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

/**
 * How likely a payer takes room in a block, by how likely it lands and how many landings are on record. Who landed lately
 * and misses now may just have been outbid: counted as less than it takes, it would overfill blocks in which it is outbid
 * the more.
 */
function takesRoom(pLands: number, landed: number): number {
  if (landed >= 1) return 1;
  return Math.max(landed, pLands);
}

const STALE_STEPS = 64;
const staleTable = Float64Array.from({ length: STALE_STEPS }, (_, i) => 2 ** (-i / STALE_STEPS_PER_HALF_LIFE));

/** What a packet is still worth that is late by so much. */
function staleWorth(lateMs: number): number {
  const step = Math.floor((lateMs * STALE_STEPS_PER_HALF_LIFE) / k.STALE_HALF_LIFE_MS);
  return staleTable[Math.min(STALE_STEPS - 1, step)]!;
}

/** Nanoseconds per asked compute unit at a level, drawn towards its parent's. @param usualAsked what is usually asked for */
function workOf(counts: Float32Array, at: number, parent: number, usualAsked: number): number {
  const weight = k.PARENT_WEIGHT * usualAsked;
  const asked = counts[at + node.ASKED]! + weight;
  return asked > 0 ? (counts[at + node.NANOS]! + weight * parent) / asked : parent;
}
