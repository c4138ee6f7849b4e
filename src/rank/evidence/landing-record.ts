// How often a payer usually lands, and whether it has turned. A payer that wins one race in five has always won one in five,
// and is worth it; a payer that landed nearly always and now lands one time in five is another sender under the same name.
// So a payer is held against its own record by Page's test (1954): how likely is what it does now if it lands a quarter as
// often as it used to, against how likely it is if it goes on as it was. Outcomes become part of the usual rate while
// nothing speaks for a turn.

import * as node from "../../shape/node-layout.ts";
import * as k from "./constants.ts";
import { NeverLanded } from "./never-landed.ts";

export class LandingRecords {
  /** Payers that missed and never landed. */
  readonly neverLanded = new NeverLanded();

  /** @param counts of the evidence table */
  constructor(private readonly counts: Float32Array) {}

  /**
   * Draws a payer's estimate towards how often it usually lands, as far as it has landed at all and has not turned; leaves
   * at its node what it is doubted by.
   * @param recently what the unequal memory says @param others how those land that are like it
   * @returns how likely it lands
   */
  estimate(payer: number, recently: number, others: number): number {
    const { counts } = this;
    const landed = counts[payer + node.USUALLY_LANDED];
    const missed = counts[payer + node.USUALLY_MISSED];
    const isStranger = landed < k.RECORD_MIN && missed >= k.RECORD_MIN;
    const lands = isStranger ? this.neverLanded.lands(missed, recently) : recently;
    const proven = provenBy(landed);
    const notTurned = 1 / (1 + k.TURNS_RARELY * Math.exp(counts[payer + node.TURNED]));
    counts[payer + node.DOUBT] = 1 - notTurned * (proven + (1 - proven) * plausibility(lands));
    const usual = (landed + k.PARENT_WEIGHT * others) / (landed + missed + k.PARENT_WEIGHT);
    return proven * notTurned * usual + (1 - proven * notTurned) * lands;
  }

  landed(payer: number, nowMs: number): void {
    const { counts } = this;
    if (counts[payer + node.USUALLY_LANDED] < k.RECORD_MIN) {
      this.neverLanded.note(counts[payer + node.USUALLY_MISSED], 1, 0, nowMs);
    }
    // A quarter as likely, however likely it was.
    this.#compare(payer, Math.log(k.LANDS_PLAUSIBLY), node.USUALLY_LANDED, 1);
  }

  /**
   * @param odds how likely a payer that nearly always lands has landed lately at its price
   * @param blame how much of the miss was its own
   */
  missed(payer: number, odds: number, blame: number, nowMs: number): void {
    const { counts } = this;
    const landed = counts[payer + node.USUALLY_LANDED];
    const missed = counts[payer + node.USUALLY_MISSED];
    if (landed < k.RECORD_MIN) this.neverLanded.note(missed, 0, blame, nowMs);
    const usual = (landed + k.PARENT_WEIGHT * k.PRIOR_LANDS) / (landed + missed + k.PARENT_WEIGHT);
    const expected = odds * Math.min(k.USUAL_MAX, usual);
    const ratio = (1 - k.LANDS_PLAUSIBLY * expected) / (1 - expected);
    this.#compare(payer, Math.log(ratio), node.USUALLY_MISSED, blame);
  }

  /** Gives a payer a record. @param share that landed of the evidence */
  restore(payer: number, share: number, evidence: number): void {
    this.counts[payer + node.USUALLY_LANDED] = evidence * share;
    this.counts[payer + node.USUALLY_MISSED] = evidence * (1 - share);
  }

  #compare(payer: number, logRatio: number, column: number, weight: number): void {
    const { counts } = this;
    const turned = counts[payer + node.TURNED];
    counts[payer + node.TURNED] = Math.min(k.TURNED_MAX, Math.max(0, turned + logRatio));
    // A miss that may be a turn counts less towards the usual rate; the better the payer is known, the less.
    const proven = provenBy(counts[payer + node.USUALLY_LANDED]);
    counts[payer + column] += weight * (1 - proven * (1 - Math.exp(-turned)));
    const kept = k.BAD_MAX / (counts[payer + node.USUALLY_LANDED] + counts[payer + node.USUALLY_MISSED]);
    if (kept >= 1) return;
    counts[payer + node.USUALLY_LANDED] *= kept;
    counts[payer + node.USUALLY_MISSED] *= kept;
  }
}

/** How far a payer is known by what it landed itself. */
function provenBy(landed: number): number {
  return landed / (landed + k.PARENT_WEIGHT);
}

/** What is left of the worth of a sender that hardly ever lands: it pays for few of the many that it sends. */
export function plausibility(lands: number): number {
  return Math.min(1, lands / k.LANDS_PLAUSIBLY) ** 2;
}
