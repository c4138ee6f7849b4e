// What a model may decide beyond a rank: what is sent when, and what never is. A model without one is a rank alone, and the
// queue's best are sent (engine/transmit.ts); with one, packets go engine/chosen-transmit.ts's way.

import type { Toucher } from "../kernel/kernel.ts";

/** Send it. */
export const CHOICE_SEND = 0;
/** Not before everything is scored anew: it stays queued. */
export const CHOICE_KEEP = 1;
/** Drop it: the same payload went out already. */
export const CHOICE_COPY = 2;
/** Blocks have no room at the moment: it waits where it is, and so does everything below it. */
export const CHOICE_ROOM = 3;

/** Drop it: another transaction on its durable nonce's value landed. */
export const CHOICE_SIBLING = 4;

/** What `Model.score` returns for a packet whose nonce's value is used up: it is refused as a sibling. */
export const SCORE_OF_SIBLING = -2;
/** What `Model.score` returns for a packet whose payload went out already: it is refused as a copy. */
export const SCORE_OF_COPY = -1;

export interface Chooser {
  /** A packet that was scored is taken: it is queued, or was ranked too low for it. After its last lap check. */
  arrived(at: number): void;

  /**
   * Whether the operator's rules may put a packet above others that the model ranks higher. They may not where the model
   * knows that its sender signs falsely or never lands: such a packet would stand before all others, transmit after transmit.
   * @param at the packet that `score` or `rescore` was asked about last
   */
  mayLift(at: number): boolean;

  /** Whether the packet that was scored last may go out before what waits is scored anew. */
  mayBeReady(): boolean;

  /** How many packets go out at the most. */
  setTarget(packetsPerMs: number): void;

  /** The full choice begins: everything that waits is scored anew. @param packetsMax budget of its interval */
  begin(nowMs: number, packetsMax: number, intervalMs: number): void;

  /**
   * Loads what `rescore` will read, for a group of queued packets.
   * @param slotsAt arena offset of the first slot's number (u32); the next ones follow
   * @param digestsAt arena offset of slot 0's digest
   * @returns anything that depends on the loads
   */
  touchAgain(toucher: Toucher, slotsAt: number, count: number, digestsAt: number, slotBytes: number): number;

  /** Scores a queued packet anew. @param place its number among the queued, for `favoured` */
  rescore(at: number, place: number): number;

  /** Places that go first whatever their score: the next one of them, or -1 at the end. */
  favoured(): number;

  /** Whether blocks have room at the moment: else `choose` would answer CHOICE_ROOM. */
  hasRoom(): boolean;

  /**
   * Decides on a packet that is ready. Asked about each in falling order of rank, as far as the operator's rules leave it.
   * @param isFavoured whether `favoured` put it first
   * @returns one of CHOICE_
   */
  choose(at: number, isFavoured: boolean): number;

  /** A packet goes out. @param at the packet that `choose` was asked about last */
  sent(at: number): void;

  /** Packets are ready and wait. @param byRoom for room in blocks; else for the budget of packets */
  stopped(byRoom: boolean): void;

  /** The full choice is over. */
  end(nowMs: number): void;
}
