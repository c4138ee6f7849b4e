// The scratch of the queue's sort (kernel/sort.as.ts): how large it is, said once for the kernel that writes it, the layout
// that sets it aside and the queue that checks it. Bun and the kernel's compiler read the same file.

/** Counts of the six digits' values. */
export const SORT_HISTOGRAM_BYTES = 8_192;
export const SORT_DIGITS = 6;
/** A record of the sort: key, index, padding to a vector. */
export const SORT_RECORD_BYTES = 16;

/** Bytes of scratch for a number of elements: the histograms, the records, and another place for the records. */
export function sortScratchBytes(count: number): number {
  return SORT_DIGITS * SORT_HISTOGRAM_BYTES + 2 * SORT_RECORD_BYTES * count;
}
