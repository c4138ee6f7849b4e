// Finds the place of a staked peer's identity, or gives it one (shape/identity-layout.ts).

import { IDENTITIES_AT, IDENTITIES_COUNT_AT, IDENTITY_KEYS_AT } from "../shape/context-layout";
import {
  IDENTITY_BYTES,
  IDENTITY_ID_AT,
  IDENTITY_PLACE_BITS,
  IDENTITY_SETS,
  IDENTITY_TURN_AT,
  IDENTITY_TURN_MASK,
  IDENTITY_USED_AT,
  IDENTITY_WAYS,
} from "../shape/identity-layout";
import { FIELD_REMOTE_KEY_AT } from "../shape/packet-layout";
import { keyIdWith } from "./keyed.as";

/** No identity: the layout has none, or the key is all zero. */
export const NO_IDENTITY: i32 = -1;

@inline
function isKeyOf(place: usize, key: usize): bool {
  const front = v128.xor(v128.load(place), v128.load(key));
  return !v128.any_true(v128.or(front, v128.xor(v128.load(place, 16), v128.load(key, 16))));
}

/**
 * @param fields what stands behind a packet's payload
 * @returns the digest's word for the identity (16 bits), or NO_IDENTITY
 */
export function identityWord(fields: usize, context: usize): i32 {
  const table = <usize>load<u32>(context, IDENTITIES_AT);
  if (table == 0) return NO_IDENTITY;
  const key = fields + FIELD_REMOTE_KEY_AT;
  if (!v128.any_true(v128.or(v128.load(key), v128.load(key, 16)))) return NO_IDENTITY;
  const id = keyIdWith(key, context + IDENTITY_KEYS_AT);
  const count = load<u32>(context, IDENTITIES_COUNT_AT) + 1;
  store<u32>(context, count, IDENTITIES_COUNT_AT);
  const first = <i32>(<u32>id & (IDENTITY_SETS - 1)) * IDENTITY_WAYS;
  let chosen = first;
  let chosenAge: u32 = 0;
  for (let number = first; number < first + IDENTITY_WAYS; number++) {
    const place = table + number * IDENTITY_BYTES;
    const there = load<u64>(place, IDENTITY_ID_AT);
    if (there == 0) {
      chosen = number;
      break;
    }
    if (there == id && isKeyOf(place, key)) {
      store<u32>(place, count, IDENTITY_USED_AT);
      return wordOf(place, number);
    }
    const age = count - load<u32>(place, IDENTITY_USED_AT);
    if (age < chosenAge) continue;
    chosen = number;
    chosenAge = age;
  }
  const place = table + chosen * IDENTITY_BYTES;
  v128.store(place, v128.load(key));
  v128.store(place, v128.load(key, 16), 16);
  store<u64>(place, id, IDENTITY_ID_AT);
  store<u32>(place, count, IDENTITY_USED_AT);
  store<u32>(place, load<u32>(place, IDENTITY_TURN_AT) + 1, IDENTITY_TURN_AT);
  return wordOf(place, chosen);
}

@inline
function wordOf(place: usize, number: i32): i32 {
  return number | <i32>((load<u32>(place, IDENTITY_TURN_AT) & IDENTITY_TURN_MASK) << IDENTITY_PLACE_BITS);
}
