// Every constant of the evidence model, with its reason. None is tuned to a scenario: they say how much proof is wanted, how
// long it lasts, and how much may be risked to get it. Counts are decayed observations.

// --- How long things are remembered ---

/** Half-life of credit: twenty long slots (400 ms), enough to know a sender, short enough to notice a change. */
export const HALF_LIFE_MS = 8_000;
/** Half-life of blame, four times as long: a sender that is held back cannot misbehave, and would be back within seconds. */
export const BLAME_HALF_LIFE_MS = 32_000;
/** What is in flight and never comes back (lost feedback) is forgotten sooner: an outcome takes a slot or two. */
export const IN_FLIGHT_HALF_LIFE_MS = 1_000;

// --- Estimates of probabilities ---

/** A parent's estimate weighs as much as this many observations (shrinkage; Josang's beta reputation, an informed prior). */
export const PARENT_WEIGHT = 3;
/** Where nothing at all is known: most traffic is honest, and a few packets show whether it is. */
export const PRIOR_GOOD = 0.9;
export const PRIOR_LANDS = 0.8;
export const PRIOR_WEIGHT = 4;

/** Credit ends here, a few dozen packets, so that a sender cannot save up credit for a flood. */
export const GOOD_MAX = 32;
/** Blame ends here: a flood is remembered for some half-lives, not for ever. */
export const BAD_MAX = 256;
/**
 * Where blame outweighs credit this many times, new blame adds this share of the old: a sender that fails again after its
 * blame has faded waits longer each time. A sender that wins one race in four is not treated so.
 */
export const BLAME_OUTWEIGHS = 5;
export const BLAME_COMPOUND = 0.25;
/** Each bad signature takes a fifth of the credit, and each miss a twentieth: a miss has innocent causes. */
export const GOOD_KEPT_BY_BAD = 0.8;
export const LANDED_KEPT_BY_MISS = 0.95;
/** Each good packet forgives a tenth of the blame: a sender that behaves again has mended what was wrong. */
export const BLAME_KEPT_BY_GOOD = 0.9;
/** Data that cannot be parsed blames its address by this share of a bad signature: it may come from a broken client. */
export const UNPARSABLE_BLAME = 0.5;
/** A packet in flight counts as this share of a bad one until its answer comes: no flood before the first answer. */
export const IN_FLIGHT_BLAME = 0.25;
/** Each landing moves what is usual by this share: the last thousand landings count, about a slot's. */
export const USUAL_STEP = 0.001;
/** A sender from a checkpoint weighs as much as this many observations: known, and soon judged by what it does now. */
export const RESTORED_EVIDENCE = 8;
/** A key with less evidence than this has no record of its own. */
export const RECORD_MIN = 0.75;
/** Packets in flight for an address or a payer without a record. */
export const UNPROVEN_IN_FLIGHT_MAX = 4;
/** After this time without an outcome (some slots) none is waited for: feedback is off, or the validator stands still. */
export const SILENCE_MS = 2_000;

// --- The market and the block's room ---

/** Prices are sorted into powers of two, so that each step has enough transactions to tell how they fare. */
export const PRICE_STEPS_PER_OCTAVE = 1;
/** A payer that lands at least this likely is a likely lander: what comes back of them tells how full blocks are. */
export const LIKELY_LANDER = 0.7;
/** Fewer expected landings than this tell nothing about a price. */
export const ODDS_LANDINGS_MIN = 4;
/** However full blocks are, a miss counts at least this much: otherwise a sender that fills blocks could never be blamed. */
export const MISS_WEIGHT_MIN = 0.1;
/**
 * Time over which the block's intake is measured. It holds a whole slot whatever the rhythm is: one of 400 ms, or two of
 * 200 ms. A part of a slot would take the answers at a slot's end for a rate.
 */
export const ROOM_WINDOW_MS = 400;
/**
 * Blocks leave out the cheapest first. They count as full where this share is left out of the cheapest quarter of the likely
 * landers.
 */
