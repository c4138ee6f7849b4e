// Spearman's rank correlation: does the order of one column follow the order of the other? 1: the same, 0: no relation.

/** Fewer pairs say nothing. */
const PAIRS_MIN = 10;

/** @returns null for too few pairs, or where one column is all the same */
export function rankCorrelation(xs: readonly number[], ys: readonly number[]): number | null {
  if (xs.length < PAIRS_MIN || xs.length !== ys.length) return null;
  const a = ranks(xs);
  const b = ranks(ys);
  const mean = (xs.length - 1) / 2;
  let both = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] - mean;
    const y = b[i] - mean;
    both += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? null : both / Math.sqrt(aa * bb);
}

/** Each value's place in rising order, equal values sharing their places' mean. */
function ranks(values: readonly number[]): Float64Array {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const found = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]] === values[order[from]]) to += 1;
    for (let i = from; i < to; i++) found[order[i]] = (from + to - 1) / 2;
    from = to;
  }
  return found;
}
