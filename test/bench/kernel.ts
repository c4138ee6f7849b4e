// Time per packet of the kernel's group digest and of its other calls, with everything in the caches: corpus transactions,
// groups of 16.
//
//   bun test/bench/kernel.ts            all of them, a table
//   bun test/bench/kernel.ts --json     one JSON line each
//   bun test/bench/kernel.ts --small    few rounds: only shows that it runs
//
// Each figure is the sum over fixed groups of each group's least time, which is what the machine can do when nothing else
// disturbs it. `sum` is made of the results, so that no work can be optimised away, and is the same in every run.

import { threadCpuNanos } from "../../ffi/thread.ts";
import { DIGEST_BYTES, GROUP } from "../../src/shape/digest-layout.ts";
import { CONTEXT_AT, corpus, DIGEST_AT, FREE_AT, KernelRig } from "../kernel/rig.ts";
import { AGAVE2_PACKET_BYTES, FLAG_DISCARD, FLAGS_AT } from "../tools/agave-packet.ts";

const small = process.argv.includes("--small");
const json = process.argv.includes("--json");
const GROUPS = small ? 2 : 24;
const ROUNDS = small ? 2 : 25;
const CALLS = small ? 10 : 50;
const QUEUE = small ? 1_000 : 16_383;

const transactions = corpus();
const rig = new KernelRig();
const { u8, u32, f64 } = rig.arena;

function fillGroup(group: number): void {
  for (let i = 0; i < GROUP; i++) {
    const payload = transactions[(group * 113 + i * 7) % transactions.length];
    rig.writePacket(FREE_AT + i * AGAVE2_PACKET_BYTES, { payload, octets: [10, 0, group, i] });
  }
}

/** @returns the least nanoseconds of one call, over rounds of them */
function leastNanos(calls: number, work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = threadCpuNanos();
    for (let call = 0; call < calls; call++) work();
    least = Math.min(least, threadCpuNanos() - start);
  }
  return least / calls;
}

function report(name: string, nanos: number, per: string, sum: number): void {
  if (json) console.log(JSON.stringify({ name, nanos: Number(nanos.toFixed(1)), per, sum }));
  else console.log(`${name.padEnd(34)} ${nanos.toFixed(1).padStart(9)} ns a ${per}   sum ${sum}`);
}

/** Sums up what was written to `count` bytes at the digests. */
function sumOf(count: number): number {
  let sum = 0;
  for (let at = DIGEST_AT; at < DIGEST_AT + count; at += 4) sum = (sum * 31 + u32[at / 4]) % 2 ** 32;
  return sum;
}

function benchDigest(name: string, prepare: () => void): void {
  let nanos = 0;
  let sum = 0;
  for (let group = 0; group < GROUPS; group++) {
    fillGroup(group);
    prepare();
    nanos += leastNanos(CALLS, () => rig.kernel.digest(FREE_AT, GROUP, AGAVE2_PACKET_BYTES, DIGEST_AT, CONTEXT_AT));
    sum = (sum + sumOf(GROUP * DIGEST_BYTES)) % 2 ** 32;
  }
  report(name, nanos / GROUPS / GROUP, "packet", sum);
}

benchDigest("digest, chain fees", () => {});
rig.configure({ feeModel: "reference" });
benchDigest("digest, reference fees", () => {});
rig.configure();
benchDigest("digest, discarded packets", () => {
  for (let i = 0; i < GROUP; i++) u8[FREE_AT + i * AGAVE2_PACKET_BYTES + FLAGS_AT] = FLAG_DISCARD;
});

for (const length of [271, 612, 1_244]) {
  const nanos = leastNanos(CALLS * 20, () => rig.kernel.hash(FREE_AT, length, CONTEXT_AT, DIGEST_AT));
  report(`hash of ${length} bytes`, nanos, "call", sumOf(8));
}
for (const [name, call] of [
  ["outcomes", () => rig.kernel.digestOutcomes(FREE_AT, 64, DIGEST_AT, CONTEXT_AT)],
  ["confirmed signatures", () => rig.kernel.digestSignatures(FREE_AT, 64, DIGEST_AT, CONTEXT_AT)],
] as const) {
  report(name, leastNanos(CALLS, call) / 64, "entry", sumOf(1_024));
}

const scoresAt = FREE_AT;
const sequencesAt = scoresAt + QUEUE * 8;
const orderAt = sequencesAt + QUEUE * 8;
const scratchAt = Math.ceil((orderAt + QUEUE * 4) / 64) * 64;
for (let i = 0; i < QUEUE; i++) {
  const place = (i * 7_919) % QUEUE;
  f64[scoresAt / 8 + i] = Math.exp(((place * 2_654_435_761) % 4_294_967_296) / 2e8);
  f64[sequencesAt / 8 + i] = 1_000_000 + place;
}
const sortNanos = leastNanos(small ? 1 : 5, () =>
  rig.kernel.sortFalling(QUEUE, scoresAt, sequencesAt, orderAt, scratchAt),
);
let order = 0;
for (let i = 0; i < QUEUE; i++) order = (order * 31 + u32[orderAt / 4 + i]) % 2 ** 32;
report(`sort of ${QUEUE} scores`, sortNanos, "call", order);
