// A look at a packet: what is known of its address, port and payer, and the estimates that follow from it. A `Look` is a
// record that its owner makes once and passes on; `Looker` fills it, whole or quickly, and nothing is allocated.
//
// Probabilities come from decayed counts in a hierarchy, each level drawn towards the one above it: p = (good + k p_parent) /
// (good + bad + k). For signatures the levels are: everybody without a record (in classes); the address; the address and
// port; both and the payer (a "leaf"). A staked peer's identity stands in the port's place: a port changes with each
// connection, and nobody can use an identity without its key. A payer alone proves nothing about a signature: anybody can
// write anybody's key into a forged packet. For landing the payer counts, since its signature was good. A level also counts
// how its children without a record fare: an address whose forgers use ever new ports is bad for new ports alone.

import type { Arena } from "../../shape/arena.ts";
import { IP_ID_AT, PAYER_ID_AT, PORT_COPY_AT } from "../../shape/digest-layout.ts";
import * as node from "../../shape/node-layout.ts";
import { IDENTITY_ID_WORD } from "../identities.ts";
import { IN_FLIGHT_BLAME, LANDED_GOOD_MIN, PARENT_WEIGHT, PRESENCE_WINDOW_MS, RECORD_MIN } from "./constants.ts";
import type { EvidenceTable } from "./evidence-table.ts";
import type { Knowledge } from "./knowledge.ts";
import { plausibility } from "./landing-record.ts";
import type { UnknownClass } from "./unknown-class.ts";

/** What is known of a packet. */
export class Look {
  /** How likely its signature is good; and how likely it lands, if so. */
  pGood = 0;
  pLands = 0;
  /** How likely it takes room in a block. */
  pTakesRoom = 0;
  /** Expected work, in nanoseconds of execution for each asked compute unit. */
  nanosPerUnit = 0;
  /** What is left of its worth where its payer lands less often than is plausible or usual for it; 0 to 1, 1: all. */
  doubt = 1;
  /** Word index of its identity's key (rank/identities.ts), 0: it has none; set with the ids. */
  identity = 0;
  /** The node that its sender is known by: after a whole look its address, else the deepest of leaf, port and address; or 0. */
  known = 0;
  // The nodes of each level, 0: none. Only a whole look finds them; another leaves what an earlier one found.
  address = 0;
  port = 0;
  leaf = 0;
  payer = 0;
  // Ids of the keys below the address.
  portLow = 0;
  portHigh = 0;
  leafLow = 0;
  leafHigh = 0;
}

export class Looker {
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  readonly #counts: Float32Array;
  readonly #table: EvidenceTable;

  constructor(
    arena: Arena,
    private readonly knowledge: Knowledge,
  ) {
    this.#u16 = arena.u16;
    this.#i32 = arena.i32;
    this.#table = knowledge.table;
    this.#counts = knowledge.table.counts;
  }

  /** Fills in a packet's ids: keyed because they are made of keyed ids, spread by odd multipliers. */
  setIds(look: Look, at: number): void {
    const i32 = this.#i32;
    const ipLow = i32[(at + IP_ID_AT) >>> 2];
    const ipHigh = i32[(at + IP_ID_AT + 4) >>> 2];
    const identity = this.knowledge.identities.of(at);
    const port = this.#u16[(at + PORT_COPY_AT) >>> 1] + 1;
    const low = identity === 0 ? Math.imul(port, 0x9e3779b1) : i32[identity + IDENTITY_ID_WORD];
    const high = identity === 0 ? Math.imul(port, 0xc2b2ae3d) : i32[identity + IDENTITY_ID_WORD + 1];
    const portLow = Math.imul(ipLow ^ low, 0x85ebca77) ^ (ipHigh >>> 15);
    const portHigh = Math.imul(ipHigh ^ high, 0x27d4eb2f) ^ (ipLow >>> 13);
    look.identity = identity;
    const payerLow = i32[(at + PAYER_ID_AT) >>> 2];
    const payerHigh = i32[(at + PAYER_ID_AT + 4) >>> 2];
    look.portLow = portLow;
    look.portHigh = portHigh;
    look.leafLow = Math.imul(portLow ^ payerLow, 0x165667b1) ^ (payerHigh >>> 16);
    look.leafHigh = Math.imul(portHigh ^ payerHigh, 0x9e3779b1) ^ (payerLow >>> 14);
  }

