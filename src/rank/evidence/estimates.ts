// What the evidence model thinks of a packet: it looks up what is known of its address, port and payer, settles it, and leaves
// the estimates in public fields, to be read until the next look. One look at a time, nothing is allocated for it.
//
// Probabilities come from decayed counts in a hierarchy, each level drawn towards the one above it:
// p = (good + k p_parent) / (good + bad + k). For signatures the levels are: everybody without a record (in classes); the
// address; the address and port; both and the payer ("leaf"). A payer alone proves nothing about a signature: anybody can
// write anybody's key into a forged packet. For landing the payer counts, since its signature was good. A level also counts
// how its children without a record fare: an address whose forgers use ever new ports is bad for new ports alone.

import type { Arena } from "../../shape/arena.ts";
import {
  COMPUTE_UNITS_AT,
  FEE_AT,
  IP_ID_AT,
  IP_KEY_AT,
  PAYER_ID_AT,
  PAYER_KEY_AT,
  PORT_COPY_AT,
  TRAIT_IPV6,
  TRAIT_STAKED,
  TRAITS_AT,
} from "../../shape/digest-layout.ts";
import * as node from "../../shape/node-layout.ts";
import type { BlockRoom } from "./block-room.ts";
import * as k from "./constants.ts";
import type { EvidenceTable } from "./evidence-table.ts";
import { LandingRecords, plausibility } from "./landing-record.ts";
import type { Presence } from "./presence.ts";
import { UnknownClass } from "./unknown-class.ts";

const [SEEN_AGAIN, SEEN_OFTEN] = k.PERSISTENT_WINDOWS;
const LEVELS = k.PERSISTENT_WINDOWS.length + 1;

export class Estimates {
  nowMs = 0;
  packetsPerMs = 10_000;
  /** Compute units that a transaction asks for, on average over those that landed. */
  usualAsked = 0;
  /** Nanoseconds per asked unit, as the middle one of those that landed (followed by steps of its logarithm). */
  usualNanosPerUnit = 0;
  /** Who has no record, by how persistent it is (PERSISTENT_WINDOWS); then the same for who has stake. */
  readonly unknown: readonly UnknownClass[] = Array.from({ length: 2 * LEVELS }, () => new UnknownClass());
  /** New ports and new payers of addresses that have a record. */
  readonly strangers = new UnknownClass();
  readonly landings: LandingRecords;

  // What the last look found: estimates, and the nodes that they came from (0: none).
  pGood = 0;
  pLands = 0;
  pTakesRoom = 0;
  nanosPerUnit = 0;
  /** What is left of the worth, for it lands less often than is plausible or usual for it; 0 to 1, 1: no doubt. */
  doubt = 1;
  address = 0;
  port = 0;
  leaf = 0;
  payer = 0;
  // Ids of the last look's keys.
  portLow = 0;
  portHigh = 0;
  leafLow = 0;
  leafHigh = 0;

  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #counts: Float32Array;
  #addressGood = 0;

  constructor(
    arena: Arena,
    private readonly table: EvidenceTable,
    private readonly room: BlockRoom,
    private readonly presence: Presence,
  ) {
    this.#u8 = arena.u8;
    this.#u16 = arena.u16;
    this.#i32 = arena.i32;
    this.#u32 = arena.u32;
    this.#f64 = arena.f64;
    this.#counts = table.counts;
    this.landings = new LandingRecords(table.counts);
  }

