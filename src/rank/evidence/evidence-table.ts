// What is known of senders: nodes of decayed counts, in one bounded table for all kinds of keys (an address, an address and
// port, both and the payer, a payer). Sets of 8: half a line of tags, then one line a node, so that an unknown key costs
// one line, and a known one two. (Sets of 16 made every look half as dear again.)
//
// When a set is full, the node with the least evidence leaves. So a flood of fresh keys, which have little evidence each,
// can only push out one another: what is proven (or thoroughly disproven) stays until it has decayed.

import type { Toucher } from "../../kernel/kernel.ts";
import type { Arena } from "../../shape/arena.ts";
import { type EvidenceRegion, EVIDENCE_WAYS as WAYS } from "../../shape/layout.ts";
import { BAD_MOST, GOOD_MOST } from "./constants.ts";
import { BLAME, CREDIT, DECAY_STEP_MS, IN_FLIGHT_DECAY } from "./decay.ts";

const WAYS_SHIFT = 3;
const TAGS_BYTES = 4 << WAYS_SHIFT;
/** A mask that changes no row number. */
const ALL = -1;
const NODE_SHIFT = 4; // words of a node: 16

// Words of a node (f32, but for the last two).
export const GOOD = 0;
export const BAD = 1;
/** Good and bad ones of children without a record. */
export const FRESH_GOOD = 2;
export const FRESH_BAD = 3;
export const LANDED = 4;
export const MISSED = 5;
export const FRESH_LANDED = 6;
export const FRESH_MISSED = 7;
/** Nanoseconds of execution, and the compute units that were asked for them. */
export const NANOS = 8;
export const ASKED = 9;
export const IN_FLIGHT = 10;
/** Estimates as of the last look (evidence.ts). */
export const P_GOOD = 11;
export const P_LANDS = 12;
export const NANOS_PER_UNIT = 13;
const STAMP = 14; // u32 milliseconds
export const ID_LOW = 15; // u32
// A payer has no signatures of its own, and nobody below it; there the columns of those say how it usually fares.
/** How much likelier its landings and misses are if it has turned: a logarithm. */
export const TURNED = 1;
/** What it is doubted by, as of the last look: 0 not at all, 1 entirely. */
export const DOUBT = 2;
/** Landings and misses while it was as it usually is; both are forgotten alike. */
export const USUALLY_LANDED = 3;
export const USUALLY_MISSED = 7;
// Kinds of nodes; the others' keys are of no use to people.
export const KIND_OTHER = 0;
export const KIND_ADDRESS = 1;
export const KIND_ADDRESS_IPV6 = 2;
export const KIND_PAYER = 3;

const KEY_WORDS_SHIFT = 3;

/** Credit and blame take turns up to here. */
const DECAYING = 8;

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
    if (!Number.isInteger(Math.log2(region.sets))) throw new RangeError(`${region.sets} sets are no power of two`);
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
    return toucher.touchRows(idsAt, strideBytes, count, this.#tags << 2, this.#mask, TAGS_BYTES);
  }

  /**
   * The same where the ids stand in rows of a table.
   * @param rowsAt arena offset of the first row's number; the next ones follow
   * @param idsAt arena offset of row 0's id
   * @returns anything that depends on the loads
   */
  touchThrough(toucher: Toucher, rowsAt: number, count: number, idsAt: number, rowBytes: number): number {
    return toucher.touchRowsThrough(rowsAt, 4, count, idsAt, ALL, rowBytes, this.#tags << 2, this.#mask, TAGS_BYTES);
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
    const tag = high | 1;
    for (let way = 0; way < WAYS; way++) {
      if (words[t + way] !== tag) continue;
      const node = this.#nodes + (((set << WAYS_SHIFT) + way) << NODE_SHIFT);
      if (words[node + ID_LOW] === low) return node;
    }
    return 0;
  }

  /**
   * The node of a key; a new one where there is none.
   * @param nowMs whole milliseconds
   * @param kind one of KIND_
   * @param key word index of the key itself, where the kind has one; 2 words of an address, 8 of a payer
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
    words[t + way] = high | 1;
    this.counts.fill(0, node, node + STAMP);
    words[node + STAMP] = nowMs;
    words[node + ID_LOW] = low;
    const row = (set << WAYS_SHIFT) + way;
    this.#kinds[row] = kind;
    if (kind === KIND_OTHER) return node;
    const keyWords = kind === KIND_PAYER ? 1 << KEY_WORDS_SHIFT : 2;
    const to = this.#keys + (row << KEY_WORDS_SHIFT);
    for (let i = 0; i < keyWords; i++) words[to + i] = words[key + i];
    return node;
  }

  /** Brings a node's counts up to now. Less than a step of the decay changes nothing and keeps the stamp. */
  settle(node: number, nowMs: number): void {
    const words = this.#words;
    const passed = nowMs - words[node + STAMP];
    if (passed < DECAY_STEP_MS) return;
    const { counts } = this;
    const credit = CREDIT.over(passed);
    const blame = BLAME.over(passed);
    for (let i = node; i < node + DECAYING; i += 2) {
      counts[i] *= credit;
      counts[i + 1] *= blame;
    }
    counts[node + NANOS] *= credit;
    counts[node + ASKED] *= credit;
    counts[node + IN_FLIGHT] *= IN_FLIGHT_DECAY.over(passed);
    words[node + STAMP] = nowMs;
  }

  /** Whether a node is up to now, within a step of the decay. */
  isSettled(node: number, nowMs: number): boolean {
    return nowMs - this.#words[node + STAMP] < DECAY_STEP_MS;
  }

  /** How much is known of a key, in decayed observations. */
  evidence(node: number): number {
    const { counts } = this;
    return counts[node + GOOD] + counts[node + BAD] + counts[node + LANDED] + counts[node + MISSED];
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
      for (let column = 0; column < STAMP; column++) {
        const value = counts[at + column];
        if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) return `node ${row} holds ${value} in column ${column}`;
      }
      for (let column = 0; column < DECAYING; column++) {
        const most = column % 2 === 0 ? GOOD_MOST : BAD_MOST;
        if (counts[at + column] > most) return `node ${row} counts ${counts[at + column]} in column ${column}`;
      }
      for (const column of [P_GOOD, P_LANDS]) {
        if (counts[at + column] > 1) return `node ${row} estimates ${counts[at + column]}`;
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
      const passed = nowMs - words[node + STAMP];
      const { counts } = this;
      const evidence =
        (counts[node + GOOD] + counts[node + LANDED]) * CREDIT.over(passed) +
        (counts[node + BAD] + counts[node + MISSED]) * BLAME.over(passed);
      if (evidence < leastEvidence) {
        least = way;
        leastEvidence = evidence;
      }
    }
    this.evicted += 1;
    return least;
  }
}