  /** Estimates from the deepest nodes alone, as of their last settling: what a whole look would give, a moment ago. */
  quickly(look: Look, at: number): void {
    this.setIds(look, at);
    const table = this.#table;
    const counts = this.#counts;
    const leaf = table.find(look.leafLow, look.leafHigh);
    const payer = this.#find(at + PAYER_ID_AT);
    let known = leaf;
    let address = 0;
    if (leaf === 0 || payer === 0) {
      address = this.#find(at + IP_ID_AT);
      // An address that was never seen has no ports either.
      if (leaf === 0 && address !== 0) {
        known = table.find(look.portLow, look.portHigh);
        if (known === 0) known = address;
      }
    }
    // Noted here: a packet of a bad class may not get into the queue, and its sender must be seen to come back all the same.
    if (known === 0) this.#noteArrival(at);
    look.known = known;
    look.pGood = known !== 0 ? counts[known + node.P_GOOD] : this.knowledge.classes.of(at).pGood;
    if (payer !== 0) {
      this.#takePayer(look, payer);
      return;
    }
    if (address !== 0) {
      look.pLands = counts[address + node.P_LANDS];
      look.nanosPerUnit = counts[address + node.NANOS_PER_UNIT];
    } else {
      const unknown = this.knowledge.classes.of(at);
      look.pLands = unknown.pLands;
      look.nanosPerUnit = unknown.nanosPerUnit;
    }
    look.doubt = plausibility(look.pLands);
    look.pTakesRoom = look.pLands;
  }

  /** Looks at every level, settles what it finds, and leaves the estimates in its nodes for quick looks. */
  whole(look: Look, at: number): void {
    this.setIds(look, at);
    const table = this.#table;
    const counts = this.#counts;
    const { nowMs, landings, usualAsked } = this.knowledge;
    const unknown = this.knowledge.classes.of(at);
    const address = this.#find(at + IP_ID_AT);
    const port = table.find(look.portLow, look.portHigh);
    const leaf = table.find(look.leafLow, look.leafHigh);
    const payer = this.#find(at + PAYER_ID_AT);
    look.address = address;
    look.port = port;
    look.leaf = leaf;
    look.payer = payer;
    look.known = address;
    let good = unknown.pGood;
    let lands = unknown.pLands;
    let perUnit = unknown.nanosPerUnit;
    if (address !== 0) {
      good = this.settleAddress(address, unknown);
      if (port === 0) good = counts[address + node.P_GOOD];
      // A payer that never landed stays a stranger, however often it was tried.
      lands = payer === 0 ? counts[address + node.P_LANDS] : this.#othersLand(address, payer, lands);
      perUnit = counts[address + node.NANOS_PER_UNIT];
    }
    if (port !== 0) {
      table.settle(port, nowMs);
      good = estimate(counts, port, node.GOOD, good);
      const fresh = estimate(counts, port, node.FRESH_GOOD, good);
      counts[port + node.P_GOOD] = fresh;
      if (leaf === 0) good = fresh;
    }
    if (leaf !== 0) {
      table.settle(leaf, nowMs);
      good = estimate(counts, leaf, node.GOOD, good);
      // Forgers that know an address, its port and its payer do not bury the owner: a forged packet never lands.
      if (good < LANDED_GOOD_MIN && counts[leaf + node.LANDED] >= RECORD_MIN) good = LANDED_GOOD_MIN;
      counts[leaf + node.P_GOOD] = good;
    }
    look.pGood = good;
    if (payer !== 0) {
      table.settle(payer, nowMs);
      counts[payer + node.P_LANDS] = landings.estimate(payer, payerLands(counts, payer, lands), lands);
      counts[payer + node.NANOS_PER_UNIT] = workOf(counts, payer, perUnit, usualAsked);
      this.#takePayer(look, payer);
      return;
    }
    look.pLands = lands;
    look.nanosPerUnit = perUnit;
    look.doubt = plausibility(lands);
    look.pTakesRoom = lands;
  }

  /**
   * Takes the estimates of a leaf and a payer that were settled in this transmit already: most packets share theirs with
   * others. What became known meanwhile is in them, too. The ids must be set.
   * @returns false if there are none: nothing was looked at then
   */
  settled(look: Look, at: number): boolean {
    const table = this.#table;
    const { nowMs } = this.knowledge;
    const leaf = table.find(look.leafLow, look.leafHigh);
    if (leaf === 0 || !table.isSettled(leaf, nowMs)) return false;
    const payer = this.#find(at + PAYER_ID_AT);
    if (payer === 0 || !table.isSettled(payer, nowMs)) return false;
    look.known = leaf;
    look.pGood = this.#counts[leaf + node.P_GOOD];
    this.#takePayer(look, payer);
    return true;
  }

