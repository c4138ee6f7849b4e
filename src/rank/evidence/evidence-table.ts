// What is known of senders: nodes of decayed counts, in one bounded table for all kinds of keys (an address, an address and
// port, both and the payer, a payer). Sets of 8: half a line of tags, then one line a node, so that an unknown key costs
// one line, and a known one two. (Sets of 16 made every look half as dear again.)
//
// When a set is full, the node with the least evidence leaves. So a flood of fresh keys, which have little evidence each,
// can only push out one another: what is proven (or thoroughly disproven) stays until it has decayed.

import type { Toucher } from "../../kernel/kernel.ts";
import type { Arena } from "../../shape/arena.ts";
import type { EvidenceRegion } from "../../shape/layout.ts";
import {
  ADDRESS_KEY_BYTES,
  ASKED,
  BAD,
  BLAME,
  DECAYING_COLUMNS,
  DOUBT,
  FRESH_BAD,
  FRESH_GOOD,
  FRESH_LANDED,
  FRESH_MISSED,
  GOOD,
  ID_LOW,
  IN_FLIGHT,
  KIND_IDENTITY,
  KIND_OTHER,
  KIND_PAYER,
  LANDED,
  MISSED,
  NANOS,
  NANOS_PER_UNIT,
  NODE_KEY_BYTES,
  NODE_SHIFT,
  P_GOOD,
  P_LANDS,
  STAMP,
  TAG_SET_BYTES,
  TAG_USED,
  TURNED,
  USUALLY_LANDED,
  USUALLY_MISSED,
  EVIDENCE_WAYS as WAYS,
  WAYS_SHIFT,
} from "../../shape/node-layout.ts";
import { BAD_MAX, GOOD_MAX, TURNED_MAX } from "./constants.ts";
import { BLAME_DECAY, CREDIT_DECAY, DECAY_STEP_MS, IN_FLIGHT_DECAY } from "./decay.ts";

/** A mask that changes no row number. */
const ALL = -1;

/** Rounding in f32 may take a count above its bound by this factor. */
const ROUNDING = 1 + 1e-6;
type Bound = readonly [name: string, column: number, max: number];
const SHARED_BOUNDS: readonly Bound[] = [
  ["landed", LANDED, GOOD_MAX * ROUNDING],
  ["missed", MISSED, BAD_MAX * ROUNDING],
  ["nanos", NANOS, Number.MAX_VALUE],
  ["asked", ASKED, Number.MAX_VALUE],
  ["inFlight", IN_FLIGHT, Number.MAX_VALUE],
  ["pLands", P_LANDS, 1],
  ["nanosPerUnit", NANOS_PER_UNIT, Number.MAX_VALUE],
];
/** What every address, port and leaf holds, and its bounds; all from 0 on. */
const ADDRESS_BOUNDS: readonly Bound[] = [
  ["good", GOOD, GOOD_MAX * ROUNDING],
  ["bad", BAD, BAD_MAX * ROUNDING],
  ["freshGood", FRESH_GOOD, GOOD_MAX * ROUNDING],
  ["freshBad", FRESH_BAD, BAD_MAX * ROUNDING],
  ["freshLanded", FRESH_LANDED, GOOD_MAX * ROUNDING],
  ["freshMissed", FRESH_MISSED, BAD_MAX * ROUNDING],
  ["pGood", P_GOOD, 1],
  ...SHARED_BOUNDS,
];
/** The same of every payer. */
const PAYER_BOUNDS: readonly Bound[] = [
  ["turned", TURNED, TURNED_MAX * ROUNDING],
  ["usuallyLanded", USUALLY_LANDED, BAD_MAX * ROUNDING],
  ["usuallyMissed", USUALLY_MISSED, BAD_MAX * ROUNDING],
  ["doubt", DOUBT, 1],
  ...SHARED_BOUNDS,
];

export class EvidenceTable {
  /** Nodes in use. */
  size = 0;
  /** Nodes that left for others. */
  evicted = 0;
  /** The columns of all nodes; a node is an index into it. */
  readonly counts: Float32Array;
  readonly #words: Int32Array;
  readonly #tags: number;
  readonly #nodes: number;
  readonly #mask: number;
  readonly #kinds: Uint8Array;
  readonly #keys: number;

