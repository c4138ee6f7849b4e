// One packet into one digest (shape/digest-layout.ts), with the refusals in the order of engine.md, 2. No part of a digest
// depends on the packet's garbage bytes, and all of its 192 bytes are written.

import { identityWord, NO_IDENTITY } from "./identities.as";
import { hashMix, ipv4Id, ipv6Id, keyId, nonceTag, payloadMix, signatureMix } from "./keyed.as";
import { packetHash } from "./packet-hash.as";
import { DROP_IPV6_AT, SKIP_PAYLOADS_AT } from "../shape/context-layout";
import {
  COMPUTE_UNITS_AT,
  DIGEST_BYTES,
  FEE_AT,
  FEE_LAMPORTS_AT,
  HASH_AT,
  HASH_MIX_AT,
  IP_ID_AT,
  IP_KEY_AT,
  NEVER_AT,
  NONCE_TAG_AT,
  PACKET_FLAGS_AT,
  PAYER_ID_AT,
  PAYER_KEY_AT,
  PAYER_OFFSET_AT,
  PAYLOAD_MIX_AT,
  PORT_COPY_AT,
  PRICE_AT,
  REASON_AT,
  SIGNATURE_COUNT_AT,
  SIGNATURE_KEY_AT,
  SIGNATURE_MIX_AT,
  SIGNATURE_OFFSET_AT,
  SIZE_COPY_AT,
  TRAIT_IDENTITY,
  TRAIT_IPV6,
  TRAIT_NEVER,
  TRAIT_SIMPLE_VOTE,
  TRAIT_STAKED,
  TRAITS_AT,
  VERSION_AT,
} from "../shape/digest-layout";
import { computeFee, computeUnits, fee, never, price } from "./fee.as";
import {
  ADDRESS_TAG_IPV4,
  ADDRESS_TAG_IPV6,
  FIELD_ADDRESS_AT,
  FIELD_ADDRESS_TAG_AT,
  FIELD_FLAGS_AT,
  FIELD_PORT_AT,
  FIELD_SIZE_AT,
  FLAG_DISCARD,
  FLAG_SIMPLE_VOTE,
  FLAG_STAKED,
} from "../shape/packet-layout";
import { INVALID_META_SIZE, INVALID_PACKET_DATA, NON_IPV4, REASON_GOOD } from "../shape/reason-codes";
import { blockhashAt, keysAt, nonceAccountAt, parseTransaction, signatureCount, signaturesAt, version } from "./transaction.as";

/** Bytes 8 to 11 of an IPv4-mapped IPv6 address, as a little-endian word. */
const MAPPED_WORD: u64 = 0xffff0000;

/** The key of a signature (wire.md, 9): byte j is the XOR of its bytes 8j to 8j+7. */
@inline
export function signatureKey(at: usize): u64 {
  const first = foldedWords(v128.load(at), v128.load(at, 16));
  const second = foldedWords(v128.load(at, 32), v128.load(at, 48));
  return <u64>(<u32>i32x4.extract_lane(first, 0)) | (<u64>(<u32>i32x4.extract_lane(second, 0)) << 32);
}

/** Four words of 8 bytes, each folded to a byte; the four bytes are put side by side in the first lane. */
@inline
function foldedWords(front: v128, back: v128): v128 {
  let halves = v128.xor(v128.shuffle<u32>(front, back, 0, 2, 4, 6), v128.shuffle<u32>(front, back, 1, 3, 5, 7));
  halves = v128.xor(halves, i32x4.shr_u(halves, 16));
  halves = v128.xor(halves, i32x4.shr_u(halves, 8));
  return i8x16.swizzle(halves, i8x16(0, 4, 8, 12, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16));
}

/**
 * @param at the packet
 * @param room bytes before the packet's fields, which is the longest payload
 * @param out 192 bytes for the digest, 8-byte aligned
 */
