// Time per operation of the queue, the score tables and the least-recently-used stores, at their real sizes.
//
//   bun test/bench/rank.ts            all of them, a table
//   bun test/bench/rank.ts --json     one JSON line each
//   bun test/bench/rank.ts --small    small stores and few rounds: only shows that it runs
//
// Seeded input; each figure is the least and the median of interleaved rounds, in the thread's own CPU time. `sum` is made
// of the results, so that no work can be optimised away, and must be the same in every run.

import { faultIn } from "../../ffi/shared-memory.ts";
import { threadCpuNanos } from "../../ffi/thread.ts";
import { Arena } from "../../src/arena.ts";
import { PartialMetas } from "../../src/join/partial-metas.ts";
import { RecentFilter } from "../../src/join/recent-filter.ts";
import { loadKernel } from "../../src/kernel/kernel.ts";
import { arenaLayout, PARTIAL_METAS, QUEUE_CAPACITY, RECENT_SIGNATURES } from "../../src/layout.ts";
import { IpSigner } from "../../src/rank/ip-signer.ts";
import { Queue } from "../../src/rank/queue.ts";
import {
  ARRIVAL_AT,
  COMPUTE_UNITS_AT,
  DIGEST_BYTES,
  FEE_AT,
  GROUP,
  HASH_AT,
  HASH_MIX_AT,
  IP_ID_AT,
  PAYER_ID_AT,
  SIGNATURE_KEY_AT,
  SIGNATURE_MIX_AT,
} from "../../src/wire/digest-layout.ts";

const small = process.argv.includes("--small");
const json = process.argv.includes("--json");
const STORE = small ? 4_096 : PARTIAL_METAS;
const SIGNATURES = small ? 4_096 : RECENT_SIGNATURES;
const KEYS = small ? 500 : 10_000;
const ROUNDS = small ? 2 : 9;
const PACKETS = small ? 16_000 : 800_000;
const MISSED_SHARE = 4; // one transaction in four was included

const layout = arenaLayout({
  packetLayout: "agave2",
  maxIps: KEYS,
  maxSigners: KEYS,
  partialMetas: STORE,
  recentSignatures: SIGNATURES,
  channelCapacities: [4, 4, 4, 4, 4, 4, 4, 4],
});
const arena = Arena.reserve(layout.bytes);
faultIn(arena.memory, 0, layout.bytes);
const kernel = loadKernel(arena);
const { i32, f64, u32 } = arena;
const digests = layout.digestsAt;

/** xorshift32 with a Weyl step: cheap enough not to count, and the same in every run. */
let state = 0x1234567;
function next(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state;
}

/** Writes the ids of a new packet: hash, signature key, their mixes; one of 2^20 senders and payers, tables hold some. */
function writeDigest(at: number): void {
  const word = at >>> 2;
  const low = next();
  const high = next();
  i32[word + (HASH_AT >>> 2)] = low;
  i32[word + (HASH_AT >>> 2) + 1] = high;
  i32[word + (HASH_MIX_AT >>> 2)] = Math.imul(low, 0x9e3779b1) ^ high;
  i32[word + (HASH_MIX_AT >>> 2) + 1] = Math.imul(high, 0x85ebca6b);
  i32[word + (SIGNATURE_KEY_AT >>> 2)] = ~low;
  i32[word + (SIGNATURE_KEY_AT >>> 2) + 1] = ~high;
  i32[word + (SIGNATURE_MIX_AT >>> 2)] = Math.imul(high, 0x9e3779b1) ^ low;
  i32[word + (SIGNATURE_MIX_AT >>> 2) + 1] = Math.imul(low, 0x85ebca6b);
}

function writeSender(at: number, ip: number, payer: number): void {
  i32[(at + IP_ID_AT) >>> 2] = Math.imul(ip + 1, 0x9e3779b1);
  i32[(at + IP_ID_AT + 4) >>> 2] = Math.imul(ip + 3, 0x85ebca6b);
  i32[(at + PAYER_ID_AT) >>> 2] = Math.imul(payer + 5, 0xc2b2ae35);
  i32[(at + PAYER_ID_AT + 4) >>> 2] = Math.imul(payer + 7, 0x27d4eb2f);
}

interface Bench {
  readonly name: string;
  /** What one round counts as. */
  readonly operations: number;
  /** @returns anything that depends on the work */
  run(): number;
  /** What must be as it was before each round; not timed. */
  before?(): void;
}

const metas = new PartialMetas(arena, layout.partialMetas);
const recent = new RecentFilter(arena, layout.recent);
const queue = new Queue(arena, layout.queue);
const model = new IpSigner(arena, layout);

function drain(): void {
  queue.take(QUEUE_CAPACITY, kernel);
  while (queue.outgoing > 0) queue.release(queue.nextOutgoing());
}

function forGroups(packets: number, group: (count: number) => number): number {
  let sum = 0;
  for (let done = 0; done < packets; done += GROUP) {
    for (let i = 0; i < GROUP; i++) writeDigest(digests + i * DIGEST_BYTES);
    sum += group(GROUP);
  }
  return sum;
}

