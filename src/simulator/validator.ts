// The validator behind the sidecar: sigverify with a budget, a scheduler that fills blocks, the status cache. It knows the
// truth of each transaction from the trace and earns what the chain would charge.
//
// Sigverify takes `sigverifyPps` packets a second, first come first served, from a backlog of half a second. A packet that
// comes while the backlog is full is lost. Each quarter of a slot the scheduler looks at the verified packets, in the order of
// declared fee per asked CU as validators do, and includes those that land until the slot's CUs are used up. Each look adds a
// quarter of the room, because blocks are produced while time goes by. A transaction that found no room by the slot's end comes
// back "not included", like one that never lands.

import type { FeeFloor } from "./fee-floor.ts";
import type { ValidatorSpec } from "./scenario.ts";
import { GOOD_SIGNATURE, HONEST, INCLUDABLE, type Trace } from "./trace.ts";

/** The scheduler looks this often in a slot. */
export const QUANTA_PER_SLOT = 4;
const BACKLOG_SECONDS = 0.5;
/** A blockhash is good for this many slots (solana-clock 3.1.1, MAX_PROCESSING_AGE). */
const BLOCKHASH_LIFE_SLOTS = 150;
/** @returns how long a transaction may wait before its blockhash is too old */
export function blockhashLifeMs({ slotMs }: Pick<ValidatorSpec, "slotMs">): number {
  return BLOCKHASH_LIFE_SLOTS * slotMs;
}

/** What the validator tells the sidecar. Each transaction is named with the address that the packet came from. */
export interface Answers {
  failed(transaction: number, address: number, nowMs: number): void;
  /** @param nanos 0: not included */
  outcome(transaction: number, address: number, nanos: number, nowMs: number): void;
  confirmed(transaction: number, nowMs: number): void;
}

export const NO_ANSWERS: Answers = { failed() {}, outcome() {}, confirmed() {} };

/** Whether a signature is good: as the trace says, or by a real check. Called once for each packet that sigverify takes. */
export type Verify = (transaction: number, address: number) => boolean;

const INCLUDED = 1;

/** What happened so far. Counts are packets, except `included` and lamports. */
export interface ValidatorTotals {
  delivered: number;
  /** Lost in front of a full sigverify. */
  overflowed: number;
  verified: number;
  failed: number;
  included: number;
  /** Too late: the blockhash was too old. */
  expired: number;
  notIncluded: number;
  lamports: number;
  /** Of honest senders. */
  honestIncluded: number;
  honestLamports: number;
}

export class SimulatedValidator {
  readonly totals: ValidatorTotals = {
    delivered: 0,
    overflowed: 0,
    verified: 0,
    failed: 0,
    included: 0,
    expired: 0,
    notIncluded: 0,
    lamports: 0,
    honestIncluded: 0,
    honestLamports: 0,
  };
  /** When each included transaction landed; for measures. */
  readonly landings: { readonly transactions: number[]; readonly ms: number[] } = { transactions: [], ms: [] };
  /** CUs that each finished slot took; never above the block's. */
  readonly slotUnits: number[] = [];

  #state = new Uint8Array(65_536);
  readonly #backlogTransaction: Uint32Array;
  readonly #backlogAddress: Uint32Array;
  #first = 0;
  #backlog = 0;
  #credit = 0;
  #nowMs: number;
  #quantum = 0;
  #roomUnits = 0;
  #usedUnits = 0;
  readonly #usedNonces = new Set<number>();
  readonly #bufferTransaction: number[] = [];
  readonly #bufferAddress: number[] = [];

  constructor(
    private readonly trace: Trace,
    private readonly spec: ValidatorSpec,
    private readonly answers: Answers,
    startMs = 0,
    private readonly verify: Verify = (transaction) => (trace.traits[transaction] & GOOD_SIGNATURE) !== 0,
    /** Holds over the slots' ends what found no room; without it, that comes back. */
    private readonly floor?: FeeFloor,
  ) {
    this.#blockhashLifeMs = blockhashLifeMs(spec);
    const capacity = Math.ceil(spec.sigverifyPps * BACKLOG_SECONDS);
    this.#backlogTransaction = new Uint32Array(capacity);
    this.#backlogAddress = new Uint32Array(capacity);
    this.#nowMs = startMs;
    this.#startMs = startMs;
  }

  readonly #startMs: number;
  readonly #blockhashLifeMs: number;

  /** Packets that wait for sigverify. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Verified transactions that wait for the scheduler. */
  get buffered(): number {
    return this.#bufferTransaction.length;
  }

