import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileModule } from "../../src/kernel/build.ts";
import { Lru } from "../../src/stores/lru.ts";
import { MIXES, makeStore, type Store } from "../stores/store.ts";
import { randomOf } from "../tools/random.ts";

const NODE_BYTES = 32;
const LINKS_AT = 8;
const KEY_WORD = 0;
const MIX_WORD = LINKS_AT / 4 + 3;
const NODE_WORDS = NODE_BYTES >>> 2;

interface Parts {
  find(storeAt: number, mix: number, keyAt: number): number;
  insert(storeAt: number, mix: number, node: number): void;
  remove(storeAt: number, node: number): void;
}

const folder = mkdtempSync(join(tmpdir(), "qos-bucket-index-"));
const path = join(folder, "bucket-index.wasm");
await compileModule("test/kernel/bucket-index.as.ts", path);
const compiled = new WebAssembly.Module(readFileSync(path));
rmSync(folder, { recursive: true });

interface Index {
  find(mix: number, low: number, high: number): number;
  insert(mix: number, node: number): void;
  remove(node: number): void;
}

function makeIndex(capacity: number): { store: Store; index: Index } {
  const store = makeStore(capacity, NODE_BYTES);
  const { arena, scratchAt } = store;
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory: arena.memory } });
  const parts = exports as unknown as Parts;
  // The store's words, as the kernel finds them.
  const { at } = new Lru(arena, store.region, { key: KEY_WORD * 4, links: LINKS_AT }, store.kernel);
  const index: Index = {
    find: (mix, low, high) => {
      arena.i32.set([low, high], scratchAt >>> 2);
      return parts.find(at, mix, scratchAt);
    },
    insert: (mix, node) => parts.insert(at, mix, node),
    remove: (node) => parts.remove(at, node),
  };
  return { store, index };
}

function writeNode({ arena, region }: Store, node: number, key: number, mix: number): void {
  const at = (region.nodesAt >>> 2) + node * NODE_WORDS;
  arena.i32[at + KEY_WORD] = key;
  arena.i32[at + KEY_WORD + 1] = ~key;
  arena.i32[at + MIX_WORD] = mix;
}

/** Checks what src/kernel/bucket-index.as.ts promises of every bucket. @returns node numbers that are in the index */
function checkBuckets({ arena, region }: Store): number[] {
  const words = arena.i32;
  const mask = region.bucketCount - 1;
  const at = (bucket: number): number => (region.bucketsAt >>> 2) + (bucket & mask) * 16;
  const count = (bucket: number): number => words[at(bucket) + 15];
  const nodes: number[] = [];
  for (let bucket = 0; bucket < region.bucketCount; bucket++) {
    expect(count(bucket)).toBeWithin(0, 11);
    for (let place = 0; place < 10; place++) {
      const tag = arena.u16[at(bucket) * 2 + place];
      expect(tag !== 0).toBe(place < count(bucket)); // entries stand at the front
      if (tag === 0) continue;
      const node = words[at(bucket) + 5 + place];
      const home = words[(region.nodesAt >>> 2) + node * NODE_WORDS + MIX_WORD] & mask;
      const displacement = (bucket - home) & mask;
      expect(tag & 7).toBe(Math.min(displacement, 7));
      for (let i = 0; i < displacement; i++) expect(count(home + i)).toBe(10); // full on the way
      nodes.push(node);
    }
  }
  return nodes.sort((a, b) => a - b);
}

const fewTags = makeIndex(4);

