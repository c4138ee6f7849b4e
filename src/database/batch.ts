// A batch: what goes to the database in one piece, and what the spill file holds. Rows of the loop's records stay as the
// 192-byte records they came as, with what turns them into rows later (session, host, the clocks' difference), so that a
// batch which is sent twice, or by a later run, gives the very same rows and keys.
//
// As bytes: magic u32, kind u8, host length u8, session length u8, 0, records u32, payload length u32, clock difference f64,
// checksum u64 (XXH3 over all the rest), host, session, payload.

import { RECORD_BYTES } from "../shape/record-layout.ts";

export type BatchKind = "session" | "transactions" | "fates" | "scores" | "statistics";

export interface Batch {
  readonly kind: BatchKind;
  readonly session: string;
  readonly host: string;
  /** What the records' loop milliseconds need to become milliseconds since 1970. */
  readonly wallOffsetMs: number;
  /** Rows. */
  readonly count: number;
  /** Records of RECORD_BYTES for transactions and fates, else an array of rows as JSON. */
  readonly payload: Uint8Array;
}

const KINDS: readonly BatchKind[] = ["session", "transactions", "fates", "scores", "statistics"];
const MAGIC = 0x42_53_4f_51; // QOSB
const KIND_AT = 4;
const HOST_LENGTH_AT = 5;
const SESSION_LENGTH_AT = 6;
const COUNT_AT = 8;
const LENGTH_AT = 12;
const OFFSET_AT = 16;
const CHECKSUM_AT = 24;
export const BATCH_HEADER_BYTES = 32;
/** A longer payload is not one of our batches: a damaged length must not make a reader allocate. */
export const PAYLOAD_MAX_BYTES = 16 * 1024 * 1024;
const NAME_MAX_BYTES = 255;

/** Bytes that a batch takes as bytes, nearly. */
export function batchBytes(batch: Batch): number {
  return BATCH_HEADER_BYTES + batch.host.length + batch.session.length + batch.payload.length;
}

export function encodeBatch(batch: Batch): Uint8Array {
  const host = Buffer.from(batch.host).subarray(0, NAME_MAX_BYTES);
  const session = Buffer.from(batch.session).subarray(0, NAME_MAX_BYTES);
  const bytes = Buffer.alloc(BATCH_HEADER_BYTES + host.length + session.length + batch.payload.length);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes[KIND_AT] = KINDS.indexOf(batch.kind);
  bytes[HOST_LENGTH_AT] = host.length;
  bytes[SESSION_LENGTH_AT] = session.length;
  bytes.writeUInt32LE(batch.count, COUNT_AT);
  bytes.writeUInt32LE(batch.payload.length, LENGTH_AT);
  bytes.writeDoubleLE(batch.wallOffsetMs, OFFSET_AT);
  bytes.set(host, BATCH_HEADER_BYTES);
  bytes.set(session, BATCH_HEADER_BYTES + host.length);
  bytes.set(batch.payload, BATCH_HEADER_BYTES + host.length + session.length);
  bytes.writeBigUInt64LE(checksumOf(bytes), CHECKSUM_AT);
  return bytes;
}

/** @returns the bytes of the batch that a header begins, or 0 if it is no header */
export function encodedBytes(header: Uint8Array): number {
  if (header.length < BATCH_HEADER_BYTES) return 0;
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.byteLength);
  const length = bytes.readUInt32LE(LENGTH_AT);
  if (bytes.readUInt32LE(0) !== MAGIC || length > PAYLOAD_MAX_BYTES) return 0;
  return BATCH_HEADER_BYTES + bytes[HOST_LENGTH_AT] + bytes[SESSION_LENGTH_AT] + length;
}

/** @returns undefined for anything but the whole bytes of a batch */
export function decodeBatch(encoded: Uint8Array): Batch | undefined {
  if (encoded.length === 0 || encodedBytes(encoded) !== encoded.length) return undefined;
  const bytes = Buffer.from(encoded);
  if (bytes.readBigUInt64LE(CHECKSUM_AT) !== checksumOf(bytes)) return undefined;
  const kind = KINDS[bytes[KIND_AT]];
  const hostEnd = BATCH_HEADER_BYTES + bytes[HOST_LENGTH_AT];
  const sessionEnd = hostEnd + bytes[SESSION_LENGTH_AT];
  const count = bytes.readUInt32LE(COUNT_AT);
  const payload = bytes.subarray(sessionEnd);
  if (kind === undefined) return undefined;
  if ((kind === "transactions" || kind === "fates") && payload.length !== count * RECORD_BYTES) return undefined;
  return {
    kind,
    session: bytes.toString("utf8", hostEnd, sessionEnd),
    host: bytes.toString("utf8", BATCH_HEADER_BYTES, hostEnd),
    wallOffsetMs: bytes.readDoubleLE(OFFSET_AT),
    count,
    payload,
  };
}

/** Everything but the checksum itself. */
function checksumOf(bytes: Buffer): bigint {
  const head = Bun.hash.xxHash3(bytes.subarray(0, CHECKSUM_AT));
  return Bun.hash.xxHash3(bytes.subarray(BATCH_HEADER_BYTES), head & 0xffff_ffffn);
}
