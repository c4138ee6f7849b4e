// Loads cache lines for a whole group of packets, so that their misses overlap. The caller knows what it needs a line for. It
// names the table, and the words that say which lines (hashes in digests, node numbers in a log).
//
// It is in the kernel because the number of instructions between two loads decides: the processor looks some 320 instructions
// ahead, which is two dozen misses at once here, and three or four in JavaScript with its checks (a line cost 25 ns there,
// and costs 5 here).

import { EVIDENCE_WAYS, NODE_BYTES, TAG_SET_BYTES, TAG_USED } from "../shape/node-layout";

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

/** Loads the node of an id of two words, if the id's set of eight has one. */
@inline
function touchNode(id: usize, tags: usize, mask: u32, nodes: usize): u32 {
  const set = <usize>(load<u32>(id) & mask);
  const tag = i32x4.splat(<i32>(load<u32>(id, 4) | TAG_USED));
  const at = tags + set * TAG_SET_BYTES;
  const ways =
    i32x4.bitmask(i32x4.eq(v128.load(at), tag)) | (i32x4.bitmask(i32x4.eq(v128.load(at, 16), tag)) << 4);
  return ways == 0 ? 0 : <u32>load<u8>(nodes + (set * EVIDENCE_WAYS + <usize>ctz<i32>(ways)) * NODE_BYTES);
}

/**
 * Loads the nodes that a group's ids have in the evidence model's table (rank/evidence/evidence-table.ts). Their tags were
 * touched before: a tag's place tells the place of its node.
 * @param ids address of the first id (u64); the next ones follow at `stride`
 * @returns anything that depends on the loads
 */
export function touchNodes(ids: usize, stride: i32, count: i32, tags: usize, mask: u32, nodes: usize): i32 {
  let sink: u32 = 0;
  for (let i: i32 = 0; i < count; i++, ids += stride) sink += touchNode(ids, tags, mask, nodes);
  return sink;
}

/**
 * The same for ids in rows of a table.
 * @param rows address of the first row's number (u32); the next ones follow
 * @param ids address of row 0's id
 */
export function touchNodesThrough(
  rows: usize,
  count: i32,
  ids: usize,
  rowBytes: u32,
  tags: usize,
  mask: u32,
  nodes: usize,
): i32 {
  let sink: u32 = 0;
  for (let i: i32 = 0; i < count; i++, rows += 4) sink += touchNode(ids + load<u32>(rows) * rowBytes, tags, mask, nodes);
  return sink;
}
