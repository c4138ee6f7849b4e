// Which addresses without a record keep coming back: each is noted once a window. An honest newcomer is seen in many
// windows, a flood of fresh addresses shows each address once. The memory is bounded, in lines of eight: the address that
// was seen least leaves, and what was seen counts the less the longer ago that was.
//
// An entry is two words: 24 bits of the address's id above the number of windows in which it was seen (0: a free place), and
// the last of these windows. Windows are compared as 32-bit differences: right for two that lie less than 2^31 windows, or
// 6.8 years, apart.

import type { Arena } from "../../shape/arena.ts";
import type { LinesRegion } from "../../shape/layout.ts";
import { PRESENCE_FADES_WINDOWS } from "./constants.ts";

const ENTRIES = 8;
const LINE_SHIFT = 4;
const SEEN_BITS = 8;
const SEEN_MAX = (1 << SEEN_BITS) - 1;

export class Presence {
  readonly #words: Int32Array;
  readonly #lines: number;
  readonly #mask: number;

  constructor(arena: Arena, region: LinesRegion) {
    if (!Number.isInteger(Math.log2(region.lines)))
      throw new RangeError(`${region.lines} lines are not a power of two`);
    this.#words = arena.i32;
    this.#lines = region.at >>> 2;
    this.#mask = region.lines - 1;
  }

  /** Notes an address in a window. @param low low and high words of its id @param window rises by 1 from window to window */
  note(low: number, high: number, window: number): void {
    const words = this.#words;
    const line = this.#lines + ((low & this.#mask) << LINE_SHIFT);
    const now = window | 0;
    let least = line;
    let leastKept = Number.POSITIVE_INFINITY;
    for (let at = line; at < line + ENTRIES; at++) {
      const entry = words[at];
      const seen = entry & SEEN_MAX;
      const ago = (now - words[at + ENTRIES]) | 0;
      if (seen > 0 && isOf(entry, high)) {
        if (ago <= 0) return; // this window or an earlier one
        if (seen < SEEN_MAX) words[at] = entry + 1;
        words[at + ENTRIES] = now;
        return;
      }
      // An address that was not seen again for long is as good as gone, and of those seen once the oldest leaves.
      const kept = seen / (1 + Math.max(0, ago) / PRESENCE_FADES_WINDOWS);
      if (kept < leastKept) {
        leastKept = kept;
        least = at;
      }
    }
    words[least] = (high & ~SEEN_MAX) | 1;
    words[least + ENTRIES] = now;
  }

  /** @returns in how many windows an address was seen, as far as it is remembered; SEEN_MAX stands for more, too */
  windows(low: number, high: number): number {
    const words = this.#words;
    const line = this.#lines + ((low & this.#mask) << LINE_SHIFT);
    for (let at = line; at < line + ENTRIES; at++) if (isOf(words[at], high)) return words[at] & SEEN_MAX;
    return 0;
  }
}

/** Whether an entry is that of an address. A free place may be taken for one: it was seen in no window. */
function isOf(entry: number, high: number): boolean {
  return (entry ^ high) >>> SEEN_BITS === 0;
}
