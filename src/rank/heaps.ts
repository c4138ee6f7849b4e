// The queue's two heaps: entries of a score, a sequence and a slot, in columns of the arena. Rank: the higher score first; of
// equal scores the lower sequence, which is the earlier arrival. Sifts move a hole instead of swapping.

const ARITY_SHIFT = 2;
const ARITY = 1 << ARITY_SHIFT;

/** A heap's columns; entries from `size` on mean nothing. */
export class Columns {
  size = 0;

  constructor(
    readonly scores: Float64Array,
    readonly sequences: Float64Array,
    readonly slots: Uint32Array,
  ) {}

  set(place: number, score: number, sequence: number, slot: number): void {
    this.scores[place] = score;
    this.sequences[place] = sequence;
    this.slots[place] = slot;
  }

  /** Sets a place to an entry of other columns. */
  take(place: number, from: Columns, at: number): void {
    this.set(place, from.scores[at], from.sequences[at], from.slots[at]);
  }

  /** Copies other columns as they are. */
  copy(from: Columns): void {
    this.scores.set(from.scores);
    this.sequences.set(from.sequences);
    this.slots.set(from.slots);
  }

  /** Drops entries of which `stays` says no; the others are no heap any more. @returns how many were dropped */
  filter(stays: (slot: number) => boolean): number {
    const count = this.size;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const slot = this.slots[i];
      if (!stays(slot)) continue;
      if (kept !== i) this.set(kept, this.scores[i], this.sequences[i], slot);
      kept += 1;
    }
    this.size = kept;
    return count - kept;
  }
}

/** The lowest on top: a 4-ary heap. */
export class LowHeap extends Columns {
  /** Makes a heap of entries in any order. */
  order(): void {
    for (let i = ((this.size + ARITY - 2) >>> ARITY_SHIFT) - 1; i >= 0; i--)
      this.down(i, this.scores[i], this.sequences[i], this.slots[i]);
  }

  /** @returns the slot of the lowest, which leaves */
  removeTop(): number {
    const slot = this.slots[0];
    const last = --this.size;
    if (last > 0) this.down(0, this.scores[last], this.sequences[last], this.slots[last]);
    return slot;
  }

  /** Puts an entry where a hole is at `from`, or above it. */
  up(from: number, score: number, sequence: number, slot: number): void {
    const scores = this.scores;
    const sequences = this.sequences;
    const slots = this.slots;
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >>> ARITY_SHIFT;
      const parentScore = scores[parent];
      // A later arrival ranks lower, so it goes above equal scores.
      if (score > parentScore || (score === parentScore && sequence < sequences[parent])) break;
      scores[place] = parentScore;
      sequences[place] = sequences[parent];
      slots[place] = slots[parent];
      place = parent;
    }
    scores[place] = score;
    sequences[place] = sequence;
    slots[place] = slot;
  }

  /** Puts an entry where a hole is at `from`, or below it. */
  down(from: number, score: number, sequence: number, slot: number): void {
    const scores = this.scores;
    const sequences = this.sequences;
    const slots = this.slots;
    const size = this.size;
    let place = from;
    for (;;) {
      const first = (place << ARITY_SHIFT) + 1;
      if (first >= size) break;
      const end = Math.min(first + ARITY, size);
      let lowest = first;
      let lowestScore = scores[first];
      for (let child = first + 1; child < end; child++) {
        const childScore = scores[child];
        if (childScore < lowestScore || (childScore === lowestScore && sequences[child] > sequences[lowest])) {
          lowest = child;
          lowestScore = childScore;
        }
      }
      if (score < lowestScore || (score === lowestScore && sequence > sequences[lowest])) break;
      scores[place] = lowestScore;
      sequences[place] = sequences[lowest];
      slots[place] = slots[lowest];
      place = lowest;
    }
    scores[place] = score;
    sequences[place] = sequence;
    slots[place] = slot;
  }
}

/** The highest on top: a binary heap. */
export class ReadyHeap extends Columns {
  /** Makes a heap of entries in any order. */
  order(): void {
    for (let i = (this.size >>> 1) - 1; i >= 0; i--) this.down(i, this.scores[i], this.sequences[i], this.slots[i]);
  }

  /** The place of the lowest one: among the leaves. */
  lowest(): number {
    const scores = this.scores;
    const sequences = this.sequences;
    let lowest = this.size >>> 1;
    for (let i = lowest + 1; i < this.size; i++) {
      const score = scores[i];
      if (score < scores[lowest] || (score === scores[lowest] && sequences[i] > sequences[lowest])) lowest = i;
    }
    return lowest;
  }

  /** @param place the top's or a leaf's @returns the slot that stood there, and leaves */
  remove(place: number): number {
    const slot = this.slots[place];
    const last = --this.size;
    if (place === last) return slot;
    if (place === 0) this.down(0, this.scores[last], this.sequences[last], this.slots[last]);
    else this.up(place, this.scores[last], this.sequences[last], this.slots[last]);
    return slot;
  }

  /** Puts an entry where a hole is at `from`, or above it. */
  up(from: number, score: number, sequence: number, slot: number): void {
    const scores = this.scores;
    const sequences = this.sequences;
    const slots = this.slots;
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >>> 1;
      const parentScore = scores[parent];
      if (score < parentScore || (score === parentScore && sequence > sequences[parent])) break;
      scores[place] = parentScore;
      sequences[place] = sequences[parent];
      slots[place] = slots[parent];
      place = parent;
    }
    scores[place] = score;
    sequences[place] = sequence;
    slots[place] = slot;
  }

  /** Puts an entry where a hole is at `from`, or below it. */
  down(from: number, score: number, sequence: number, slot: number): void {
    const scores = this.scores;
    const sequences = this.sequences;
    const slots = this.slots;
    const size = this.size;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      const right = child + 1;
      if (
        right < size &&
        (scores[right] > scores[child] || (scores[right] === scores[child] && sequences[right] < sequences[child]))
      )
        child = right;
      if (score > scores[child] || (score === scores[child] && sequence < sequences[child])) break;
      scores[place] = scores[child];
      sequences[place] = sequences[child];
      slots[place] = slots[child];
      place = child;
    }
    scores[place] = score;
    sequences[place] = sequence;
    slots[place] = slot;
  }
}
