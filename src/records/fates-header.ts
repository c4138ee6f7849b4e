// What stands in the user metadata of the fates ring's header (shape/channel-header.ts) for readers in other processes: whose
// records these are, and how their clock becomes the world's.

import { sharedPath } from "../channel/place.ts";
import { METADATA_AT } from "../shape/channel-header.ts";

/** f64: add it to a record's milliseconds for milliseconds since 1970; 0 is not known yet. */
export const WALL_OFFSET_AT = METADATA_AT;
/** 16 characters: the session, as in the database. */
export const SESSION_AT = METADATA_AT + 8;
export const SESSION_BYTES = 16;

/** The file's name behind the channels' prefix, in /dev/shm. */
export const FATES_NAME = "qos_fates";

/** Where the ring of a prefix lies. */
export function fatesPath(prefix: string): string {
  return sharedPath(`${prefix}${FATES_NAME}`);
}
