// The digest: what the kernel reads off one packet, at fixed offsets, in a form the loop can use without looking at the
// packet again. Plain constants, so that Bun and the kernel's compiler read the same file.
//
// The first 128 bytes (two cache lines) are also the shape of a partial meta (stores/partial-metas.ts) and of an outgoing
// record: a model reads a fresh digest, a queued packet and a completed transaction through the same offsets. Only
// DIGEST_SCRATCH_AT differs: a partial meta keeps its links there. The third line matters while the packet is at hand.

export const HASH_AT = 0; // u64 packet hash (wire.md, 8)
export const SIGNATURE_KEY_AT = 8; // u64 (wire.md, 9)
export const IP_ID_AT = 16; // u64 keyed fingerprint of the sender's address (an IPv4 address, or an IPv6 /64)
export const PAYER_ID_AT = 24; // u64 keyed fingerprint of the fee payer
export const FEE_AT = 32; // f64 total fee in lamports, as the model reads it
export const COMPUTE_UNITS_AT = 40; // u32 compute-unit limit that the fee rule takes
export const REASON_AT = 44; // u8 wire/reasons.ts: 0 is good
export const TRAITS_AT = 45; // u8 bit set, see TRAIT_ below
export const PORT_COPY_AT = 46; // u16 sender's port; with TRAIT_IDENTITY its word in the table of identities
export const DIGEST_SCRATCH_AT = 48; // 16 bytes: zero in a fresh digest, the links of a partial meta
export const QUEUED_META_AT = 48; // u32 in a queued digest: arena offset of its partial meta
export const PAYER_KEY_AT = 64; // 32 bytes: static key 0
export const IP_KEY_AT = 96; // 8 bytes: the IPv4 octets and four zero bytes, or the first 8 octets of an IPv6 address
export const FEE_LAMPORTS_AT = 104; // u64 total fee, exact
export const SCORE_AT = 112; // f64, written by the loop
export const ARRIVAL_AT = 120; // f64 milliseconds of the loop's clock, written by the loop
export const META_BYTES = 128;

export const HASH_MIX_AT = 128; // u64 keyed mix of the packet hash: the partial-meta index's hash
export const SIGNATURE_MIX_AT = 136; // u64 keyed mix of the signature key: the recent filter's hash
export const PAYLOAD_MIX_AT = 144; // u64 keyed hash of the payload without the sender: the same for copies from other IPs
export const PRICE_AT = 152; // u64 compute-unit price in micro-lamports (0 if none is set, and for v1)
export const SIZE_COPY_AT = 160; // u32 payload bytes
export const SIGNATURE_COUNT_AT = 164; // u8
export const VERSION_AT = 165; // u8: VERSION_ below
export const NEVER_AT = 166; // u8 reason code why the chain would refuse it (fee 0), else 0
export const PACKET_FLAGS_AT = 167; // u8 the packet's own flags
export const PAYER_OFFSET_AT = 168; // u16 where static key 0 starts in the payload
export const SIGNATURE_OFFSET_AT = 170; // u16 where the first signature starts in the payload
export const NONCE_TAG_AT = 188; // u32 keyed tag of the durable nonce's account and value; 0: no durable nonce
export const DIGEST_BYTES = 192;

export const TRAIT_IPV6 = 1;
export const TRAIT_SIMPLE_VOTE = 2; // the packet's flag
export const TRAIT_STAKED = 4; // the packet's flag
export const TRAIT_NEVER = 8; // the chain would refuse it (NEVER_AT says why)
export const TRAIT_ALLOWED = 16; // the operator's list allows its sender; written by the loop
export const TRAIT_TRANSMITTED = 32; // in a partial meta alone: it was sent on (shape/record-layout.ts)
export const TRAIT_LEFT = 64; // in a partial meta alone: its packet left the queue unsent, and may come again
export const TRAIT_IDENTITY = 128; // its sender has an identity (shape/identity-layout.ts)

export const VERSION_LEGACY = 255;
export const VERSION_0 = 0;
export const VERSION_1 = 1;

/** Packets digested in one call: their cache misses overlap (docs/performance.md has groups of 1, 8, 16, 32). */
export const GROUP = 16;
