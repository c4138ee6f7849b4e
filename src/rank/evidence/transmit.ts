// A transmit of the evidence model: all that is queued is scored anew, a quota of newcomers goes first, then each packet is
// chosen about in falling order, within sigverify's packets and the block's room.

import type { Toucher } from "../../kernel/kernel.ts";
import type { Arena } from "../../shape/arena.ts";
import { ARRIVAL_AT, IP_ID_AT, PAYER_ID_AT, PAYLOAD_MIX_AT } from "../../shape/digest-layout.ts";
import { EVIDENCE_IDS_BYTES } from "../../shape/layout.ts";
import { DOUBT, IN_FLIGHT, NANOS_PER_UNIT, P_LANDS } from "../../shape/node-layout.ts";
import { CHOICE_COPY, CHOICE_KEEP, CHOICE_SEND, CHOICE_SIBLING, CHOICE_STOP } from "../chooser.ts";
import * as k from "./constants.ts";
import { COPY_OF_ANOTHER, COPY_SENT } from "./copies.ts";
import { type GroupIds, PORT_ID_AT } from "./group-ids.ts";
import type { Knowledge } from "./knowledge.ts";
import { lateWorth } from "./late-worth.ts";
import { Look, type Looker } from "./look.ts";
import { NONCE_USED, NONCE_WAITS } from "./nonces.ts";
import type { SenderNodes } from "./sender-nodes.ts";
import type { Worth } from "./worth.ts";

/** So many must have been too large for the room before it is asked whether anything fits at all. */
const TOO_LARGE_MAX = 256;

export class Transmit {
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #counts: Float32Array;
  /** Of the packet that was chosen about last, for `sent`. */
  readonly #chosen = new Look();
  #intervalMs = 0;
  #packetsLeft = 0;
  #roomLeft = 0;
  /** Packets that were too large for the room that was left. */
  #tooLarge = 0;
  /** Queued packets that count as a crowd; where there are more than can be sent, there is a reason to wait for answers. */
  #crowd = 0;
  /** Answers come; and more is queued than can be sent. */
  #answers = false;
  #canWait = false;
  /** Of those that the quota puts first, how many were not chosen about yet. */
  #favouredLeft = 0;
  /** Packets with hope when they were scored, and packets that no forger sent: how many of them there are to choose about. */
  #hopeful = 0;
  #unforged = 0;
  /** How many of those were chosen about, and packets without hope behind the last of them. */
  #worthALook = 0;
  #hopelessLooks = 0;
  /** The least work that a packet with hope is expected to take, in nanoseconds. */
  #nanosMin = 0;

  constructor(
    arena: Arena,
    private readonly knowledge: Knowledge,
    private readonly looker: Looker,
    private readonly worth: Worth,
    private readonly nodes: SenderNodes,
    private readonly ids: GroupIds,
  ) {
    this.#i32 = arena.i32;
    this.#f64 = arena.f64;
    this.#counts = knowledge.table.counts;
  }

  /** A transmit begins. @param packetsMax packets that may be sent in it @param intervalMs time that it stands for */
  begin(packetsMax: number, intervalMs: number): void {
    this.knowledge.packetsPerMs = packetsMax / intervalMs;
    this.#intervalMs = intervalMs;
    this.#packetsLeft = packetsMax;
    this.#roomLeft = this.knowledge.room.roomOf(intervalMs);
    this.#tooLarge = 0;
    this.#crowd = 0;
    this.#favouredLeft = 0;
    this.#hopeful = 0;
    this.#unforged = 0;
    this.#worthALook = 0;
    this.#hopelessLooks = 0;
    this.#nanosMin = Number.POSITIVE_INFINITY;
    this.knowledge.newcomers.begin(k.EXPLORED_SHARE * packetsMax, k.EXPLORED_ONCE_SHARE * packetsMax);
  }

