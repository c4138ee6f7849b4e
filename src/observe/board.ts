// The main thread's part of the status page: what it knows beside the loop's numbers, as JSON under a version word of its
// own, so that readers in other processes find all of a sidecar in one small file.

import type { WriterNumbers } from "../database/writer-status.ts";
import { BOARD_AT, STATUS_BYTES } from "../shape/layout.ts";
import type { FaultCounts } from "./faults.ts";
import type { Senders } from "./statistics-lines.ts";

/** The model learned: when it was noticed, from how many batches, with how many outcomes since the last time. */
export interface ModelUpdate {
  readonly atMs: number;
  readonly updates: number;
  readonly outcomes: number;
  readonly included: number;
}

/** What stands in the status page beside the loop's numbers. */
export interface Board {
  readonly version: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly writtenMs: number;
  readonly prefix: string;
  readonly model: string;
  readonly packetLayout: string;
  readonly targetPps: number;
  readonly paused: boolean;
  /** By channel: milliseconds since the validator's side last moved; null if it never did. */
  readonly heartbeatAgeMs: Readonly<Record<string, number | null>>;
  readonly loopAgeMs: number;
  readonly updates: readonly ModelUpdate[];
  readonly senders: Senders;
  readonly database: WriterNumbers | null;
  readonly faults: FaultCounts;
  /** By channel: how often it was let go of. */
  readonly detached: Readonly<Record<string, number>>;
  /** Why it ended, if that was not meant; null while it runs. */
  readonly ended: string | null;
}

const VERSION_AT = 0; // u32: odd while the text is being written
const LENGTH_AT = 4; // u32 bytes of the text
const TEXT_AT = 8;
export const BOARD_TEXT_BYTES = STATUS_BYTES - BOARD_AT - TEXT_AT;

/**
 * Writes the text. One thread only.
 * @param at offset of the status page in `buffer`
 * @returns false if it is too long: the one before stays
 */
export function writeBoard(buffer: ArrayBufferLike, at: number, text: string): boolean {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > BOARD_TEXT_BYTES) return false;
  const words = new Int32Array(buffer, at + BOARD_AT, 2);
  Atomics.add(words, VERSION_AT >>> 2, 1);
  words[LENGTH_AT >>> 2] = bytes.length;
  new Uint8Array(buffer, at + BOARD_AT + TEXT_AT, bytes.length).set(bytes);
  Atomics.add(words, VERSION_AT >>> 2, 1);
  return true;
}

/** @returns the text; undefined if there is none yet, or it was being written */
export function readBoard(page: Uint8Array): string | undefined {
  const view = new DataView(page.buffer, page.byteOffset + BOARD_AT);
  const length = view.getUint32(LENGTH_AT, true);
  if ((view.getUint32(VERSION_AT, true) & 1) !== 0 || length === 0 || length > BOARD_TEXT_BYTES) return undefined;
  return new TextDecoder().decode(page.slice(BOARD_AT + TEXT_AT, BOARD_AT + TEXT_AT + length));
}

/** The version words of a page, for a reader that copies it and wants to know whether it moved meanwhile. */
export function boardVersion(page: Uint8Array): number {
  return new DataView(page.buffer, page.byteOffset + BOARD_AT).getUint32(VERSION_AT, true);
}
