// The index of a store by itself, for its test: the same source as the kernel's, compiled the same way.

import { findNode, insertNode, removeNode } from "../../src/kernel/bucket-index.as";

/** @param key address of the key (u64) @returns node number, or -1 */
export function find(store: usize, mix: u32, key: usize): i32 {
  return findNode(store, mix, load<u64>(key));
}

export function insert(store: usize, mix: u32, node: u32): void {
  insertNode(store, mix, node);
}

export function remove(store: usize, node: u32): void {
  removeNode(store, node);
}
