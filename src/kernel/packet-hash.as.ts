// The packet hash (wire.md, 8): XXH3 over payload, size and sender's octets. The payload is read in the ring, which is
// another process's memory, so nothing can be written behind it. Whole stripes are hashed in place; only the end of the
// payload, the size and the octets are put together in the context's scratch.

import { HASH_SCRATCH_AT, XXH3_SECRET_AT } from "../shape/context-layout";
import {
  accumulate,
  hashShort,
  initial0,
  initial1,
  initial2,
  initial3,
  lastSecret,
  merge,
  scramble,
  scrambleSecret,
  SHORT_MAX_BYTES,
} from "./xxh3.as";

const STRIPE_BYTES: i32 = 64;

/** Copies in vectors; up to 15 bytes more than `bytes` are read and written. */
@inline
function copyVectors(to: usize, from: usize, bytes: i32): void {
  for (let i: i32 = 0; i < bytes; i += 16) v128.store(to + i, v128.load(from + i));
}

/**
 * @param at the payload, of which up to 15 bytes behind `size` are read but not hashed
 * @param octetsLow the IPv4 octets, or the first 8 of IPv6, as a little-endian word
 * @param octets 4 or 16
 */
export function packetHash(at: usize, size: i32, octetsLow: u64, octetsHigh: u64, octets: i32, context: usize): u64 {
  const secret = context + XXH3_SECRET_AT;
  const scratch = context + HASH_SCRATCH_AT;
  const length = size + 8 + octets;
  if (length <= SHORT_MAX_BYTES) {
    copyVectors(scratch, at, size);
    storeTrailer(scratch + size, size, octetsLow, octetsHigh, octets);
    return hashShort(scratch, length, secret);
  }

  // The scratch starts one stripe before the first that is not whole: the last stripe may reach back that far.
  const whole = size / STRIPE_BYTES;
  const restAt = at + whole * STRIPE_BYTES;
  const rest = size - whole * STRIPE_BYTES;
  copyVectors(scratch, restAt - STRIPE_BYTES, STRIPE_BYTES + rest);
  storeTrailer(scratch + STRIPE_BYTES + rest, size, octetsLow, octetsHigh, octets);

  let s0 = initial0();
  let s1 = initial1();
  let s2 = initial2();
  let s3 = initial3();
  const stripes = (length - 1) / STRIPE_BYTES;
  let key = secret;
  const scrambleKey = scrambleSecret(secret);
  for (const wholeEnd = at + whole * STRIPE_BYTES; at < wholeEnd; at += STRIPE_BYTES) {
    s0 = accumulate(s0, at, key);
    s1 = accumulate(s1, at + 16, key + 16);
    s2 = accumulate(s2, at + 32, key + 32);
    s3 = accumulate(s3, at + 48, key + 48);
    key += 8;
    if (key == scrambleKey) {
      s0 = scramble(s0, scrambleKey);
      s1 = scramble(s1, scrambleKey + 16);
      s2 = scramble(s2, scrambleKey + 32);
      s3 = scramble(s3, scrambleKey + 48);
      key = secret;
    }
  }
  if (stripes > whole) {
    at = scratch + STRIPE_BYTES;
    s0 = accumulate(s0, at, key);
    s1 = accumulate(s1, at + 16, key + 16);
    s2 = accumulate(s2, at + 32, key + 32);
    s3 = accumulate(s3, at + 48, key + 48);
    if (key + 8 == scrambleKey) {
      s0 = scramble(s0, scrambleKey);
      s1 = scramble(s1, scrambleKey + 16);
      s2 = scramble(s2, scrambleKey + 32);
      s3 = scramble(s3, scrambleKey + 48);
    }
  }
  const last = scratch + rest + 8 + octets;
  const lastKey = lastSecret(secret);
  s0 = accumulate(s0, last, lastKey);
  s1 = accumulate(s1, last + 16, lastKey + 16);
  s2 = accumulate(s2, last + 32, lastKey + 32);
  s3 = accumulate(s3, last + 48, lastKey + 48);
  return merge(s0, s1, s2, s3, length, secret);
}

@inline
function storeTrailer(at: usize, size: i32, octetsLow: u64, octetsHigh: u64, octets: i32): void {
  store<u64>(at, <u64>size);
  store<u64>(at, octetsLow, 8);
  if (octets > 8) store<u64>(at, octetsHigh, 16);
}
