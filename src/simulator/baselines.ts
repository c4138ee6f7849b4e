// What other rules would have earned from the same traffic: pure functions of a finished trace.
//
// Arrival order stands for a validator without a sidecar: every packet waits in a queue of 16,384 places for sigverify; a
// packet that comes while it is full is lost. Declared fee ranks the packets that parse by declared fee per asked CU in a
// queue of the same size (if it is full the lowest leaves), and every 100 ms hands over what sigverify takes in 100 ms. Both
// drop exact copies (same bytes, same sender), as validators do, and both end in the same simulated validator as the run.
//
// The fee floor stands for Agave from 4.2 on without a sidecar: arrival order, and a scheduler that holds verified
// transactions over the slots' ends and has sigverify drop what pays no more than the least of them (fee-floor.ts). Agave's
// holds 100,000, which its sigverify checks in about a second; here it holds what sigverify takes in a second.
//
// The oracle knows the truth. It never sends a packet that does not land, a copy, or more than a block takes. Each slot has
// two budgets, sigverify's packets and the block's CUs. The oracle fills both from all transactions that can land, have
// arrived by the slot's end and were not taken before, in falling order of
//     fee / (m / packets + (1 - m) * used CUs / block CUs).
// It chooses the share m in 0..1 anew for each slot by bisection, so that both budgets are used up together. These are the
// Lagrange multipliers of the two constraints, optimal for a slot up to one transaction. A slot that ends at T may use all
// that arrived before T, so no rule that waits for arrivals can know more. The oracle does not wait for better transactions:
// it fills slots greedily, one after the other. A slot that the run's end cuts short has its share of both budgets, in
// quarters, as the validator fills it.
//
// Of the transactions on one value of a durable nonce it takes one, the one that pays most.
//
// The same oracle with everybody's lamports counted says what share of deliveries attackers are worth: they may land and pay.
//
// Only transactions that arrived from the attack's start on and landed by the run's end count, and the oracle takes no others.
// (If all that landed after the start counted, a rule would gain by being late with earlier ones.)

import { FeeFloor } from "./fee-floor.ts";
import type { ValidatorSpec } from "./scenario.ts";
import { HONEST, INCLUDABLE, NEWCOMER, PARSABLE, type Trace } from "./trace.ts";
import { blockhashLifeMs, honestLamportsSince, NO_ANSWERS, QUANTA_PER_SLOT, SimulatedValidator } from "./validator.ts";

const QUEUE_PLACES = 16_384;
const TICK_MS = 100;
/** The scheduler that sets a fee floor holds what sigverify takes in this time. */
const HELD_SECONDS = 1;
const TWO_32 = 4_294_967_296;
/** The oracle keeps this many times a slot's packets, the best. It forgets the others: no slot can come down to them. */
const ORACLE_MEMORY_SLOTS = 3;
const BISECTIONS = 7;

export interface BaselineResult {
  /** Lamports of honest senders from `fromMs` on. */
  readonly honestLamports: number;
  /** Honest newcomers' transactions that were sent to sigverify from `fromMs` on. */
  readonly newcomers: number;
  readonly delivered: number;
  /** How many of the delivered ones are not of honest senders. */
  readonly attackers: number;
}

export interface Span {
  /** Only packets that arrive from here on count. */
  readonly fromMs: number;
  /** The run's end: transactions that have not landed by then do not count. */
  readonly untilMs: number;
}

/** No sidecar: first come, first served. */
export function arrivalOrder(trace: Trace, spec: ValidatorSpec, span: Span): BaselineResult {
  return firstCome(trace, spec, span, undefined);
}

/** No sidecar, and the fee floor of Agave from 4.2 on. */
export function feeFloor(trace: Trace, spec: ValidatorSpec, span: Span): BaselineResult {
  return firstCome(trace, spec, span, new FeeFloor(trace, Math.ceil(spec.sigverifyPps * HELD_SECONDS)));
}

