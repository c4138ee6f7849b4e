// A least-recently-used store's machinery: which node is the oldest, and which node belongs to a key. It is in the kernel
// because a packet's insert alone is some 40 loads and stores at computed places: 60 ns of checks in JavaScript, 20 here.
//
// The order is a circle of nodes, doubly linked inside the nodes. `head` is the most recent node, the node behind it the
// least recent. So an insert into a full store writes no link: the node behind the head is the victim and becomes the head.
// Free (removed) nodes stand at the tail end of the same circle. Nodes that were never used enter the circle one after
// the other, so that a start touches no memory.
//
// Victims of a well-mixed store lie anywhere, and following the circle costs one cache miss after the other (160 ns a packet,
// measured). So each touch of a node is also logged, in order, as a *hint*. The log tells the next victims without following
// links, and their lines are loaded ahead for a whole group. The log is bounded and may have lost old entries; the circle is
// the truth.

import { touchRows, touchRowsThrough } from "./touch.as";
import { findNode, insertNode, removeNode } from "./bucket-index.as";
import {
  LINK_MIX_AT,
  LINK_NEXT_AT,
  LINK_STAMP_AT,
  STORE_BUCKET_MASK_AT,
  STORE_BUCKETS_AT,
  STORE_CAPACITY_AT,
  STORE_EVICTED_AT,
  STORE_HEAD_AT,
  STORE_HINT_AT,
  STORE_LINKS_AT,
  STORE_LOG_AT,
  STORE_LOG_MASK_AT,
  STORE_NODE_SHIFT_AT,
  STORE_NODES_AT,
  STORE_POSITION_AT,
  STORE_SIZE_AT,
  STORE_USED_AT,
} from "../shape/store-layout";

const LINE_BYTES: u32 = 64;
const ALL: u32 = 0xffffffff;

/** Address of a node's links. */
@inline
function linksOf(lru: usize, node: u32): usize {
  return load<u32>(lru, STORE_NODES_AT) + (node << load<u32>(lru, STORE_NODE_SHIFT_AT)) + load<u32>(lru, STORE_LINKS_AT);
}

@inline
function logEntry(lru: usize, position: u32): usize {
  return load<u32>(lru, STORE_LOG_AT) + ((position & load<u32>(lru, STORE_LOG_MASK_AT)) << 2);
}

/** @returns node number of the key (u64) at `key`, with its mix at `mix`, or -1. Does not refresh */
export function storeFind(lru: usize, key: usize, mix: usize): i32 {
  return findNode(lru, load<u32>(mix), load<u64>(key));
}

/**
 * Gives a node to a key that is not in the store: a free one, a new one, or the least recently used one. The caller
 * writes the key into it.
 * @returns node number
 */
export function storeInsert(lru: usize, mix: u32): i32 {
  const used = load<u32>(lru, STORE_USED_AT);
  const size = load<u32>(lru, STORE_SIZE_AT);
  let node: u32;
  let links: usize;
  if (size < used) {
    node = load<u32>(linksOf(lru, load<u32>(lru, STORE_HEAD_AT)));
    links = linksOf(lru, node);
    store<u32>(lru, size + 1, STORE_SIZE_AT);
  } else if (used < load<u32>(lru, STORE_CAPACITY_AT)) {
    node = used;
    links = linksOf(lru, node);
    linkBehindHead(lru, node);
    store<u32>(lru, used + 1, STORE_USED_AT);
    store<u32>(lru, size + 1, STORE_SIZE_AT);
  } else {
    node = load<u32>(linksOf(lru, load<u32>(lru, STORE_HEAD_AT)));
    links = linksOf(lru, node);
    removeNode(lru, node);
    store<u32>(lru, load<u32>(links, LINK_STAMP_AT) + 1, STORE_HINT_AT);
    store<f64>(lru, load<f64>(lru, STORE_EVICTED_AT) + 1, STORE_EVICTED_AT);
  }
  store<u32>(lru, node, STORE_HEAD_AT);
  store<u32>(links, mix, LINK_MIX_AT);
  stamp(lru, node, links);
  insertNode(lru, mix, node);
  return node;
}

/** Makes an entry the most recent. */
export function storeRefresh(lru: usize, node: u32): void {
  const head = load<u32>(lru, STORE_HEAD_AT);
  if (node != head) {
    // The node behind the head already stands in its place.
    if (load<u32>(linksOf(lru, head)) != node) {
      unlink(lru, node);
      linkBehindHead(lru, node);
    }
    store<u32>(lru, node, STORE_HEAD_AT);
  }
  stamp(lru, node, linksOf(lru, node));
}

