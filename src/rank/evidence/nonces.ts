// Durable nonces. Of all transactions on one nonce account and one value of it ("siblings") at most one can land, so they are
// a kind of copy: the best of them is sent, and the others wait until its outcome is known. Once one landed, the others
// never can, and are dropped. A nonce whose value changed has another tag: its transactions are no siblings of the old ones.
//
// Anybody can sign a transaction that names another's nonce, or forge one. Such a sibling never lands, and must not hold the
// real one back for more than its own answer takes:
// - a signature that failed ends all waiting on that nonce's value: a forger may name any sender;
// - an outcome of "not included" frees the nonce, and from then on only siblings of the same payer wait for one another;
// - without an answer they wait for NONCE_WAIT_MS, and not at all while no answers come.
// A sibling makes others wait only once it was sent, so it had to rank above them first.

import { HASH_AT, NONCE_TAG_AT, PAYER_ID_AT } from "../../shape/digest-layout.ts";
import { NONCE_WAIT_MS } from "./constants.ts";

/** No transaction on a durable nonce, or the first one on its value. */
export const NONCE_FREE = 0;
/** A sibling was sent, and its outcome is not known yet. */
export const NONCE_WAITS = 1;
/** A sibling landed. */
export const NONCE_USED = 2;

const WAYS = 8;
const SETS = 1_024;
const PLACES = SETS * WAYS;
/** Transactions that were sent, by their packet hash: an outcome names nothing else. */
const SENT_PLACES = 16_384;

// What is known of a nonce's value.
const SENT = 1;
const USED = 2;
const CONTESTED = 4;
const FORGED = 8;

export class Nonces {
  readonly #i32: Int32Array;
  readonly #tags = new Int32Array(PLACES);
  readonly #states = new Uint8Array(PLACES);
  /** Low words: of the payer's id, and of the packet hash of the sibling that was sent last. */
  readonly #payers = new Int32Array(PLACES);
  readonly #hashes = new Int32Array(PLACES);
  readonly #sentMs = new Float64Array(PLACES);
  /** By the low word of a packet hash: its high word, and its nonce's place and tag. */
  readonly #sentHigh = new Int32Array(SENT_PLACES);
  readonly #sentPlace = new Int32Array(SENT_PLACES);
  readonly #sentTag = new Int32Array(SENT_PLACES);

  constructor(i32: Int32Array) {
    this.#i32 = i32;
  }

  /** @param at a digest @param answers whether outcomes come @returns one of NONCE_ */
  of(at: number, nowMs: number, answers: boolean): number {
    const tag = this.#i32[(at + NONCE_TAG_AT) >>> 2];
    if (tag === 0) return NONCE_FREE;
    const place = this.#find(tag);
    if (place < 0) return NONCE_FREE;
    const state = this.#states[place];
    if ((state & USED) !== 0) return NONCE_USED;
    if ((state & SENT) === 0 || (state & FORGED) !== 0 || !answers) return NONCE_FREE;
    if (nowMs - this.#sentMs[place] >= NONCE_WAIT_MS) return NONCE_FREE;
    const isSamePayer = this.#payers[place] === this.#i32[(at + PAYER_ID_AT) >>> 2];
    return isSamePayer || (state & CONTESTED) === 0 ? NONCE_WAITS : NONCE_FREE;
  }

  /** A packet goes out. @param at its digest */
  sent(at: number, nowMs: number): void {
    const i32 = this.#i32;
    const tag = i32[(at + NONCE_TAG_AT) >>> 2];
    if (tag === 0) return;
    let place = this.#find(tag);
    if (place < 0) {
      place = this.#placeFor(tag);
      this.#tags[place] = tag;
      this.#states[place] = 0;
    }
    const hash = i32[(at + HASH_AT) >>> 2];
    this.#states[place] |= SENT;
    this.#payers[place] = i32[(at + PAYER_ID_AT) >>> 2];
    this.#hashes[place] = hash;
    this.#sentMs[place] = nowMs;
    const row = hash & (SENT_PLACES - 1);
    this.#sentHigh[row] = i32[(at + HASH_AT + 4) >>> 2];
    this.#sentPlace[row] = place;
    this.#sentTag[row] = tag;
  }

  /** Sigverify refused a packet. @param at its digest */
  failed(at: number): void {
    const tag = this.#i32[(at + NONCE_TAG_AT) >>> 2];
    const place = tag === 0 ? -1 : this.#find(tag);
    if (place >= 0) this.#states[place] |= FORGED;
  }

  /** The scheduler said what became of a transaction. @param at its partial meta, which knows no nonce */
  outcome(at: number, landed: boolean): void {
    const hash = this.#i32[(at + HASH_AT) >>> 2];
    const row = hash & (SENT_PLACES - 1);
    const tag = this.#sentTag[row];
    if (tag === 0 || this.#sentHigh[row] !== this.#i32[(at + HASH_AT + 4) >>> 2]) return;
    this.#sentTag[row] = 0;
    const place = this.#sentPlace[row];
    if (this.#tags[place] !== tag) return; // its place went to another nonce
    if (landed) this.#states[place] |= USED;
    else if (this.#hashes[place] === hash) this.#states[place] = (this.#states[place] & ~SENT) | CONTESTED;
  }

  #find(tag: number): number {
    const first = (tag & (SETS - 1)) * WAYS;
    for (let place = first; place < first + WAYS; place++) if (this.#tags[place] === tag) return place;
    return -1;
  }

  /** A free place of the tag's set, or that of the nonce on which nothing was sent for longest. */
  #placeFor(tag: number): number {
    const first = (tag & (SETS - 1)) * WAYS;
    let oldest = first;
    for (let place = first; place < first + WAYS; place++) {
      if (this.#tags[place] === 0) return place;
      if (this.#sentMs[place] < this.#sentMs[oldest]) oldest = place;
    }
    return oldest;
  }
}
