// The third model: what a transaction is expected to earn, by what it is expected to take.
//
//     score = P(signature good)^8 * P(lands | good) * doubt * fee
//             / (balance * 1 / packets that sigverify takes + (1 - balance) * E[work] / work that a block takes)
//
// All of it is learned from what comes back (estimates.ts).
//
// Work is known as execution time only, so it is learned in that unit, per payer and asked compute unit. docs/model.md says
// why it is as it is, and what it earns. Josang & Ismail (2002) on beta reputation; congestion windows for the room.

import type { Toucher } from "../../kernel/kernel.ts";
import type { Arena } from "../../shape/arena.ts";
import {
  ARRIVAL_AT,
  COMPUTE_UNITS_AT,
  DIGEST_BYTES,
  IP_ID_AT,
  PAYER_ID_AT,
  PAYLOAD_MIX_AT,
  REASON_AT,
} from "../../shape/digest-layout.ts";
import { type ArenaLayout, EVIDENCE_IDS_BYTES } from "../../shape/layout.ts";
import * as node from "../../shape/node-layout.ts";
import { CHOICE_COPY, CHOICE_KEEP, CHOICE_SEND, CHOICE_STOP, type Chooser, SCORE_OF_COPY } from "../chooser.ts";
import type { Model, ScoreFactors, SenderStore } from "../model.ts";
import { BlockRoom } from "./block-room.ts";
import * as k from "./constants.ts";
import { Estimates } from "./estimates.ts";
import { EvidenceTable } from "./evidence-table.ts";
import { lateWorth } from "./late-worth.ts";
import { Misses } from "./misses.ts";
import { Newcomers } from "./newcomers.ts";
import { PayloadMemory } from "./payload-memory.ts";

/** Holds in a row after which nothing smaller is looked for in this transmit. */
const KEEPS_MAX = 256;
/** Within the ids that a group's touches find (layout.ts: idsAt): the leaf's, then the port's. */
const PORT_ID_AT = 8;

export class Evidence implements Model, Chooser {
  readonly name = "evidence";
  readonly chooser = this;
  /** Outcomes since the last `learn`; each is learned from at once. */
  pending = 0;
  readonly senders: SenderStore;
  readonly table: EvidenceTable;
  readonly room = new BlockRoom();

  readonly #idsAt: number;
  readonly #u8: Uint8Array;
  readonly #i32: Int32Array;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #counts: Float32Array;
  readonly #payloads: PayloadMemory;
  readonly #newcomers: Newcomers;
  readonly #see: Estimates;
  readonly #misses = new Misses();
  /** Of the last score: its payload was not seen before. */
  #isFirst = false;
  // Of the transmit under way.
  #intervalMs = 0;
  #packetsLeft = 0;
  #roomMost = 0;
  #roomLeft = 0;
  #keeps = 0;
  #queued = 0;
  /** Answers come. */
  #answers = false;
  /** And more is queued than can be sent: only then is there a reason to wait for one. */
  #canWait = false;
  /** Of those that the quota puts first, how many were not chosen about yet. */
  #favouredLeft = 0;
  /** Queued packets with hope: how many there were when the transmit was ordered, and those among them that are no forger's. */
  #hopeful = 0;
  #unforged = 0;
  /** How many of the ones that the transmit is about were chosen about, and hopeless ones behind the last of them. */
  #looked = 0;
  #hopeless = 0;
  /** The least work that a queued packet with hope is expected to take. */
  #workMin = 0;
  #answeredMs = Number.NEGATIVE_INFINITY;