export function digestPacket(at: usize, room: u32, out: usize, context: usize): void {
  const zero = i64x2.splat(0);
  for (let i: i32 = 0; i < DIGEST_BYTES; i += 16) v128.store(out + i, zero);

  // The sender. An IPv4 address inside IPv6 is that IPv4 sender.
  const fields = at + room;
  const tag = <i32>load<u8>(fields, FIELD_ADDRESS_TAG_AT);
  const flags = <i32>load<u8>(fields, FIELD_FLAGS_AT);
  let octetsLow: u64 = <u64>load<u32>(fields, FIELD_ADDRESS_AT);
  let octetsHigh: u64 = 0;
  let octets: i32 = 4;
  let traits = ((flags & FLAG_SIMPLE_VOTE) != 0 ? TRAIT_SIMPLE_VOTE : 0) | ((flags & FLAG_STAKED) != 0 ? TRAIT_STAKED : 0);
  if (tag == ADDRESS_TAG_IPV6) {
    octetsLow = load<u64>(fields, FIELD_ADDRESS_AT);
    octetsHigh = load<u64>(fields, FIELD_ADDRESS_AT + 8);
    if (octetsLow == 0 && (octetsHigh & 0xffffffff) == MAPPED_WORD) {
      octetsLow = octetsHigh >> 32;
      octetsHigh = 0;
    } else if (load<u8>(context, DROP_IPV6_AT) != 0) {
      store<u8>(out, NON_IPV4, REASON_AT);
      return;
    } else {
      octets = 16;
      traits |= TRAIT_IPV6;
    }
  } else if (tag != ADDRESS_TAG_IPV4) {
    store<u8>(out, NON_IPV4, REASON_AT);
    return;
  }
  store<u64>(out, octets == 4 ? ipv4Id(<u32>octetsLow, context) : ipv6Id(octetsLow, context), IP_ID_AT);
  store<u64>(out, octetsLow, IP_KEY_AT);
  const identity = identityWord(fields, context);
  if (identity != NO_IDENTITY) traits |= TRAIT_IDENTITY;
  store<u8>(out, traits, TRAITS_AT);
  store<u16>(out, identity != NO_IDENTITY ? <u16>identity : load<u16>(fields, FIELD_PORT_AT), PORT_COPY_AT);
  store<u8>(out, flags, PACKET_FLAGS_AT);

  const declared = load<u64>(fields, FIELD_SIZE_AT);
  if (declared > <u64>room) {
    store<u8>(out, INVALID_META_SIZE, REASON_AT);
    return;
  }
  const size = <i32>declared;
  store<u32>(out, size, SIZE_COPY_AT);
  if ((flags & FLAG_DISCARD) != 0) {
    store<u8>(out, INVALID_PACKET_DATA, REASON_AT);
    return;
  }
  const reason = parseTransaction(at, size, context);
  if (reason != REASON_GOOD) {
    store<u8>(out, reason, REASON_AT);
    return;
  }

  // The packet's identity.
  const hash = packetHash(at, size, octetsLow, octetsHigh, octets, context);
  store<u64>(out, hash, HASH_AT);
  store<u64>(out, hashMix(hash, context), HASH_MIX_AT);
  const key = signatureKey(signaturesAt);
  store<u64>(out, key, SIGNATURE_KEY_AT);
  store<u64>(out, signatureMix(key, context), SIGNATURE_MIX_AT);
  if (load<u8>(context, SKIP_PAYLOADS_AT) == 0) {
    store<u64>(out, payloadMix(at, size, context), PAYLOAD_MIX_AT);
    const nonce = nonceAccountAt(context);
    if (nonce != 0) store<u32>(out, nonceTag(nonce, blockhashAt(), context), NONCE_TAG_AT);
  }

  // The payer and the fee.
  v128.store(out, v128.load(keysAt), PAYER_KEY_AT);
  v128.store(out, v128.load(keysAt, 16), PAYER_KEY_AT + 16);
  store<u64>(out, keyId(out + PAYER_KEY_AT, context), PAYER_ID_AT);
  computeFee(context);
  store<u64>(out, fee, FEE_LAMPORTS_AT);
  store<f64>(out, <f64>fee, FEE_AT);
  store<u32>(out, computeUnits, COMPUTE_UNITS_AT);
  store<u64>(out, price, PRICE_AT);
  if (never != 0) {
    store<u8>(out, never, NEVER_AT);
    store<u8>(out, traits | TRAIT_NEVER, TRAITS_AT);
  }
  store<u8>(out, signatureCount, SIGNATURE_COUNT_AT);
  store<u8>(out, version, VERSION_AT);
  store<u16>(out, <u32>(keysAt - at), PAYER_OFFSET_AT);
  store<u16>(out, <u32>(signaturesAt - at), SIGNATURE_OFFSET_AT);
}

/**
 * Whether a packet's fields still say what its digest does. The ring is another process's memory: between the digest and the
 * copy of a packet its size could be set beyond the payload, or another sender put in.
 * @param fields of the copy
 */
export function hasFieldsOf(fields: usize, digest: usize, context: usize): bool {
  const identity = identityWord(fields, context);
  const hasIdentity = (<i32>load<u8>(digest, TRAITS_AT) & TRAIT_IDENTITY) != 0;
  if (hasIdentity != (identity != NO_IDENTITY)) return false;
  const sender = hasIdentity ? <u16>identity : load<u16>(fields, FIELD_PORT_AT);
  const isSame =
    load<u64>(fields, FIELD_SIZE_AT) == <u64>load<u32>(digest, SIZE_COPY_AT) &&
    load<u8>(fields, FIELD_FLAGS_AT) == load<u8>(digest, PACKET_FLAGS_AT) &&
    sender == load<u16>(digest, PORT_COPY_AT);
  if (!isSame) return false;
  const tag = <i32>load<u8>(fields, FIELD_ADDRESS_TAG_AT);
  const key = load<u64>(digest, IP_KEY_AT);
  const isIpv6 = (<i32>load<u8>(digest, TRAITS_AT) & TRAIT_IPV6) != 0;
  if (tag == ADDRESS_TAG_IPV4) return !isIpv6 && <u64>load<u32>(fields, FIELD_ADDRESS_AT) == key;
  if (tag != ADDRESS_TAG_IPV6) return false;
  const low = load<u64>(fields, FIELD_ADDRESS_AT);
  const high = load<u64>(fields, FIELD_ADDRESS_AT + 8);
  if (low == 0 && (high & 0xffffffff) == MAPPED_WORD) return !isIpv6 && high >> 32 == key;
  return isIpv6 && low == key;
}
