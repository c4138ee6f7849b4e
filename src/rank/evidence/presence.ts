// Which addresses without a record keep coming back: each is noted once a window. An honest newcomer is seen in many
// windows, a flood of fresh addresses shows each address once. Bounded, in lines of eight: the one seen least leaves.

import type { Arena } from "../../arena.ts";
import type { LinesRegion } from "../../layout.ts";

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
    let leastSeen = 0x7fff_ffff;
    for (let i = 0; i < ENTRIES; i++) {
      const word = words[line + ENTRIES + i]!;
      if (words[line + i] === high && word !== 0) {
        if ((word & WINDOW_MASK) === now) return;
        const seen = Math.min((word >>> WINDOWS_SHIFT) + 1, 0x7fff);
        words[line + ENTRIES + i] = (seen << WINDOWS_SHIFT) | now;
        return;
      }
      const seen = word >>> WINDOWS_SHIFT;
      if (seen < leastSeen) {
        leastSeen = seen;
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
    for (let i = 0; i < ENTRIES; i++) if (words[line + i] === high) return words[line + ENTRIES + i]! >>> WINDOWS_SHIFT;
    return 0;
  }
}