  constructor(arena: Arena, layout: ArenaLayout) {
    this.table = new EvidenceTable(arena, layout.evidence);
    this.#newcomers = new Newcomers(arena, layout.presence);
    this.#see = new Estimates(arena, this.table, this.room, this.#newcomers.presence);
    this.#payloads = new PayloadMemory(arena, layout.payloads);
    this.#idsAt = layout.evidence.idsAt;
    this.#u8 = arena.u8;
    this.#i32 = arena.i32;
    this.#u32 = arena.u32;
    this.#f64 = arena.f64;
    this.#counts = this.table.counts;
    const nodes = layout.evidence.sets * node.EVIDENCE_WAYS;
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
      restoreIp: (at, score) => this.#restore(this.#see.addressNode(at), node.GOOD, score),
      restorePayer: (at, score) => this.#restore(this.#see.payerNode(at), node.LANDED, score),
      warm() {},
    };
  }

  /** Nodes that left for others. */
  get evicted(): number {
    return this.table.evicted;
  }

  /** Gives a node what a checkpoint says: an estimate, with the weight of a few observations. */
  #restore(at: number, column: number, score: number): boolean {
    if (!(score >= 0 && score <= 1)) return false;
    const counts = this.#counts;
    if (column === node.LANDED) this.#see.landings.restore(at, score, k.RESTORED_EVIDENCE);
    counts[at + column] = k.RESTORED_EVIDENCE * score;
    counts[at + column + node.BLAME] = k.RESTORED_EVIDENCE * (1 - score);
    if (column === node.GOOD) counts[at + node.P_GOOD] = score;
    counts[at + node.P_LANDS] = score;
    counts[at + node.NANOS_PER_UNIT] = 0;
    return true;
  }

  // --- Arrival ---

  touch(toucher: Toucher, digestsAt: number, count: number): number {
    const { table } = this;
    for (let i = 0; i < count; i++) this.#noteIds(i, digestsAt + i * DIGEST_BYTES);
    return (
      table.touch(toucher, digestsAt + PAYER_ID_AT, DIGEST_BYTES, count) +
      table.touch(toucher, digestsAt + IP_ID_AT, DIGEST_BYTES, count) +
      table.touch(toucher, this.#idsAt, EVIDENCE_IDS_BYTES, count) +
      this.#payloads.touch(toucher, digestsAt + PAYLOAD_MIX_AT, DIGEST_BYTES, count) +
      table.touchNodes(toucher, digestsAt + PAYER_ID_AT, DIGEST_BYTES, count) +
      table.touchNodes(toucher, this.#idsAt, EVIDENCE_IDS_BYTES, count)
    );
  }

  /** Leaves a packet's ids of leaf and port where the touches find them. */
  #noteIds(i: number, at: number): void {
    const see = this.#see;
    const ids = (this.#idsAt + i * EVIDENCE_IDS_BYTES) >>> 2;
    see.setIds(at);
    this.#i32[ids] = see.leafLow;
    this.#i32[ids + 1] = see.leafHigh;
    this.#i32[ids + 2] = see.portLow;
    this.#i32[ids + 3] = see.portHigh;
  }

  score(at: number): number {
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    const known = this.#payloads.find(this.#i32[mix], this.#i32[mix + 1]);
    if (PayloadMemory.wasSent(known)) return SCORE_OF_COPY;
    this.#see.setIds(at);
    this.#see.lookQuickly(at);
    this.#isFirst = known === 0;
    return this.#see.worth(at) * (known !== 0 && known !== this.#senderTag(at) ? k.COPY_WORTH : 1);
  }

  /** What arrived is the packet that `score` looked at last. */
  arrived(at: number): void {
    if (!this.#isFirst) return;
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    this.#payloads.add(this.#i32[mix], this.#i32[mix + 1], this.#senderTag(at));
  }

  // --- Transmit ---

  begin(nowMs: number, packetsMax: number, intervalMs: number): void {
    this.#see.nowMs = Math.floor(nowMs);
    this.#judgeMisses();
    this.#see.packetsPerMs = packetsMax / intervalMs;
    this.#intervalMs = intervalMs;
    this.#packetsLeft = packetsMax;
    this.#roomMost = this.room.roomOf(intervalMs);
    this.#roomLeft = this.#roomMost;
    this.#keeps = 0;
    this.#queued = 0;
    this.#favouredLeft = 0;
    this.#hopeful = 0;
    this.#unforged = 0;
    this.#looked = 0;
    this.#hopeless = 0;
    this.#workMin = Number.POSITIVE_INFINITY;
    this.#newcomers.begin(k.EXPLORED_SHARE * packetsMax, k.EXPLORED_ONCE_SHARE * packetsMax);
  }

  touchAgain(toucher: Toucher, slotsAt: number, count: number, digestsAt: number, slotBytes: number): number {
    const { table } = this;
    const ids = this.#idsAt;
    const touched =
      table.touchThrough(toucher, slotsAt, count, digestsAt + PAYER_ID_AT, slotBytes) +
      table.touchThrough(toucher, slotsAt, count, digestsAt + IP_ID_AT, slotBytes) +
      this.#payloads.touchThrough(toucher, slotsAt, count, digestsAt + PAYLOAD_MIX_AT, slotBytes);
    for (let i = 0; i < count; i++) this.#noteIds(i, digestsAt + this.#i32[(slotsAt >>> 2) + i] * slotBytes);
    return (
      touched +
      table.touch(toucher, ids, EVIDENCE_IDS_BYTES, count) +
      table.touch(toucher, ids + PORT_ID_AT, EVIDENCE_IDS_BYTES, count) +
      table.touchNodesThrough(toucher, slotsAt, count, digestsAt + PAYER_ID_AT, slotBytes) +
      table.touchNodesThrough(toucher, slotsAt, count, digestsAt + IP_ID_AT, slotBytes) +
      table.touchNodes(toucher, ids, EVIDENCE_IDS_BYTES, count) +
      table.touchNodes(toucher, ids + PORT_ID_AT, EVIDENCE_IDS_BYTES, count)
    );
  }

  rescore(at: number, place: number): number {
    this.#see.setIds(at);
    if (!this.#see.lookAtSettled(at)) this.#see.look(at);
    let worth = this.#see.worth(at);
    const ageMs = this.#see.nowMs - this.#f64[(at + ARRIVAL_AT) >>> 3];
    // A backlog of the hopeless is no crowd: left to count, it would keep itself waiting for ever.
    const isHopeless = this.#see.isHopeless;
    const isForger = isHopeless && this.#see.isForger();
    if (!isHopeless || (ageMs <= this.#intervalMs && !isForger)) this.#queued += 1;
    if (!isForger) this.#unforged += 1;
    if (!isHopeless) {
      this.#hopeful += 1;
      this.#workMin = Math.min(this.#workMin, this.#see.expectedNanos(at));
    }
    if (this.#isCopy(at)) worth *= k.COPY_WORTH;
    else if (this.#see.address === 0 || this.table.addressEvidence(this.#see.address) < k.RECORD_MIN) {
      if (ageMs < k.PRESENCE_WINDOW_MS) this.#newcomers.note(at, this.#f64[(at + ARRIVAL_AT) >>> 3]);
      // The late ones may have been sent again, and what they tell is the same.
      if (ageMs < k.STALE_AFTER_MS) this.#newcomers.consider(at, place, worth);
    }
    return worth * lateWorth(ageMs);
  }

  favoured(): number {
    this.#answers = this.#see.nowMs - this.#answeredMs < k.SILENCE_MS;
    this.#canWait = this.#answers && this.#queued > this.#packetsLeft;
    const place = this.#newcomers.next();
    if (place >= 0) this.#favouredLeft += 1;
    return place;
  }

  choose(at: number): number {
    if (this.#packetsLeft <= 0) return CHOICE_STOP;
    const isFavoured = this.#favouredLeft > 0; // they come first
    if (isFavoured) this.#favouredLeft -= 1;
    this.#see.look(at);
    if (!(this.#canWait ? this.#see.isHopeless : this.#see.isForger())) this.#looked += 1;
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    if (PayloadMemory.wasSent(this.#payloads.find(this.#i32[mix], this.#i32[mix + 1]))) return CHOICE_COPY;
    this.#see.look(at);
    if (!isFavoured && this.#isNotWorthSending()) return this.#isLastHope() ? CHOICE_STOP : CHOICE_KEEP;
    if (this.#canWait && this.#see.isTooMuchInFlight()) return CHOICE_KEEP;
    if (this.#see.expectedNanos(at) > this.#roomLeft) {
      this.#keeps += 1;
      return this.#keeps > KEEPS_MAX && this.#roomLeft < this.#workMin ? CHOICE_STOP : CHOICE_KEEP;
    }
    return CHOICE_SEND;
  }

  /** Whether the packet looked at last is kept, even where there is room for all. */
  #isNotWorthSending(): boolean {
    return this.#canWait ? this.#see.isHopeless : this.#answers && this.#see.isForger();
  }

  /**
   * Whether all that is worth sending was looked at. It is counted, and not told by the order: were a transmit over at the
   * first of the hopeless, a rule that puts one of them above others would keep all of these from being sent.
   */
  #isLastHope(): boolean {
    if (this.#looked < (this.#canWait ? this.#hopeful : this.#unforged)) return false;
    this.#hopeless += 1;
    return this.#hopeless > k.HOPELESS_LOOKS_MAX;
  }

  mayLift(): boolean {
    return this.#see.pGood >= k.LIFTED_GOOD_MIN && !this.#see.isHopeless;
  }

  sent(at: number): void {
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    this.#payloads.markSent(this.#i32[mix], this.#i32[mix + 1], this.#senderTag(at));
    this.#packetsLeft -= 1;
    this.#roomLeft -= this.#see.expectedNanos(at);
    const counts = this.#counts;
    const address = this.#see.addressNode(at);
    const payer = this.#see.payerNode(at);
    if (this.#see.address === 0) this.#see.settleAddress(address, this.#see.unknownOf(at));
    if (this.#see.payer === 0) {
      counts[payer + node.P_LANDS] = this.#see.pLands;
      counts[payer + node.DOUBT] = 1 - this.#see.doubt;
      counts[payer + node.NANOS_PER_UNIT] = this.#see.nanosPerUnit;
    }
    counts[address + node.IN_FLIGHT] += 1;
    counts[payer + node.IN_FLIGHT] += 1;
    if (this.#see.leaf !== 0) counts[this.#see.leaf + node.IN_FLIGHT] += 1;
  }

  end(): void {
    this.room.spent(this.#packetsLeft, this.#keeps > 0 ? 0 : this.#roomLeft);
  }

  // --- What comes back ---

  failedSignature(at: number): void {
    this.#answeredMs = this.#see.nowMs;
    if (this.#u8[at + REASON_AT] !== 0) {
      this.unparsable(at);
      return;
    }
    this.#see.look(at);
    if (!this.#see.isKnownAddress()) this.#see.unknownOf(at).signature(false, this.#see.nowMs);
    else if (this.#see.port === 0) this.#see.strangers.signature(false, this.#see.nowMs);
    const address = this.#see.addressNode(at);
    const port = this.table.findOrAdd(this.#see.portLow, this.#see.portHigh, this.#see.nowMs);
    const leaf = this.table.findOrAdd(this.#see.leafLow, this.#see.leafHigh, this.#see.nowMs);
    if (this.#see.port === 0) this.#see.bad(address, node.FRESH_GOOD, 1);
    if (this.#see.leaf === 0) this.#see.bad(port, node.FRESH_GOOD, 1);
    this.#see.bad(address, node.GOOD, 1);
    this.#see.bad(port, node.GOOD, 1);
    this.#see.bad(leaf, node.GOOD, 1);
    this.#see.answered(address);
    this.#see.answered(leaf);
    if (this.#see.payer !== 0) this.#see.answered(this.#see.payer);
    this.#see.look(at);
  }

  unparsable(at: number): void {
    const address = this.#see.addressNode(at);
    this.#see.bad(address, node.GOOD, k.UNPARSABLE_BLAME);
    this.#see.bad(address, node.FRESH_GOOD, k.UNPARSABLE_BLAME);
    this.#see.settleAddress(address, this.#see.unknownOf(at));
  }

  outcome(at: number, executionNanos: number): void {
    this.pending += 1;
    this.#answeredMs = this.#see.nowMs;
    this.#see.look(at);
    const { room } = this;
    const pLands = this.#see.pLands;
    const price = this.#see.price(at);
    const known = this.#see.isKnownAddress();
    const now = this.#see.nowMs;
    const freshPayer = this.#see.payer === 0 || this.table.payerEvidence(this.#see.payer) < k.RECORD_MIN;
    const freshPort = this.#see.port === 0;
    const freshLeaf = this.#see.leaf === 0;
    const unknownClass = this.#see.classOf(at);
    const unknown = this.#see.unknown[unknownClass];
    const address = this.#see.addressNode(at);
    const port = this.table.findOrAdd(this.#see.portLow, this.#see.portHigh, now);
    const leaf = this.table.findOrAdd(this.#see.leafLow, this.#see.leafHigh, now);
    const payer = this.#see.payerNode(at);
    if (!known) unknown.signature(true, now);
    else if (freshPort) this.#see.strangers.signature(true, now);
    if (freshPort) this.#see.good(address, node.FRESH_GOOD);
    if (freshLeaf) this.#see.good(port, node.FRESH_GOOD);
    this.#see.good(address, node.GOOD);
    this.#see.good(port, node.GOOD);
    this.#see.good(leaf, node.GOOD);
    this.#see.answered(address);
    this.#see.answered(leaf);
    const landed = executionNanos > 0;
    if (pLands >= k.LIKELY_LANDER && !freshPayer) room.market.note(price, pLands, landed);
    if (landed) {
      this.#landed(at, address, payer, freshPayer, executionNanos);
      room.included(executionNanos);
      if (!known) unknown.landing(1, 0, now);
      else if (freshPayer) this.#see.strangers.landing(1, 0, now);
      if (!known || freshPayer) unknown.work(executionNanos, this.#u32[(at + COMPUTE_UNITS_AT) >>> 2]);
    } else {
      if (this.#misses.isFull) this.#judgeMisses();
      this.#misses.push(this.#i32, (at + IP_ID_AT) >>> 2, price, pLands, !known, freshPayer, unknownClass);
    }
    this.#see.look(at);
  }

  /** There is nothing left to learn: it only begins to count anew. */
  learn(): void {
    this.pending = 0;
  }

  advance(nowMs: number): void {
    this.#see.nowMs = Math.floor(nowMs);
    this.room.advance(nowMs);
  }

  /** The probabilities that a packet's signature is good, and that it lands then, as the last score took them. */
  factors(_at: number, into: ScoreFactors): void {
    into.ip = this.#see.pGood;
    into.payer = this.#see.pLands;
  }

  // --- What is asked about it ---

  /** What is expected of a packet, for whoever asks why. @param at its digest */
  estimate(at: number): { pGood: number; pLands: number; nanosPerUnit: number; worth: number } {
    this.#see.look(at);
    return {
      pGood: this.#see.pGood,
      pLands: this.#see.pLands,
      nanosPerUnit: this.#see.nanosPerUnit,
      worth: this.#see.worth(at),
    };
  }

  #isCopy(at: number): boolean {
    const mix = (at + PAYLOAD_MIX_AT) >>> 2;
    const known = this.#payloads.find(this.#i32[mix], this.#i32[mix + 1]);
    return known !== 0 && PayloadMemory.senderOf(known) !== this.#senderTag(at);
  }

  #senderTag(at: number): number {
    return PayloadMemory.tagOf(this.#i32[(at + IP_ID_AT + 4) >>> 2]);
  }

  // --- Counts ---

  /** Blames those that missed, as far as it was not the block's fault. */
  #judgeMisses(): void {
    const misses = this.#misses;
    const { market } = this.room;
    const now = this.#see.nowMs;
    this.room.refresh();
    for (let i = 0; i < misses.count; i++) {
      const blame = market.weightOfMiss(misses.prices[i], misses.chances[i]);
      const freshPayer = misses.wasFreshPayer[i] === 1;
      // Nodes that left within the moment had nothing on record.
      const address = this.table.find(misses.id(i, 0), misses.id(i, 1));
      if (address !== 0) {
        this.table.settle(address, now);
        this.#see.bad(address, node.LANDED, blame);
        if (freshPayer) this.#see.bad(address, node.FRESH_LANDED, blame);
      }
      const payer = this.table.find(misses.id(i, 2), misses.id(i, 3));
      if (payer !== 0) {
        this.table.settle(payer, now);
        this.#see.bad(payer, node.LANDED, blame);
        this.#see.landings.missed(payer, market.oddsAt(misses.prices[i]), blame, now);
        this.#see.answered(payer);
      }
      if (misses.wasUnknown[i] === 1) this.#see.unknown[misses.unknownClass[i]].landing(0, blame, now);
      else if (freshPayer) this.#see.strangers.landing(0, blame, now);
    }
    misses.count = 0;
  }

  #landed(at: number, address: number, payer: number, freshPayer: boolean, nanos: number): void {
    const counts = this.#counts;
    const asked = this.#u32[(at + COMPUTE_UNITS_AT) >>> 2];
    this.#see.usualAsked += k.USUAL_STEP * (asked - this.#see.usualAsked);
    const perUnit = nanos / Math.max(1, asked);
    if (this.#see.usualNanosPerUnit === 0) this.#see.usualNanosPerUnit = perUnit;
    else this.#see.usualNanosPerUnit *= perUnit > this.#see.usualNanosPerUnit ? 1 + k.USUAL_STEP : 1 - k.USUAL_STEP;
    this.#see.good(address, node.LANDED);
    this.#see.good(payer, node.LANDED);
    this.#see.landings.landed(payer, this.#see.nowMs);
    this.#see.answered(payer);
    if (freshPayer) this.#see.good(address, node.FRESH_LANDED);
    counts[address + node.NANOS] += nanos;
    counts[address + node.ASKED] += asked;
    counts[payer + node.NANOS] += nanos;
    counts[payer + node.ASKED] += asked;
  }
}
