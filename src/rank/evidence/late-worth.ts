// What a packet that was not among the best of one or two transmits is still worth: it makes way for fresh ones.

import { STALE_AFTER_MS, STALE_HALF_LIFE_MS } from "./constants.ts";

const STEPS_PER_HALF_LIFE = 4;
/** From sixteen half-lives on nothing changes any more. */
const STEPS = 64;
const table = Float64Array.from({ length: STEPS }, (_, i) => 2 ** (-i / STEPS_PER_HALF_LIFE));

/** The share of its worth that is left to a packet of an age. */
export function lateWorth(ageMs: number): number {
  const lateMs = ageMs - STALE_AFTER_MS;
  if (!(lateMs > 0)) return 1;
  return table[Math.min(STEPS - 1, Math.floor((lateMs * STEPS_PER_HALF_LIFE) / STALE_HALF_LIFE_MS))];
}