  /** Takes a packet out of the sidecar. */
  deliver(transaction: number, address: number): void {
    this.totals.delivered += 1;
    const capacity = this.#backlogTransaction.length;
    if (this.#backlog === capacity) {
      this.totals.overflowed += 1;
      return;
    }
    const at = (this.#first + this.#backlog) % capacity;
    this.#backlogTransaction[at] = transaction;
    this.#backlogAddress[at] = address;
    this.#backlog += 1;
  }

  /** Lets time pass: checks signatures, fills blocks. */
  step(nowMs: number): void {
    const quantumMs = this.spec.slotMs / QUANTA_PER_SLOT;
    while (nowMs >= this.#startMs + (this.#quantum + 1) * quantumMs) {
      const boundaryMs = this.#startMs + (this.#quantum + 1) * quantumMs;
      this.#sigverify(boundaryMs);
      this.#schedule(boundaryMs);
    }
    this.#sigverify(nowMs);
  }

  #sigverify(nowMs: number): void {
    const { sigverifyPps } = this.spec;
    // At most a few milliseconds of idle time are saved up.
    const most = Math.max(1, sigverifyPps / 200);
    const earned = Math.max(0, (sigverifyPps * (nowMs - this.#nowMs)) / 1_000);
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    this.#credit += earned;
    const capacity = this.#backlogTransaction.length;
    while (this.#credit >= 1 && this.#backlog > 0) {
      const transaction = this.#backlogTransaction[this.#first];
      const address = this.#backlogAddress[this.#first];
      this.#first = (this.#first + 1) % capacity;
      this.#backlog -= 1;
      this.#credit -= 1;
      this.totals.verified += 1;
      if (this.verify(transaction, address)) {
        this.#bufferTransaction.push(transaction);
        this.#bufferAddress.push(address);
      } else {
        this.totals.failed += 1;
        this.answers.failed(transaction, address, nowMs);
      }
    }
    this.#credit = Math.min(this.#credit, most);
  }

  /** A quarter of a slot: executes the best of the verified transactions. */
  #schedule(nowMs: number): void {
    const { trace, spec } = this;
    const transactions = this.#bufferTransaction;
    const addresses = this.#bufferAddress;
    this.#roomUnits += spec.blockUnits / QUANTA_PER_SLOT;
    const count = transactions.length;
    const priority = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const transaction = transactions[i];
      priority[i] = trace.feeLamports[transaction] / Math.max(1, trace.askedUnits[transaction]);
    }
    const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => priority[b] - priority[a] || a - b);
    const stays = new Uint8Array(count);
    for (const i of order) stays[i] = this.#execute(transactions[i], addresses[i], nowMs) ? 0 : 1;
    this.#quantum += 1;
    this.#keep((i) => stays[i] !== 0);
    const slotEnds = this.#quantum % QUANTA_PER_SLOT === 0;
    const leaves = this.floor?.hold(transactions);
    this.#keep((i) => {
      const isKept = leaves === undefined ? !slotEnds : leaves[i] === 0;
      if (!isKept) this.#miss(transactions[i], addresses[i], nowMs);
      return isKept;
    });
    if (!slotEnds) return;
    this.slotUnits.push(this.#usedUnits);
    this.#usedUnits = 0;
    this.#roomUnits = 0;
  }

  /** Drops from the buffer what is not kept. */
  #keep(isKept: (i: number) => boolean): void {
    const transactions = this.#bufferTransaction;
    const addresses = this.#bufferAddress;
    let kept = 0;
    for (let i = 0; i < transactions.length; i++) {
      if (!isKept(i)) continue;
      transactions[kept] = transactions[i];
      addresses[kept++] = addresses[i];
    }
    transactions.length = kept;
    addresses.length = kept;
  }

  /** @returns false if the transaction must wait for room */
  #execute(transaction: number, address: number, nowMs: number): boolean {
    const { trace } = this;
    const late = nowMs - trace.createdMs[transaction] > this.#blockhashLifeMs;
    const lands = (trace.traits[transaction] & INCLUDABLE) === INCLUDABLE;
    const nonce = trace.nonce[transaction];
    const isUsed = nonce !== 0 && this.#usedNonces.has(nonce);
    if (!lands || late || isUsed || this.#stateOf(transaction) === INCLUDED) {
      if (late && lands) this.totals.expired += 1;
      this.#miss(transaction, address, nowMs);
      return true;
    }
    const used = trace.usedUnits[transaction];
    if (used > this.#roomUnits) return false;
    this.#roomUnits -= used;
    this.#usedUnits += used;
    this.#setState(transaction, INCLUDED);
    if (nonce !== 0) this.#usedNonces.add(nonce);
    const fee = trace.feeLamports[transaction];
    this.totals.included += 1;
    this.totals.lamports += fee;
    if ((trace.traits[transaction] & HONEST) !== 0) {
      this.totals.honestIncluded += 1;
      this.totals.honestLamports += fee;
    }
    this.landings.transactions.push(transaction);
    this.landings.ms.push(nowMs);
    this.answers.outcome(transaction, address, trace.executionNanos[transaction], nowMs);
    this.answers.confirmed(transaction, nowMs);
    return true;
  }

  #miss(transaction: number, address: number, nowMs: number): void {
    this.totals.notIncluded += 1;
    this.answers.outcome(transaction, address, 0, nowMs);
  }

  /** Whether a transaction is in the chain. */
  isIncluded(transaction: number): boolean {
    return this.#stateOf(transaction) === INCLUDED;
  }

  #stateOf(transaction: number): number {
    return transaction < this.#state.length ? this.#state[transaction] : 0;
  }

  #setState(transaction: number, state: number): void {
    while (transaction >= this.#state.length) {
      const larger = new Uint8Array(2 * this.#state.length);
      larger.set(this.#state);
      this.#state = larger;
    }
    this.#state[transaction] = state;
  }
}

/** Lamports of honest senders' transactions that arrived at or after one moment and landed by another. */
export function honestLamportsSince(
  trace: Trace,
  landings: SimulatedValidator["landings"],
  fromMs: number,
  untilMs: number,
): number {
  let sum = 0;
  for (const [i, transaction] of landings.transactions.entries()) {
    if (trace.createdMs[transaction] < fromMs || landings.ms[i] > untilMs) continue;
    if ((trace.traits[transaction] & HONEST) !== 0) sum += trace.feeLamports[transaction];
  }
  return sum;
}
