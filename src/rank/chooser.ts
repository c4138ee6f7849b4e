// What a model may decide beyond a rank: what is sent in a transmit, and what never is. A model without one is a rank alone,
// and the queue's best are sent (engine/transmit.ts); with one, each transmit goes engine/chosen-transmit.ts's way.

import type { Toucher } from "../kernel/kernel.ts";

/** Send it. */
export const CHOICE_SEND = 0;
/** Not in this transmit: it stays queued. */
export const CHOICE_KEEP = 1;
/** Drop it: the same payload went out already. */
export const CHOICE_COPY = 2;
/** Send no more in this transmit. */
export const CHOICE_STOP = 3;

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

  /** A transmit begins. @param packetsMax packets that may be sent in it @param intervalMs time that it stands for */
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

  /**
   * Decides on a queued packet. Asked about each in falling order of rank: the new scores, as far as the operator's rules
   * leave them, with the favoured places first.
   * @returns one of CHOICE_; CHOICE_STOP only where no packet below could be sent
   */
  choose(at: number): number;

  /** A packet goes out. @param at the packet that `choose` was asked about last */
  sent(at: number): void;

  /** The transmit is over. */
  end(nowMs: number): void;
}
