// The packets that came out of the sidecar, compared with those that went in: every byte equal, none that was not sent, none
// more often than it was sent. And their times: when each came, and after how long. Silence separates batches.

import type { PacketMemory, Packets } from "./packet-maker.ts";
import { HONEST, NEWCOMER, type Trace } from "./trace.ts";

const FIRST_ROWS = 65_536;

export class Deliveries {
  count = 0;
  /** The sender's group of the newest one. */
  lastGroup = -1;
  /** No such packet was sent, or its bytes differ. */
  foreign = 0;
  /** Came out more often than it went in. */
  repeated = 0;

  transaction = new Uint32Array(FIRST_ROWS);
  /** When the validator had it. */
  ms = new Float64Array(FIRST_ROWS);
  /** Whose packet it was; a copy's sender, not the transaction's. */
  group = new Uint8Array(FIRST_ROWS);
  /** How long the sidecar was not seen before this packet: the reader did not look, or the sidecar did not turn. */
  pauseMs = new Float32Array(FIRST_ROWS);

  constructor(
    private readonly trace: Trace,
    private readonly packets: Packets,
  ) {}

  /**
   * Notes a packet that came out.
   * @returns its transaction, or -1 if it was never sent (or once too often)
   */
  take(memory: PacketMemory, at: number, nowMs: number, pauseMs = 0): number {
    const { packets, trace } = this;
    const transaction = packets.transactionOf(memory, at);
    const address = packets.addressOf(memory, at);
    if (!packets.equals(memory, at, transaction, address) || !trace.wasSent(transaction, address)) {
      this.foreign += 1;
      return -1;
    }
    const group = trace.deliver(transaction, address);
    if (group < 0) {
      this.repeated += 1;
      return -1;
    }
    if (this.count === this.ms.length) this.#grow();
    this.transaction[this.count] = transaction;
    this.ms[this.count] = nowMs;
    this.group[this.count] = group;
    this.pauseMs[this.count] = pauseMs;
    this.lastGroup = group;
    this.count += 1;
    return transaction;
  }

  #grow(): void {
    const length = 2 * this.ms.length;
    const { transaction, ms, group, pauseMs } = this;
    this.transaction = new Uint32Array(length);
    this.transaction.set(transaction);
    this.ms = new Float64Array(length);
    this.ms.set(ms);
    this.group = new Uint8Array(length);
    this.group.set(group);
    this.pauseMs = new Float32Array(length);
    this.pauseMs.set(pauseMs);
  }
}

export interface OrderCheck {
  readonly batches: number;
  /** Batches in which fee/CU never rises. */
  readonly falling: number;
  /** Batches in which it rises, but which may be two batches: reader or sidecar was held up, so no silence separated them. */
  readonly unclear: number;
  /** Packets that rank above the one in front of them, in batches that are clear. */
  readonly rises: number;
}

/** Whether fee/CU falls within each batch; batches are where at least `gapMs` of silence lie between two packets. */
export function checkOrder(trace: Trace, deliveries: Deliveries, gapMs: number): OrderCheck {
  const check = { batches: 0, falling: 0, unclear: 0, rises: 0 };
  let first = 0;
  for (let i = 1; i <= deliveries.count; i++) {
    if (i < deliveries.count && deliveries.ms[i] - deliveries.ms[i - 1] < gapMs) continue;
    const { rises, held } = readBatch(trace, deliveries, first, i, gapMs);
    check.batches += 1;
    if (rises === 0) check.falling += 1;
    else if (held) check.unclear += 1;
    else check.rises += rises;
    first = i;
  }
  return check;
}

/** The sidecar begins a batch at least 100 ms after the one before. A packet this late may belong to the next batch. */
const NEXT_BATCH_MS = 80;

