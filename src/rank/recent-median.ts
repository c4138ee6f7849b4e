// The median of the scores given lately: over a window, found anew each time a quarter of it was replaced. Nothing is
// allocated; finding it takes a few microseconds for the window of 512.

const WINDOW = 512;
const STEP = WINDOW / 4;
/** A multiple of the window. */
const COUNT_WRAPS = 2 * WINDOW;

export class RecentMedian {
  /** The present median; 0 before the first score. */
  value = 0;
  readonly #window = new Float64Array(WINDOW);
  readonly #scratch = new Float64Array(WINDOW);
  #count = 0;

  /** Takes a score into account. */
  add(score: number): void {
    const count = this.#count;
    this.#window[count % WINDOW] = score;
    // Counting on for ever is not needed: from here on only the place in the window matters.
    this.#count = count + 1 < COUNT_WRAPS ? count + 1 : COUNT_WRAPS - WINDOW;
    // At the beginning where a power of two is reached, so that an early median stands on something.
    if (count + 1 >= STEP ? (count + 1) % STEP === 0 : (count & (count + 1)) === 0) this.#find();
  }

  #find(): void {
    const size = Math.min(this.#count, WINDOW);
    this.#scratch.set(this.#window);
    this.value = select(this.#scratch, size, size >>> 1);
  }
}

/** The `rank`-th smallest of the first `size` values, which change their places (Hoare's selection). */
function select(values: Float64Array, size: number, rank: number): number {
  let from = 0;
  let to = size - 1;
  while (from < to) {
    const pivot = values[(from + to) >>> 1];
    let i = from;
    let j = to;
    while (i <= j) {
      while (values[i] < pivot) i += 1;
      while (values[j] > pivot) j -= 1;
      if (i > j) break;
      const value = values[i];
      values[i] = values[j];
      values[j] = value;
      i += 1;
      j -= 1;
    }
    if (rank <= j) to = j;
    else if (rank >= i) from = i;
    else break;
  }
  return values[rank];
}
