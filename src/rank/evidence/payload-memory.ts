// Which payloads came in, which address brought each first, and whether it was sent on: a bounded memory of the payloads'
// keyed hashes, in lines of eight. A counter draws the entry that makes way, so no sender can choose what is forgotten. What
// was sent is forgotten less easily than what was only seen.

import type { Toucher } from "../../kernel/kernel.ts";
import type { Arena } from "../../shape/arena.ts";
import { CACHE_LINE_BYTES, type LinesRegion } from "../../shape/layout.ts";

const ENTRIES = 8;
const LINE_SHIFT = 4;
/** A mask that changes no row number. */
const ALL = -1;
/** A tag is the high word of the hash with this bit set; 0 marks a free place. */
const TAG_USED = 1;
/** In a value: the payload was sent. */
const SENT = 2;

export class PayloadMemory {
  readonly #words: Int32Array;
  readonly #lines: number;
  readonly #mask: number;
  #victim = 0;

  constructor(arena: Arena, region: LinesRegion) {
    if (!Number.isInteger(Math.log2(region.lines)))
      throw new RangeError(`${region.lines} lines are not a power of two`);
    this.#words = arena.i32;
    this.#lines = region.at >>> 2;
    this.#mask = region.lines - 1;
  }

  /**
   * Loads the lines that `find` reads, for a group.
   * @param hashesAt arena offset of the first payload's keyed hash (u64); the next ones follow at `strideBytes`
   * @returns anything that depends on the loads
   */
  touch(toucher: Toucher, hashesAt: number, strideBytes: number, count: number): number {
    return toucher.touchRows(hashesAt, strideBytes, count, this.#lines << 2, this.#mask, CACHE_LINE_BYTES);
  }

  /**
   * The same where the hashes stand in rows of a table.
   * @param rowsAt arena offset of the first row's number; the next ones follow
   * @param hashesAt arena offset of row 0's hash
   * @returns anything that depends on the loads
   */
  touchThrough(toucher: Toucher, rowsAt: number, count: number, hashesAt: number, rowBytes: number): number {
    const lines = this.#lines << 2;
    return toucher.touchRowsThrough(rowsAt, 4, count, hashesAt, ALL, rowBytes, lines, this.#mask, CACHE_LINE_BYTES);
  }

  /** @returns what is known of a payload, for `wasSent` and `senderOf`; 0: nothing */
  find(low: number, high: number): number {
    const at = this.#placeOf(low, high);
    return at < 0 ? 0 : this.#words[at + ENTRIES];
  }

  static wasSent(known: number): boolean {
    return (known & SENT) !== 0;
  }

  /** @returns the tag of the sender that brought it first */
  static senderOf(known: number): number {
    return known & ~SENT;
  }

  /** A sender's tag, of the high word of its id: never 0. */
  static tagOf(idHigh: number): number {
    return (idHigh | 1) & ~SENT;
  }

  /** Keeps a payload that is not known yet. @param sender tag of the sender that brought it */
  add(low: number, high: number, sender: number): void {
    this.#write(low, high, sender);
  }

  /** Marks a payload as sent. */
  markSent(low: number, high: number, sender: number): void {
    const at = this.#placeOf(low, high);
    if (at < 0) this.#write(low, high, sender | SENT);
    else this.#words[at + ENTRIES] |= SENT;
  }

  #placeOf(low: number, high: number): number {
    const words = this.#words;
    const line = this.#lines + ((low & this.#mask) << LINE_SHIFT);
    const tag = high | TAG_USED;
    for (let at = line; at < line + ENTRIES; at++) if (words[at] === tag) return at;
    return -1;
  }

  #write(low: number, high: number, value: number): void {
    const words = this.#words;
    const line = this.#lines + ((low & this.#mask) << LINE_SHIFT);
    let at = line + this.#nextVictim();
    // A second draw where the first was sent: marks of what was sent outlive a flood of what is only seen.
    if ((words[at + ENTRIES] & SENT) !== 0) at = line + this.#nextVictim();
    words[at] = high | TAG_USED;
    words[at + ENTRIES] = value;
  }

  #nextVictim(): number {
    this.#victim = (this.#victim + 1) & (ENTRIES - 1);
    return this.#victim;
  }
}