  constructor(arena: Arena, region: EvidenceRegion) {
    if (!Number.isInteger(Math.log2(region.sets))) throw new RangeError(`${region.sets} sets are not a power of two`);
    this.counts = new Float32Array(arena.buffer);
    this.#words = arena.i32;
    this.#tags = region.tagsAt >>> 2;
    this.#nodes = region.nodesAt >>> 2;
    this.#mask = region.sets - 1;
    this.#kinds = new Uint8Array(arena.buffer, region.kindsAt, region.sets * WAYS);
    this.#keys = region.keysAt >>> 2;
  }

  /**
   * Loads the lines of tags that `find` reads, for a group.
   * @param idsAt arena offset of the first key's id (u64); the next ones follow at `strideBytes`
   * @returns anything that depends on the loads
   */
  touch(toucher: Toucher, idsAt: number, strideBytes: number, count: number): number {
    return toucher.touchRows(idsAt, strideBytes, count, this.#tags << 2, this.#mask, TAG_SET_BYTES);
  }

  /**
   * The same where the ids stand in rows of a table.
   * @param rowsAt arena offset of the first row's number; the next ones follow
   * @param idsAt arena offset of row 0's id
   * @returns anything that depends on the loads
   */
  touchThrough(toucher: Toucher, rowsAt: number, count: number, idsAt: number, rowBytes: number): number {
    return toucher.touchRowsThrough(rowsAt, 4, count, idsAt, ALL, rowBytes, this.#tags << 2, this.#mask, TAG_SET_BYTES);
  }

  /** Loads the nodes of ids whose tags were touched, for a group. @returns anything that depends on the loads */
  touchNodes(toucher: Toucher, idsAt: number, strideBytes: number, count: number): number {
    return toucher.touchNodes(idsAt, strideBytes, count, this.#tags << 2, this.#mask, this.#nodes << 2);
  }

  /** The same where the ids stand in rows of a table. */
  touchNodesThrough(toucher: Toucher, rowsAt: number, count: number, idsAt: number, rowBytes: number): number {
    return toucher.touchNodesThrough(rowsAt, count, idsAt, rowBytes, this.#tags << 2, this.#mask, this.#nodes << 2);
  }

  /**
   * @param low low and high words of the key's id, as i32; keyed, so that nobody can choose them
   * @returns first word of the node, or 0
   */
  find(low: number, high: number): number {
    const words = this.#words;
    const set = low & this.#mask;
    const t = this.#tags + (set << WAYS_SHIFT);
    const tag = high | TAG_USED;
    for (let way = 0; way < WAYS; way++) {
      if (words[t + way] !== tag) continue;
      const node = this.#nodes + (((set << WAYS_SHIFT) + way) << NODE_SHIFT);
      if (words[node + ID_LOW] === low) return node;
    }
    return 0;
  }

  /**
   * The node of a key; a new one if there is none.
   * @param nowMs whole milliseconds
   * @param kind one of KIND_
   * @param key word index of the key itself, where the kind has one; 2 words of an address, 8 of a payer or an identity
   */
  findOrAdd(low: number, high: number, nowMs: number, kind: number = KIND_OTHER, key = 0): number {
    const known = this.find(low, high);
    if (known !== 0) {
      this.settle(known, nowMs);
      return known;
    }
    const words = this.#words;
    const set = low & this.#mask;
    const t = this.#tags + (set << WAYS_SHIFT);
    const way = this.#wayFor(set, t, nowMs);
    const node = this.#nodes + (((set << WAYS_SHIFT) + way) << NODE_SHIFT);
    words[t + way] = high | TAG_USED;
    this.counts.fill(0, node, node + STAMP);
    words[node + STAMP] = stepOf(nowMs);
    words[node + ID_LOW] = low;
    const row = (set << WAYS_SHIFT) + way;
    this.#kinds[row] = kind;
    if (kind === KIND_OTHER) return node;
    const isWhole = kind === KIND_PAYER || kind === KIND_IDENTITY;
    const keyWords = (isWhole ? NODE_KEY_BYTES : ADDRESS_KEY_BYTES) >>> 2;
    const to = this.#keys + row * (NODE_KEY_BYTES >>> 2);
    for (let i = 0; i < keyWords; i++) words[to + i] = words[key + i];
    return node;
  }

  /** Brings a node's counts up to now, by whole steps of the decay. */
  settle(node: number, nowMs: number): void {
    const words = this.#words;
    const step = stepOf(nowMs);
    const passed = (step - words[node + STAMP]) | 0;
    if (passed <= 0) return;
    const { counts } = this;
    const credit = CREDIT_DECAY.overSteps(passed);
    const blame = BLAME_DECAY.overSteps(passed);
    for (let i = node; i < node + DECAYING_COLUMNS; i += 2) {
      counts[i] *= credit;
      counts[i + BLAME] *= blame;
    }
    counts[node + NANOS] *= credit;
    counts[node + ASKED] *= credit;
    counts[node + IN_FLIGHT] *= IN_FLIGHT_DECAY.overSteps(passed);
    words[node + STAMP] = step;
  }

  /** Whether a node is up to now but for a step of the decay: a transmit may begin right before a step's end. */
  isSettled(node: number, nowMs: number): boolean {
    return ((stepOf(nowMs) - this.#words[node + STAMP]) | 0) <= 1;
  }

  /** How much is known of an address, a port or a leaf, in decayed observations: signatures, landings and misses. */
  addressEvidence(node: number): number {
    const { counts } = this;
    return counts[node + GOOD] + counts[node + BAD] + counts[node + LANDED] + counts[node + MISSED];
  }

  /** How much is known of a payer, in decayed observations: its landings and misses, and nothing else. */
  payerEvidence(node: number): number {
    return this.counts[node + LANDED] + this.counts[node + MISSED];
  }

  /** The evidence that is left of a node of any kind which was not settled for some time. */
  #evidenceLeft(node: number, kind: number, steps: number): number {
    const { counts } = this;
    const credit = CREDIT_DECAY.overSteps(steps);
    const blame = BLAME_DECAY.overSteps(steps);
    const landings = counts[node + LANDED] * credit + counts[node + MISSED] * blame;
    if (kind === KIND_PAYER) return landings;
    return landings + counts[node + GOOD] * credit + counts[node + BAD] * blame;
  }

  /** Says what is wrong with the nodes, if anything: a count that is none, a bound that does not hold. Slow. */
  problem(): string | undefined {
    const { counts } = this;
    const nodes = (this.#mask + 1) << WAYS_SHIFT;
    let used = 0;
    for (let row = 0; row < nodes; row++) {
      if (this.#words[this.#tags + row] === 0) continue;
      used += 1;
      const at = this.#nodes + (row << NODE_SHIFT);
      const kind = this.#kinds[row];
      for (const [name, column, max] of kind === KIND_PAYER ? PAYER_BOUNDS : ADDRESS_BOUNDS) {
        const value = counts[at + column];
        if (!(value >= 0 && value <= max)) return `node ${row} of kind ${kind} holds ${value} as ${name}`;
      }
    }
    return used === this.size ? undefined : `${used} nodes are in use, and ${this.size} are counted`;
  }

  #wayFor(set: number, t: number, nowMs: number): number {
    const words = this.#words;
    let least = 0;
    let leastEvidence = Number.POSITIVE_INFINITY;
    for (let way = 0; way < WAYS; way++) {
      if (words[t + way] === 0) {
        this.size += 1;
        return way;
      }
      const node = this.#nodes + (((set << WAYS_SHIFT) + way) << NODE_SHIFT);
      const kind = this.#kinds[(set << WAYS_SHIFT) + way];
      const evidence = this.#evidenceLeft(node, kind, (stepOf(nowMs) - words[node + STAMP]) | 0);
      if (evidence < leastEvidence) {
        least = way;
        leastEvidence = evidence;
      }
    }
    this.evicted += 1;
    return least;
  }
}

/**
 * A time as a stamp: steps of the decay, of which 32 bits are kept. Differences of two are right up to 2^31 steps, which are
 * 2.2 years; in milliseconds it would be 24.8 days.
 */
function stepOf(ms: number): number {
  return (ms / DECAY_STEP_MS) | 0;
}