function firstCome(trace: Trace, spec: ValidatorSpec, span: Span, floor: FeeFloor | undefined): BaselineResult {
  const validator = new SimulatedValidator(trace, spec, NO_ANSWERS, 0, undefined, floor);
  const seen = new Seen(trace);
  const transactions = new Uint32Array(QUEUE_PLACES);
  const addresses = new Uint32Array(QUEUE_PLACES);
  let first = 0;
  let waiting = 0;
  const newcomers = new Newcomers(trace, span.fromMs);
  replay(trace, span.untilMs, {
    arrive(transaction, address) {
      if (waiting === QUEUE_PLACES || !seen.isNew(transaction, address)) return;
      const at = (first + waiting++) % QUEUE_PLACES;
      transactions[at] = transaction;
      addresses[at] = address;
    },
    tick(nowMs) {
      // Sigverify takes what it can: its own backlog stays short, so that the wait is here.
      const most = Math.max(1, Math.ceil(spec.sigverifyPps / 100));
      while (waiting > 0 && validator.backlog < most) {
        const transaction = transactions[first];
        const address = addresses[first];
        first = (first + 1) % QUEUE_PLACES;
        waiting -= 1;
        const parses = (trace.traits[transaction] & PARSABLE) !== 0;
        if (floor !== undefined && !floor.admits(transaction, parses)) continue;
        validator.deliver(transaction, address);
        newcomers.note(transaction, nowMs);
      }
      validator.step(nowMs);
    },
  });
  return result(trace, validator, span, newcomers.count);
}

/** A sidecar that believes what transactions declare. */
export function declaredFee(trace: Trace, spec: ValidatorSpec, span: Span): BaselineResult {
  const validator = new SimulatedValidator(trace, spec, NO_ANSWERS);
  const seen = new Seen(trace);
  const perTick = Math.floor((spec.sigverifyPps * TICK_MS) / 1_000);
  let queue: { transaction: number; address: number }[] = [];
  const newcomers = new Newcomers(trace, span.fromMs);
  const rank = (): void => {
    const worth = new Float64Array(queue.length);
    for (let i = 0; i < worth.length; i++) {
      const { transaction } = queue[i];
      worth[i] = trace.feeLamports[transaction] / Math.max(1, trace.askedUnits[transaction]);
    }
    const sorted: typeof queue = [];
    for (const i of fallingOrder(worth)) {
      if (sorted.length === QUEUE_PLACES) break;
      sorted.push(queue[i]);
    }
    queue = sorted;
  };
  replay(trace, span.untilMs, {
    arrive(transaction, address) {
      if ((trace.traits[transaction] & PARSABLE) === 0 || !seen.isNew(transaction, address)) return;
      queue.push({ transaction, address });
      if (queue.length >= 2 * QUEUE_PLACES) rank();
    },
    tick(nowMs) {
      if (nowMs % TICK_MS === 0) {
        rank();
        for (const { transaction, address } of queue.slice(0, perTick)) {
          validator.deliver(transaction, address);
          newcomers.note(transaction, nowMs);
        }
        queue = queue.slice(perTick);
      }
      validator.step(nowMs);
    },
  });
  return result(trace, validator, span, newcomers.count);
}

/**
 * Perfect knowledge of every transaction that has arrived.
 * @param paidBy whose lamports it looks for: honest senders', or everybody's
 */
