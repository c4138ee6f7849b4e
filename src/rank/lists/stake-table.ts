// Stakes of senders' addresses: address -> lamports, with the total (engine.md, 5.5). Built as a whole by another thread
// into a half of the arena that is not in use, then swapped in; nobody writes to a table in use.
//
// Open addressing over slots of 24 bytes: the address's 8 bytes as in a digest (IP_KEY_AT), its kind, the stake. The keys
// come from the operator's file, not from senders, so that the hash needs no secret.

import { TRAIT_IPV6 } from "../../shape/digest-layout.ts";
import { STAKE_HEADER_BYTES, STAKE_SLOT_BYTES } from "../../shape/layout.ts";

const SLOT_WORDS = STAKE_SLOT_BYTES >>> 2;
const SLOT_DOUBLES = STAKE_SLOT_BYTES >>> 3;
const KIND_WORD = 2;
const STAKE_DOUBLE = 2;
const EMPTY = 0;
const IPV4 = 1;
const IPV6 = 2;

export interface Stake {
  /** 8 bytes: the IPv4 octets and four zero bytes, or the first 8 octets of an IPv6 address. */
  readonly key: Uint8Array;
  readonly ipv6: boolean;
  readonly lamports: number;
}

const isStake = (lamports: number): boolean => lamports >= 0 && lamports < Number.POSITIVE_INFINITY;

const kindOf = (traits: number): number => ((traits & TRAIT_IPV6) !== 0 ? IPV6 : IPV4);

function mix(low: number, high: number, kind: number): number {
  let h = Math.imul(low ^ Math.imul(kind, 0x9e3779b1), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15) ^ high, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13), 0x27d4eb2f);
  return h ^ (h >>> 16);
}

export class StakeTable {
  /** Lamports in all: the stakes' sum, or what the operator says. 0: every factor is 1. */
  readonly total: number;
  readonly #words: Int32Array;
  readonly #stakes: Float64Array;
  readonly #mask: number;

  /** Adopts a table that `build` wrote. @param slotCount a power of two */
  constructor(buffer: ArrayBufferLike, at: number, slotCount: number) {
    if (!Number.isInteger(Math.log2(slotCount))) throw new RangeError(`no power of two: ${slotCount}`);
    this.#words = new Int32Array(buffer, at + STAKE_HEADER_BYTES, slotCount * SLOT_WORDS);
    this.#stakes = new Float64Array(buffer, at + STAKE_HEADER_BYTES, slotCount * SLOT_DOUBLES);
    this.#mask = slotCount - 1;
    this.total = new Float64Array(buffer, at, 1)[0];
  }

  /** No stakes: every factor is 1. */
  static empty(): StakeTable {
    return StakeTable.build([]);
  }

  /**
   * Writes a table.
   * @param total lamports in all; the entries' sum where absent
   * @param place a zeroed or outdated place (default: plain memory of the size needed)
   * @throws RangeError for more entries than half the slots, and stakes that are not numbers from 0 up. Stakes of an
   *   address that occurs twice add up
   */
  static build(
    entries: readonly Stake[],
    total?: number,
    place?: { readonly buffer: ArrayBufferLike; readonly at: number; readonly slotCount: number },
  ): StakeTable {
    const slotCount = place?.slotCount ?? 2 ** Math.ceil(Math.log2(2 * entries.length + 2));
    const buffer = place?.buffer ?? new ArrayBuffer(STAKE_HEADER_BYTES + slotCount * STAKE_SLOT_BYTES);
    const at = place?.at ?? 0;
    if (2 * entries.length > slotCount) {
      throw new RangeError(`${entries.length} stakes are more than the table takes (${slotCount >>> 1})`);
    }
    const header = new Float64Array(buffer, at, 1);
    const words = new Int32Array(buffer, at + STAKE_HEADER_BYTES, slotCount * SLOT_WORDS);
    const stakes = new Float64Array(buffer, at + STAKE_HEADER_BYTES, slotCount * SLOT_DOUBLES);
    words.fill(0);
    let sum = 0;
    for (const { key, ipv6, lamports } of entries) {
      if (!isStake(lamports)) throw new RangeError(`a stake of ${lamports} lamports`);
      const view = new DataView(key.buffer, key.byteOffset, 8);
      const low = view.getInt32(0, true);
      const high = view.getInt32(4, true);
      const kind = ipv6 ? IPV6 : IPV4;
      const slot = probe(words, slotCount - 1, low, high, kind);
      words[slot * SLOT_WORDS] = low;
      words[slot * SLOT_WORDS + 1] = high;
      words[slot * SLOT_WORDS + KIND_WORD] = kind;
      stakes[slot * SLOT_DOUBLES + STAKE_DOUBLE] += lamports;
      sum += lamports;
    }
    header[0] = total ?? sum;
    if (!isStake(header[0])) throw new RangeError(`a total stake of ${header[0]} lamports`);
    return new StakeTable(buffer, at, slotCount);
  }

  /**
   * `(stake + total) / total` of an address: 1 to 2 unless the operator's total is below its stake; 1 where the total is 0.
   * @param low first four bytes of the address's key, little-endian, as i32; `high` the other four
   * @param traits a digest's
   */
  factor(low: number, high: number, traits: number): number {
    const { total } = this;
    if (!(total > 0)) return 1;
    const slot = probe(this.#words, this.#mask, low, high, kindOf(traits));
    return (this.#stakes[slot * SLOT_DOUBLES + STAKE_DOUBLE] + total) / total;
  }
}

/** @returns the slot of an address, or the empty slot that it would take: half of all slots are empty */
function probe(words: Int32Array, mask: number, low: number, high: number, kind: number): number {
  let slot = mix(low, high, kind) & mask;
  for (;;) {
    const at = slot * SLOT_WORDS;
    const there = words[at + KIND_WORD];
    if (there === EMPTY || (there === kind && words[at] === low && words[at + 1] === high)) return slot;
    slot = (slot + 1) & mask;
  }
}