export const CHEAP_SHARE = 0.25;
export const FULL_SHORTAGE = 0.15;
/** Deviations of a binomial that may be chance: a few lost races do not make a full block. */
export const SURE_DEVIATIONS = 2;
/** Before a window is over it is looked at again and again, so twice as many are asked for. */
export const SURE_DEVIATIONS_EARLY = 4;
/** Fewer expected landings of the cheapest than this say nothing. */
export const CHEAP_LANDINGS_MIN = 12;
/** A full block takes at least this share of the most that was taken lately; half of that peak is forgotten in some 20 s. */
export const FULL_MIN = 0.85;
export const PEAK_KEPT = 0.986;
/** Room to try beyond what was measured: finds out where a block takes more, and costs no more than this share. */
export const ROOM_MARGIN = 0.05;
/** Growth of the room per window while everything that was sent lands. */
export const ROOM_GROWTH = 1.1;
/** Room that is saved up at the most: what blocks did not get in time they do not take later. */
export const ROOM_SAVED_MS = 20;
/** The interval of full choices before the first one. */
export const CHOICE_MS = 100;
/**
 * Misses are blamed this often. Landings count at once: the longer misses wait, the better a sender looks than it is; and the
 * fewer are looked at together, the less is known of how others fared.
 */
export const JUDGING_INTERVAL_MS = 20;
/** Step of the balance between the two budgets, per full choice before which packets waited for only one of them. */
export const BALANCE_STEP = 0.04;
export const BALANCE_MIN = 0.02;

// --- Who is doubted ---

/**
 * A sender that takes more than this many times the usual work per asked unit asks for too little. Schedulers put it before
 * others by a price that it does not pay, so its worth falls with the square of the excess. Honest programs differ less.
 */
export const OVERRUN_FREE = 3;
/**
 * A payer that lands less often than this is doubted, the more the less it lands. So few landings are not lost races: the
 * sender pays for few of the many that it sends.
 */
export const LANDS_PLAUSIBLY = 0.25;
/** What is assumed of payers that never landed weighs as much as this many that were seen. */
export const NEVER_LANDED_WEIGHT = 16;
/** One transaction in this many ends its payer's record of landings: a key is sold, a bot's luck ends, an attack begins. */
export const TURNS_RARELY = 1e-4;
/** No payer is expected to land more often than this: one transaction in twenty is late or lost without a visible reason. */
export const USUAL_MAX = 0.95;
/**
 * The most that is remembered of a turn: that there was one is then believed a thousand times as much as that there was
 * none. A payer that lands again gets over it in a dozen landings, and one whose luck has turned may still win by what it pays.
 */
export const TURNED_MAX = 1.75 * Math.log(1 / TURNS_RARELY);
/** A packet less likely than one in fifty to be good and to land is not worth sigverify's work while others wait. */
export const HOPELESS = 0.02;
/** Of an address without a record, less likely than one in twenty: the newcomers' quota goes on to judge its class. */
export const HOPELESS_UNKNOWN = 0.05;
/** Brings any fee of a hopeless packet below any other's, and leaves the order of the hopeless among themselves. */
export const HOPELESS_WORTH = 1e-18;
/**
 * A sender whose packets landed lately is believed at least this much, whatever else was signed falsely under its names: it
 * ranks behind all others, and is neither hopeless nor taken for a forger.
 */
export const LANDED_GOOD_MIN = 0.05;
/** A sender with every second signature false is not lifted above others, whatever the operator favours. */
export const LIFTED_GOOD_MIN = 0.5;

// --- Newcomers, copies and late packets ---

/**
 * Shares of a batch for addresses that were never judged: those that were seen again and again, and those that were seen
 * once. This is the most that it costs to find out what newcomers are. Both have a share, so that each class of newcomers is
 * judged by what it does now.
 */
export const EXPLORED_SHARE = 0.03;
export const EXPLORED_ONCE_SHARE = 0.01;
/** Window in which an unjudged address counts as seen once. */
export const PRESENCE_WINDOW_MS = 100;
/** After this many windows (10 s) in which it was not seen, an address that waits to be judged counts half. */
export const PRESENCE_FADES_WINDOWS = 100;
/**
 * An address without a record is of a class by the number of windows in which it was seen: one; from 2 on; from 4 on. What a
 * flood of fresh addresses does is not held against addresses that keep coming.
 */
export const PERSISTENT_WINDOWS = [2, 4] as const;
/** A payload that another address sent before is likely a copy: this share of its worth is left. */
export const COPY_WORTH = 0.25;
/**
 * A packet that was not among the best of one or two transmits makes way for fresh ones: its worth halves with each further
 * transmit, so that a sender's retry does not meet the first try in front of it.
 */
export const STALE_AFTER_MS = 150;
export const STALE_HALF_LIFE_MS = 100;
/**
 * The siblings of a transaction on a durable nonce wait this long for its outcome, if none comes: some slots, after which it
 * was lost on the way.
 */
export const NONCE_WAIT_MS = 2_000;
