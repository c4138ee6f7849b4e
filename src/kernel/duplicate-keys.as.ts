// Whether a transaction names one account key twice: the chain refuses such a transaction before it charges anything
// (Agave's `validate_account_locks`).
//
// Hardly any transaction does, so a cheap look comes first: two bytes of each key are its fingerprint, and all pairs of
// fingerprints are compared, eight at a time. If two are equal, an exact search decides. By accident different keys have equal
// fingerprints in one transaction of some hundreds, but a sender can choose such keys. So the exact search must be cheap as
// well: it goes by ids that are keyed with the engine's secret, and takes a step or two for each key, whatever the keys are.
// The first look takes 6 to 8 ns of a corpus packet. Tried: a byte a fingerprint in a table, marked with the packet's number
// (13 ns); fingerprints written to memory and compared at each distance (60 ns).

import { KEY_FINGERPRINTS_AT, KEY_SLOTS_AT, KEY_SLOTS_BYTES } from "../shape/context-layout";
import { PUBKEY_BYTES } from "../shape/packet-layout";
import { keyId } from "./keyed.as";

/** Offset of a key's fingerprint: ids of programs and sysvars begin and end alike, but differ here. */
const FINGERPRINT_AT: usize = 12;
const LANES: i32 = 8;
const BLOCK_BYTES: usize = 256; // of LANES keys

/**
 * @param keysAt the static keys, one behind the other
 * @param count 1 to 64 of them
 * @param context the kernel's context, which has the scratch and the secret
 */
@inline
export function hasDuplicateKey(keysAt: usize, count: i32, context: usize): bool {
  const first = keysAt + FINGERPRINT_AT;
  const suspected = count < LANES ? suspectFew(first, count) : suspectMany(first, count, context);
  return suspected && searchDuplicateKey(keysAt, count, context);
}

/** Whether two of fewer than LANES keys may be equal: compares six bits of each with those of the keys before it. */
@inline
function suspectFew(first: usize, count: i32): bool {
  let seen: u64 = 0;
  let hit: u64 = 0;
  for (let at = first, end = first + count * PUBKEY_BYTES; at < end; at += PUBKEY_BYTES) {
    const bit = <u64>1 << <u64>load<u8>(at);
    hit |= seen & bit;
    seen |= bit;
  }
  return hit != 0;
}

/** The same for LANES or more. The first block's last lanes are masked, because the second block begins with their keys. */
@inline
function suspectMany(first: usize, count: i32, context: usize): bool {
  const kept = context + KEY_FINGERPRINTS_AT;
  let keptEnd = kept;
  const spare = count & (LANES - 1);
  const lanes = i16x8(0, 1, 2, 3, 4, 5, 6, 7);
  let block = fingerprints(first);
  // A masked lane holds a number of its own. A key that happens to have it costs an exact search, no more.
  if (spare != 0) block = v128.bitselect(block, lanes, i16x8.lt_s(lanes, i16x8.splat(<i16>spare)));
  v128.store(keptEnd, block);
  keptEnd += 16;
  let hit = matchesWithin(block);
  const end = first + count * PUBKEY_BYTES;
  for (let at = first + (spare == 0 ? LANES : spare) * PUBKEY_BYTES; at < end; at += BLOCK_BYTES) {
    block = fingerprints(at);
    hit = v128.or(hit, matchesWithin(block));
    const r1 = v128.shuffle<u16>(block, block, 1, 2, 3, 4, 5, 6, 7, 0);
    const r2 = v128.shuffle<u16>(block, block, 2, 3, 4, 5, 6, 7, 0, 1);
    const r3 = v128.shuffle<u16>(block, block, 3, 4, 5, 6, 7, 0, 1, 2);
    const r4 = v128.shuffle<u16>(block, block, 4, 5, 6, 7, 0, 1, 2, 3);
    const r5 = v128.shuffle<u16>(block, block, 5, 6, 7, 0, 1, 2, 3, 4);
    const r6 = v128.shuffle<u16>(block, block, 6, 7, 0, 1, 2, 3, 4, 5);
    const r7 = v128.shuffle<u16>(block, block, 7, 0, 1, 2, 3, 4, 5, 6);
    for (let earlier = kept; earlier < keptEnd; earlier += 16) {
      const other = v128.load(earlier);
      const m01 = v128.or(i16x8.eq(other, block), i16x8.eq(other, r1));
      const m23 = v128.or(i16x8.eq(other, r2), i16x8.eq(other, r3));
      const m45 = v128.or(i16x8.eq(other, r4), i16x8.eq(other, r5));
      const m67 = v128.or(i16x8.eq(other, r6), i16x8.eq(other, r7));
      hit = v128.or(hit, v128.or(v128.or(m01, m23), v128.or(m45, m67)));
    }
    v128.store(keptEnd, block);
    keptEnd += 16;
  }
  return v128.any_true(hit);
}

/** The fingerprints of four keys, one behind the other in a word. (Lane by lane into a vector took 1.5 times as long.) */
@inline
function fourFingerprints(at: usize): u64 {
  const front = <u64>load<u16>(at) | (<u64>load<u16>(at, 32) << 16);
  return front | (<u64>load<u16>(at, 64) << 32) | (<u64>load<u16>(at, 96) << 48);
}

/** The fingerprints of LANES keys. */
@inline
function fingerprints(at: usize): v128 {
  return i64x2.replace_lane(i64x2.splat(fourFingerprints(at)), 1, fourFingerprints(at + 128));
}

/** Lanes of a block that equal another lane of it: the lanes of a pair are 1 to 4 rotations apart. */
@inline
function matchesWithin(block: v128): v128 {
  const one = i16x8.eq(block, v128.shuffle<u16>(block, block, 1, 2, 3, 4, 5, 6, 7, 0));
  const two = i16x8.eq(block, v128.shuffle<u16>(block, block, 2, 3, 4, 5, 6, 7, 0, 1));
  const three = i16x8.eq(block, v128.shuffle<u16>(block, block, 3, 4, 5, 6, 7, 0, 1, 2));
  const four = i16x8.eq(block, v128.shuffle<u16>(block, block, 4, 5, 6, 7, 0, 1, 2, 3));
  return v128.or(v128.or(one, two), v128.or(three, four));
}

/** The exact search: a table of slots by keyed id, each with a key's number plus one. */
function searchDuplicateKey(keysAt: usize, count: i32, context: usize): bool {
  const slots = context + KEY_SLOTS_AT;
  memory.fill(slots, 0, KEY_SLOTS_BYTES);
  for (let i: i32 = 0; i < count; i++) {
    const key = keysAt + i * PUBKEY_BYTES;
    let slot = <u32>keyId(key, context);
    for (;;) {
      slot &= KEY_SLOTS_BYTES - 1;
      const other = <i32>load<u8>(slots + slot);
      if (other == 0) break;
      if (isSameKey(key, keysAt + (other - 1) * PUBKEY_BYTES)) return true;
      slot += 1;
    }
    store<u8>(slots + slot, i + 1);
  }
  return false;
}

@inline
function isSameKey(one: usize, other: usize): bool {
  const front = v128.xor(v128.load(one), v128.load(other));
  const back = v128.xor(v128.load(one, 16), v128.load(other, 16));
  return !v128.any_true(v128.or(front, back));
}