  /** Ids of the keys below the address: keyed because they are made of keyed ids, spread by odd multipliers. */
  setIds(at: number): void {
    const i32 = this.#i32;
    const ipLow = i32[(at + IP_ID_AT) >>> 2];
    const ipHigh = i32[(at + IP_ID_AT + 4) >>> 2];
    const port = this.#u16[(at + PORT_COPY_AT) >>> 1] + 1;
    this.portLow = Math.imul(ipLow ^ Math.imul(port, 0x9e3779b1), 0x85ebca77) ^ (ipHigh >>> 15);
    this.portHigh = Math.imul(ipHigh ^ Math.imul(port, 0xc2b2ae3d), 0x27d4eb2f) ^ (ipLow >>> 13);
    const payerLow = i32[(at + PAYER_ID_AT) >>> 2];
    const payerHigh = i32[(at + PAYER_ID_AT + 4) >>> 2];
    this.leafLow = Math.imul(this.portLow ^ payerLow, 0x165667b1) ^ (payerHigh >>> 16);
    this.leafHigh = Math.imul(this.portHigh ^ payerHigh, 0x9e3779b1) ^ (payerLow >>> 14);
  }

  /** Estimates from the deepest nodes alone, as of their last settling: what a look at every level would give, a moment ago. */
  lookQuickly(at: number): void {
    const i32 = this.#i32;
    const { table } = this;
    const counts = this.#counts;
    const leaf = table.find(this.leafLow, this.leafHigh);
    const payer = table.find(i32[(at + PAYER_ID_AT) >>> 2], i32[(at + PAYER_ID_AT + 4) >>> 2]);
    let known = leaf;
    let address = 0;
    if (leaf === 0 || payer === 0) {
      address = table.find(i32[(at + IP_ID_AT) >>> 2], i32[(at + IP_ID_AT + 4) >>> 2]);
      // An address that was never seen has no ports either.
      if (leaf === 0 && address !== 0) {
        known = table.find(this.portLow, this.portHigh);
        if (known === 0) known = address;
      }
    }
    // Noted here, for who is of a bad class may not come past the queue's door, and must be seen to come back all the same.
    if (known === 0) {
      this.presence.note(
        i32[(at + IP_ID_AT) >>> 2],
        i32[(at + IP_ID_AT + 4) >>> 2],
        Math.floor(this.nowMs / k.PRESENCE_WINDOW_MS),
      );
    }
    this.address = known;
    this.pGood = known !== 0 ? counts[known + node.P_GOOD] : this.unknownOf(at).pGood;
    const lander = payer !== 0 ? payer : address;
    if (lander === 0) {
      const unknown = this.unknownOf(at);
      this.pLands = unknown.pLands;
      this.nanosPerUnit = unknown.nanosPerUnit;
    } else {
      this.pLands = counts[lander + node.P_LANDS];
      this.nanosPerUnit = counts[lander + node.NANOS_PER_UNIT];
    }
    this.doubt = payer === 0 ? plausibility(this.pLands) : 1 - counts[payer + node.DOUBT];
    this.pTakesRoom = payer === 0 ? this.pLands : takesRoom(this.pLands, counts[payer + node.LANDED]);
  }

  /** Looks at every level, settles what it finds, and leaves the estimates in its nodes for quick looks. */
  look(at: number): void {
    const { table } = this;
    const i32 = this.#i32;
    const counts = this.#counts;
    const now = this.nowMs;
    this.setIds(at);
    const address = table.find(i32[(at + IP_ID_AT) >>> 2], i32[(at + IP_ID_AT + 4) >>> 2]);
    const port = table.find(this.portLow, this.portHigh);
    const leaf = table.find(this.leafLow, this.leafHigh);
    const payer = table.find(i32[(at + PAYER_ID_AT) >>> 2], i32[(at + PAYER_ID_AT + 4) >>> 2]);
    this.address = address;
    this.port = port;
    this.leaf = leaf;
    this.payer = payer;
    let good: number;
    let lands: number;
    let perUnit: number;
    if (address !== 0) {
      // A payer that never landed stays a stranger, however often it was tried.
      const unknown = this.unknownOf(at);
      this.settleAddress(address, unknown);
      good = port === 0 ? counts[address + node.P_GOOD] : this.#addressGood;
      lands = payer === 0 ? counts[address + node.P_LANDS] : this.#othersLand(address, payer, unknown.pLands);
      perUnit = counts[address + node.NANOS_PER_UNIT];
    } else {
      const unknown = this.unknownOf(at);
      good = unknown.pGood;
      lands = unknown.pLands;
      perUnit = unknown.nanosPerUnit;
    }
    if (port !== 0) {
      table.settle(port, now);
      good = shrunk(counts, port, node.GOOD, good);
      const fresh = shrunk(counts, port, node.FRESH_GOOD, good);
      counts[port + node.P_GOOD] = fresh;
      if (leaf === 0) good = fresh;
    }
    if (leaf !== 0) {
      table.settle(leaf, now);
      good = shrunk(counts, leaf, node.GOOD, good);
      counts[leaf + node.P_GOOD] = good;
    }
    this.pGood = good;
    if (payer !== 0) {
      table.settle(payer, now);
      lands = this.landings.estimate(payer, payerLands(counts, payer, lands), lands);
      perUnit = workOf(counts, payer, perUnit, this.usualAsked);
      counts[payer + node.P_LANDS] = lands;
      counts[payer + node.NANOS_PER_UNIT] = perUnit;
    }
    this.pLands = lands;
    this.doubt = payer === 0 ? plausibility(lands) : 1 - counts[payer + node.DOUBT];
    this.pTakesRoom = payer === 0 ? lands : takesRoom(lands, counts[payer + node.LANDED]);
    this.nanosPerUnit = perUnit;
  }