export function oracle(
  trace: Trace,
  spec: ValidatorSpec,
  span: Span,
  paidBy: "honest" | "everybody" = "honest",
): BaselineResult {
  const wanted = paidBy === "honest" ? INCLUDABLE | HONEST : INCLUDABLE;
  const seen = new Uint8Array(trace.transactions);
  let pool: number[] = [];
  let row = 0;
  let honestLamports = 0;
  let newcomers = 0;
  let delivered = 0;
  let attackers = 0;
  let lastShare = 0.5;
  const lifeMs = blockhashLifeMs(spec);
  const usedNonces = new Set<number>();
  for (let startMs = 0; startMs < span.untilMs; startMs += spec.slotMs) {
    const quarters = Math.floor((QUANTA_PER_SLOT * Math.min(spec.slotMs, span.untilMs - startMs)) / spec.slotMs);
    const part = quarters / QUANTA_PER_SLOT;
    const endMs = startMs + part * spec.slotMs;
    for (; row < trace.packets && trace.packetMs[row] < endMs; row++) {
      const transaction = trace.packetTransaction[row];
      if (seen[transaction] === 1 || trace.createdMs[transaction] < span.fromMs) continue;
      seen[transaction] = 1;
      if ((trace.traits[transaction] & wanted) === wanted) pool.push(transaction);
    }
    pool = bestSiblings(trace, pool, usedNonces);
    pool = pool.filter((transaction) => endMs - trace.createdMs[transaction] <= lifeMs);
    const packets = Math.floor((spec.sigverifyPps * part * spec.slotMs) / 1_000);
    if (pool.length === 0 || packets === 0) continue;
    const { taken, rest, share } = fillSlot(trace, pool, packets, spec.blockUnits * part, lastShare);
    for (const transaction of taken) if (trace.nonce[transaction] !== 0) usedNonces.add(trace.nonce[transaction]);
    lastShare = share;
    pool = rest.slice(0, ORACLE_MEMORY_SLOTS * packets);
    for (const transaction of taken) {
      if ((trace.traits[transaction] & HONEST) === 0) {
        attackers += 1;
        continue;
      }
      honestLamports += trace.feeLamports[transaction];
      if ((trace.traits[transaction] & NEWCOMER) !== 0) newcomers += 1;
    }
    delivered += taken.length;
  }
  return { honestLamports, newcomers, delivered, attackers };
}

/** Of the transactions on one value of a durable nonce the one that pays most, and none on a value that is used up. */
function bestSiblings(trace: Trace, pool: number[], used: ReadonlySet<number>): number[] {
  const { nonce, feeLamports } = trace;
  const best = new Map<number, number>();
  for (const transaction of pool) {
    const known = best.get(nonce[transaction]);
    if (known === undefined || feeLamports[transaction] > feeLamports[known]) best.set(nonce[transaction], transaction);
  }
  if (best.size === (best.has(0) ? 1 : 0)) return pool;
  return pool.filter((one) => nonce[one] === 0 || (best.get(nonce[one]) === one && !used.has(nonce[one])));
}

/** Share of attackers in what an oracle delivers that counts everybody's lamports. */
export function payingAttackers(trace: Trace, spec: ValidatorSpec, span: Span): number {
  let pays = false;
  for (let i = 0; i < trace.transactions && !pays; i++) {
    pays = (trace.traits[i] & (INCLUDABLE | HONEST)) === INCLUDABLE;
  }
  if (!pays) return 0;
  const { attackers, delivered } = oracle(trace, spec, span, "everybody");
  return delivered === 0 ? 0 : attackers / delivered;
}

interface Filled {
  readonly taken: number[];
  /** In falling order of worth. */
  readonly rest: number[];
  readonly lamports: number;
  readonly unitsBind: boolean;
}

/**
 * Chooses the multiplier that uses up both budgets together, and keeps the best filling met on the way.
 * @param guess the last slot's multiplier: slots resemble each other
 */
function fillSlot(
  trace: Trace,
  all: readonly number[],
  packets: number,
  units: number,
  guess: number,
): Filled & { readonly share: number } {
  let best = fillWith(trace, all, packets, units, guess);
  let share = guess;
  let kept = guess;
  if (best.rest.length === 0) return { ...best, share };
  // A transaction that ranks far too low at the guess does so at multipliers nearby: the search looks at the upper end alone.
  const near = Math.max(0, ORACLE_MEMORY_SLOTS * packets - best.taken.length);
  const pool = [...best.taken, ...best.rest.slice(0, near)];
  const far = best.rest.slice(near);
  let low = 0;
  let high = 1;
  let last = best;
  for (let i = 0; i < BISECTIONS; i++) {
    if (last.unitsBind) high = share;
    else low = share;
    share = (low + high) / 2;
    last = fillWith(trace, pool, packets, units, share);
    if (last.lamports <= best.lamports) continue;
    best = { ...last, rest: [...last.rest, ...far] };
    kept = share;
  }
  return { ...best, share: kept };
}