function insertMetas(count: number, touched: boolean): number {
  let sum = 0;
  if (touched) {
    sum += metas.touchVictims(count) & 1;
    for (let i = 0; i < count; i++) sum += metas.touch(digests + i * DIGEST_BYTES) & 1;
    sum += metas.touchVictimLines() & 1;
  }
  for (let i = 0; i < count; i++) {
    const at = digests + i * DIGEST_BYTES;
    if (metas.find(at) === 0) sum += metas.insert(at) & 0xff;
  }
  return sum;
}

function putSignatures(count: number): number {
  let sum = recent.touchVictims(count) & 1;
  for (let i = 0; i < count; i++) sum += recent.touch(digests + i * DIGEST_BYTES + SIGNATURE_MIX_AT) & 1;
  sum += recent.touchVictimLines() & 1;
  for (let i = 0; i < count; i++) {
    const at = digests + i * DIGEST_BYTES;
    recent.put(at + SIGNATURE_KEY_AT, at + SIGNATURE_MIX_AT);
  }
  return sum;
}

function lookUpSignatures(count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += recent.touch(digests + i * DIGEST_BYTES + SIGNATURE_MIX_AT) & 1;
  for (let i = 0; i < count; i++) {
    const at = digests + i * DIGEST_BYTES;
    if (recent.has(at + SIGNATURE_KEY_AT, at + SIGNATURE_MIX_AT)) sum += 1;
  }
  return sum;
}

/** Duplicates of what came in within the last half store, wherever it lies. */
function refreshMetas(count: number): number {
  const { nodesAt, nodeBytes } = layout.partialMetas;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const at = digests + i * DIGEST_BYTES;
    const node = (nodesAt + ((next() >>> 0) % STORE) * nodeBytes) >>> 2;
    const low = i32[node + (HASH_AT >>> 2)]!;
    const high = i32[node + (HASH_AT >>> 2) + 1]!;
    i32[(at + HASH_AT) >>> 2] = low;
    i32[(at + HASH_AT + 4) >>> 2] = high;
    i32[(at + HASH_MIX_AT) >>> 2] = Math.imul(low, 0x9e3779b1) ^ high;
    i32[(at + HASH_MIX_AT + 4) >>> 2] = Math.imul(high, 0x85ebca6b);
    sum += metas.touch(at) & 1;
  }
  for (let i = 0; i < count; i++) {
    const known = metas.find(digests + i * DIGEST_BYTES);
    if (known === 0) throw new Error("a node of a full store is not in its index");
    metas.refresh(known);
    sum += 1;
  }
  return sum;
}

/** Log-normal scores, as prices are. */
const scores = Float64Array.from({ length: 1 << 16 }, () => {
  const uniform = ((next() >>> 0) + 1) / 4_294_967_297;
  return Math.exp(2 * Math.sqrt(-2 * Math.log(uniform)) * Math.cos((next() >>> 0) * 1.46e-9));
});

function offer(packets: number, emptyEvery: number): number {
  let sum = 0;
  for (let i = 0; i < packets; i++) {
    const score = scores[(next() >>> 3) & 0xffff]!;
    if (queue.wants(score)) {
      const slot = queue.claim();
      f64[(queue.slotAt(slot) + ARRIVAL_AT) >>> 3] = i;
      sum += queue.push(slot, score) & 1;
    }
    if (emptyEvery > 0 && i % emptyEvery === emptyEvery - 1) drain();
  }
  return sum;
}

function fillTables(): void {
  model.senders.ips.clear();
  model.senders.payers.clear();
  for (let key = 0; key < KEYS; key++) {
    writeSender(digests, key, key);
    const score = scores[key & 0xffff]!;
    model.senders.restoreIp(digests, score);
    model.senders.restorePayer(digests, score);
  }
}

/** 401 transactions: some senders with enough of them, known and new ones. */
function gatherBatch(): void {
  for (let i = 0; i < 401; i++) {
    const sender = i < 300 ? (i % 50) * 7 : next() >>> 12;
    writeSender(digests, i < 150 ? sender : sender + KEYS, sender);
    f64[(digests + FEE_AT) >>> 3] = 5_000 + i;
    model.outcome(digests, i % MISSED_SHARE === 0 ? 1_000 * i + 1 : 0);
  }
}

const known = Uint32Array.from({ length: 1 << 16 }, () => (next() >>> 0) % KEYS);
const strangers = Uint32Array.from({ length: 1 << 16 }, () => (next() >>> 0) % (100 * KEYS));

function scoreGroup(count: number, senders: Uint32Array): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const at = digests + i * DIGEST_BYTES;
    writeSender(at, senders[(next() >>> 3) & 0xffff]!, senders[(next() >>> 3) & 0xffff]!);
    f64[(at + FEE_AT) >>> 3] = 5_000;
    u32[(at + COMPUTE_UNITS_AT) >>> 2] = 200_000;
    sum += model.touch(at) & 1;
  }
  for (let i = 0; i < count; i++) sum += model.score(digests + i * DIGEST_BYTES);
  return sum;
}