  /**
   * Takes the estimates of an address, port and payer that were settled in this transmit already: most packets share theirs
   * with others. What became known meanwhile is in them, too.
   * @returns whether there were such
   */
  lookAtSettled(at: number): boolean {
    const { table } = this;
    const counts = this.#counts;
    const i32 = this.#i32;
    const leaf = table.find(this.leafLow, this.leafHigh);
    if (leaf === 0 || !table.isSettled(leaf, this.nowMs)) return false;
    const payer = table.find(i32[(at + PAYER_ID_AT) >>> 2], i32[(at + PAYER_ID_AT + 4) >>> 2]);
    if (payer === 0 || !table.isSettled(payer, this.nowMs)) return false;
    this.address = leaf;
    this.pGood = counts[leaf + node.P_GOOD];
    this.pLands = counts[payer + node.P_LANDS];
    this.nanosPerUnit = counts[payer + node.NANOS_PER_UNIT];
    this.doubt = 1 - counts[payer + node.DOUBT];
    this.pTakesRoom = takesRoom(this.pLands, counts[payer + node.LANDED]);
    return true;
  }

  /** Brings an address up to now. Its node keeps what holds for ports and payers without a record. */
  settleAddress(address: number, unknown: UnknownClass): void {
    const counts = this.#counts;
    this.table.settle(address, this.nowMs);
    const good = shrunk(counts, address, node.GOOD, unknown.pGood);
    const lands = shrunk(counts, address, node.LANDED, unknown.pLands);
    this.#addressGood = good;
    let freshGood = good;
    let freshLands = lands;
    if (this.table.addressEvidence(address) >= k.RECORD_MIN) {
      freshGood = Math.min(good, this.strangers.pGood);
      freshLands = Math.min(lands, this.strangers.pLands);
    }
    counts[address + node.P_GOOD] = shrunk(counts, address, node.FRESH_GOOD, freshGood);
    counts[address + node.P_LANDS] = shrunk(counts, address, node.FRESH_LANDED, freshLands);
    counts[address + node.NANOS_PER_UNIT] = workOf(counts, address, unknown.nanosPerUnit, this.usualAsked);
  }