function fillWith(trace: Trace, pool: readonly number[], packets: number, units: number, share: number): Filled {
  const { feeLamports, usedUnits } = trace;
  const count = pool.length;
  const worth = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const transaction = pool[i];
    worth[i] = feeLamports[transaction] / (share / packets + ((1 - share) * usedUnits[transaction]) / units);
  }
  const taken: number[] = [];
  const rest: number[] = [];
  let lamports = 0;
  let left = units;
  let unitsBind = false;
  for (const i of fallingOrder(worth)) {
    const transaction = pool[i];
    const used = usedUnits[transaction];
    if (taken.length < packets && used <= left) {
      left -= used;
      lamports += feeLamports[transaction];
      taken.push(transaction);
    } else {
      if (taken.length < packets) unitsBind = true;
      rest.push(transaction);
    }
  }
  return { taken, rest, lamports, unitsBind };
}

const INDEX_BITS_VALUE = 2_097_152;
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * Indexes by falling value, the earlier first where equal. Values are compared as f32 (their bits rise with them), packed
 * with the index into one double each: a sort without a comparator is ten times faster here.
 * @param values at least 0, fewer than 2^21
 */
function fallingOrder(values: Float64Array): Uint32Array {
  const count = values.length;
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    float[0] = values[i];
    keys[i] = bits[0] * INDEX_BITS_VALUE + (INDEX_BITS_VALUE - 1 - i);
  }
  keys.sort();
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = INDEX_BITS_VALUE - 1 - (keys[count - 1 - i] % INDEX_BITS_VALUE);
  return order;
}

interface Replayed {
  arrive(transaction: number, address: number): void;
  tick(nowMs: number): void;
}

/** Plays a trace's packets again, a millisecond at a time. */
function replay(trace: Trace, untilMs: number, to: Replayed): void {
  let row = 0;
  for (let nowMs = 0; nowMs <= untilMs; nowMs++) {
    for (; row < trace.packets && trace.packetMs[row] < nowMs; row++) {
      to.arrive(trace.packetTransaction[row], trace.packetAddress[row]);
    }
    to.tick(nowMs);
  }
}

/** Tells the first packet of a transaction and sender from its copies. */
class Seen {
  readonly #own: Uint8Array;
  readonly #copies = new Set<number>();

  constructor(private readonly trace: Trace) {
    this.#own = new Uint8Array(trace.transactions);
  }

  isNew(transaction: number, address: number): boolean {
    if (address === this.trace.address[transaction]) {
      if (this.#own[transaction] === 1) return false;
      this.#own[transaction] = 1;
      return true;
    }
    const key = transaction * TWO_32 + address;
    if (this.#copies.has(key)) return false;
    this.#copies.add(key);
    return true;
  }
}

class Newcomers {
  readonly #seen: Uint8Array;
  count = 0;

  constructor(
    private readonly trace: Trace,
    private readonly fromMs: number,
  ) {
    this.#seen = new Uint8Array(trace.transactions);
  }

  note(transaction: number, nowMs: number): void {
    if (nowMs < this.fromMs || this.#seen[transaction] === 1) return;
    this.#seen[transaction] = 1;
    if ((this.trace.traits[transaction] & NEWCOMER) !== 0) this.count += 1;
  }
}

function result(trace: Trace, validator: SimulatedValidator, span: Span, newcomers: number): BaselineResult {
  return {
    honestLamports: honestLamportsSince(trace, validator.landings, span.fromMs, span.untilMs),
    newcomers,
    delivered: validator.totals.delivered,
    attackers: 0,
  };
}