  /** Loads what `rescore` and `choose` will read for a group of slots. @returns anything that depends on the loads */
  touch(toucher: Toucher, slotsAt: number, count: number, digestsAt: number, slotBytes: number): number {
    const { table, copies } = this.knowledge;
    const { ids } = this;
    const touched =
      table.touchThrough(toucher, slotsAt, count, digestsAt + PAYER_ID_AT, slotBytes) +
      table.touchThrough(toucher, slotsAt, count, digestsAt + IP_ID_AT, slotBytes) +
      copies.memory.touchThrough(toucher, slotsAt, count, digestsAt + PAYLOAD_MIX_AT, slotBytes);
    for (let i = 0; i < count; i++) ids.note(i, digestsAt + this.#i32[(slotsAt >>> 2) + i] * slotBytes);
    return (
      touched +
      table.touch(toucher, ids.at, EVIDENCE_IDS_BYTES, count) +
      table.touch(toucher, ids.at + PORT_ID_AT, EVIDENCE_IDS_BYTES, count) +
      table.touchNodesThrough(toucher, slotsAt, count, digestsAt + PAYER_ID_AT, slotBytes) +
      table.touchNodesThrough(toucher, slotsAt, count, digestsAt + IP_ID_AT, slotBytes) +
      table.touchNodes(toucher, ids.at, EVIDENCE_IDS_BYTES, count) +
      table.touchNodes(toucher, ids.at + PORT_ID_AT, EVIDENCE_IDS_BYTES, count)
    );
  }

  /** Scores a queued packet anew. @param look is filled in @param place its number among the queued */
  rescore(look: Look, at: number, place: number): number {
    const { knowledge, looker, worth } = this;
    looker.setIds(look, at);
    if (!looker.settled(look, at)) looker.whole(look, at);
    const arrivalMs = this.#f64[(at + ARRIVAL_AT) >>> 3];
    const ageMs = knowledge.nowMs - arrivalMs;
    let score = worth.of(look, at);
    this.#countIn(look, at, ageMs);
    if (knowledge.copies.of(at) === COPY_OF_ANOTHER) score *= k.COPY_WORTH;
    else if (!looker.hasRecord(look)) {
      if (ageMs < k.PRESENCE_WINDOW_MS) knowledge.newcomers.note(at, arrivalMs);
      // The late ones may have been sent again, and what they tell is the same.
      if (ageMs < k.STALE_AFTER_MS) knowledge.newcomers.consider(at, place, score);
    }
    return score * lateWorth(ageMs);
  }

  #countIn(look: Look, at: number, ageMs: number): void {
    if (!this.worth.isHopeless(look)) {
      this.#crowd += 1;
      this.#hopeful += 1;
      this.#unforged += 1;
      this.#nanosMin = Math.min(this.#nanosMin, this.worth.nanos(look, at));
    } else if (!this.worth.isForger(look)) {
      this.#unforged += 1;
      // A backlog of the hopeless is no crowd: left to count, it would keep itself waiting for ever.
      if (ageMs <= this.#intervalMs) this.#crowd += 1;
    }
  }

  /** Places that go first, whatever their score: the next one of them, or -1 at the end. */
  favoured(): number {
    const { nowMs, answeredMs, newcomers } = this.knowledge;
    this.#answers = nowMs - answeredMs < k.SILENCE_MS;
    this.#canWait = this.#answers && this.#crowd > this.#packetsLeft;
    const place = newcomers.next();
    if (place >= 0) this.#favouredLeft += 1;
    return place;
  }

  /** Decides on a packet. @returns one of CHOICE_ */
  choose(at: number): number {
    if (this.#packetsLeft <= 0) return CHOICE_STOP;
    const isFavoured = this.#favouredLeft > 0; // they come first
    if (isFavoured) this.#favouredLeft -= 1;
    const look = this.#chosen;
    const { worth } = this;
    this.looker.whole(look, at);
    const isHopeless = this.#canWait ? worth.isHopeless(look) : worth.isForger(look);
    if (!isHopeless) this.#worthALook += 1;
    if (this.knowledge.copies.of(at) === COPY_SENT) return CHOICE_COPY;
    const sibling = this.knowledge.nonces.of(at, this.knowledge.nowMs, this.#answers);
    if (sibling === NONCE_USED) return CHOICE_SIBLING;
    if (isHopeless && this.#answers && !isFavoured) return this.#isOver() ? CHOICE_STOP : CHOICE_KEEP;
    if (sibling === NONCE_WAITS) return CHOICE_KEEP;
    if (this.#canWait && worth.isTooMuchInFlight(look)) return CHOICE_KEEP;
    if (worth.nanos(look, at) > this.#roomLeft) {
      this.#tooLarge += 1;
      return this.#tooLarge > TOO_LARGE_MAX && this.#roomLeft < this.#nanosMin ? CHOICE_STOP : CHOICE_KEEP;
    }
    return CHOICE_SEND;
  }

  /**
   * Whether all that is worth sending was chosen about. It is counted, and not told by the order: were a transmit over at
   * the first of the hopeless, a rule that puts one of them above others would keep all of these from being sent.
   */
  #isOver(): boolean {
    if (this.#worthALook < (this.#canWait ? this.#hopeful : this.#unforged)) return false;
    this.#hopelessLooks += 1;
    return this.#hopelessLooks > k.HOPELESS_LOOKS_MAX;
  }

  /** The packet that was chosen about last goes out. */
  sent(at: number): void {
    const look = this.#chosen;
    const { knowledge, nodes } = this;
    const counts = this.#counts;
    knowledge.copies.markSent(at);
    knowledge.nonces.sent(at, knowledge.nowMs);
    this.#packetsLeft -= 1;
    this.#roomLeft -= this.worth.nanos(look, at);
    const address = nodes.address(at);
    const payer = nodes.payer(at);
    if (look.address === 0) this.looker.settleAddress(address, knowledge.classes.of(at));
    if (look.payer === 0) {
      counts[payer + P_LANDS] = look.pLands;
      counts[payer + DOUBT] = 1 - look.doubt;
      counts[payer + NANOS_PER_UNIT] = look.nanosPerUnit;
    }
    counts[address + IN_FLIGHT] += 1;
    counts[payer + IN_FLIGHT] += 1;
    if (look.leaf !== 0) counts[look.leaf + IN_FLIGHT] += 1;
  }

  end(): void {
    this.knowledge.room.spent(this.#packetsLeft, this.#tooLarge > 0 ? 0 : this.#roomLeft);
  }
}
