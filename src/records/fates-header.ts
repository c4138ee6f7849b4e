// What stands in the user metadata of the fates ring's header (channel/header.ts) for readers in other processes: whose
// records these are, and how their clock becomes the world's.

import { METADATA_AT } from "../channel/header.ts";

/** f64: add it to a record's milliseconds for milliseconds since 1970; 0 is not known yet. */
export const WALL_OFFSET_AT = METADATA_AT;
/** 16 characters: the session, as in the database. */
export const SESSION_AT = METADATA_AT + 8;
export const SESSION_BYTES = 16;

/** The file's name behind the channels' prefix, in /dev/shm. */
export const FATES_NAME = "qos_fates";
