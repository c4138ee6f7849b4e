// From a batch to the rows of its table. Records were written by the loop from hostile packets: every number is held inside
// what both engines can store.

import { base58 } from "@scure/base";
import { CHANNELS } from "../shape/channels.ts";
import {
  ARRIVAL_AT,
  COMPUTE_UNITS_AT,
  FEE_AT,
  HASH_AT,
  IP_KEY_AT,
  NEVER_AT,
  PAYER_KEY_AT,
  PRICE_AT,
  REASON_AT,
  SCORE_AT,
  SIGNATURE_KEY_AT,
  TRAIT_IPV6,
  TRAITS_AT,
} from "../shape/digest-layout.ts";
import {
  END_EXPIRED,
  END_FAILED_SIGNATURE,
  END_INCLUDED,
  END_LEAKED,
  END_NOT_INCLUDED,
  END_RECENTLY_PROCESSED_QUEUED,
  END_TRANSMITTED,
  endOf,
} from "../shape/ends.ts";
import { PUBKEY_BYTES } from "../shape/packet-layout.ts";
import { NON_IPV4 } from "../shape/reason-codes.ts";
import {
  ARRIVAL_CHANNEL_AT,
  ARRIVAL_DOOR_AT,
  ARRIVAL_IP_SCORE_AT,
  ARRIVAL_PAYER_SCORE_AT,
  NOT_TRANSMITTED,
  RECORD_BYTES,
  RECORD_END_AT,
  RECORD_END_MS_AT,
  RECORD_EXECUTION_NANOS_AT,
  RECORD_SEQUENCE_AT,
  RECORD_TRANSMIT_MS_AT,
} from "../shape/record-layout.ts";
import { formatAddress } from "../wire/address-text.ts";
import { reasonOf } from "../wire/reasons.ts";
import type { Batch } from "./batch.ts";
import { DatabaseProblem } from "./problem.ts";
import type { FateRow, ScoreRow, SessionRow, StatisticRow, TransactionRow } from "./tables.ts";

/** The year 2200: a time beyond comes from a damaged record, and days are computed from it. */
const TIME_MAX_US = Date.UTC(2200, 0, 1) * 1_000;
/** Base58 of a key costs microseconds and payers come back; bounded, since senders choose them. */
const PAYERS_MAX = 65_536;
const payers = new Map<string, string>();

/** A record's bytes read one after the other. */
class RecordReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #offsetMs: number;
  at = 0;

  constructor(batch: Batch) {
    const { payload } = batch;
    this.#bytes = payload;
    this.#view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    this.#offsetMs = batch.wallOffsetMs;
  }

  u8(field: number): number {
    return this.#bytes[this.at + field];
  }

  u32(field: number): number {
    return this.#view.getUint32(this.at + field, true);
  }

  u64(field: number): number {
    return this.u32(field + 4) * 2 ** 32 + this.u32(field);
  }

  /** A finite number: infinities and NaN become the nearest sense. */
  f64(field: number): number {
    return finite(this.#view.getFloat64(this.at + field, true));
  }

  f32(field: number): number {
    return this.#view.getFloat32(this.at + field, true);
  }

  /** 16 hex digits of a u64. */
  hex(field: number): string {
    return hexWord(this.u32(field + 4)) + hexWord(this.u32(field));
  }

  /** A whole number that both engines and JavaScript hold exactly. */
  whole(field: number): number {
    return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.floor(this.f64(field))));
  }

  /** Microseconds since 1970 of a loop time. */
  timeUs(field: number): number {
    const us = Math.round((this.f64(field) + this.#offsetMs) * 1_000);
    return Math.min(TIME_MAX_US, Math.max(0, us));
  }

  transmitUs(): number | null {
    return this.f64(RECORD_TRANSMIT_MS_AT) === NOT_TRANSMITTED ? null : this.timeUs(RECORD_TRANSMIT_MS_AT);
  }

  ip(): string {
    const from = this.at + IP_KEY_AT;
    return formatAddress(this.#bytes.subarray(from, from + 8), (this.u8(TRAITS_AT) & TRAIT_IPV6) !== 0);
  }

  payer(): string {
    const from = this.at + PAYER_KEY_AT;
    const key = this.#bytes.subarray(from, from + PUBKEY_BYTES);
    const raw = Buffer.from(key.buffer, key.byteOffset, PUBKEY_BYTES).toString("latin1");
    let text = payers.get(raw);
    if (text === undefined) {
      if (payers.size >= PAYERS_MAX) payers.clear();
      text = base58.encode(key);
      payers.set(raw, text);
    }
    return text;
  }
}

function hexWord(value: number): string {
  return value.toString(16).padStart(8, "0");
}

function finite(value: number): number {
  if (Number.isNaN(value)) return 0;
  return Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, value));
}

