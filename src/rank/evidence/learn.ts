// What the evidence model learns from what comes back: failed signatures, data that cannot be parsed, outcomes.

import type { Arena } from "../../shape/arena.ts";
import { COMPUTE_UNITS_AT, IP_ID_AT } from "../../shape/digest-layout.ts";
import * as node from "../../shape/node-layout.ts";
import * as k from "./constants.ts";
import type { Knowledge } from "./knowledge.ts";
import { Look, type Looker } from "./look.ts";
import { Misses } from "./misses.ts";
import type { SenderNodes } from "./sender-nodes.ts";
import type { Worth } from "./worth.ts";

export class Learning {
  readonly #i32: Int32Array;
  readonly #u32: Uint32Array;
  readonly #counts: Float32Array;
  readonly #look = new Look();
  readonly #misses = new Misses();

  constructor(
    arena: Arena,
    private readonly knowledge: Knowledge,
    private readonly looker: Looker,
    private readonly worth: Worth,
    private readonly nodes: SenderNodes,
  ) {
    this.#i32 = arena.i32;
    this.#u32 = arena.u32;
    this.#counts = knowledge.table.counts;
  }

  /** Sigverify refused a packet. @param at its digest, parsed */
  failedSignature(at: number): void {
    const { knowledge, looker, nodes } = this;
    const { nowMs, classes } = knowledge;
    const look = this.#look;
    knowledge.nonces.failed(at);
    looker.whole(look, at);
    const isFreshPort = look.port === 0;
    const isFreshLeaf = look.leaf === 0;
    if (!looker.hasRecord(look)) classes.of(at).signature(false, nowMs);
    else if (isFreshPort) classes.strangers.signature(false, nowMs);
    const address = nodes.address(at);
    const port = nodes.port(look);
    const leaf = nodes.leaf(look);
    if (isFreshPort) this.#blame(address, node.FRESH_GOOD, 1, k.GOOD_KEPT_BY_BAD);
    if (isFreshLeaf) this.#blame(port, node.FRESH_GOOD, 1, k.GOOD_KEPT_BY_BAD);
    this.#blame(address, node.GOOD, 1, k.GOOD_KEPT_BY_BAD);
    this.#blame(port, node.GOOD, 1, k.GOOD_KEPT_BY_BAD);
    this.#blame(leaf, node.GOOD, 1, k.GOOD_KEPT_BY_BAD);
    this.#answered(address);
    this.#answered(leaf);
    if (look.payer !== 0) this.#answered(look.payer);
    looker.whole(look, at);
  }

  /** Data came that cannot be parsed. @param at its digest: only the fields of its sender mean anything */
  unparsable(at: number): void {
    const address = this.nodes.address(at);
    this.#blame(address, node.GOOD, k.UNPARSABLE_BLAME, k.GOOD_KEPT_BY_BAD);
    this.#blame(address, node.FRESH_GOOD, k.UNPARSABLE_BLAME, k.GOOD_KEPT_BY_BAD);
    this.looker.settleAddress(address, this.knowledge.classes.of(at));
  }

