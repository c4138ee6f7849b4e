// The quota for addresses that were never judged: a few places of each transmit, one packet an address, those first that
// keep coming back. So an honest newcomer is judged soon, and a flood of fresh addresses costs its share and no more.

import type { Arena } from "../../shape/arena.ts";
import { IP_ID_AT } from "../../shape/digest-layout.ts";
import type { LinesRegion } from "../../shape/layout.ts";
import { PRESENCE_WINDOW_MS } from "./constants.ts";
import { Presence } from "./presence.ts";

/** Places that a quota can have at the most, whatever the target. */
const PLACES_MAX = 1_024;

export class Newcomers {
  readonly presence: Presence;
  readonly #i32: Int32Array;
  readonly #persistent = new Quota();
  readonly #seenOnce = new Quota();
  #lot = 0;

  constructor(arena: Arena, region: LinesRegion) {
    this.presence = new Presence(arena, region);
    this.#i32 = arena.i32;
  }

  /** Notes a packet of an unjudged address. @param at its digest @param nowMs when it came: what waits is not seen again */
  note(at: number, nowMs: number): void {
    const word = (at + IP_ID_AT) >>> 2;
    this.presence.note(this.#i32[word], this.#i32[word + 1], Math.floor(nowMs / PRESENCE_WINDOW_MS));
  }

  /** @param persistent places for addresses that came back @param once and for those that did not yet */
  begin(persistent: number, once: number): void {
    this.#persistent.begin(persistent);
    this.#seenOnce.begin(once);
    this.#lot = Math.imul(this.#lot, 0x9e3779b1) + 1;
  }

  /** Considers a queued packet of an unjudged address. */
  consider(at: number, place: number, worth: number): void {
    const word = (at + IP_ID_AT) >>> 2;
    const address = this.#i32[word];
    const windows = this.presence.windows(address, this.#i32[word + 1]);
    // Persistence first, worth among equals: worth / (1 + worth) is below 1.
    if (windows > 1) this.#persistent.consider(windows + worth / (1 + worth), place, address);
    // By lot: they are to stand for their class, and a flood would choose its own by the fee.
    else this.#seenOnce.consider(Math.imul(address ^ this.#lot, 0x85ebca6b) >>> 1, place, address);
  }

  /** @returns places of the chosen, one a call, or -1 at the end */
  next(): number {
    const place = this.#persistent.next();
    return place >= 0 ? place : this.#seenOnce.next();
  }
}

/** Marks for the addresses of a quota: eight for each place, so that few are shared. */
const MARKS = 8 * PLACES_MAX;

/** A min-heap of candidates, bounded: their ranks, places in the queue, addresses. */
class Quota {
  readonly #rank = new Float64Array(PLACES_MAX);
  readonly #place = new Int32Array(PLACES_MAX);
  readonly #address = new Int32Array(PLACES_MAX);
  /** How many of the candidates' addresses share a mark: an address without one is not a candidate. */
  readonly #marks = new Uint16Array(MARKS);
  /** What is due; parts of a place are saved up for later transmits. */
  #due = 0;
  #places = 0;
  #count = 0;

  begin(places: number): void {
    this.#due = (this.#due % 1) + places;
    this.#places = Math.min(Math.floor(this.#due), PLACES_MAX);
    this.#count = 0;
    this.#marks.fill(0);
  }

  consider(rank: number, place: number, address: number): void {
    if (this.#places === 0) return;
    if (this.#count === this.#places && rank <= this.#rank[0]) return;
    const mark = address & (MARKS - 1);
    const known = this.#marks[mark] === 0 ? -1 : this.#indexOf(address);
    if (known >= 0) {
      if (rank > this.#rank[known]) this.#sink(known, rank, place, address);
      return;
    }
    this.#marks[mark] += 1;
    if (this.#count < this.#places) {
      this.#rise(this.#count++, rank, place, address);
      return;
    }
    this.#marks[this.#address[0] & (MARKS - 1)] -= 1;
    this.#sink(0, rank, place, address);
  }

  next(): number {
    return this.#count === 0 ? -1 : this.#place[--this.#count];
  }

  #indexOf(address: number): number {
    for (let i = 0; i < this.#count; i++) if (this.#address[i] === address) return i;
    return -1;
  }

  #rise(from: number, rank: number, place: number, address: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (this.#rank[parent] <= rank) break;
      this.#copy(parent, at);
      at = parent;
    }
    this.#set(at, rank, place, address);
  }

  #sink(from: number, rank: number, place: number, address: number): void {
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#count) break;
      if (child + 1 < this.#count && this.#rank[child + 1] < this.#rank[child]) child += 1;
      if (this.#rank[child] >= rank) break;
      this.#copy(child, at);
      at = child;
    }
    this.#set(at, rank, place, address);
  }

  #copy(from: number, to: number): void {
    this.#set(to, this.#rank[from], this.#place[from], this.#address[from]);
  }

  #set(at: number, rank: number, place: number, address: number): void {
    this.#rank[at] = rank;
    this.#place[at] = place;
    this.#address[at] = address;
  }
}
