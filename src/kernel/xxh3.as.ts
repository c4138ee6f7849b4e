// XXH3, 64 bits, with a secret of 192 bytes (Yann Collet's published algorithm): every length, in WebAssembly SIMD.
// The size classes are the algorithm's own: 0, 1-3, 4-8, 9-16, 17-128, 129-240 and above, where 64-byte stripes run
// through eight 64-bit accumulators (here four vectors of two lanes).
// No BigInt leaves this file: the caller stores a result as 8 bytes.

const PRIME32_1: u64 = 0x9e3779b1;
const PRIME32_2: u64 = 0x85ebca77;
const PRIME32_3: u64 = 0xc2b2ae3d;
const PRIME64_1: u64 = 0x9e3779b185ebca87;
const PRIME64_2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME64_3: u64 = 0x165667b19e3779f9;
const PRIME64_4: u64 = 0x85ebca77c2b2ae63;
const PRIME64_5: u64 = 0x27d4eb2f165667c5;
const PRIME_MX1: u64 = 0x165667919e3779f9;
const PRIME_MX2: u64 = 0x9fb21c651e98df25;

const SECRET_BYTES: i32 = 192;
const STRIPE_BYTES: i32 = 64;
/** Stripes until the accumulators are scrambled: the secret moves on by 8 bytes a stripe. */
export const STRIPES_PER_BLOCK: i32 = (SECRET_BYTES - STRIPE_BYTES) / 8;
export const SHORT_MAX_BYTES: i32 = 240;

/** The 128-bit product of two u64, its halves folded together by exclusive or. */
@inline
export function foldedProduct(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const low = aLow * bLow;
  const middle = aHigh * bLow;
  // At most (2^32-1)^2 + 2 (2^32-1) = 2^64-1: no carry is lost.
  const cross = (low >> 32) + (middle & 0xffffffff) + aLow * bHigh;
  return ((middle >> 32) + (cross >> 32) + aHigh * bHigh) ^ ((cross << 32) | (low & 0xffffffff));
}

@inline
function avalanche(h: u64): u64 {
  h ^= h >> 37;
  h *= PRIME_MX1;
  return h ^ (h >> 32);
}

@inline
function avalancheOf64(h: u64): u64 {
  h ^= h >> 33;
  h *= PRIME64_2;
  h ^= h >> 29;
  h *= PRIME64_3;
  return h ^ (h >> 32);
}

@inline
function mix16(at: usize, secret: usize): u64 {
  return foldedProduct(load<u64>(at) ^ load<u64>(secret), load<u64>(at, 8) ^ load<u64>(secret, 8));
}

function hashUpTo16(at: usize, length: i32, secret: usize): u64 {
  if (length > 8) {
    const low = load<u64>(at) ^ (load<u64>(secret, 24) ^ load<u64>(secret, 32));
    const high = load<u64>(at + length - 8) ^ (load<u64>(secret, 40) ^ load<u64>(secret, 48));
    return avalanche(<u64>length + bswap<u64>(low) + high + foldedProduct(low, high));
  }
  if (length >= 4) {
    const first = <u64>load<u32>(at);
    const last = <u64>load<u32>(at + length - 4);
    let h = (last + (first << 32)) ^ (load<u64>(secret, 8) ^ load<u64>(secret, 16));
    h ^= rotl<u64>(h, 49) ^ rotl<u64>(h, 24);
    h *= PRIME_MX2;
    h ^= (h >> 35) + <u64>length;
    h *= PRIME_MX2;
    return h ^ (h >> 28);
  }
  if (length > 0) {
    const first = <u32>load<u8>(at);
    const middle = <u32>load<u8>(at + (length >> 1));
    const last = <u32>load<u8>(at + length - 1);
    const combined = (first << 16) | (middle << 24) | last | (<u32>length << 8);
    return avalancheOf64(<u64>combined ^ <u64>(load<u32>(secret) ^ load<u32>(secret, 4)));
  }
  return avalancheOf64(load<u64>(secret, 56) ^ load<u64>(secret, 64));
}

function hash17To128(at: usize, length: i32, secret: usize): u64 {
  const end = at + length;
  let sum = <u64>length * PRIME64_1;
  if (length > 32) {
    if (length > 64) {
      if (length > 96) sum += mix16(at + 48, secret + 96) + mix16(end - 64, secret + 112);
      sum += mix16(at + 32, secret + 64) + mix16(end - 48, secret + 80);
    }
    sum += mix16(at + 16, secret + 32) + mix16(end - 32, secret + 48);
  }
  sum += mix16(at, secret) + mix16(end - 16, secret + 16);
  return avalanche(sum);
}

function hash129To240(at: usize, length: i32, secret: usize): u64 {
  let sum = <u64>length * PRIME64_1;
  for (let i: i32 = 0; i < 8; i++) sum += mix16(at + 16 * i, secret + 16 * i);
  sum = avalanche(sum);
  const rounds = length >> 4;
  for (let i: i32 = 8; i < rounds; i++) sum += mix16(at + 16 * i, secret + 16 * (i - 8) + 3);
  sum += mix16(at + length - 16, secret + 136 - 17);
  return avalanche(sum);
}