function readBatch(
  trace: Trace,
  deliveries: Deliveries,
  from: number,
  to: number,
  gapMs: number,
): { rises: number; held: boolean } {
  let rises = 0;
  let held = false;
  // The sidecar may have begun the batch at any time since it was last seen.
  const begunMs = deliveries.ms[from] - deliveries.pauseMs[from];
  let before = Number.POSITIVE_INFINITY;
  for (let i = from; i < to; i++) {
    const transaction = deliveries.transaction[i];
    const rank = trace.feeLamports[transaction] / Math.max(1, trace.askedUnits[transaction]);
    if (rank > before) {
      rises += 1;
      if (deliveries.ms[i] - begunMs >= NEXT_BATCH_MS) held = true;
    }
    if (deliveries.pauseMs[i] >= gapMs / 2) held = true;
    before = rank;
  }
  return { rises, held };
}

export interface Delays {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * From arrival to delivery, of honest senders' packets between two moments; undefined if there are none. (Packets that a queue
 * gives away after the traffic's end say nothing about waiting in it.)
 */
export function honestDelays(
  trace: Trace,
  deliveries: Deliveries,
  fromMs: number,
  untilMs: number,
  honest: (group: number) => boolean,
): Delays | undefined {
  const delays: number[] = [];
  for (let i = 0; i < deliveries.count; i++) {
    if (deliveries.ms[i] < fromMs || deliveries.ms[i] > untilMs || !honest(deliveries.group[i])) continue;
    delays.push(deliveries.ms[i] - trace.createdMs[deliveries.transaction[i]]);
  }
  if (delays.length === 0) return undefined;
  const sorted = Float64Array.from(delays).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** Attackers are isolated while they have less than this share of what is delivered. */
export const ISOLATED_SHARE = 0.05;

export interface AttackShare {
  /** Attackers' share of what was delivered, window by window, from the attack's start. */
  readonly shares: readonly number[];
  readonly windowMs: number;
  /** Their share from the attack's start to the end. */
  readonly share: number;
  /** From the attack's start until the share stays below the limit; undefined if it never does. */
  readonly isolatedAfterMs: number | undefined;
}

/** A window with fewer packets than this says nothing about shares, and the verdict leaves it out. */
const IN_WINDOW_MIN = 20;

export function attackersShare(
  deliveries: Deliveries,
  honest: (group: number) => boolean,
  fromMs: number,
  untilMs: number,
  { windowMs = 200, limit = ISOLATED_SHARE } = {},
): AttackShare {
  const windows = Math.max(0, Math.floor((untilMs - fromMs) / windowMs));
  const all = new Float64Array(windows);
  const bad = new Float64Array(windows);
  for (let i = 0; i < deliveries.count; i++) {
    const window = Math.floor((deliveries.ms[i] - fromMs) / windowMs);
    if (window < 0 || window >= windows) continue;
    all[window] += 1;
    if (!honest(deliveries.group[i])) bad[window] += 1;
  }
  const shares = Array.from(all, (count, i) => (count === 0 ? 0 : bad[i] / count));
  let last = -1;
  for (let i = 0; i < windows; i++) if (all[i] >= IN_WINDOW_MIN && shares[i] >= limit) last = i;
  const sum = (counts: Float64Array): number => counts.reduce((a, b) => a + b, 0);
  const share = sum(bad) / Math.max(1, sum(all));
  return {
    shares,
    windowMs,
    share,
    isolatedAfterMs: last === windows - 1 && windows > 0 ? undefined : (last + 1) * windowMs,
  };
}

/** How many transactions of honest newcomers were delivered from a moment on. */
export function newcomersDelivered(trace: Trace, deliveries: Deliveries, fromMs: number): number {
  const seen = new Set<number>();
  for (let i = 0; i < deliveries.count; i++) {
    const transaction = deliveries.transaction[i];
    const traits = trace.traits[transaction];
    if (deliveries.ms[i] >= fromMs && (traits & NEWCOMER) !== 0 && (traits & HONEST) !== 0) seen.add(transaction);
  }
  return seen.size;
}
