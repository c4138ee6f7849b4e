// A record: what became of one packet, 192 bytes. It is a digest (shape/digest-layout.ts) in which three keyed mixes, of no
// use outside of the loop, give way to the end's own fields. A record of an outcome is made from a partial meta, which has
// only the first 128 bytes: the rest of its third line is zero. Plain constants, like the digest's.

import {
  DIGEST_BYTES,
  DIGEST_SCRATCH_AT,
  HASH_MIX_AT,
  META_BYTES,
  NONCE_TAG_AT,
  SCORE_AT,
  SIGNATURE_OFFSET_AT,
} from "./digest-layout.ts";

export const RECORD_BYTES = DIGEST_BYTES;

// In place of the digest's scratch.
export const RECORD_EXECUTION_NANOS_AT = 48; // f64, 0 if it was not included
export const RECORD_END_AT = 56; // u8 shape/ends.ts
// In place of the mixes.
export const RECORD_SEQUENCE_AT = 128; // f64: counts up by one within a ring
export const RECORD_END_MS_AT = 136; // f64 milliseconds of the loop's clock
export const RECORD_TRANSMIT_MS_AT = 144; // f64 likewise; NOT_TRANSMITTED if it was not, or is not known
/** First byte of what a record shares with a whole digest again. */
export const RECORD_TAIL_AT = 152;

export const NOT_TRANSMITTED = -1;

// What is known at arrival and kept with the queued digest, behind its own last field (PAYLOAD offsets end at 172).
export const ARRIVAL_DOOR_AT = 172; // f32 the score to beat then, -Infinity while the queue had room
export const ARRIVAL_IP_SCORE_AT = 176; // f32 the score's factors: the sender's
export const ARRIVAL_PAYER_SCORE_AT = 180; // f32 and the fee payer's
export const ARRIVAL_CHANNEL_AT = 184; // u8 the channel's id, plus one; 0 is unknown

/**
 * A partial meta has no free byte, and models read all but its score when the outcome comes. So a transmitted one
 * (TRAIT_TRANSMITTED) keeps arrival-to-transmit in whole milliseconds, u16, in the score's lowest bits: 36 bits of its
 * fraction are left.
 */
export const META_TRANSMIT_DELAY_AT = SCORE_AT;
export const TRANSMIT_DELAY_MAX = 65_535;

/** Records of outcomes that wait for the database's writer; a power of two. */
export const OUTCOME_RECORDS = 65_536;

if (RECORD_END_AT >= DIGEST_SCRATCH_AT + 16 || RECORD_SEQUENCE_AT !== HASH_MIX_AT || RECORD_SEQUENCE_AT < META_BYTES)
  throw new Error("a record's own fields lie outside of what a digest gives up");
if (ARRIVAL_DOOR_AT < SIGNATURE_OFFSET_AT + 2 || ARRIVAL_CHANNEL_AT + 4 > NONCE_TAG_AT)
  throw new Error("what is kept at arrival lies over the digest's own fields");
