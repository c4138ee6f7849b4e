// What landing costs at the moment: of the payers that nearly always land, how many do at which price. Blocks leave out the
// cheapest first. So a payer that misses at a price at which others land was not outbid: the miss is its own. And where the
// cheapest of the likely landers are left out, blocks are full.
//
// The odds never fall with the price: a payer that misses at a high price while cheaper ones land was not outbid either. So
// a crowd that earned a good name and stops landing cannot pass for a full block.

import {
  CHEAP_LANDINGS_MIN,
  CHEAP_SHARE,
  MISS_WEIGHT_MIN,
  ODDS_LANDINGS_MIN,
  PRICE_STEPS_PER_OCTAVE,
  SURE_DEVIATIONS,
} from "./constants.ts";

/** What is kept of earlier answers when a full choice begins: a block gives back all at once what found no room. */
const MOMENT_KEPT = 0.25;
const STEPS = 48;
/** The lowest step stands for 2^-16 lamports per compute unit and less. */
const OCTAVE_MIN = -16;

export class Market {
  // By price step: landings expected of likely landers, and how many there were; of the last moments, and of a window.
  readonly #expected = new Float64Array(STEPS);
  readonly #landed = new Float64Array(STEPS);
  readonly #windowExpected = new Float64Array(STEPS);
  readonly #windowLanded = new Float64Array(STEPS);
  readonly #odds = new Float64Array(STEPS).fill(1);

  /** Notes what became of a likely lander's transaction. @param price lamports per asked compute unit */
  note(price: number, expected: number, landed: boolean): void {
    const step = stepOf(price);
    this.#expected[step] += expected;
    this.#windowExpected[step] += expected;
    if (!landed) return;
    this.#landed[step] += 1;
    this.#windowLanded[step] += 1;
  }

  /** How likely a payer that nearly always lands has landed lately at a price. */
  oddsAt(price: number): number {
    return this.#odds[stepOf(price)];
  }

  /**
   * How much a miss says about its sender: the probability that it would have missed in an empty block, too.
   * @param pLands how likely the sender lands @returns MISS_WEIGHT_MIN to 1
   */
  weightOfMiss(price: number, pLands: number): number {
    const outbid = pLands * (1 - this.oddsAt(price));
    return Math.max(MISS_WEIGHT_MIN, (1 - pLands) / Math.max(1e-6, 1 - pLands + outbid));
  }

  /**
   * Share of the cheapest likely landers that was left out lately, against those that pay more; 0 where too few were tried.
   * The least of what the cheapest few and ever more of them up to a quarter show: in a full block the cheapest of all fare
   * worst. Where they miss as often as those that pay more, they lost races, and blocks have room.
   * @param deviations of a binomial that may be chance
   */
  shortage(deviations = SURE_DEVIATIONS): number {
    let all = 0;
    for (let i = 0; i < STEPS; i++) all += this.#windowExpected[i];
    let expected = 0;
    let landed = 0;
    let least = 1;
    let i = 0;
    for (; i < STEPS && expected < CHEAP_SHARE * all; i++) {
      if (this.#windowExpected[i] === 0) continue;
      expected += this.#windowExpected[i];
      landed += this.#windowLanded[i];
      if (expected >= CHEAP_LANDINGS_MIN) least = Math.min(least, 1 - surely(landed, expected, deviations) / expected);
    }
    if (expected < CHEAP_LANDINGS_MIN) return 0;
    // Of two groups that pay more the one that fares better: the other may be a crowd that never lands at any price.
    let best = 0;
    expected = 0;
    landed = 0;
    for (; i < STEPS; i++) {
      expected += this.#windowExpected[i];
      landed += this.#windowLanded[i];
      if (expected < (all * (1 - CHEAP_SHARE)) / 2) continue;
      best = Math.max(best, landed / expected);
      expected = 0;
      landed = 0;
    }
    // Where no group pays more, a likely lander is expected to land.
    return best === 0 ? Math.max(0, least) : Math.max(0, 1 - (1 - least) / Math.min(1, best));
  }

  /** Works out the odds of each price from what came back in the last moments. Called before misses are judged. */
  refresh(): void {
    let odds = 0;
    let cheapest = -1;
    for (let i = 0; i < STEPS; i++) {
      const expected = this.#expected[i];
      if (expected >= ODDS_LANDINGS_MIN) {
        odds = Math.max(odds, Math.min(1, this.#landed[i] / expected));
        if (cheapest < 0) cheapest = i;
      }
      this.#odds[i] = odds;
    }
    // Cheaper than anybody that was tried: as the cheapest of them. Nobody was tried: blocks have room.
    if (cheapest < 0) this.#odds.fill(1);
    else this.#odds.fill(this.#odds[cheapest], 0, cheapest);
  }

  /** A full choice begins: what came back before counts less. */
  fade(): void {
    for (let i = 0; i < STEPS; i++) {
      this.#expected[i] *= MOMENT_KEPT;
      this.#landed[i] *= MOMENT_KEPT;
    }
  }

  /** A window is over. */
  forget(): void {
    this.#windowExpected.fill(0);
    this.#windowLanded.fill(0);
  }
}

/** The most landings that may have been due where some were seen: a few lost races do not make a full block. */
function surely(landed: number, expected: number, deviations: number): number {
  return landed + deviations * Math.sqrt(landed * Math.max(0, 1 - landed / expected));
}

function stepOf(price: number): number {
  const step = Math.floor((Math.log2(price) - OCTAVE_MIN) * PRICE_STEPS_PER_OCTAVE);
  return step > 0 ? Math.min(STEPS - 1, step) : 0;
}
