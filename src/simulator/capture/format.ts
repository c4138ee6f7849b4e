// A recording: packets as they arrived on the packet channels, with their times (docs/scenarios.md, "Recordings"). Everything
// is little endian. It has a header, chunks of packets, and a last chunk, each with a checksum. So a file that was cut, changed
// or put together from two is refused; its whole chunks can be salvaged on demand.

import { PACKET_CHANNELS } from "../../shape/channels.ts";
import { PACKET_LAYOUTS, type PacketLayout } from "../../shape/packet-layouts.ts";

export const MAGIC = "qos-rec\n";
export const VERSION = 1;

// The header.
export const MAGIC_AT = 0; // 8 bytes
export const VERSION_AT = 8; // u16
export const PACKET_BYTES_AT = 10; // u16 bytes of a packet, which say the packet layout (`layoutOfBytes`)
export const STARTED_AT = 16; // u64 microseconds since 1970
export const HEADER_CHECKSUM_AT = 56; // u64 XXH3 of the 56 bytes before it; all other bytes are zero
export const HEADER_BYTES = 64;

// A chunk: its head, its content, and a u64 XXH3 of both with the header's checksum as the seed.
export const CHUNK_KIND_AT = 0; // u32
export const CHUNK_BYTES_AT = 4; // u32 bytes of content
export const CHUNK_PACKETS_AT = 8; // u32
export const CHUNK_NUMBER_AT = 12; // u32, from 0 on
export const CHUNK_HEAD_BYTES = 16;
export const CHECKSUM_BYTES = 8;
export const KIND_PACKETS = 1;
export const KIND_END = 2;

// Content of a chunk of packets: u64 microseconds since the recording's start, then for each packet its head, the channel's
// element from the size on (size, address, port, flags and what lies behind), and the payload.
export const CHUNK_BASE_BYTES = 8;
export const PACKET_MICROS_AT = 0; // u32, from the chunk's time on
export const PACKET_CHANNEL_AT = 4; // u8 0 to 3; a zero byte follows
export const PACKET_PAYLOAD_AT = 6; // u16 payload bytes
export const PACKET_HEAD_BYTES = 8;

// Content of the end.
export const END_MICROS_AT = 0; // u64 how long was recorded
export const END_PACKETS_AT = 8; // u64 for each packet channel
export const END_MISSED_AT = END_PACKETS_AT + 8 * PACKET_CHANNELS.length; // u64 each: overwritten before they were read
export const END_BYTES = END_MISSED_AT + 8 * PACKET_CHANNELS.length;

/** Content of a chunk at most. */
export const CHUNK_MAX_BYTES = 1_048_576;
/** A recording is replayed from memory; the recorder stops before it gets larger than this. */
export const RECORDING_MAX_BYTES = 2_147_483_648;
/** No recording is longer than a day. */
export const RECORDING_MAX_MICROS = 86_400_000_000;

/** Bytes of an element behind its payload. */
export function metaBytes(layout: PacketLayout): number {
  const { bytes, sizeAt } = PACKET_LAYOUTS[layout];
  return bytes - sizeAt;
}

/**
 * Bytes of the payload that an element's size names; all bytes if the size is out of range, since its meaning is unknown.
 * @param metaAt offset of the element's size
 * @param payloadMaxBytes of the layout
 */
export function payloadBytes(view: DataView, metaAt: number, payloadMaxBytes: number): number {
  const low = view.getUint32(metaAt, true);
  return view.getUint32(metaAt + 4, true) === 0 && low <= payloadMaxBytes ? low : payloadMaxBytes;
}

export function checksum(bytes: Uint8Array, seed: bigint): bigint {
  return Bun.hash.xxHash3(bytes, seed);
}
