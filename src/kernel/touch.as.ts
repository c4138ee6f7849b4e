// Loads cache lines for a whole group of packets, so that their misses overlap. What a line is needed for is the caller's
// business: it names the words that say where the lines are (hashes in digests, node numbers in a log) and the table.
//
// In the kernel, because what counts is how few instructions lie between two loads: the processor looks some 320
// instructions ahead, which is two dozen misses at once here, and three or four in JavaScript with its checks (a line
// then cost 25 ns, and 5 now).

/**
 * Loads a line of a table for each word.
 * @param words address of the first word (u32); the next ones follow at `stride`
 * @param table address of row 0; a row is `rowBytes` long, and a word's row is `word & mask`
 * @returns anything that depends on the loads
 */
export function touchRows(words: usize, stride: i32, count: i32, table: usize, mask: u32, rowBytes: u32): i32 {
  let sink: u32 = 0;
  for (let i: i32 = 0; i < count; i++, words += stride) sink += load<u8>(table + (load<u32>(words) & mask) * rowBytes);
  return sink;
}

/**
 * The same through a table between: a row of the first one is a word that tells the row of the second.
 * @returns anything that depends on the loads
 */
export function touchRowsThrough(
  words: usize,
  stride: i32,
  count: i32,
  between: usize,
  betweenMask: u32,
  betweenBytes: u32,
  table: usize,
  mask: u32,
  rowBytes: u32,
): i32 {
  let sink: u32 = 0;
  for (let i: i32 = 0; i < count; i++, words += stride) {
    const word = load<u32>(between + (load<u32>(words) & betweenMask) * betweenBytes);
    sink += load<u8>(table + (word & mask) * rowBytes);
  }
  return sink;
}
