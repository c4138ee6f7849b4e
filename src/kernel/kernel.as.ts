// The kernel's entry: what the loop calls. All addresses are arena offsets. Memory is imported and shared; the module has
// no data of its own, so that instantiating it in several threads never writes to the arena.

import { hashMix, ipv4Id, ipv6Id, keyId, signatureMix } from "./keyed.as";
import { xxh3 } from "./xxh3.as";
import { DIGEST_BYTES } from "../shape/digest-layout";
import { digestPacket, hasFieldsOf, signatureKey } from "./packet.as";
import { FIELD_FLAGS_AT, FIELD_SIZE_AT, SIGNATURE_BYTES } from "../shape/packet-layout";
import { PAYLOAD_ROOM_AT, TOUCH_SINK_AT } from "../shape/context-layout";
import {
  CONFIRMED_ENTRY_BYTES,
  CONFIRMED_KEY_AT,
  CONFIRMED_MIX_AT,
  OUTCOME_ENTRY_BYTES,
  OUTCOME_HASH_AT,
  OUTCOME_MIX_AT,
  OUTCOME_NANOS_AT,
} from "../shape/entry-layout";

export { beat, loadTail, setOrderedMemory, storeTail } from "./channel-words.as";
export { storeFind, storeInsert, storeRefresh, storeRemove, storeTouchVictims } from "./lru.as";
export { recognise, remember } from "./recognise.as";
export { sortFalling } from "./sort.as";
export { touchNodes, touchNodesThrough, touchRows, touchRowsThrough } from "./touch.as";

const LINE_BYTES: usize = 64;
const REMAINING_META_BYTES: usize = 16;

/**
 * Digests a group of packets that lie one behind the other. It touches the lines of the whole group before it uses any, so
 * that their cache misses overlap.
 */
export function digest(first: usize, count: i32, strideBytes: i32, out: usize, context: usize): void {
  const end = first + count * strideBytes;
  const room = load<u32>(context, PAYLOAD_ROOM_AT);
  let sink: u32 = 0;
  for (let at = first; at < end; at += strideBytes) {
    sink += load<u32>(at + room, FIELD_SIZE_AT) + <u32>load<u8>(at + room, FIELD_FLAGS_AT);
  }
  for (let at = first; at < end; at += strideBytes) {
    const payloadEnd = at + min<u32>(load<u32>(at + room, FIELD_SIZE_AT), room);
    for (let line = at; line < payloadEnd; line += LINE_BYTES) sink += <u32>load<u8>(line);
  }
  store<u32>(context, sink, TOUCH_SINK_AT);
  for (let at = first; at < end; at += strideBytes) {
    digestPacket(at, room, out, context);
    out += DIGEST_BYTES;
  }
}

/**
 * Copies a packet of which the payload's first bytes are in use: these, and what stands behind the payload.
 * @param used bytes of the payload; up to 15 more are copied
 * @param room bytes before the packet's fields; a multiple of 16, as the packet's bytes are
 */
export function copyPacket(to: usize, from: usize, used: u32, room: u32, bytes: i32): void {
  copy(to, from, <i32>((min<u32>(used, room) + 15) & ~15));
  copy(to + room, from + room, bytes - <i32>room);
}

/** Reads remaining metas, 16 bytes each, into entries (shape/entry-layout.ts). */
export function digestOutcomes(first: usize, count: i32, out: usize, context: usize): void {
  for (let i: i32 = 0; i < count; i++) {
    const hash = load<u64>(first);
    store<u64>(out, hash, OUTCOME_HASH_AT);
    store<u64>(out, hashMix(hash, context), OUTCOME_MIX_AT);
    store<f64>(out, <f64>load<u64>(first, 8), OUTCOME_NANOS_AT);
    store<u64>(out, 0, OUTCOME_NANOS_AT + 8);
    first += REMAINING_META_BYTES;
    out += OUTCOME_ENTRY_BYTES;
  }
}

/** Reads signatures, 64 bytes each, into entries (shape/entry-layout.ts). */
export function digestSignatures(first: usize, count: i32, out: usize, context: usize): void {
  for (let i: i32 = 0; i < count; i++) {
    const key = signatureKey(first);
    store<u64>(out, key, CONFIRMED_KEY_AT);
    store<u64>(out, signatureMix(key, context), CONFIRMED_MIX_AT);
    first += SIGNATURE_BYTES;
    out += CONFIRMED_ENTRY_BYTES;
  }
}

/**
 * Copies a packet or a digest: a multiple of 16 bytes that do not overlap. It copies vectors, because these bytes are seldom
 * in the caches: 1264 cold bytes take 80 ns so, and 300 or more with the engine's own copy or `memory.copy` (measured).
 */
export function copy(to: usize, from: usize, bytes: i32): void {
  const end = from + bytes;
  for (const whole = from + (bytes & ~(<i32>LINE_BYTES - 1)); from < whole; from += LINE_BYTES, to += LINE_BYTES) {
    const a = v128.load(from);
    const b = v128.load(from, 16);
    const c = v128.load(from, 32);
    const d = v128.load(from, 48);
    v128.store(to, a);
    v128.store(to, b, 16);
    v128.store(to, c, 32);
    v128.store(to, d, 48);
  }
  for (; from < end; from += 16, to += 16) v128.store(to, v128.load(from));
}

/**
 * Copies a packet and its digest into a slot of the queue: the digest, then the packet.
 * @returns 1 where the copy's size, flags and sender are still those of the digest; 0: they were changed in the ring
 */
export function fillSlot(slot: usize, packet: usize, used: i32, room: i32, bytes: i32, digest: usize, context: usize): i32 {
  copyPacket(slot + DIGEST_BYTES, packet, used, room, bytes);
  copy(slot, digest, DIGEST_BYTES);
  return i32(hasFieldsOf(slot + DIGEST_BYTES + room, digest, context));
}

/** XXH3-64 of contiguous bytes with a 192-byte secret; 8 bytes are written to `out`. */
export function hash(at: usize, length: i32, secret: usize, out: usize): void {
  store<u64>(out, xxh3(at, length, secret));
}

/** The id of a sender's address, given as a digest's IP_KEY; 8 bytes are written to `out`. */
export function ipId(keyAt: usize, isIpv6: i32, out: usize, context: usize): void {
  store<u64>(out, isIpv6 != 0 ? ipv6Id(load<u64>(keyAt), context) : ipv4Id(load<u32>(keyAt), context));
}

/** The id of a fee payer's 32-byte key; 8 bytes are written to `out`. */
export function payerId(keyAt: usize, out: usize, context: usize): void {
  store<u64>(out, keyId(keyAt, context));
}
