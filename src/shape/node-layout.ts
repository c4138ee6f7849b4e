// What lies where in the evidence model's table of nodes (rank/evidence/evidence-table.ts): sets of tags, the nodes, and the
// columns of a node. Plain constants, so that Bun and the kernel's compiler (kernel/touch.as.ts) read the same file.
//
// A node has one of two shapes. An address, an address with its port, and both with the payer (a "leaf") are shaped alike:
// they have signatures. A payer has no signatures of its own and nothing below it, so it keeps other things in those
// columns. Whoever reads a column of one shape at a node of the other reads nonsense. `EvidenceTable.addressEvidence` and
// `.payerEvidence` are the only ways to ask how much is known of a node.

/** A set's nodes. */
export const EVIDENCE_WAYS = 8;
export const WAYS_SHIFT = 3;
/** Bytes of a set's tags (u32 each): half a cache line, two vectors. */
export const TAG_SET_BYTES = 32;
/** A tag is the high word of the key's id with this bit set; 0 marks a free place. */
export const TAG_USED = 1;
/** A node is a cache line of 16 words. */
export const NODE_SHIFT = 4;
export const NODE_WORDS = 16;
export const NODE_BYTES = 64;
/** For readers on other threads: bytes set aside for each node's key, and what an address takes of them. */
export const NODE_KEY_BYTES = 32;
export const ADDRESS_KEY_BYTES = 8;

// Columns of both shapes (f32). The first eight are four pairs: what speaks for a key, then what speaks against it. The
// first of a pair is forgotten as credit is, the second as blame is (rank/evidence/decay.ts).
export const DECAYING_COLUMNS = 8;
export const LANDED = 4;
export const MISSED = 5;
/** Nanoseconds of execution, and the compute units that were asked for them. */
export const NANOS = 8;
export const ASKED = 9;
export const IN_FLIGHT = 10;
/** Estimates as of the last whole look (rank/evidence/look.ts). */
export const P_LANDS = 12;
export const NANOS_PER_UNIT = 13;
/** When the node was settled last: the low 32 bits of the number of 32 ms since the clock's start (i32). */
export const STAMP = 14;
/** The low word of the key's id. */
export const ID_LOW = 15;

// Columns of an address, of an address and port, and of a leaf.
export const GOOD = 0;
export const BAD = 1;
/** Good and bad signatures of the keys below it while these had no record. */
export const FRESH_GOOD = 2;
export const FRESH_BAD = 3;
/** Landings and misses of an address's payers while these had no record. */
export const FRESH_LANDED = 6;
export const FRESH_MISSED = 7;
/** Estimate as of the last whole look. */
export const P_GOOD = 11;

// Columns of a payer.
/** The logarithm of how much likelier its landings and misses are if it has turned. Fades as blame does. */
export const TURNED = 1;
/** Landings and misses while it was as it usually is; both fade as blame does. */
export const USUALLY_LANDED = 3;
export const USUALLY_MISSED = 7;
/** How far it is doubted, as of the last whole look: 0 not at all, 1 entirely. */
export const DOUBT = 11;

// Kinds of nodes. A port's and a leaf's keys are of no use to people, so they are not kept.
export const KIND_OTHER = 0;
export const KIND_ADDRESS = 1;
export const KIND_ADDRESS_IPV6 = 2;
export const KIND_PAYER = 3;
/** An identity at an address: what a port is elsewhere. */
export const KIND_IDENTITY = 4;

/** From a column of credit to its column of blame. */
export const BLAME = 1;
