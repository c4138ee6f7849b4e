// A store's state, where the kernel finds it: one cache line of u32 words (stores/lru.ts writes it at start, kernel/lru.as.ts
// keeps it). Plain constants, so that Bun and the kernel's compiler read the same file.

export const STORE_NODES_AT = 0; // arena offset of node 0
export const STORE_NODE_SHIFT_AT = 4; // log2 of a node's bytes
export const STORE_KEY_AT = 8; // bytes from a node's start to its key (u64)
export const STORE_LINKS_AT = 12; // bytes from a node's start to its links
export const STORE_CAPACITY_AT = 16; // nodes
export const STORE_BUCKETS_AT = 20; // arena offset of bucket 0
export const STORE_BUCKET_MASK_AT = 24;
export const STORE_LOG_AT = 28; // arena offset of the log of touches
export const STORE_LOG_MASK_AT = 32;
export const STORE_SIZE_AT = 36; // entries
export const STORE_EVICTED_AT = 40; // f64: entries that left because the store was full
export const STORE_HEAD_AT = 48; // the most recent node
export const STORE_USED_AT = 52; // nodes that are in the circle
export const STORE_POSITION_AT = 56; // position of the next touch; counts up and wraps
export const STORE_HINT_AT = 60; // where in the log the next victims are looked for; never ahead of the next victim's stamp

/** Places of an index bucket (kernel/bucket-index.as.ts). */
export const BUCKET_ENTRIES = 10;

/** Bytes of a node's links: previous, next, stamp, mix (u32 each). */
export const LINK_BYTES = 16;
export const LINK_NEXT_AT = 4;
export const LINK_STAMP_AT = 8;
export const LINK_MIX_AT = 12;

/** What the kernel says of a digest (kernel/recognise.as.ts). */
export const SEEN_NEVER = 0;
/** Its signature confirmed lately. */
export const SEEN_CONFIRMED = 1;
/** Its packet hash waits for an outcome. */
export const SEEN_WAITING = 2;