  /**
   * Brings an address up to now. Its node keeps the estimates that hold for ports and payers without a record.
   * @param unknown the class that it is of while it has no record
   * @returns how likely its own signatures are good, over all its ports
   */
  settleAddress(address: number, unknown: UnknownClass): number {
    const counts = this.#counts;
    const { nowMs, usualAsked, classes } = this.knowledge;
    this.#table.settle(address, nowMs);
    const good = estimate(counts, address, node.GOOD, unknown.pGood);
    const lands = estimate(counts, address, node.LANDED, unknown.pLands);
    let freshGood = good;
    let freshLands = lands;
    if (this.#table.addressEvidence(address) >= RECORD_MIN) {
      freshGood = Math.min(good, classes.strangers.pGood);
      freshLands = Math.min(lands, classes.strangers.pLands);
    }
    counts[address + node.P_GOOD] = estimate(counts, address, node.FRESH_GOOD, freshGood);
    counts[address + node.P_LANDS] = estimate(counts, address, node.FRESH_LANDED, freshLands);
    counts[address + node.NANOS_PER_UNIT] = workOf(counts, address, unknown.nanosPerUnit, usualAsked);
    return good;
  }

  /** Whether a packet's sender has a record of its own. */
  hasRecord(look: Look): boolean {
    return look.known !== 0 && this.#table.addressEvidence(look.known) >= RECORD_MIN;
  }

  /** @param idAt arena offset of a key's id @returns its node, or 0 */
  #find(idAt: number): number {
    const word = idAt >>> 2;
    return this.#table.find(this.#i32[word], this.#i32[word + 1]);
  }

  #noteArrival(at: number): void {
    const word = (at + IP_ID_AT) >>> 2;
    const window = Math.floor(this.knowledge.nowMs / PRESENCE_WINDOW_MS);
    this.knowledge.newcomers.presence.note(this.#i32[word], this.#i32[word + 1], window);
  }

  #takePayer(look: Look, payer: number): void {
    const counts = this.#counts;
    const lands = counts[payer + node.P_LANDS];
    look.pLands = lands;
    look.nanosPerUnit = counts[payer + node.NANOS_PER_UNIT];
    look.doubt = 1 - counts[payer + node.DOUBT];
    look.pTakesRoom = takesRoom(lands, counts[payer + node.LANDED]);
  }

  /** How the other payers of an address fare, and strangers where the payer is one: what is its own counts once. */
  #othersLand(address: number, payer: number, unknown: number): number {
    const counts = this.#counts;
    this.#table.settle(payer, this.knowledge.nowMs);
    const landed = counts[payer + node.LANDED];
    const missed = counts[payer + node.MISSED];
    const others = without(counts, address, node.LANDED, landed, missed, unknown);
    if (landed >= RECORD_MIN) return others;
    const isKnown = this.#table.addressEvidence(address) >= RECORD_MIN;
    const fresh = isKnown ? Math.min(others, this.knowledge.classes.strangers.pLands) : others;
    return without(counts, address, node.FRESH_LANDED, landed, missed, fresh);
  }
}

/**
 * An estimate at an address, port or leaf, drawn towards its parent's. What is in flight counts against it until it is
 * answered; the more good signatures back it, the less.
 * @param credit the column of credit; that of blame stands behind it
 */
function estimate(counts: Float32Array, at: number, credit: number, parent: number): number {
  const g = counts[at + credit];
  const backing = Math.max(g, counts[at + node.GOOD]);
  return drawn(g, counts[at + credit + node.BLAME], parent, counts[at + node.IN_FLIGHT], backing);
}

/** The same for how a payer lands: nothing but its own landings backs what it has in flight. */
function payerLands(counts: Float32Array, payer: number, parent: number): number {
  const landed = counts[payer + node.LANDED];
  return drawn(landed, counts[payer + node.MISSED], parent, counts[payer + node.IN_FLIGHT], landed);
}

function drawn(credit: number, blame: number, parent: number, inFlight: number, backing: number): number {
  const pending = (IN_FLIGHT_BLAME * inFlight) / (1 + backing);
  return (credit + PARENT_WEIGHT * parent) / (credit + blame + PARENT_WEIGHT + pending);
}

/**
 * How likely a payer takes room in a block, by how likely it lands and how many landings are on record. A payer that landed
 * lately and misses now may just have been outbid: counted as less than it takes, it would overfill blocks in which it is
 * outbid the more.
 */
function takesRoom(pLands: number, landed: number): number {
  if (landed >= 1) return 1;
  return Math.max(landed, pLands);
}

/** An address's estimate without what one of its payers landed and missed. */
function without(
  counts: Float32Array,
  at: number,
  credit: number,
  landed: number,
  missed: number,
  parent: number,
): number {
  const g = Math.max(0, counts[at + credit] - landed);
  const b = Math.max(0, counts[at + credit + node.BLAME] - missed);
  return (g + PARENT_WEIGHT * parent) / (g + b + PARENT_WEIGHT);
}

/** Nanoseconds per asked compute unit, drawn towards the parent's. @param usualAsked what is usually asked for */
function workOf(counts: Float32Array, at: number, parent: number, usualAsked: number): number {
  const weight = PARENT_WEIGHT * usualAsked;
  const asked = counts[at + node.ASKED] + weight;
  return asked > 0 ? (counts[at + node.NANOS] + weight * parent) / asked : parent;
}