/** A full queue, entry i having arrived at `arrivalOf(i)`. */
function fillQueue(arrivalOf: (i: number) => number): void {
  drain();
  for (let i = 0; queue.size < QUEUE_CAPACITY - 1; i++) {
    const slot = queue.claim();
    f64[(queue.slotAt(slot) + ARRIVAL_AT) >>> 3] = arrivalOf(i);
    queue.push(slot, scores[i & 0xffff]!);
  }
}

const EMPTY_EVERY = 100_000;
const BLAMES = 256;

const benches: Bench[] = [
  {
    name: "driver: digests written in groups of 16",
    operations: PACKETS,
    run: () => forGroups(PACKETS, () => state & 1),
  },
  {
    name: "partial metas: miss, insert, evict; touched in groups",
    operations: PACKETS,
    run: () => forGroups(PACKETS, (count) => insertMetas(count, true)),
  },
  {
    name: "partial metas: miss, insert, evict; nothing touched",
    operations: PACKETS,
    run: () => forGroups(PACKETS, (count) => insertMetas(count, false)),
  },
  { name: "partial metas: hit, refresh (random)", operations: PACKETS, run: () => forGroups(PACKETS, refreshMetas) },
  { name: "recent filter: miss", operations: PACKETS, run: () => forGroups(PACKETS, lookUpSignatures) },
  { name: "recent filter: put, evict", operations: PACKETS, run: () => forGroups(PACKETS, putSignatures) },
  {
    name: "model: score, all senders known",
    operations: PACKETS,
    run: () => forGroups(PACKETS, (count) => scoreGroup(count, known)),
  },
  {
    name: "model: score, one sender in 100 known",
    operations: PACKETS,
    run: () => forGroups(PACKETS, (count) => scoreGroup(count, strangers)),
  },
  {
    name: "queue: offer, emptied every 100,000",
    operations: PACKETS,
    run: () => offer(PACKETS, EMPTY_EVERY),
    before: drain,
  },
  { name: "queue: offer, never emptied", operations: PACKETS, run: () => offer(PACKETS, 0) },
  {
    name: "queue: expire, half of a full one",
    operations: 1,
    before: () => fillQueue((i) => i & 1),
    run: () => queue.expire(1),
  },
  {
    name: "queue: expire, one entry of a full one",
    operations: 1,
    before: () => fillQueue((i) => i),
    run: () => queue.expire(1),
  },
  {
    name: "queue: take 16,383 in order and hand them out",
    operations: 1,
    before: () => fillQueue((i) => i),
    run: () => {
      drain();
      return queue.size;
    },
  },
  {
    name: "queue: take 1,000 of 16,383, the rest laid back",
    operations: 1,
    before: () => fillQueue((i) => i),
    run: () => {
      const taken = queue.take(1_000, kernel);
      while (queue.outgoing > 0) queue.release(queue.nextOutgoing());
      return taken;
    },
  },
  {
    name: `model: update, ${KEYS} + ${KEYS} keys`,
    operations: 1,
    before: gatherBatch,
    run: () => {
      model.learn();
      return model.senders.ips.median;
    },
  },
  {
    name: "model: feedback, first for each address",
    operations: BLAMES,
    before: fillTables,
    run: () => {
      for (let i = 0; i < BLAMES; i++) {
        writeSender(digests, (i * 31) % KEYS, 0);
        model.failedSignature(digests);
      }
      return model.senders.ips.median;
    },
  },
];

function measure(bench: Bench): number {
  bench.before?.();
  const start = Number(threadCpuNanos());
  sums.set(bench.name, (sums.get(bench.name) ?? 0) + bench.run());
  return (Number(threadCpuNanos()) - start) / bench.operations;
}
const sums = new Map<string, number>();

while (metas.size < STORE) forGroups(GROUP, (count) => insertMetas(count, true));
while (recent.size < SIGNATURES) forGroups(GROUP, putSignatures);
fillTables();
const coldUpdate = ((): number => {
  gatherBatch();
  const start = Number(threadCpuNanos());
  model.learn();
  return Number(threadCpuNanos()) - start;
})();

const times = new Map<string, number[]>(benches.map(({ name }) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const bench of benches) times.get(bench.name)!.push(measure(bench));
}
times.set("model: update, the first one, not warmed", [coldUpdate]);
for (const [name, values] of times) {
  const least = Math.min(...values);
  const median = values.sort((a, b) => a - b)[values.length >>> 1]!;
  const sum = sums.get(name) ?? 0;
  if (json) console.log(JSON.stringify({ name, leastNs: least, medianNs: median, sum }));
  else
    console.log(
      `${name.padEnd(56)} ${least.toFixed(1).padStart(12)} ns ${median.toFixed(1).padStart(12)} ns median   sum ${sum}`,
    );
}