/** Ends of packets that had a score, with its factors at hand. */
const SCORED_ENDS: ReadonlySet<number> = new Set([
  END_LEAKED,
  END_EXPIRED,
  END_RECENTLY_PROCESSED_QUEUED,
  END_TRANSMITTED,
]);
/** Ends of outcomes, whose record comes from a partial meta: the score without its factors. */
const OUTCOME_ENDS: ReadonlySet<number> = new Set([END_INCLUDED, END_NOT_INCLUDED, END_FAILED_SIGNATURE]);

/** Rows of outcomes; a record with an end that outcomes do not have is left out. */
export function transactionRows(batch: Batch): TransactionRow[] {
  const record = new RecordReader(batch);
  const rows: TransactionRow[] = [];
  for (let i = 0; i < batch.count; i++) {
    record.at = i * RECORD_BYTES;
    const end = record.u8(RECORD_END_AT);
    if (!OUTCOME_ENDS.has(end)) continue;
    rows.push({
      session: batch.session,
      sequence: record.whole(RECORD_SEQUENCE_AT),
      completedUs: record.timeUs(RECORD_END_MS_AT),
      host: batch.host,
      packetHash: record.hex(HASH_AT),
      signatureKey: record.hex(SIGNATURE_KEY_AT),
      ip: record.ip(),
      payer: record.payer(),
      feeLamports: record.f64(FEE_AT),
      computeUnits: record.u32(COMPUTE_UNITS_AT),
      score: record.f64(SCORE_AT),
      arrivalUs: record.timeUs(ARRIVAL_AT),
      transmitUs: record.transmitUs(),
      included: end === END_INCLUDED,
      failedSignature: end === END_FAILED_SIGNATURE,
      executionNs: record.whole(RECORD_EXECUTION_NANOS_AT),
    });
  }
  return rows;
}

/** Rows of fates; a record of no known end is left out. */
export function fateRows(batch: Batch): FateRow[] {
  const record = new RecordReader(batch);
  const rows: FateRow[] = [];
  for (let i = 0; i < batch.count; i++) {
    record.at = i * RECORD_BYTES;
    const end = endOf(record.u8(RECORD_END_AT));
    if (end !== undefined) rows.push(fateRow(record, batch, end.code, end.name));
  }
  return rows;
}

function fateRow(record: RecordReader, batch: Batch, end: number, ending: string): FateRow {
  const refusal = record.u8(REASON_AT);
  // A packet that is not a transaction has neither payer nor fee, and its hash is not computed.
  const parsed = refusal === 0;
  const scored = SCORED_ENDS.has(end);
  const outcome = OUTCOME_ENDS.has(end);
  const known = scored || outcome;
  const never = outcome || !parsed ? 0 : record.u8(NEVER_AT);
  const reason = refusal === 0 ? never : refusal;
  const door = record.f32(ARRIVAL_DOOR_AT);
  const channel = CHANNELS[record.u8(ARRIVAL_CHANNEL_AT) - 1];
  return {
    session: batch.session,
    sequence: record.whole(RECORD_SEQUENCE_AT),
    endedUs: record.timeUs(RECORD_END_MS_AT),
    host: batch.host,
    ending,
    reason: reason === 0 ? null : reasonOf(reason).name,
    channel: channel?.name ?? null,
    packetHash: parsed ? record.hex(HASH_AT) : null,
    signatureKey: parsed ? record.hex(SIGNATURE_KEY_AT) : null,
    ip: refusal === NON_IPV4 ? null : record.ip(),
    payer: parsed ? record.payer() : null,
    feeLamports: parsed ? record.f64(FEE_AT) : null,
    computeUnits: parsed ? record.u32(COMPUTE_UNITS_AT) : null,
    price: scored ? record.u64(PRICE_AT) : null,
    score: known ? record.f64(SCORE_AT) : null,
    ipScore: scored ? finite(record.f32(ARRIVAL_IP_SCORE_AT)) : null,
    payerScore: scored ? finite(record.f32(ARRIVAL_PAYER_SCORE_AT)) : null,
    door: scored && Number.isFinite(door) ? door : null,
    arrivalUs: record.timeUs(ARRIVAL_AT),
    transmitUs: record.transmitUs(),
    executionNs: end === END_INCLUDED ? record.whole(RECORD_EXECUTION_NANOS_AT) : null,
  };
}

/** Rows that came as JSON. @throws DatabaseProblem if the text is not rows */
function plainRows(batch: Batch): SessionRow[] | ScoreRow[] | StatisticRow[] {
  try {
    const rows: unknown = JSON.parse(Buffer.from(batch.payload).toString("utf8"));
    if (Array.isArray(rows)) return rows;
  } catch {
    // No JSON: told below.
  }
  throw new DatabaseProblem("the rows of a batch cannot be read", "batch");
}

export type AnyRow = SessionRow | TransactionRow | FateRow | ScoreRow | StatisticRow;

/** A batch's rows. @throws DatabaseProblem if it holds none */
export function rowsOf(batch: Batch): AnyRow[] {
  if (batch.kind === "transactions") return transactionRows(batch);
  if (batch.kind === "fates") return fateRows(batch);
  return plainRows(batch);
}