/** Hashes up to 240 contiguous bytes. */
export function hashShort(at: usize, length: i32, secret: usize): u64 {
  if (length > 128) return hash129To240(at, length, secret);
  if (length > 16) return hash17To128(at, length, secret);
  return hashUpTo16(at, length, secret);
}

// The accumulators, eight u64 in four vectors. They are locals of the caller, so that they stay in registers.

@inline
export function initial0(): v128 {
  return i64x2(PRIME32_3, PRIME64_1);
}
@inline
export function initial1(): v128 {
  return i64x2(PRIME64_2, PRIME64_3);
}
@inline
export function initial2(): v128 {
  return i64x2(PRIME64_4, PRIME32_2);
}
@inline
export function initial3(): v128 {
  return i64x2(PRIME64_5, PRIME32_1);
}

/** Two lanes of a stripe: the neighbour's data is added, and the product of the keyed data's halves. */
@inline
export function accumulate(sum: v128, at: usize, secret: usize): v128 {
  const data = v128.load(at);
  const keyed = v128.xor(data, v128.load(secret));
  const swapped = v128.shuffle<u64>(data, data, 1, 0);
  const low = v128.shuffle<u32>(keyed, keyed, 0, 2, 0, 2);
  const high = v128.shuffle<u32>(keyed, keyed, 1, 3, 1, 3);
  return i64x2.add(i64x2.add(sum, swapped), i64x2.extmul_low_i32x4_u(low, high));
}

@inline
export function scramble(sum: v128, secret: usize): v128 {
  const keyed = v128.xor(v128.xor(sum, i64x2.shr_u(sum, 47)), v128.load(secret));
  return i64x2.mul(keyed, i64x2.splat(PRIME32_1));
}

/** Offset of a scramble's secret. */
@inline
export function scrambleSecret(secret: usize): usize {
  return secret + (SECRET_BYTES - STRIPE_BYTES);
}

/** Offset of the last stripe's secret. That stripe ends with the input, and overlaps the stripe before it. */
@inline
export function lastSecret(secret: usize): usize {
  return secret + (SECRET_BYTES - STRIPE_BYTES - 7);
}

@inline
export function merge(s0: v128, s1: v128, s2: v128, s3: v128, length: i32, secret: usize): u64 {
  let h = <u64>length * PRIME64_1;
  h += foldedProduct(
    i64x2.extract_lane(s0, 0) ^ load<u64>(secret, 11),
    i64x2.extract_lane(s0, 1) ^ load<u64>(secret, 19),
  );
  h += foldedProduct(
    i64x2.extract_lane(s1, 0) ^ load<u64>(secret, 27),
    i64x2.extract_lane(s1, 1) ^ load<u64>(secret, 35),
  );
  h += foldedProduct(
    i64x2.extract_lane(s2, 0) ^ load<u64>(secret, 43),
    i64x2.extract_lane(s2, 1) ^ load<u64>(secret, 51),
  );
  h += foldedProduct(
    i64x2.extract_lane(s3, 0) ^ load<u64>(secret, 59),
    i64x2.extract_lane(s3, 1) ^ load<u64>(secret, 67),
  );
  return avalanche(h);
}

function hashLong(at: usize, length: i32, secret: usize): u64 {
  let s0 = initial0();
  let s1 = initial1();
  let s2 = initial2();
  let s3 = initial3();
  const stripes = (length - 1) / STRIPE_BYTES;
  for (let i: i32 = 0; i < stripes; i++) {
    const stripe = at + i * STRIPE_BYTES;
    const key = secret + (i % STRIPES_PER_BLOCK) * 8;
    s0 = accumulate(s0, stripe, key);
    s1 = accumulate(s1, stripe + 16, key + 16);
    s2 = accumulate(s2, stripe + 32, key + 32);
    s3 = accumulate(s3, stripe + 48, key + 48);
    if (i % STRIPES_PER_BLOCK == STRIPES_PER_BLOCK - 1) {
      const scrambleKey = scrambleSecret(secret);
      s0 = scramble(s0, scrambleKey);
      s1 = scramble(s1, scrambleKey + 16);
      s2 = scramble(s2, scrambleKey + 32);
      s3 = scramble(s3, scrambleKey + 48);
    }
  }
  const last = at + length - STRIPE_BYTES;
  const lastKey = lastSecret(secret);
  s0 = accumulate(s0, last, lastKey);
  s1 = accumulate(s1, last + 16, lastKey + 16);
  s2 = accumulate(s2, last + 32, lastKey + 32);
  s3 = accumulate(s3, last + 48, lastKey + 48);
  return merge(s0, s1, s2, s3, length, secret);
}

/** Hashes `length` contiguous bytes with the 192-byte secret at `secret`. */
export function xxh3(at: usize, length: i32, secret: usize): u64 {
  return length > SHORT_MAX_BYTES ? hashLong(at, length, secret) : hashShort(at, length, secret);
}