  /** The scheduler said what became of a transaction. @param at its partial meta @param nanos 0: not included */
  outcome(at: number, nanos: number): void {
    const { knowledge, looker, nodes } = this;
    const { nowMs, classes, room } = knowledge;
    const look = this.#look;
    knowledge.nonces.outcome(at, nanos > 0);
    looker.whole(look, at);
    // As it was before this outcome is learned from.
    const isKnown = looker.hasRecord(look);
    const isFreshPort = look.port === 0;
    const isFreshLeaf = look.leaf === 0;
    const isFreshPayer = look.payer === 0 || knowledge.table.payerEvidence(look.payer) < k.RECORD_MIN;
    const { pLands } = look;
    const price = this.worth.price(at);
    const classNumber = classes.numberOf(at);
    const address = nodes.address(at);
    const port = nodes.port(look);
    const leaf = nodes.leaf(look);
    const payer = nodes.payer(at);
    if (!isKnown) classes.all[classNumber].signature(true, nowMs);
    else if (isFreshPort) classes.strangers.signature(true, nowMs);
    if (isFreshPort) this.#credit(address, node.FRESH_GOOD);
    if (isFreshLeaf) this.#credit(port, node.FRESH_GOOD);
    this.#credit(address, node.GOOD);
    this.#credit(port, node.GOOD);
    this.#credit(leaf, node.GOOD);
    this.#answered(address);
    this.#answered(leaf);
    if (pLands >= k.LIKELY_LANDER && !isFreshPayer) room.market.note(price, pLands, nanos > 0);
    if (nanos > 0) {
      this.#credit(leaf, node.LANDED);
      this.#landed(at, address, payer, isFreshPayer, nanos);
      room.included(nanos);
      if (!isKnown) classes.all[classNumber].landing(1, 0, nowMs);
      else if (isFreshPayer) classes.strangers.landing(1, 0, nowMs);
      if (!isKnown || isFreshPayer) classes.all[classNumber].work(nanos, this.#u32[(at + COMPUTE_UNITS_AT) >>> 2]);
    } else {
      if (this.#misses.isFull) this.judgeMisses();
      this.#misses.push(this.#i32, (at + IP_ID_AT) >>> 2, price, pLands, !isKnown, isFreshPayer, classNumber);
    }
    looker.whole(look, at);
  }

  /** Blames what was not included since the last time, as far as that was not the block's fault. Once a transmit. */
  judgeMisses(): void {
    const misses = this.#misses;
    const { table, room, classes, landings, nowMs } = this.knowledge;
    const { market } = room;
    room.refresh();
    for (let i = 0; i < misses.count; i++) {
      const blame = market.weightOfMiss(misses.prices[i], misses.chances[i]);
      const isFreshPayer = misses.wasFreshPayer[i] === 1;
      // Nodes that left within the moment had nothing on record.
      const address = table.find(misses.id(i, 0), misses.id(i, 1));
      if (address !== 0) {
        table.settle(address, nowMs);
        this.#blame(address, node.LANDED, blame, k.LANDED_KEPT_BY_MISS);
        if (isFreshPayer) this.#blame(address, node.FRESH_LANDED, blame, k.GOOD_KEPT_BY_BAD);
      }
      const payer = table.find(misses.id(i, 2), misses.id(i, 3));
      if (payer !== 0) {
        table.settle(payer, nowMs);
        this.#blame(payer, node.LANDED, blame, k.LANDED_KEPT_BY_MISS);
        landings.missed(payer, market.oddsAt(misses.prices[i]), blame, nowMs);
        this.#answered(payer);
      }
      if (misses.wasUnknown[i] === 1) classes.all[misses.unknownClass[i]].landing(0, blame, nowMs);
      else if (isFreshPayer) classes.strangers.landing(0, blame, nowMs);
    }
    misses.count = 0;
  }

  /**
   * Gives an address what a checkpoint says: an estimate, with the weight of a few observations.
   * @returns false if the estimate is not a probability
   */
  restoreAddress(at: number, pGood: number): boolean {
    if (!(pGood >= 0 && pGood <= 1)) return false;
    const address = this.nodes.address(at);
    this.#restore(address, node.GOOD, pGood);
    this.#counts[address + node.P_GOOD] = pGood;
    this.#counts[address + node.P_LANDS] = pGood;
    return true;
  }

  /** The same for a payer. */
  restorePayer(at: number, pLands: number): boolean {
    if (!(pLands >= 0 && pLands <= 1)) return false;
    const payer = this.nodes.payer(at);
    this.#restore(payer, node.LANDED, pLands);
    this.knowledge.landings.restore(payer, pLands, k.RESTORED_EVIDENCE);
    this.#counts[payer + node.P_LANDS] = pLands;
    return true;
  }

  #restore(at: number, credit: number, share: number): void {
    const counts = this.#counts;
    counts[at + credit] = k.RESTORED_EVIDENCE * share;
    counts[at + credit + node.BLAME] = k.RESTORED_EVIDENCE * (1 - share);
    counts[at + node.NANOS_PER_UNIT] = 0;
  }

  #landed(at: number, address: number, payer: number, isFreshPayer: boolean, nanos: number): void {
    const { knowledge } = this;
    const counts = this.#counts;
    const asked = this.#u32[(at + COMPUTE_UNITS_AT) >>> 2];
    const perUnit = nanos / Math.max(1, asked);
    knowledge.usualAsked += k.USUAL_STEP * (asked - knowledge.usualAsked);
    if (knowledge.usualNanosPerUnit === 0) knowledge.usualNanosPerUnit = perUnit;
    else knowledge.usualNanosPerUnit *= perUnit > knowledge.usualNanosPerUnit ? 1 + k.USUAL_STEP : 1 - k.USUAL_STEP;
    this.#credit(address, node.LANDED);
    this.#credit(payer, node.LANDED);
    knowledge.landings.landed(payer, knowledge.nowMs);
    this.#answered(payer);
    if (isFreshPayer) this.#credit(address, node.FRESH_LANDED);
    counts[address + node.NANOS] += nanos;
    counts[address + node.ASKED] += asked;
    counts[payer + node.NANOS] += nanos;
    counts[payer + node.ASKED] += asked;
  }

  /** Credit in a column, and forgiveness in the column of blame that belongs to it. */
  #credit(at: number, credit: number): void {
    const counts = this.#counts;
    counts[at + credit] = Math.min(k.GOOD_MAX, counts[at + credit] + 1);
    counts[at + credit + node.BLAME] *= k.BLAME_KEPT_BY_GOOD;
  }

  /** Blame in the column that belongs to one of credit. @param kept share of the credit that whole blame leaves */
  #blame(at: number, credit: number, by: number, kept: number): void {
    const counts = this.#counts;
    const blame = at + credit + node.BLAME;
    const before = counts[blame];
    const compound = before > k.BLAME_OUTWEIGHS * counts[at + credit] ? k.BLAME_COMPOUND * before : 0;
    counts[blame] = Math.min(k.BAD_MAX, before + by * (1 + compound));
    counts[at + credit] *= 1 - by * (1 - kept);
  }

  /** One fewer is in flight. */
  #answered(at: number): void {
    const counts = this.#counts;
    counts[at + node.IN_FLIGHT] = Math.max(0, counts[at + node.IN_FLIGHT] - 1);
  }
}
