// The kernel as the loop sees it: the compiled AssemblyScript (kernel.as.ts), instantiated over an arena. The same module
// works in several threads at once; each call belongs to one context (kernel/context.ts) and one thread.

import { readFileSync } from "node:fs";
import type { ChannelWords } from "../channel/channel-words.ts";
import type { Arena } from "../shape/arena.ts";
import wasmPath from "./kernel.wasm" with { type: "file" };

/** Loads lines of tables ahead of their use, a group's at once (kernel/touch.as.ts). */
export interface Toucher {
  /**
   * Loads a line of a table for each word.
   * @param wordsAt arena offset of the first word (u32); the next ones follow at `strideBytes`
   * @param tableAt arena offset of row 0; a word's row is `word & mask`
   * @returns anything that depends on the loads
   */
  touchRows(
    wordsAt: number,
    strideBytes: number,
    count: number,
    tableAt: number,
    mask: number,
    rowBytes: number,
  ): number;

  /** The same through a table between: its row begins with a word that names the row of the second table. */
  touchRowsThrough(
    wordsAt: number,
    strideBytes: number,
    count: number,
    betweenAt: number,
    betweenMask: number,
    betweenBytes: number,
    tableAt: number,
    mask: number,
    rowBytes: number,
  ): number;

  /**
   * Loads the nodes of ids, through sets of eight tags (rank/evidence/evidence-table.ts).
   * @param idsAt arena offset of the first id (u64); the next ones follow at `strideBytes`
   * @param tagsAt arena offset of set 0; an id's set is its low word & `mask`
   * @returns anything that depends on the loads
   */
  touchNodes(idsAt: number, strideBytes: number, count: number, tagsAt: number, mask: number, nodesAt: number): number;

  /** The same for ids in rows of a table. @param rowsAt of the rows' numbers (u32) @param idsAt of row 0's id */
  touchNodesThrough(
    rowsAt: number,
    count: number,
    idsAt: number,
    rowBytes: number,
    tagsAt: number,
    mask: number,
    nodesAt: number,
  ): number;
}

/** The kernel's operations on a store. `storeAt` is the arena offset of its words. */
export interface StoreKernel extends Toucher {
  /** @returns node number of the key (u64) at `keyAt`, with its keyed mix at `mixAt`, or -1. Does not refresh */
  storeFind(storeAt: number, keyAt: number, mixAt: number): number;

  /**
   * Gives a node to a key that is not in the store; a full store gives up its least recently used entry. The caller writes
   * the key.
   * @returns node number
   */
  storeInsert(storeAt: number, mix: number): number;

  /** Makes an entry the most recent. */
  storeRefresh(storeAt: number, node: number): void;

  /** Takes an entry out. */
  storeRemove(storeAt: number, node: number): void;

  /** Loads what the next `count` inserts evict, as far as it is known. @returns anything that depends on the loads */
  storeTouchVictims(storeAt: number, count: number): number;
}

/** The kernel's way of keeping metas (kernel/recognise.as.ts). */
export interface MetaKernel extends StoreKernel {
  /**
   * Looks a packet up in both stores. One that waits for its outcome becomes the most recent of those.
   * @param recentAt arena offset of the recent filter's store
   * @param metasAt arena offset of the partial metas' store
   * @returns SEEN_ (shape/store-layout.ts)
   */
  recognise(recentAt: number, metasAt: number, digestAt: number): number;

  /** Keeps a digest's first 128 bytes. Its packet hash must not be in the store. @returns arena offset of the meta */
  remember(metasAt: number, digestAt: number): number;
}

/** All addresses are arena offsets in bytes. Nothing here throws, whatever the bytes. */
export interface Kernel extends MetaKernel, ChannelWords {
  /**
   * Digests packets that lie one behind the other (shape/digest-layout.ts).
   * @param count 1 to GROUP; more works, with less use of the caches
   * @param strideBytes bytes of a packet in the layout in use
   * @param outAt 192 bytes a packet, 8-byte aligned
   */
  digest(firstAt: number, count: number, strideBytes: number, outAt: number, contextAt: number): void;

  /** Copies bytes that lie apart. @param bytes a multiple of 16 */
  copy(toAt: number, fromAt: number, bytes: number): void;

  /**
   * Copies a packet without the unused end of its payload.
   * @param used bytes of the payload
   * @param room bytes before the packet's fields
   * @param bytes of the packet
   */
  copyPacket(toAt: number, fromAt: number, used: number, room: number, bytes: number): void;

  /**
   * Copies a packet, as `copyPacket` does, and its digest into a slot of the queue: the digest, then the packet.
   * @returns 1 where the copy's size, flags and sender are still those of the digest; 0: they were changed meanwhile
   */
  fillSlot(
    slotAt: number,
    packetAt: number,
    used: number,
    room: number,
    bytes: number,
    digestAt: number,
    contextAt: number,
  ): number;

  /** Reads remaining metas, 16 bytes each, into entries of OUTCOME_ENTRY_BYTES (shape/entry-layout.ts). */
  digestOutcomes(firstAt: number, count: number, outAt: number, contextAt: number): void;

  /** Reads signatures, 64 bytes each, into entries of CONFIRMED_ENTRY_BYTES (shape/entry-layout.ts). */
  digestSignatures(firstAt: number, count: number, outAt: number, contextAt: number): void;

  /**
   * XXH3-64 with a secret.
   * @param secretAt 192 bytes
   * @param outAt 8 bytes
   */
  hash(at: number, length: number, secretAt: number, outAt: number): void;

