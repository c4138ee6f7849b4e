// Every constant of the evidence model, with its reason. None is tuned to a scenario: they say how much proof is wanted,
// how long it lasts, and how much may be risked to get it.

/** Half-life of all counts: some twenty slots, long enough to know a sender, short enough to forgive or to notice a change. */
export const HALF_LIFE_MS = 8_000;
/** What is in flight and never comes back (lost feedback) is forgotten sooner: outcomes take about a slot or two. */
export const IN_FLIGHT_HALF_LIFE_MS = 1_000;

/** A parent's estimate weighs as much as so many observations (shrinkage; Josang's beta reputation with an informed prior). */
export const PARENT_WEIGHT = 3;
/** Where nothing at all is known: most traffic is honest, and a few packets show whether it is. */
export const PRIOR_GOOD = 0.9;
export const PRIOR_LANDS = 0.8;
export const PRIOR_WEIGHT = 4;

/** Credit ends here, so that nobody saves up credit for a flood: a few dozen packets. */
export const GOOD_MOST = 32;
/** Blame ends here: a flood is remembered for some half-lives, not for ever. */
export const BAD_MOST = 256;
/** Each bad signature takes a fifth of the credit, and each miss a twentieth: a miss has many innocent causes. */
export const GOOD_KEPT_BY_BAD = 0.8;
export const LANDED_KEPT_BY_MISS = 0.95;
/** Each landing forgives a tenth of the misses: who lands again has got over what made it miss. */
export const MISSED_KEPT_BY_LANDING = 0.9;
/** Data that is no transaction blames its address by so much of a bad signature: it may be a broken client. */
export const UNPARSABLE_BLAME = 0.5;
/** A packet in flight counts as so much of a bad one until its answer is there: nobody floods before the first answer. */
export const IN_FLIGHT_BLAME = 0.25;
/** Less evidence than this is no record of one's own (decayed counts). */
export const RECORD_LEAST = 0.75;
/** Packets in flight for an address or a payer without a record. */
export const UNPROVEN_IN_FLIGHT_MOST = 4;

/** A miss counts only for a price so many times the lowest tenth of what blocks included: else it was outbid. */
export const MISS_PRICE_FACTOR = 1.5;
/** The lowest tenth is followed by steps of this size in the price's logarithm (stochastic approximation of a quantile). */
export const QUANTILE = 0.1;
export const QUANTILE_STEP = 0.05;

/** Share of a batch for addresses that were never judged: what it costs at most to find out who newcomers are. */
export const EXPLORED_SHARE = 0.03;
/** Window in which an unjudged address counts as seen once. */
export const PRESENCE_WINDOW_MS = 100;

/** A payload that another address sent before is likely a copy: its worth is that share. */
export const COPY_WORTH = 0.25;
/** After so long in the queue a packet has lost most of its use to its sender: it ranks behind fresh ones. */
export const STALE_AFTER_MS = 150;
export const STALE_WORTH = 0.35;

/** Time over which the block's intake is measured: a few slots. */
export const ROOM_WINDOW_MS = 800;
/** The room is full where likely landers of more than this share of the included work came back. */
export const ROOM_FULL_SHARE = 0.05;
/** A payer that lands at least so likely is a likely lander. */
export const LIKELY_LANDER = 0.7;
/** Room to try beyond what was measured: finds out where a block takes more, costs no more than this share. */
export const ROOM_MARGIN = 0.05;
/** Growth of the room per window while nothing comes back. */
export const ROOM_GROWTH = 1.25;
/** Step of the balance between the two budgets, per transmit in which one of them was used up and the other was not. */
export const BALANCE_STEP = 0.04;
export const BALANCE_LEAST = 0.02;
