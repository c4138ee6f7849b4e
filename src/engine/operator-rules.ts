// What the operator says about ranks, beside the model: lists of senders that are denied or allowed, and simple votes that
// go first. If none of it is configured, this object is not made, and the loop pays one branch.
//
// An allowed payer's key and the flag of a vote prove nothing: anybody can put them on a forged packet. (A staked peer's
// identity proves who sent a packet, and not that its transactions are good.) So nothing is put
// above others that the model knows to be forged or hopeless (`Chooser.mayLift`).

import type { Chooser } from "../rank/chooser.ts";
import { Identities } from "../rank/identities.ts";
import { LIST_ALLOW, LIST_DENY, SenderLists } from "../rank/lists/sender-lists.ts";
import { RecentMedian } from "../rank/recent-median.ts";
import type { Arena } from "../shape/arena.ts";
import { TRAIT_ALLOWED, TRAIT_SIMPLE_VOTE, TRAITS_AT } from "../shape/digest-layout.ts";
import type { ArenaLayout, ListRegion } from "../shape/layout.ts";
import { STAT } from "../shape/statistics.ts";
import type { EngineSettings } from "./settings.ts";

/** Votes that go first rank from here to twice as much: above every score a model gives, in the order of their own. */
const VOTES_FROM = 2 ** 1_000;

export class OperatorRules {
  readonly #u8: Uint8Array;
  readonly #median = new RecentMedian();
  #lists: SenderLists | null = null;

  private constructor(
    private readonly arena: Arena,
    private readonly region: ListRegion | undefined,
    private readonly identities: Identities,
    private readonly counters: Float64Array,
    private readonly votesFirst: boolean,
    private readonly chooser: Chooser | null,
  ) {
    this.#u8 = arena.u8;
  }

  /** @param chooser the model's, if it has one @returns null if neither lists nor votes are configured */
  static open(
    arena: Arena,
    layout: ArenaLayout,
    counters: Float64Array,
    settings: EngineSettings,
    chooser: Chooser | null,
  ): OperatorRules | null {
    const votesFirst = settings.votes === "first";
    if (layout.lists === undefined && !votesFirst) return null;
    return new OperatorRules(arena, layout.lists, new Identities(arena, layout), counters, votesFirst, chooser);
  }

  /** Swaps the lists. @param table 1 or 2 */
  useLists(table: number): void {
    if (this.region === undefined) return;
    const { tablesAt, slotCount } = this.region;
    this.#lists = new SenderLists(this.arena.buffer, tablesAt[table === 2 ? 1 : 0], slotCount, this.identities);
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

  /** The rank of a packet that just arrived. @param score the model's, asked for just before */
  arrived(digest: number, score: number): number {
    if (this.region !== undefined) this.#median.add(score);
    if ((this.#u8[digest + TRAITS_AT] & TRAIT_ALLOWED) !== 0) this.counters[STAT.allowed]++;
    const rank = this.rank(digest, score);
    if (rank >= VOTES_FROM) this.counters[STAT.votesFirst]++;
    return rank;
  }

  /** The rank of a queued packet. @param score the model's, asked for just before */
  rank(at: number, score: number): number {
    const traits = this.#u8[at + TRAITS_AT];
    if ((traits & (TRAIT_ALLOWED | TRAIT_SIMPLE_VOTE)) === 0) return score;
    if (this.chooser !== null && !this.chooser.mayLift(at)) return score;
    const floored = (traits & TRAIT_ALLOWED) !== 0 && score < this.#median.value ? this.#median.value : score;
    if (!this.votesFirst || (traits & TRAIT_SIMPLE_VOTE) === 0) return floored;
    return VOTES_FROM * (1 + (floored > 0 ? floored / (floored + 1) : 0));
  }
}
