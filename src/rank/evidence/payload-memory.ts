// Which payloads were sent on, and who brought a payload first: a bounded memory of the payloads' keyed hashes, in lines of
// eight. It forgets at random (a line's victim is drawn by a counter), so nobody can choose what it forgets.

import type { Arena } from "../../arena.ts";
import type { LinesRegion } from "../../layout.ts";

const ENTRIES = 8;
const LINE_SHIFT = 4;

export class PayloadMemory {
  readonly #words: Int32Array;
  readonly #lines: number;
  readonly #mask: number;
  #victim = 0;

  constructor(arena: Arena, region: LinesRegion) {
    if (!Number.isInteger(Math.log2(region.lines))) throw new RangeError(`${region.lines} lines are no power of two`);
    this.#words = arena.i32;
    this.#lines = region.at >>> 2;
    this.#mask = region.lines - 1;
  }

  /** Loads the line that `find` reads. */
  touch(low: number): number {
    return this.#words[this.#lines + ((low & this.#mask) << LINE_SHIFT)]!;
  }

  /** @returns what was kept with a payload, or 0 */
  find(low: number, high: number): number {
    const words = this.#words;
    const line = this.#lines + ((low & this.#mask) << LINE_SHIFT);
    const tag = high | 1; // 0 marks a free place
    let found = 0;
    for (let i = 0; i < ENTRIES; i++) found |= (Math.clz32(words[line + i]! ^ tag) >>> 5) << i;
    return found === 0 ? 0 : words[line + ENTRIES + 31 - Math.clz32(found)]!;
  }

  /** Keeps a value with a payload. @param value not 0 */
  put(low: number, high: number, value: number): void {
    const words = this.#words;
    const line = this.#lines + ((low & this.#mask) << LINE_SHIFT);
    const tag = high | 1;
    let place = -1;
    for (let i = 0; i < ENTRIES; i++) {
      if (words[line + i] === tag) {
        place = i;
        break;
      }
      if (place < 0 && words[line + i] === 0) place = i;
    }
    if (place < 0) place = this.#victim++ & (ENTRIES - 1);
    words[line + place] = tag;
    words[line + ENTRIES + place] = value;
  }
}