describe("bucket index", () => {
  for (const [name, mixOf] of Object.entries(MIXES)) {
    for (const capacity of [4, 16, 64, 256]) {
      test(`finds exactly what is in it: ${name}, ${capacity} nodes`, () => {
        const { store, index } = makeIndex(capacity);
        const random = randomOf(capacity);
        const nodeOf = new Map<number, number>();
        const free = Array.from({ length: capacity }, (_, node) => node);
        const keys = 2 * capacity;
        for (let step = 0; step < 4_000; step++) {
          const key = random() % keys;
          const mix = mixOf(key);
          const node = nodeOf.get(key);
          expect(index.find(mix, key, ~key)).toBe(node ?? -1);
          // Grows to the brim and shrinks to nothing, again and again.
          const growing = step % 1_000 < 600;
          if (node === undefined && free.length > 0 && (growing || random() % 4 === 0)) {
            const fresh = free.splice(random() % free.length, 1)[0];
            writeNode(store, fresh, key, mix);
            index.insert(mix, fresh);
            nodeOf.set(key, fresh);
          } else if (node !== undefined && (!growing || random() % 4 === 0)) {
            index.remove(node);
            nodeOf.delete(key);
            free.push(node);
          }
          if (step % 50 === 0) expect(checkBuckets(store)).toEqual([...nodeOf.values()].sort((a, b) => a - b));
        }
        for (const [key, node] of nodeOf) expect(index.find(mixOf(key), key, ~key)).toBe(node);
        for (const node of nodeOf.values()) index.remove(node);
        expect(checkBuckets(store)).toEqual([]);
      });
    }
  }

  test("a run far longer than the displacement's three bits is taken down from either end", () => {
    for (const order of [1, -1]) {
      const capacity = 256; // 26 full buckets in a row, all of one home
      const { store, index } = makeIndex(capacity);
      const nodes = Array.from({ length: capacity }, (_, node) => node);
      const mixOf = (node: number): number => (node << 20) | 5;
      for (const node of nodes) {
        writeNode(store, node, node, mixOf(node));
        index.insert(mixOf(node), node);
      }
      checkBuckets(store);
      for (const node of order > 0 ? nodes : nodes.toReversed()) {
        expect(index.find(mixOf(node), node, ~node)).toBe(node);
        index.remove(node);
        expect(index.find(mixOf(node), node, ~node)).toBe(-1);
        if (node % 16 === 0) checkBuckets(store);
      }
      expect(checkBuckets(store)).toEqual([]);
    }
  });

  test("an entry that passed full buckets comes back over those that nothing else has to leave", () => {
    for (const passed of [1, 2, 6, 7, 8, 9, 15]) {
      const { store, index } = makeIndex(256);
      let node = 0;
      const add = (home: number): number => {
        writeNode(store, node, node, home);
        index.insert(home, node);
        return node++;
      };
      const first = add(60); // the run goes over the end of the table
      for (let i = 0; i < 9; i++) add(60);
      for (let home = 61; home < 60 + passed; home++) for (let i = 0; i < 10; i++) add(home & 63);
      const spilled = add(60);
      index.remove(first);
      expect(checkBuckets(store)).toHaveLength(node - 1);
      expect(index.find(60, spilled, ~spilled)).toBe(spilled);
    }
  });

  test("a hit is confirmed by the whole key, a miss by the tag alone", () => {
    const { store, index } = makeIndex(16);
    const mix = (5 << 20) | 2;
    for (const [node, key] of [1, 9].entries()) {
      writeNode(store, node, key, mix);
      index.insert(mix, node);
    }
    expect(index.find(mix, 9, ~9)).toBe(1);
    expect(index.find(mix, 9, 9)).toBe(-1); // the high word differs
    expect(index.find(mix, 8, ~9)).toBe(-1); // the low word differs
    expect(index.find((6 << 20) | 2, 9, ~9)).toBe(-1); // the key is there, under another tag
    expect(index.find((5 << 20) | 1, 9, ~9)).toBe(-1); // or in another bucket
  });

  test("all 4,096 tags are told apart, whatever stands beside them", () => {
    for (let tag = 0; tag < 4_096; tag += 2) {
      const { store, index } = fewTags;
      const mixes = [tag << 20, (tag + 1) << 20, (tag ^ 2_048) << 20, ((tag + 2_047) & 4_095) << 20];
      for (const [node, mix] of mixes.entries()) {
        writeNode(store, node, 7, mix); // one key for all, so that only tags decide
        index.insert(mix, node);
      }
      for (const [node, mix] of mixes.entries())
        if (mixes.indexOf(mix) === node) expect(index.find(mix, 7, ~7)).toBe(node);
      for (const node of mixes.keys()) index.remove(node);
    }
    expect(checkBuckets(fewTags.store)).toEqual([]);
  });
});