/** Takes an entry out: its node goes to the tail end, free. */
export function storeRemove(lru: usize, node: u32): void {
  removeNode(lru, node);
  store<u32>(lru, load<u32>(lru, STORE_SIZE_AT) - 1, STORE_SIZE_AT);
  const head = load<u32>(lru, STORE_HEAD_AT);
  const links = linksOf(lru, node);
  if (node == head) {
    store<u32>(lru, load<u32>(links, LINK_NEXT_AT), STORE_HEAD_AT);
  } else if (load<u32>(linksOf(lru, head)) != node) {
    unlink(lru, node);
    linkBehindHead(lru, node);
  }
  // No entry of the log names this node any more.
  const past = load<u32>(lru, STORE_POSITION_AT) - 1 - load<u32>(lru, STORE_LOG_MASK_AT);
  store<u32>(links, past, LINK_STAMP_AT);
}

/**
 * Loads the lines that the next victims' removal will read and write, as far as the log knows the victims.
 * @param count victims that will be needed before the next call
 * @returns anything that depends on the loads
 */
export function storeTouchVictims(lru: usize, count: i32): i32 {
  if (load<u32>(lru, STORE_SIZE_AT) < load<u32>(lru, STORE_CAPACITY_AT)) return 0;
  const position = load<u32>(lru, STORE_POSITION_AT);
  const logMask = load<u32>(lru, STORE_LOG_MASK_AT);
  let hint = load<u32>(lru, STORE_HINT_AT);
  if (<i32>(position - hint) > <i32>logMask) hint = position - logMask;
  hint = passStale(lru, hint, position, count);
  store<u32>(lru, hint, STORE_HINT_AT);

  const most = min<i32>(min<i32>(count, <i32>(position - hint)), <i32>(logMask + 1 - (hint & logMask)));
  const entries = logEntry(lru, hint);
  const nodes = load<u32>(lru, STORE_NODES_AT);
  const nodeBytes = (<u32>1) << load<u32>(lru, STORE_NODE_SHIFT_AT);
  const mixes = linksOf(lru, 0) + LINK_MIX_AT;
  const buckets = load<u32>(lru, STORE_BUCKETS_AT);
  const mask = load<u32>(lru, STORE_BUCKET_MASK_AT);
  const touched = touchRowsThrough(entries, 4, most, mixes, ALL, nodeBytes, buckets, mask, LINE_BYTES);
  if (nodeBytes <= LINE_BYTES) return touched;
  return touched + touchRows(entries, 4, most, nodes + nodeBytes - LINE_BYTES, ALL, nodeBytes);
}

/** Skips log entries whose nodes were touched again or removed. At most `most`: the call before has loaded their nodes. */
@inline
function passStale(lru: usize, hint: u32, position: u32, most: i32): u32 {
  for (; most > 0 && hint != position; most--) {
    if (load<u32>(linksOf(lru, load<u32>(logEntry(lru, hint))), LINK_STAMP_AT) == hint) break;
    hint += 1;
  }
  return hint;
}

@inline
function stamp(lru: usize, node: u32, links: usize): void {
  const position = load<u32>(lru, STORE_POSITION_AT);
  store<u32>(logEntry(lru, position), node);
  store<u32>(links, position, LINK_STAMP_AT);
  store<u32>(lru, position + 1, STORE_POSITION_AT);
}

/** Puts a node between the head and the node behind it. The first node of all is a circle of its own. */
function linkBehindHead(lru: usize, node: u32): void {
  const links = linksOf(lru, node);
  if (load<u32>(lru, STORE_USED_AT) == 0) {
    store<u32>(links, node);
    store<u32>(links, node, LINK_NEXT_AT);
    return;
  }
  const headNode = load<u32>(lru, STORE_HEAD_AT);
  const head = linksOf(lru, headNode);
  const behind = load<u32>(head);
  store<u32>(links, behind);
  store<u32>(links, headNode, LINK_NEXT_AT);
  store<u32>(linksOf(lru, behind), node, LINK_NEXT_AT);
  store<u32>(head, node);
}

function unlink(lru: usize, node: u32): void {
  const links = linksOf(lru, node);
  const previous = load<u32>(links);
  const next = load<u32>(links, LINK_NEXT_AT);
  store<u32>(linksOf(lru, previous), next, LINK_NEXT_AT);
  store<u32>(linksOf(lru, next), previous);
}
