// The main thread's part of the status page: what it knows beside the loop's numbers, as JSON under a version word of its
// own, so that readers in other processes find all of a sidecar in one small file.

import { STATUS_BYTES } from "../layout.ts";

/** Behind the loop's words (status.ts sees to it). */
export const BOARD_AT = 32_768;
const VERSION_AT = 0; // u32: odd while the text is being written
const LENGTH_AT = 4; // u32 bytes of the text
const TEXT_AT = 8;
export const BOARD_TEXT_BYTES = STATUS_BYTES - BOARD_AT - TEXT_AT;

/**
 * Writes the text. One thread only.
 * @param at offset of the status page in `buffer`
 * @returns false where it is too long: the one before stays
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

/** @returns the text; undefined where there is none yet, or it was being written */
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
