// The table of identities: the keys of staked peers, which QUIC's handshake proves (Agave's `Meta.remote_pubkey`). A digest
// has no room for 32 bytes, so it names a place of this table where it would hold a port. Plain constants, so that Bun and
// the kernel's compiler read the same file.
//
// Sets of eight places. An identity that comes for the first time takes a free place of its set, or that of the one which
// was not seen for longest. A digest's word is a place and the number of times, modulo four, that it changed hands: a digest
// that waited meanwhile names nobody. Only peers with stake have identities, a few thousand: sets hardly ever overflow.

export const IDENTITY_WAYS = 8;
/** Sets, a power of two. A place's number has 14 bits of a digest's word, and its turn the 2 above. */
export const IDENTITY_SETS = 2_048;
export const IDENTITY_PLACES = IDENTITY_SETS * IDENTITY_WAYS;
export const IDENTITY_PLACE_BITS = 14;
export const IDENTITY_TURN_MASK = 3;

/** A place is a cache line. */
export const IDENTITY_BYTES = 64;
// A place begins with the key, 32 bytes.
export const IDENTITY_ID_AT = 32; // u64 keyed fingerprint; 0: the place is free
export const IDENTITY_USED_AT = 40; // u32 the table's count of packets when it was seen last
export const IDENTITY_TURN_AT = 44; // u32 how often the place changed hands
