// The operator's allow and deny lists: addresses, prefixes and keys, of fee payers or of staked peers. Built as a whole by
// another thread into a half of the arena that is not in use, then swapped in; nobody writes to a table in use (as with
// stakes, stake-table.ts).
//
// Open addressing over slots of 48 bytes. An address is looked up once for each prefix length that occurs in the lists, a
// payer once. The keys come from the operator's files, not from senders, so that the hash needs no secret, and half of all
// slots are empty.

import { IP_KEY_AT, PAYER_KEY_AT, TRAIT_IPV6, TRAITS_AT } from "../../shape/digest-layout.ts";
import { LIST_HEADER_BYTES, LIST_SLOT_BYTES } from "../../shape/layout.ts";
import type { Identities } from "../identities.ts";

export const LIST_DENY = 1;
export const LIST_ALLOW = 2;

const SLOT_WORDS = LIST_SLOT_BYTES >>> 2;
const VERDICT_WORD = 1;
const KEY_WORD = 2;
const PAYER_WORDS = 8;

// A slot's first word: 0 is empty.
const IPV4 = 1; // plus the prefix length
const IPV6 = 64; // plus the prefix length
const PAYER = 256;

// The header's words: how many of each kind, then kind, mask of the low word, mask of the high word for each length.
const IPV4_LENGTHS = 0;
const IPV6_LENGTHS = 1;
const PAYERS = 2;
const LENGTHS_AT = 4;
const LENGTH_WORDS = 3;
const LENGTHS_MAX = 33 + 65;

if ((LENGTHS_AT + LENGTHS_MAX * LENGTH_WORDS) * 4 > LIST_HEADER_BYTES)
  throw new Error("the lists' header is too small");

/** A prefix of addresses: `bits` of an IPv4 address (4 octets, 0 to 32) or of an IPv6 /64 (8 octets, 0 to 64). */
export interface ListedPrefix {
  readonly octets: Uint8Array;
  readonly bits: number;
  readonly verdict: number;
}

export interface ListedPayer {
  /** 32 bytes. */
  readonly key: Uint8Array;
  readonly verdict: number;
}

function mix(kind: number, low: number, high: number): number {
  let h = Math.imul(low ^ Math.imul(kind, 0x9e3779b1), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15) ^ high, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13), 0x27d4eb2f);
  return h ^ (h >>> 16);
}

/** The little-endian word that keeps the first `bits` bits of four octets. */
function maskOf(bits: number): number {
  let mask = 0;
  for (let octet = 0; octet < 4; octet++) {
    const kept = Math.max(0, Math.min(8, bits - 8 * octet));
    mask |= ((0xff << (8 - kept)) & 0xff) << (8 * octet);
  }
  return mask;
}

export class SenderLists {
  readonly #words: Int32Array;
  readonly #header: Int32Array;
  readonly #mask: number;
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;

  /**
   * Adopts a table that `build` wrote.
   * @param buffer the arena's: digests are looked up in it
   * @param slotCount a power of two
   */
  constructor(
    buffer: ArrayBufferLike,
    at: number,
    slotCount: number,
    private readonly identities?: Identities,
  ) {
    if (!Number.isInteger(Math.log2(slotCount))) throw new RangeError(`no power of two: ${slotCount}`);
    this.#header = new Int32Array(buffer, at, LIST_HEADER_BYTES >>> 2);
    this.#words = new Int32Array(buffer, at + LIST_HEADER_BYTES, slotCount * SLOT_WORDS);
    this.#mask = slotCount - 1;
    this.#i32 = new Int32Array(buffer);
    this.#u8 = new Uint8Array(buffer);
  }

