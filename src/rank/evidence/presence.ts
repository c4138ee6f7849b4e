// Which addresses without a record keep coming back: each is noted once a window. An honest newcomer is seen in many
// windows, a flood of fresh addresses shows each address once. Bounded, in lines of eight: who was seen least leaves, and
// counts the less the longer ago that was.

import type { Arena } from "../../shape/arena.ts";
import type { LinesRegion } from "../../shape/layout.ts";
import { PRESENCE_FADES_WINDOWS } from "./constants.ts";

const ENTRIES = 8;
const LINE_SHIFT = 4;
const WINDOWS_SHIFT = 16;
const WINDOW_MASK = 0xffff;

export class Presence {
  readonly #words: Int32Array;
  readonly #lines: number;
  readonly #mask: number;

  constructor(arena: Arena, region: LinesRegion) {
    if (!Number.isInteger(Math.log2(region.lines))) throw new RangeError(`${region.lines} lines are no power of two`);
    this.#words = arena.i32;
    this.#lines = region.at >>> 2;
    this.#mask = region.lines - 1;
  }

  /** Notes an address in a window. @param window a number that rises by 1 from window to window */
  note(low: number, high: number, window: number): void {
    const words = this.#words;
    const line = this.#lines + ((low & this.#mask) << LINE_SHIFT);
    const now = window & WINDOW_MASK;
    let least = 0;
    let leastKept = Number.POSITIVE_INFINITY;
    for (let i = 0; i < ENTRIES; i++) {
      const word = words[line + ENTRIES + i];
      if (words[line + i] === high && word !== 0) {
        if (((now - word - 1) & WINDOW_MASK) >= WINDOW_MASK >>> 1) return; // this window or an earlier one
        const seen = Math.min((word >>> WINDOWS_SHIFT) + 1, 0x7fff);
        words[line + ENTRIES + i] = (seen << WINDOWS_SHIFT) | now;
        return;
      }
      // Whoever was not seen again for long is as good as gone, and of those seen once the oldest leaves.
      const kept = (word >>> WINDOWS_SHIFT) / (1 + ((now - word) & WINDOW_MASK) / PRESENCE_FADES_WINDOWS);
      if (kept < leastKept) {
        leastKept = kept;
        least = i;
      }
    }
    words[line + least] = high;
    words[line + ENTRIES + least] = (1 << WINDOWS_SHIFT) | now;
  }

  /** @returns in how many windows an address was seen, as far as it is remembered */
  windows(low: number, high: number): number {
    const words = this.#words;
    const line = this.#lines + ((low & this.#mask) << LINE_SHIFT);
    for (let i = 0; i < ENTRIES; i++) if (words[line + i] === high) return words[line + ENTRIES + i] >>> WINDOWS_SHIFT;
    return 0;
  }
}
