// A transmit of the evidence model: all that is queued is scored anew, a quota of newcomers goes first, then each packet is
// chosen about in falling order, within sigverify's packets and the block's room.

import type { Toucher } from "../../kernel/kernel.ts";
import type { Arena } from "../../shape/arena.ts";
import { ARRIVAL_AT, IP_ID_AT, PAYER_ID_AT, PAYLOAD_MIX_AT } from "../../shape/digest-layout.ts";
import { EVIDENCE_IDS_BYTES } from "../../shape/layout.ts";
import { DOUBT, IN_FLIGHT, NANOS_PER_UNIT, P_LANDS } from "../../shape/node-layout.ts";
import { CHOICE_COPY, CHOICE_KEEP, CHOICE_ROOM, CHOICE_SEND, CHOICE_SIBLING } from "../chooser.ts";
import * as k from "./constants.ts";
import { COPY_OF_ANOTHER, COPY_SENT } from "./copies.ts";
import { type GroupIds, PORT_ID_AT } from "./group-ids.ts";
import type { Knowledge } from "./knowledge.ts";
import { lateWorth } from "./late-worth.ts";
import { Look, type Looker } from "./look.ts";
import { NONCE_USED, NONCE_WAITS } from "./nonces.ts";
import type { SenderNodes } from "./sender-nodes.ts";
import type { Worth } from "./worth.ts";

const STOPPED_NOT = 0;
const STOPPED_BY_PACKETS = 1;
const STOPPED_BY_ROOM = 2;

export class Transmit {
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #counts: Float32Array;
  /** Of the packet that was chosen about last, for `sent`. */
  readonly #chosen = new Look();
  #intervalMs = k.CHOICE_MS;
  #advancedMs = Number.NEGATIVE_INFINITY;
  /** Work that blocks may take now, in nanoseconds; below 0: more was sent than there was room for, and is waited for. */
  #roomLeft = Number.POSITIVE_INFINITY;
  // What packets waited for since the last turn, and for how long since the last full choice.
  #stopped = STOPPED_NOT;
  #stoppedByPacketsMs = 0;
  #stoppedByRoomMs = 0;
  /** Packets of the last interval that no forger sent (older ones count less and less). */
  #arrivals = 0;
  /** Packets with hope that waited longer than an interval at the last full choice; and those found in this one. */
  #backlog = 0;
  #backlogFound = 0;
  /** Answers come; and more comes and waits than can be sent, so that there is a reason to wait for them. */
  #answers = false;
  #canWait = false;

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

  setTarget(packetsPerMs: number): void {
    this.knowledge.packetsPerMs = packetsPerMs;
  }

  /** A turn begins: room comes with time, and the crowd is counted. */
  advance(nowMs: number): void {
    const passedMs = nowMs - this.#advancedMs;
    if (!(passedMs > 0)) return;
    this.#advancedMs = nowMs;
    const { room, answeredMs, packetsPerMs } = this.knowledge;
    this.#roomLeft = Math.min(room.roomOf(k.ROOM_SAVED_MS), this.#roomLeft + room.roomOf(passedMs));
    if (this.#stopped === STOPPED_BY_PACKETS) this.#stoppedByPacketsMs += passedMs;
    else if (this.#stopped === STOPPED_BY_ROOM) this.#stoppedByRoomMs += passedMs;
    this.#stopped = STOPPED_NOT;
    this.#arrivals *= Math.max(0, 1 - passedMs / this.#intervalMs);
    this.#answers = nowMs - answeredMs < k.SILENCE_MS;
    this.#canWait = this.#answers && this.#arrivals + this.#backlog > packetsPerMs * this.#intervalMs;
  }

  /** A packet was taken. @param look what its score came from */
  arrived(look: Look): void {
    if (!this.worth.isForger(look)) this.#arrivals += 1;
  }

  /** A full choice begins. @param packetsMax budget of its interval @param intervalMs the interval */
  begin(packetsMax: number, intervalMs: number): void {
    const { room, newcomers } = this.knowledge;
    this.#intervalMs = intervalMs;
    room.spent(this.#stoppedByPacketsMs, this.#stoppedByRoomMs);
    this.#stoppedByPacketsMs = 0;
    this.#stoppedByRoomMs = 0;
    this.#backlogFound = 0;
    newcomers.begin(k.EXPLORED_SHARE * packetsMax, k.EXPLORED_ONCE_SHARE * packetsMax);
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
    if (ageMs > this.#intervalMs && !worth.isHopeless(look)) this.#backlogFound += 1;
    if (knowledge.copies.of(at) === COPY_OF_ANOTHER) score *= k.COPY_WORTH;
    else if (!looker.hasRecord(look)) {
      if (ageMs < k.PRESENCE_WINDOW_MS) knowledge.newcomers.note(at, arrivalMs);
      // The late ones may have been sent again, and what they tell is the same.
      if (ageMs < k.STALE_AFTER_MS) knowledge.newcomers.consider(at, place, score);
    }
    return score * lateWorth(ageMs);
  }

  /** Places that go first, whatever their score: the next one of them, or -1 at the end. */
  favoured(): number {
    return this.knowledge.newcomers.next();
  }

  hasRoom(): boolean {
    return this.#roomLeft > 0;
  }

  /** Decides on a packet. @returns one of CHOICE_ */
  choose(at: number, isFavoured: boolean): number {
    if (this.#roomLeft <= 0) return CHOICE_ROOM;
    const look = this.#chosen;
    const { worth } = this;
    this.looker.whole(look, at);
    if (this.knowledge.copies.of(at) === COPY_SENT) return CHOICE_COPY;
    const sibling = this.knowledge.nonces.of(at, this.knowledge.nowMs, this.#answers);
    if (sibling === NONCE_USED) return CHOICE_SIBLING;
    const isHopeless = this.#canWait ? worth.isHopeless(look) : worth.isForger(look);
    if (isHopeless && this.#answers && !isFavoured) return CHOICE_KEEP;
    if (sibling === NONCE_WAITS) return CHOICE_KEEP;
    if (this.#canWait && worth.isTooMuchInFlight(look)) return CHOICE_KEEP;
    // What is more than an interval's room never fits.
    return worth.nanos(look, at) > this.knowledge.room.roomOf(this.#intervalMs) ? CHOICE_KEEP : CHOICE_SEND;
  }

  /** The packet that was chosen about last goes out. */
  sent(at: number): void {
    const look = this.#chosen;
    const { knowledge, nodes } = this;
    const counts = this.#counts;
    knowledge.copies.markSent(at);
    knowledge.nonces.sent(at, knowledge.nowMs);
    // At most an interval's room: `choose` saw to that. So blocks are never waited for longer.
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

  /** Packets wait. @param byRoom for room in blocks; else for sigverify */
  stopped(byRoom: boolean): void {
    this.#stopped = byRoom ? STOPPED_BY_ROOM : STOPPED_BY_PACKETS;
  }

  end(): void {
    this.#backlog = this.#backlogFound;
  }
}
