// The default model: what a transaction is expected to earn, by what it is expected to take.
//
//     score = P(signature good)^8 * P(lands | good) * doubt * fee
//             / (balance * 1 / packets that sigverify takes + (1 - balance) * E[work] / work that a block takes)
//
// All of it is learned from what comes back. A packet's life with the model is cut into parts: it arrives (arrival.ts), it
// is scored anew and chosen about in transmits (transmit.ts), and what comes back is learned from (learn.ts). Each part
// looks at packets (look.ts) and weighs what it sees (worth.ts); what is known is shared by all of them (knowledge.ts).
//
// Work is known as execution time only, so it is learned in that unit, per payer and asked compute unit. docs/model.md says
// why the model is as it is, and what it earns. Josang & Ismail (2002) on beta reputation; congestion windows for the room.

import type { Toucher } from "../../kernel/kernel.ts";
import type { Arena } from "../../shape/arena.ts";
import { REASON_AT } from "../../shape/digest-layout.ts";
import type { ArenaLayout } from "../../shape/layout.ts";
import { EVIDENCE_WAYS } from "../../shape/node-layout.ts";
import type { Chooser } from "../chooser.ts";
import type { Model, ScoreFactors, SenderStore } from "../model.ts";
import { Arrival } from "./arrival.ts";
import type { BlockRoom } from "./block-room.ts";
import { JUDGING_INTERVAL_MS } from "./constants.ts";
import type { EvidenceTable } from "./evidence-table.ts";
import { GroupIds } from "./group-ids.ts";
import { Knowledge } from "./knowledge.ts";
import { Learning } from "./learn.ts";
import { Look, Looker } from "./look.ts";
import { SenderNodes } from "./sender-nodes.ts";
import { Transmit } from "./transmit.ts";
import { Worth } from "./worth.ts";

export class Evidence implements Model, Chooser {
  readonly name = "evidence";
  readonly chooser = this;
  /** Outcomes since the last `learn`; each is learned from at once. */
  pending = 0;
  readonly senders: SenderStore;
  readonly table: EvidenceTable;
  readonly room: BlockRoom;

  readonly #knowledge: Knowledge;
  readonly #looker: Looker;
  readonly #worth: Worth;
  readonly #arrival: Arrival;
  readonly #transmit: Transmit;
  readonly #learning: Learning;
  readonly #u8: Uint8Array;
  /** Of the packet that was scored last, on its arrival or anew. */
  readonly #scored = new Look();
  #judgedMs = Number.NEGATIVE_INFINITY;

  constructor(arena: Arena, layout: ArenaLayout) {
    const knowledge = new Knowledge(arena, layout);
    const looker = new Looker(arena, knowledge);
    const worth = new Worth(arena, knowledge);
    const nodes = new SenderNodes(arena, knowledge);
    const ids = new GroupIds(arena, layout.evidence.idsAt, looker);
    const { table } = knowledge;
    this.#knowledge = knowledge;
    this.#looker = looker;
    this.#worth = worth;
    this.#arrival = new Arrival(knowledge, looker, worth, ids);
    this.#transmit = new Transmit(arena, knowledge, looker, worth, nodes, ids);
    this.#learning = new Learning(arena, knowledge, looker, worth, nodes);
    this.#u8 = arena.u8;
    this.table = table;
    this.room = knowledge.room;
    const bounds = {
      limit: layout.evidence.sets * EVIDENCE_WAYS,
      get size() {
        return table.size;
      },
    };
    this.senders = {
      ips: bounds,
      payers: bounds,
      restoreIp: (at, score) => this.#learning.restoreAddress(at, score),
      restorePayer: (at, score) => this.#learning.restorePayer(at, score),
      warm() {},
    };
  }

  /** Nodes that left for others. */
  get evicted(): number {
    return this.table.evicted;
  }

  advance(nowMs: number): void {
    this.#knowledge.nowMs = Math.floor(nowMs);
    this.room.advance(nowMs);
    if (nowMs - this.#judgedMs >= JUDGING_INTERVAL_MS) {
      this.#judgedMs = nowMs;
      this.#learning.judgeMisses();
    }
    this.#transmit.advance(nowMs);
  }

  // --- Arrival ---

  touch(toucher: Toucher, digestsAt: number, count: number): number {
    return this.#arrival.touch(toucher, digestsAt, count);
  }

  score(at: number): number {
    return this.#arrival.score(this.#scored, at);
  }

  /** The probabilities that a packet's signature is good, and that it lands then, as its score took them. */
  factors(_at: number, into: ScoreFactors): void {
    into.ip = this.#scored.pGood;
    into.payer = this.#scored.pLands;
  }

  arrived(at: number): void {
    this.#arrival.arrived(at);
    this.#transmit.arrived(this.#scored);
  }

  mayBeReady(): boolean {
    return !this.#worth.isHopeless(this.#scored);
  }

  mayLift(): boolean {
    return this.#worth.mayBeLifted(this.#scored);
  }

  // --- Transmit ---

  setTarget(packetsPerMs: number): void {
    this.#transmit.setTarget(packetsPerMs);
  }

  begin(nowMs: number, packetsMax: number, intervalMs: number): void {
    const { classes, landings } = this.#knowledge;
    this.#knowledge.nowMs = Math.floor(nowMs);
    this.room.market.fade();
    classes.fade(this.#knowledge.nowMs);
    landings.neverLanded.fade(this.#knowledge.nowMs);
    this.#transmit.begin(packetsMax, intervalMs);
  }

  touchAgain(toucher: Toucher, slotsAt: number, count: number, digestsAt: number, slotBytes: number): number {
    return this.#transmit.touch(toucher, slotsAt, count, digestsAt, slotBytes);
  }

  rescore(at: number, place: number): number {
    return this.#transmit.rescore(this.#scored, at, place);
  }

  favoured(): number {
    return this.#transmit.favoured();
  }

  hasRoom(): boolean {
    return this.#transmit.hasRoom();
  }

  choose(at: number, isFavoured: boolean): number {
    return this.#transmit.choose(at, isFavoured);
  }

  stopped(byRoom: boolean): void {
    this.#transmit.stopped(byRoom);
  }

  sent(at: number): void {
    this.#transmit.sent(at);
  }

  end(): void {
    this.#transmit.end();
  }

  // --- What comes back ---

  failedSignature(at: number): void {
    this.#knowledge.answeredMs = this.#knowledge.nowMs;
    if (this.#u8[at + REASON_AT] === 0) this.#learning.failedSignature(at);
    else this.#learning.unparsable(at);
  }

  unparsable(at: number): void {
    this.#learning.unparsable(at);
  }

  outcome(at: number, executionNanos: number): void {
    this.pending += 1;
    this.#knowledge.answeredMs = this.#knowledge.nowMs;
    this.#learning.outcome(at, executionNanos);
  }

  /** Every outcome was learned from at once: only the count begins anew. */
  learn(): void {
    this.pending = 0;
  }

  // --- What is asked about it ---

  /** What is expected of a packet, for explanations. @param at its digest */
  estimate(at: number): { pGood: number; pLands: number; nanosPerUnit: number; worth: number } {
    const look = new Look();
    this.#looker.whole(look, at);
    const { pGood, pLands, nanosPerUnit } = look;
    return { pGood, pLands, nanosPerUnit, worth: this.#worth.of(look, at) };
  }
}
