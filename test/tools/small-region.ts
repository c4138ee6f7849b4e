// A channel's region in a small arena of a test's own.

import { type ChannelRegion, HUGE_PAGE_BYTES } from "../../src/shape/layout.ts";

/** Room for a channel of at most 2 MiB. @param at arena offset, a whole page */
export function smallRegion(capacity: number, elementBytes: number, at = 65_536): ChannelRegion {
  return { at, bytes: HUGE_PAGE_BYTES, capacity, elementBytes };
}
