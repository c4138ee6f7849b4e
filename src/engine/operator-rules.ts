// What the operator says about ranks, beside the model: lists of senders that are denied or allowed, and simple votes that
// go first. Where nothing of it is configured there is no such object, and the loop pays one branch.

import { LIST_ALLOW, LIST_DENY, SenderLists } from "../rank/lists/sender-lists.ts";
import { RecentMedian } from "../rank/recent-median.ts";
import type { Arena } from "../shape/arena.ts";
import { TRAIT_ALLOWED, TRAIT_SIMPLE_VOTE, TRAITS_AT } from "../shape/digest-layout.ts";
import type { ArenaLayout, ListRegion } from "../shape/layout.ts";
import { STAT } from "../shape/statistics.ts";
import type { EngineSettings } from "./settings.ts";

/** Votes that go first rank from here to twice as much: above every score a model gives, in the order of their own. */
const VOTES_FROM = 2 ** 1_000;

export class Favours {
  readonly #u8: Uint8Array;
  readonly #median = new RecentMedian();
  #lists: SenderLists | null = null;

  private constructor(
    private readonly arena: Arena,
    private readonly region: ListRegion | undefined,
    private readonly counters: Float64Array,
    private readonly votesFirst: boolean,
  ) {
    this.#u8 = arena.u8;
  }

  /** @returns null where neither lists nor votes are configured */
  static open(arena: Arena, layout: ArenaLayout, counters: Float64Array, settings: EngineSettings): Favours | null {
    const votesFirst = settings.votes === "first";
    return layout.lists === undefined && !votesFirst ? null : new Favours(arena, layout.lists, counters, votesFirst);
  }

  /** Swaps the lists. @param table 1 or 2 */
  useLists(table: number): void {
    if (this.region === undefined) return;
    this.#lists = new SenderLists(this.arena.buffer, this.region.tablesAt[table === 2 ? 1 : 0], this.region.slotCount);
  }

  /** Whether the lists deny a sender. One that they allow is marked in its digest. Denied beats allowed. */
  denies(digest: number): boolean {
    if (this.#lists === null) return false;
    const verdict = this.#lists.verdict(digest);
    if (verdict === 0) return false;
    if ((verdict & LIST_DENY) !== 0) return true;
    if ((verdict & LIST_ALLOW) !== 0) this.#u8[digest + TRAITS_AT] |= TRAIT_ALLOWED;
    return false;
  }

  /** The rank of a packet that just arrived, from its score. */
  arrived(digest: number, score: number): number {
    if (this.region !== undefined) this.#median.add(score);
    const traits = this.#u8[digest + TRAITS_AT];
    if ((traits & TRAIT_ALLOWED) !== 0) this.counters[STAT.allowed]++;
    if (this.votesFirst && (traits & TRAIT_SIMPLE_VOTE) !== 0) this.counters[STAT.votesFirst]++;
    return this.rank(digest, score);
  }

  /** The rank of a queued packet whose score was found anew. */
  rank(at: number, score: number): number {
    const traits = this.#u8[at + TRAITS_AT];
    if ((traits & (TRAIT_ALLOWED | TRAIT_SIMPLE_VOTE)) === 0) return score;
    const floored = (traits & TRAIT_ALLOWED) !== 0 && score < this.#median.value ? this.#median.value : score;
    if (!this.votesFirst || (traits & TRAIT_SIMPLE_VOTE) === 0) return floored;
    return VOTES_FROM * (1 + (floored > 0 ? floored / (floored + 1) : 0));
  }
}