  /**
   * Writes a table. What stands in both lists is in both.
   * @throws RangeError for more entries than half the slots
   */
  static build(
    prefixes: readonly ListedPrefix[],
    payers: readonly ListedPayer[],
    place: { readonly buffer: ArrayBufferLike; readonly at: number; readonly slotCount: number },
  ): void {
    const { buffer, at, slotCount } = place;
    if (2 * (prefixes.length + payers.length) > slotCount) {
      throw new RangeError(
        `${prefixes.length + payers.length} entries are more than the lists take (${slotCount >>> 1})`,
      );
    }
    const header = new Int32Array(buffer, at, LIST_HEADER_BYTES >>> 2);
    const words = new Int32Array(buffer, at + LIST_HEADER_BYTES, slotCount * SLOT_WORDS);
    header.fill(0);
    words.fill(0);
    const kinds = new Set<number>();
    for (const { octets, bits, verdict } of prefixes) {
      const kind = (octets.length === 4 ? IPV4 : IPV6) + bits;
      kinds.add(kind);
      const padded = new Uint8Array(8);
      padded.set(octets);
      const view = new DataView(padded.buffer);
      const low = view.getInt32(0, true) & maskOf(bits);
      const high = view.getInt32(4, true) & maskOf(bits - 32);
      const slot = prefixSlot(words, slotCount - 1, kind, low, high);
      words[slot] = kind;
      words[slot + VERDICT_WORD] |= verdict;
      words[slot + KEY_WORD] = low;
      words[slot + KEY_WORD + 1] = high;
    }
    for (const { key, verdict } of payers) {
      const keyWords = new Int32Array(Uint8Array.from(key).buffer);
      const slot = payerSlot(words, slotCount - 1, keyWords, 0);
      words[slot] = PAYER;
      words[slot + VERDICT_WORD] |= verdict;
      words.set(keyWords, slot + KEY_WORD);
    }
    header[PAYERS] = payers.length;
    // IPv4's lengths stand in front of IPv6's.
    [...kinds]
      .sort((a, b) => a - b)
      .forEach((kind, i) => {
        const isIpv4 = kind < IPV6;
        header[isIpv4 ? IPV4_LENGTHS : IPV6_LENGTHS] += 1;
        const bits = kind - (isIpv4 ? IPV4 : IPV6);
        header.set([kind, maskOf(bits), maskOf(bits - 32)], LENGTHS_AT + i * LENGTH_WORDS);
      });
  }

  /** What the lists say of a digest's sender. @returns LIST_DENY and LIST_ALLOW as bits, 0 for neither */
  verdict(digest: number): number {
    const header = this.#header;
    const i32 = this.#i32;
    const isIpv6 = (this.#u8[digest + TRAITS_AT] & TRAIT_IPV6) !== 0;
    const from = isIpv6 ? header[IPV4_LENGTHS] : 0;
    const end = isIpv6 ? from + header[IPV6_LENGTHS] : header[IPV4_LENGTHS];
    let verdict = 0;
    if (end > from) {
      const low = i32[(digest + IP_KEY_AT) >>> 2];
      const high = i32[(digest + IP_KEY_AT + 4) >>> 2];
      for (let i = from; i < end; i++) {
        const at = LENGTHS_AT + i * LENGTH_WORDS;
        const slot = prefixSlot(this.#words, this.#mask, header[at], low & header[at + 1], high & header[at + 2]);
        verdict |= this.#words[slot + VERDICT_WORD];
      }
    }
    if (header[PAYERS] > 0) {
      verdict |= this.#keyVerdict((digest + PAYER_KEY_AT) >>> 2);
      const identity = this.identities === undefined ? 0 : this.identities.of(digest);
      if (identity !== 0) verdict |= this.#keyVerdict(identity);
    }
    return verdict;
  }

  /** @param key word index of 32 bytes */
  #keyVerdict(key: number): number {
    return this.#words[payerSlot(this.#words, this.#mask, this.#i32, key) + VERDICT_WORD];
  }
}

/** @returns the first word of a prefix's slot, or of the empty slot that it would take */
function prefixSlot(words: Int32Array, mask: number, kind: number, low: number, high: number): number {
  let slot = mix(kind, low, high) & mask;
  for (;;) {
    const at = slot * SLOT_WORDS;
    const there = words[at];
    if (there === 0 || (there === kind && words[at + KEY_WORD] === low && words[at + KEY_WORD + 1] === high)) return at;
    slot = (slot + 1) & mask;
  }
}

/** @param key index of the payer's first word in `from` */
function payerSlot(words: Int32Array, mask: number, from: Int32Array, key: number): number {
  let slot = mix(PAYER, from[key], from[key + 1]) & mask;
  for (;;) {
    const at = slot * SLOT_WORDS;
    const there = words[at];
    if (there === 0) return at;
    if (there === PAYER) {
      let word = 0;
      while (word < PAYER_WORDS && words[at + KEY_WORD + word] === from[key + word]) word += 1;
      if (word === PAYER_WORDS) return at;
    }
    slot = (slot + 1) & mask;
  }
}