  /** How the other payers of an address fare, and strangers where the payer is one: what is its own counts once. */
  #othersLand(address: number, payer: number, unknown: number): number {
    const counts = this.#counts;
    this.table.settle(payer, this.nowMs);
    const landed = counts[payer + node.LANDED];
    const missed = counts[payer + node.MISSED];
    const others = without(counts, address, node.LANDED, landed, missed, unknown);
    if (landed >= k.RECORD_MIN) return others;
    const fresh =
      this.table.addressEvidence(address) >= k.RECORD_MIN ? Math.min(others, this.strangers.pLands) : others;
    return without(counts, address, node.FRESH_LANDED, landed, missed, fresh);
  }

  /** Whether hardly anything of its sender is good and lands. */
  get isHopeless(): boolean {
    return this.pGood * this.pLands < (this.address === 0 ? k.HOPELESS_UNKNOWN : k.HOPELESS);
  }

  /**
   * Whether its own record says that hardly any of its signatures is good. That has no innocent cause, and is not worth
   * sigverify's work even where there is room for all; who never lands may still.
   */
  isForger(): boolean {
    return this.pGood < k.HOPELESS && this.isKnownAddress();
  }

  /** Expected lamports by expected cost, from the last look. */
  worth(at: number): number {
    // More than the expectation falls: by that alone, whoever is believed one time in fifty would win by declaring fifty
    // times the fee. A bad signature has no innocent cause, so its power is the eighth: who signs one of a hundred falsely
    // keeps nine tenths of its worth, and who signs every second one so would have to pay 256 times as much. Of landing
    // only where it is rarer than is usual for the sender: who wins one race in two is honest and worth half.
    // The hopeless come after all others, and forgers last: where there is room for all, who never lands is sent.
    const hope = this.pGood < k.HOPELESS ? 0 : this.isHopeless ? k.HOPELESS_WORTH : 1;
    const value = hope * this.pGood ** 8 * this.doubt * this.pLands * this.#f64[(at + FEE_AT) >>> 3];
    const { balance, nanosPerMs } = this.room;
    const packets = balance / this.packetsPerMs;
    if (nanosPerMs === Number.POSITIVE_INFINITY) return value / packets;
    const work = this.expectedNanos(at) / nanosPerMs;
    const overrun = this.nanosPerUnit / (k.OVERRUN_FREE * this.usualNanosPerUnit);
    const worth = value / ((packets + (1 - balance) * work) * Math.max(1, overrun * overrun));
    return Number.isNaN(worth) ? 0 : worth; // the queue never receives NaN
  }

  expectedNanos(at: number): number {
    return this.pGood * this.pTakesRoom * this.nanosPerUnit * this.#u32[(at + COMPUTE_UNITS_AT) >>> 2];
  }

  price(at: number): number {
    return this.#f64[(at + FEE_AT) >>> 3] / Math.max(1, this.#u32[(at + COMPUTE_UNITS_AT) >>> 2]);
  }

  unknownOf(at: number): UnknownClass {
    return this.unknown[this.classOf(at)];
  }

  /** Which class of `unknown` the sender is of, while it has no record. */
  classOf(at: number): number {
    const word = (at + IP_ID_AT) >>> 2;
    const windows = this.presence.windows(this.#i32[word], this.#i32[word + 1]);
    const level = windows < SEEN_AGAIN ? 0 : windows < SEEN_OFTEN ? 1 : 2;
    return (this.#u8[at + TRAITS_AT] & TRAIT_STAKED) !== 0 ? LEVELS + level : level;
  }

  isKnownAddress(): boolean {
    return this.address !== 0 && this.table.addressEvidence(this.address) >= k.RECORD_MIN;
  }

  isTooMuchInFlight(): boolean {
    const { table, payer } = this;
    const counts = this.#counts;
    const sender = this.leaf !== 0 ? this.leaf : this.address;
    const isMany = (at: number): boolean => at !== 0 && counts[at + node.IN_FLIGHT] >= k.UNPROVEN_IN_FLIGHT_MAX;
    return (
      (isMany(sender) && table.addressEvidence(sender) < k.RECORD_MIN) ||
      (isMany(payer) && table.payerEvidence(payer) < k.RECORD_MIN)
    );
  }

  addressNode(at: number): number {
    const word = (at + IP_ID_AT) >>> 2;
    const kind = (this.#u8[at + TRAITS_AT] & TRAIT_IPV6) === 0 ? node.KIND_ADDRESS : node.KIND_ADDRESS_IPV6;
    const key = (at + IP_KEY_AT) >>> 2;
    return this.table.findOrAdd(this.#i32[word], this.#i32[word + 1], this.nowMs, kind, key);
  }

  payerNode(at: number): number {
    const word = (at + PAYER_ID_AT) >>> 2;
    const key = (at + PAYER_KEY_AT) >>> 2;
    return this.table.findOrAdd(this.#i32[word], this.#i32[word + 1], this.nowMs, node.KIND_PAYER, key);
  }

  /** Credit in a column, and forgiveness in the column of blame behind it. */
  good(at: number, column: number): void {
    const counts = this.#counts;
    counts[at + column] = Math.min(k.GOOD_MAX, counts[at + column] + 1);
    counts[at + column + node.BLAME] *= k.BLAME_KEPT_BY_GOOD;
  }

  /** Blame in the column behind that of credit. */
  bad(at: number, column: number, by: number): void {
    const counts = this.#counts;
    const before = counts[at + column + node.BLAME];
    const compound = before > k.BLAME_OUTWEIGHS * counts[at + column] ? k.BLAME_COMPOUND * before : 0;
    counts[at + column + node.BLAME] = Math.min(k.BAD_MAX, before + by * (1 + compound));
    counts[at + column] *= 1 - by * (1 - (column === node.LANDED ? k.LANDED_KEPT_BY_MISS : k.GOOD_KEPT_BY_BAD));
  }

  answered(at: number): void {
    const counts = this.#counts;
    counts[at + node.IN_FLIGHT] = Math.max(0, counts[at + node.IN_FLIGHT] - 1);
  }
}

/**
 * An estimate at an address, port or leaf, drawn towards its parent's. What is in flight counts against it until it is
 * answered, the less the more good signatures back it.
 */
function shrunk(counts: Float32Array, at: number, credit: number, parent: number): number {
  const g = counts[at + credit];
  return drawn(
    g,
    counts[at + credit + node.BLAME],
    parent,
    counts[at + node.IN_FLIGHT],
    Math.max(g, counts[at + node.GOOD]),
  );
}

/** The same for how a payer lands: nothing but its own landings backs what it has in flight. */
function payerLands(counts: Float32Array, payer: number, parent: number): number {
  const landed = counts[payer + node.LANDED];
  return drawn(landed, counts[payer + node.MISSED], parent, counts[payer + node.IN_FLIGHT], landed);
}

function drawn(credit: number, blame: number, parent: number, inFlight: number, backing: number): number {
  const weight = k.PARENT_WEIGHT;
  return (credit + weight * parent) / (credit + blame + weight + (k.IN_FLIGHT_BLAME * inFlight) / (1 + backing));
}

/**
 * How likely a payer takes room in a block, by how likely it lands and how many landings are on record. Who landed lately
 * and misses now may just have been outbid: counted as less than it takes, it would overfill blocks in which it is outbid
 * the more.
 */
function takesRoom(pLands: number, landed: number): number {
  if (landed >= 1) return 1;
  return Math.max(landed, pLands);
}

/** A level's estimate without what one below it landed and missed. */
function without(
  counts: Float32Array,
  at: number,
  column: number,
  landed: number,
  missed: number,
  parent: number,
): number {
  const g = Math.max(0, counts[at + column] - landed);
  const b = Math.max(0, counts[at + column + node.BLAME] - missed);
  return (g + k.PARENT_WEIGHT * parent) / (g + b + k.PARENT_WEIGHT);
}

/** Nanoseconds per asked compute unit at a level, drawn towards its parent's. @param usualAsked what is usually asked for */
function workOf(counts: Float32Array, at: number, parent: number, usualAsked: number): number {
  const weight = k.PARENT_WEIGHT * usualAsked;
  const asked = counts[at + node.ASKED] + weight;
  return asked > 0 ? (counts[at + node.NANOS] + weight * parent) / asked : parent;
}
