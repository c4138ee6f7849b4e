// Every constant of the evidence model, with its reason. None is tuned to a scenario: they say how much proof is wanted,
// how long it lasts, and how much may be risked to get it.

/** Half-life of credit: some twenty slots, long enough to know a sender, short enough to notice a change. */
export const HALF_LIFE_MS = 8_000;
/** Half-life of blame, four times as long: who is held back is not seen to misbehave, and would be back within seconds. */
export const BLAME_HALF_LIFE_MS = 32_000;
/** What is in flight and never comes back (lost feedback) is forgotten sooner: outcomes take about a slot or two. */
export const IN_FLIGHT_HALF_LIFE_MS = 1_000;

/** A parent's estimate weighs as much as so many observations (shrinkage; Josang's beta reputation with an informed prior). */
export const PARENT_WEIGHT = 3;
/** Where nothing at all is known: most traffic is honest, and a few packets show whether it is. */
export const PRIOR_GOOD = 0.9;
export const PRIOR_LANDS = 0.8;
export const PRIOR_WEIGHT = 4;

/** Credit ends here, so that nobody saves up credit for a flood: a few dozen packets. */
export const GOOD_MAX = 32;
/** Blame ends here: a flood is remembered for some half-lives, not for ever. */
export const BAD_MAX = 256;
/**
 * Blame adds so much of itself where it outweighs credit by so much: who comes back after its blame has faded and fails
 * again waits longer each time. Who wins one race in four does not.
 */
export const BLAME_OUTWEIGHS = 5;
export const BLAME_COMPOUND = 0.25;
/** Each bad signature takes a fifth of the credit, and each miss a twentieth: a miss has innocent causes. */
export const GOOD_KEPT_BY_BAD = 0.8;
export const LANDED_KEPT_BY_MISS = 0.95;
/** Each good one forgives a tenth of the blame: who behaves again has got over what was wrong. */
export const BLAME_KEPT_BY_GOOD = 0.9;
/** Data that is no transaction blames its address by so much of a bad signature: it may be a broken client. */
export const UNPARSABLE_BLAME = 0.5;
/** A packet in flight counts as so much of a bad one until its answer is there: nobody floods before the first answer. */
export const IN_FLIGHT_BLAME = 0.25;
/** What is usual follows each landing by so much: some thousand of them, about a slot. */
export const USUAL_STEP = 0.001;
/** A sender out of a checkpoint weighs as much as so many observations: known, and soon judged by what it does now. */
export const RESTORED_EVIDENCE = 8;
/** Less evidence than this is no record of one's own (decayed counts). */
export const RECORD_MIN = 0.75;
/** Packets in flight for an address or a payer without a record. */
export const UNPROVEN_IN_FLIGHT_MAX = 4;
/** Where no outcome came for so long (some slots), none is waited for: nobody gives any, or the validator stands still. */
export const SILENCE_MS = 2_000;

/** Prices are sorted into powers of two, so that each step has enough transactions to tell how they fare. */
export const PRICE_STEPS_PER_OCTAVE = 1;
/** A payer that lands at least so likely is a likely lander: what comes back of them tells how full blocks are. */
export const LIKELY_LANDER = 0.7;
/** Fewer expected landings than this tell nothing about a price. */
export const ODDS_LANDINGS_MIN = 4;
/** However full blocks are, a miss counts so much: else who makes them full could never be blamed. */
export const MISS_WEIGHT_MIN = 0.1;

/**
 * Who takes more than so many times the usual work per asked unit asks for too little: schedulers put it before others by a
 * price that is not its own, so its worth falls by as much as it exceeds this. Honest programs differ less.
 */
export const OVERRUN_FREE = 3;

/** Who lands less often is doubted the more: such a share is no lost race, but somebody who pays for few of many. */
export const LANDS_PLAUSIBLY = 0.25;
/** What is assumed of payers that never landed weighs as much as so many that were seen. */
export const NEVER_LANDED_WEIGHT = 16;
/** A record of landings ends with so few of all transactions: a payer's key is sold, a bot's luck is over, an attack begins. */
export const TURNS_RARELY = 1e-4;
/** Nobody's misses are a surprise altogether: so many transactions are late or lost without a reason that can be seen. */
export const USUAL_MAX = 0.95;
/**
 * So much is remembered of a turn, and no more: it is believed a thousand times as much as that there was none. Who lands
 * again gets over it in a dozen landings, and whose luck has turned may still win by what it pays.
 */
export const TURNED_MAX = 1.75 * Math.log(1 / TURNS_RARELY);
/** Less likely to be good and to land than one in fifty is not worth sigverify's work even where that has room. */
export const HOPELESS = 0.02;
/** Of addresses without a record as soon as one in twenty: the quota goes on to judge their class. */
export const HOPELESS_UNKNOWN = 0.05;
/** Brings any fee of theirs below any other's, and leaves their order among themselves. */
export const HOPELESS_WORTH = 1e-18;
/** So many of them are looked at behind the last one with hope: what they rank by may have changed since it was ordered. */
export const HOPELESS_LOOKS_MAX = 64;
/** A sender of whom every second signature fails is not lifted above others, whatever the operator favours. */
export const LIFTED_GOOD_MIN = 0.5;

/** Shares of a batch for addresses that were never judged, those seen again and again, and those seen once: what it costs at
 * most to find out who newcomers are. Both, so that each class of them is judged by what it does now. */
export const EXPLORED_SHARE = 0.03;
export const EXPLORED_ONCE_SHARE = 0.01;
/** Window in which an unjudged address counts as seen once. */
export const PRESENCE_WINDOW_MS = 100;
/** After so many windows without it (10 s), an address that waits to be judged counts half: senders come back sooner. */
export const PRESENCE_FADES_WINDOWS = 100;
/**
 * Who has no record is of a class by the windows in which it was seen: once, from 2 on, from 4 on. What a flood of fresh
 * addresses does is not held against those that keep coming.
 */
export const PERSISTENT_WINDOWS = [2, 4] as const;

/** A payload that another address sent before is likely a copy: its worth is that share. */
export const COPY_WORTH = 0.25;
/**
 * A packet that was not among the best of one or two transmits makes way for fresh ones: from then on its worth halves with
 * each further transmit, so that a senders' retry does not meet its own past in front of it.
 */
export const STALE_AFTER_MS = 150;
export const STALE_HALF_LIFE_MS = 100;

/** Time over which the block's intake is measured: a slot. */
export const ROOM_WINDOW_MS = 400;
/** Blocks leave out the cheapest first: they are full where of the likely landers' cheapest quarter so many are left out. */
export const CHEAP_SHARE = 0.25;
export const FULL_SHORTAGE = 0.15;
/** As many deviations of a binomial count may be chance: few lost races are no full block. */
export const SURE_DEVIATIONS = 2;
/** Before a window is over, and is looked at again and again, it takes twice as many. */
export const SURE_DEVIATIONS_EARLY = 4;
/** Fewer expected landings of theirs than this say nothing. */
export const CHEAP_LANDINGS_MIN = 12;
/** A full block takes at least this share of the most that was taken lately, which is forgotten by half in some 20 s. */
export const FULL_MIN = 0.85;
export const PEAK_KEPT = 0.986;
/** Room to try beyond what was measured: finds out where a block takes more, costs no more than this share. */
export const ROOM_MARGIN = 0.05;
/** Growth of the room per window while nothing comes back. */
export const ROOM_GROWTH = 1.1;
/** Step of the balance between the two budgets, per transmit in which one of them was used up and the other was not. */
export const BALANCE_STEP = 0.04;
export const BALANCE_MIN = 0.02;