  /**
   * The id of a sender's address, as in a digest's IP_ID. Never 0.
   * @param keyAt 8 bytes: a digest's IP_KEY
   * @param isIpv6 1 for a /64, else 0
   * @param outAt 8 bytes
   */
  ipId(keyAt: number, isIpv6: number, outAt: number, contextAt: number): void;

  /**
   * The id of a fee payer, as in a digest's PAYER_ID. Never 0.
   * @param keyAt 32 bytes
   * @param outAt 8 bytes
   */
  payerId(keyAt: number, outAt: number, contextAt: number): void;

  /**
   * Sorts by falling score, equal scores by rising sequence.
   * @param scoresAt f64 each, no NaN
   * @param sequencesAt f64 each, whole numbers
   * @param orderAt gets the elements' places in order, u32 each
   * @param scratchAt `sortScratchBytes(count)`, 16-byte aligned (layout.ts: QueueRegion.sortAt)
   */
  sortFalling(count: number, scoresAt: number, sequencesAt: number, orderAt: number, scratchAt: number): void;
}

interface Exports extends Kernel {
  setOrderedMemory(ordered: number): void;
}

/** Processors that keep loads in order and stores in order (kernel/channel-words.as.ts). */
const ORDERS_MEMORY = process.arch === "x64";

let compiled: WebAssembly.Module | undefined;

/**
 * Instantiates the kernel over an arena; synchronous, so that a Worker can use it at once.
 * @param ordersMemory whether plain loads and stores may serve for tails (kernel/channel-words.as.ts)
 */
export function loadKernel(arena: Arena, ordersMemory = ORDERS_MEMORY): Kernel {
  compiled ??= new WebAssembly.Module(readFileSync(wasmPath));
  const instance = new WebAssembly.Instance(compiled, { env: { memory: arena.memory } });
  const raw = instance.exports as unknown as Exports;
  raw.setOrderedMemory(ordersMemory ? 1 : 0);
  // Every whole number goes in as an i32 (`| 0`). A call whose arguments have the module's types takes a few instructions.
  // A number that the runtime happens to keep as a double, such as an offset that was once divided, sends the call through
  // the runtime's general entry: 60 ns and more (measured: a third of a packet's whole way).
  return {
    digest: (first, count, stride, out, context) => raw.digest(first | 0, count | 0, stride | 0, out | 0, context | 0),
    copy: (to, from, bytes) => raw.copy(to | 0, from | 0, bytes | 0),
    copyPacket: (to, from, used, room, bytes) => raw.copyPacket(to | 0, from | 0, used | 0, room | 0, bytes | 0),
    fillSlot: (slot, packet, used, room, bytes, digest, context) =>
      raw.fillSlot(slot | 0, packet | 0, used | 0, room | 0, bytes | 0, digest | 0, context | 0),
    digestOutcomes: (first, count, out, context) => raw.digestOutcomes(first | 0, count | 0, out | 0, context | 0),
    digestSignatures: (first, count, out, context) => raw.digestSignatures(first | 0, count | 0, out | 0, context | 0),
    hash: (at, length, secret, out) => raw.hash(at | 0, length | 0, secret | 0, out | 0),
    ipId: (key, isIpv6, out, context) => raw.ipId(key | 0, isIpv6 | 0, out | 0, context | 0),
    payerId: (key, out, context) => raw.payerId(key | 0, out | 0, context | 0),
    sortFalling: (count, scores, sequences, order, scratch) =>
      raw.sortFalling(count | 0, scores | 0, sequences | 0, order | 0, scratch | 0),
    loadTail: (at) => raw.loadTail(at | 0),
    storeTail: (at, tail) => raw.storeTail(at | 0, tail),
    beat: (at) => raw.beat(at | 0),
    touchRows: (words, stride, count, table, mask, rowBytes) =>
      raw.touchRows(words | 0, stride | 0, count | 0, table | 0, mask | 0, rowBytes | 0),
    touchRowsThrough: (words, stride, count, between, betweenMask, betweenBytes, table, mask, rowBytes) =>
      raw.touchRowsThrough(
        words | 0,
        stride | 0,
        count | 0,
        between | 0,
        betweenMask | 0,
        betweenBytes | 0,
        table | 0,
        mask | 0,
        rowBytes | 0,
      ),
    touchNodes: (ids, stride, count, tags, mask, nodes) =>
      raw.touchNodes(ids | 0, stride | 0, count | 0, tags | 0, mask | 0, nodes | 0),
    touchNodesThrough: (rows, count, ids, rowBytes, tags, mask, nodes) =>
      raw.touchNodesThrough(rows | 0, count | 0, ids | 0, rowBytes | 0, tags | 0, mask | 0, nodes | 0),
    storeFind: (store, key, mix) => raw.storeFind(store | 0, key | 0, mix | 0),
    storeInsert: (store, mix) => raw.storeInsert(store | 0, mix | 0),
    storeRefresh: (store, node) => raw.storeRefresh(store | 0, node | 0),
    storeRemove: (store, node) => raw.storeRemove(store | 0, node | 0),
    storeTouchVictims: (store, count) => raw.storeTouchVictims(store | 0, count | 0),
    recognise: (recent, metas, digest) => raw.recognise(recent | 0, metas | 0, digest | 0),
    remember: (metas, digest) => raw.remember(metas | 0, digest | 0),
  };
}
