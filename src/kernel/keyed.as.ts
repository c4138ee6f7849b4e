// Keyed ids and mixes, by which tables and indexes find their entries. Senders choose addresses, keys, payloads and
// signatures, and must not be able to steer where those land. So every function here is keyed with the engine's secret, and
// each use has keys of its own. A word's mix is one folded 64-bit product of the keyed word and its keyed rotation (the
// multiply-and-fold of wyhash and umash; a second one behind it spread no better and cost 4 ns each). The payload's hash
// is NH (Black et al., UMAC, 1999) over key words as long as the payload, then folded.

import {
  HASH_KEYS_AT,
  IPV4_KEYS_AT,
  IPV6_KEYS_AT,
  NONCE_KEYS_AT,
  PAYER_KEYS_AT,
  PAYLOAD_FOLD_KEYS_AT,
  PAYLOAD_KEYS_AT,
  SIGNATURE_KEYS_AT,
} from "../shape/context-layout";
import { foldedProduct } from "./xxh3.as";

/** Never 0, so that a table can take 0 for "empty". */
@inline
function mixWord(word: u64, keys: usize): u64 {
  const mix = foldedProduct(word ^ load<u64>(keys), rotl<u64>(word, 32) ^ load<u64>(keys, 8));
  return mix ^ <u64>(mix == 0);
}

@inline
export function ipv4Id(octets: u32, context: usize): u64 {
  return mixWord(<u64>octets, context + IPV4_KEYS_AT);
}

/** @param network the first 8 octets of the address: the /64 */
@inline
export function ipv6Id(network: u64, context: usize): u64 {
  return mixWord(network, context + IPV6_KEYS_AT);
}

@inline
export function hashMix(hash: u64, context: usize): u64 {
  return mixWord(hash, context + HASH_KEYS_AT);
}

@inline
export function signatureMix(key: u64, context: usize): u64 {
  return mixWord(key, context + SIGNATURE_KEYS_AT);
}

/** @param at the 32-byte key */
export function keyId(at: usize, context: usize): u64 {
  return keyIdWith(at, context + PAYER_KEYS_AT);
}

/** @param at the 32-byte key @param keys 6 words */
export function keyIdWith(at: usize, keys: usize): u64 {
  const front = foldedProduct(load<u64>(at) ^ load<u64>(keys), load<u64>(at, 8) ^ load<u64>(keys, 8));
  const back = foldedProduct(load<u64>(at, 16) ^ load<u64>(keys, 16), load<u64>(at, 24) ^ load<u64>(keys, 24));
  const id = foldedProduct(front ^ load<u64>(keys, 32), back ^ load<u64>(keys, 40)) ^ front ^ rotl<u64>(back, 32);
  return id ^ (id == 0 ? 1 : 0);
}

/** The tag of a durable nonce: of its account and its value, 32 bytes each. Never 0. */
export function nonceTag(account: usize, value: usize, context: usize): u32 {
  const keys = context + NONCE_KEYS_AT;
  const mix = foldedProduct(keyIdWith(account, keys), rotl<u64>(keyIdWith(value, keys), 32) ^ load<u64>(keys));
  const tag = <u32>(mix >> 32);
  return tag == 0 ? 1 : tag;
}

/** The first `count` bytes of a vector, 0 to 16 of them; the rest zero. */
@inline
function firstBytes(vector: v128, count: i32): v128 {
  const indexes = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return v128.and(vector, i8x16.lt_u(indexes, i8x16.splat(<i8>count)));
}

/** @param at the payload, of which up to 31 bytes behind `size` are read but do not matter */
export function payloadMix(at: usize, size: i32, context: usize): u64 {
  let low = i64x2.splat(0);
  let high = i64x2.splat(0);
  let keys = context + PAYLOAD_KEYS_AT;
  const end = at + size;
  const wholeEnd = at + (size & ~31);
  for (; at < wholeEnd; at += 32) {
    const x = i32x4.add(v128.load(at), v128.load(keys));
    const y = i32x4.add(v128.load(at, 16), v128.load(keys, 16));
    low = i64x2.add(low, i64x2.extmul_low_i32x4_u(x, y));
    high = i64x2.add(high, i64x2.extmul_high_i32x4_u(x, y));
    keys += 32;
  }
  if (at < end) {
    const left = <i32>(end - at);
    const x = i32x4.add(firstBytes(v128.load(at), min<i32>(left, 16)), v128.load(keys));
    const y = i32x4.add(firstBytes(v128.load(at, 16), max<i32>(left - 16, 0)), v128.load(keys, 16));
    low = i64x2.add(low, i64x2.extmul_low_i32x4_u(x, y));
    high = i64x2.add(high, i64x2.extmul_high_i32x4_u(x, y));
  }
  const fold = context + PAYLOAD_FOLD_KEYS_AT;
  const front = foldedProduct(
    i64x2.extract_lane(low, 0) ^ load<u64>(fold),
    i64x2.extract_lane(low, 1) ^ load<u64>(fold, 8),
  );
  const back = foldedProduct(
    i64x2.extract_lane(high, 0) ^ load<u64>(fold, 16),
    i64x2.extract_lane(high, 1) ^ load<u64>(fold, 24),
  );
  return foldedProduct(front ^ <u64>size ^ load<u64>(fold, 32), back ^ load<u64>(fold, 40)) ^ front ^ rotl<u64>(back, 32);
}
