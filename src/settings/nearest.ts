// "Did you mean": the known name nearest to what was typed.

/** Letters to insert, delete, change or swap with their neighbour to make one text of the other (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const next = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(last[column - 1] + (same ? 0 : 1), last[column] + 1, next[column - 1] + 1);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, before[column - 2] + 1);
      next.push(best);
    }
    before = last;
    last = next;
  }
  return last[b.length];
}

/**
 * The nearest of the known names, if any is near enough to be meant: a third of its letters may be wrong, or what was
 * typed is its beginning.
 */
export function nearest(typed: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const distance = typed.length >= 2 && name.startsWith(typed) ? 0.5 : editDistance(typed, name);
    if (distance < bestDistance && distance <= Math.max(1, Math.floor(name.length / 3))) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}
