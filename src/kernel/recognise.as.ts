// Was this packet seen before? One call asks both stores for a packet. Another one keeps the packet.

import {
  DIGEST_SCRATCH_AT,
  HASH_AT,
  HASH_MIX_AT,
  META_BYTES,
  SIGNATURE_KEY_AT,
  SIGNATURE_MIX_AT,
  TRAIT_LEFT,
  TRAITS_AT,
} from "../shape/digest-layout";
import { findNode } from "./bucket-index.as";
import { storeInsert, storeRefresh, storeRemove } from "./lru.as";
import { LINK_BYTES, SEEN_CONFIRMED, SEEN_NEVER, SEEN_WAITING, STORE_NODES_AT } from "../shape/store-layout";

/**
 * @param recent the store of confirmed signatures
 * @param metas the store of partial metas; a packet that waits there becomes its most recent, and one that left unsent is
 *   taken out
 * @returns SEEN_
 */
export function recognise(recent: usize, metas: usize, digest: usize): i32 {
  if (findNode(recent, load<u32>(digest, SIGNATURE_MIX_AT), load<u64>(digest, SIGNATURE_KEY_AT)) >= 0) {
    return SEEN_CONFIRMED;
  }
  const known = findNode(metas, load<u32>(digest, HASH_MIX_AT), load<u64>(digest, HASH_AT));
  if (known < 0) return SEEN_NEVER;
  const traits = load<u8>(load<u32>(metas, STORE_NODES_AT) + <usize>known * META_BYTES, TRAITS_AT);
  if ((traits & TRAIT_LEFT) != 0) {
    storeRemove(metas, known); // a retry of what was never sent on is new
    return SEEN_NEVER;
  }
  storeRefresh(metas, known);
  return SEEN_WAITING;
}

/**
 * Keeps a digest's first 128 bytes as a partial meta. Its packet hash must not be in the store.
 * @returns address of the meta
 */
export function remember(metas: usize, digest: usize): usize {
  const node = <usize>storeInsert(metas, load<u32>(digest, HASH_MIX_AT));
  const meta = <usize>load<u32>(metas, STORE_NODES_AT) + node * META_BYTES;
  // The links stand where a digest has its scratch.
  for (let at: i32 = 0; at < META_BYTES; at += LINK_BYTES) {
    if (at != DIGEST_SCRATCH_AT) v128.store(meta + at, v128.load(digest + at));
  }
  return meta;
}
