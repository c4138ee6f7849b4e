// Recent fates as another process sees them: a copy of the ring's file (sidecar/files/fates-file.ts), whose records are
// believed only where the loop cannot have written over them meanwhile.

import { burstOf, CAPACITY_AT, channelBytes, HEADER_BYTES, MAGIC, MAGIC_AT, TAIL_AT } from "../shape/channel-header.ts";
import { RECORD_BYTES } from "../shape/record-layout.ts";
import { SESSION_AT, SESSION_BYTES, WALL_OFFSET_AT } from "./fates-header.ts";

export interface RecentFates {
  readonly session: string;
  /** Milliseconds to add to the records' for the world's; 0: not known yet. */
  readonly wallOffsetMs: number;
  /** Whole records, oldest first. */
  readonly records: Uint8Array;
  readonly count: number;
}

/** @returns why a file's bytes are not a ring of fates, or undefined */
export function ringProblem(bytes: Uint8Array): string | undefined {
  if (bytes.length < HEADER_BYTES) return "is too short for a ring of fates";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getBigUint64(MAGIC_AT, true) !== MAGIC)
    return "is not a ring of fates (wrong magic), or its sidecar is starting";
  const capacity = Number(view.getBigUint64(CAPACITY_AT, true));
  if (!Number.isInteger(Math.log2(capacity)) || channelBytes(capacity, RECORD_BYTES) > bytes.length) {
    return `is not a ring of fates: its capacity of ${capacity} does not fit its size`;
  }
  if (view.getBigUint64(TAIL_AT, true) > Number.MAX_SAFE_INTEGER)
    return "is not a ring of fates: no loop counts that far";
  return undefined;
}

/**
 * @param before the file as it was read, for which `ringProblem` is undefined
 * @param after its header, read afterwards
 */
export function recentFates(before: Uint8Array, after: Uint8Array): RecentFates {
  const view = new DataView(before.buffer, before.byteOffset, before.byteLength);
  const capacity = Number(view.getBigUint64(CAPACITY_AT, true));
  const tail = Number(view.getBigUint64(TAIL_AT, true));
  const tailAfter = Number(new DataView(after.buffer, after.byteOffset, after.byteLength).getBigUint64(TAIL_AT, true));
  // Never more than the ring holds: a file with damaged tails must not make a reader allocate.
  const first = Math.min(tail, Math.max(0, tail - capacity, tailAfter - (capacity - burstOf(capacity))));
  const records = new Uint8Array((tail - first) * RECORD_BYTES);
  for (let index = first; index < tail; index++) {
    const at = HEADER_BYTES + (index % capacity) * RECORD_BYTES;
    records.set(before.subarray(at, at + RECORD_BYTES), (index - first) * RECORD_BYTES);
  }
  return {
    session: Buffer.from(before.subarray(SESSION_AT, SESSION_AT + SESSION_BYTES))
      .toString("latin1")
      .replaceAll("\0", ""),
    wallOffsetMs: view.getFloat64(WALL_OFFSET_AT, true),
    records,
    count: tail - first,
  };
}
