// Parts of the kernel against the crates: hash by length (also against the native addon), parsing, the fee rule.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { xxh3 } from "@node-rs/xxhash";
import { threadCpuNanos } from "../../ffi/thread.ts";
import { compileModule } from "../../src/kernel/build.ts";
import { packetHashSecret } from "../../src/kernel/secret.ts";
import { KERNEL_CONTEXT_BYTES } from "../../src/shape/layout.ts";
import { AGAVE2_PACKET_BYTES } from "../tools/agave-packet.ts";
import type { Baselines, Sample } from "./baselines.ts";
import type { Bench } from "./bench.ts";
import type { LoadedEngine } from "./loaded-engine.ts";
import { hex } from "./mix.ts";

/** A short transfer, a small-mix transaction, a middling one, the largest; and two of xxh3's other size classes. */
export const HASH_LENGTHS = [8, 100, 200, 271, 612, 1_244] as const;
const HASH_SEED = 420n;
const OFFSETS = 64;

export interface KernelParts {
  foldPayloads(first: number, count: number, strideBytes: number, out: number): void;
  parse(first: number, count: number, strideBytes: number, context: number): number;
  parseAndFee(first: number, count: number, strideBytes: number, context: number): number;
}

export async function loadParts(memory: WebAssembly.Memory): Promise<KernelParts> {
  const folder = join(tmpdir(), "qos-bench");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `kernel-parts-${process.pid}.wasm`);
  await compileModule("test/bench/kernel-parts.as.ts", path);
  const module = new WebAssembly.Module(readFileSync(path));
  rmSync(path);
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelParts;
}

/** The bytes that both sides hash: `length` of them from each of 64 offsets in turn. */
const hashBytes = (length: number): Uint8Array => Uint8Array.from({ length: length + OFFSETS }, (_, i) => 131 * i + 7);

function hashBench(loaded: LoadedEngine, baselines: Baselines | undefined, length: number, count: number): Bench {
  const { arena, kernel, layout } = loaded.plain;
  const { u8, u32, u64 } = arena;
  const bytesAt = loaded.digestsAt + 1_024;
  const outAt = loaded.digestsAt;
  return {
    name: `hash of ${length} bytes`,
    unit: "call",
    ours: () => {
      u8.set(hashBytes(length), bytesAt);
      let low = 0;
      let high = 0;
      const start = threadCpuNanos();
      for (let i = 0; i < count; i++) {
        kernel.hash(bytesAt + (i % OFFSETS), length, layout.contextAt, outAt);
        low ^= u32[outAt >>> 2];
        high ^= u32[(outAt >>> 2) + 1];
      }
      const nanos = threadCpuNanos() - start;
      u32[outAt >>> 2] = low;
      u32[(outAt >>> 2) + 1] = high;
      return { operations: count, nanos, checksum: hex(u64[outAt / 8]) };
    },
    theirs: baselines && (() => baselines.run(`hash ${length} ${count}`)),
    same: true,
  };
}

function addonHashBench(loaded: LoadedEngine, length: number, count: number): Bench {
  const bytes = hashBytes(length);
  const slices = Array.from({ length: OFFSETS }, (_, i) => bytes.subarray(i, i + length));
  const secret = packetHashSecret(HASH_SEED);
  return {
    ...hashBench(loaded, undefined, length, count),
    name: `hash of ${length} bytes, against the native addon`,
    theirs: () => {
      let fold = 0n;
      const start = threadCpuNanos();
      for (let i = 0; i < count; i++) fold ^= xxh3.xxh64WithSecret(slices[i % OFFSETS], secret);
      const nanos = threadCpuNanos() - start;
      return { operations: count, nanos, checksum: hex(fold) };
    },
    same: true,
    versus: "@node-rs/xxhash",
  };
}

/** Parsing is not a call of its own in the kernel: it is compiled by itself here, from the same sources. */
export async function kernelBenches(
  loaded: LoadedEngine,
  baselines: Baselines | undefined,
  scale: number,
): Promise<Bench[]> {
  const { arena, layout } = loaded.plain;
  const parts = await loadParts(arena.memory);
  const count = loaded.packetCount * Math.max(1, Math.round(8 * scale));
  const calls = Math.round(200_000 * scale);
  const contextAt = loaded.digestsAt + 8_192;
  arena.u8.copyWithin(contextAt, layout.contextAt, layout.contextAt + KERNEL_CONTEXT_BYTES);
  const timed = (work: () => number): Sample => {
    let sum = 0;
    const start = threadCpuNanos();
    for (let done = 0; done < count; done += loaded.packetCount) sum += work();
    return { operations: count, nanos: threadCpuNanos() - start, checksum: hex(BigInt(sum)) };
  };
  const { packetsAt, packetCount } = loaded;
  return [
    ...HASH_LENGTHS.map((length) => hashBench(loaded, baselines, length, calls)),
    ...[271, 1_244].map((length) => addonHashBench(loaded, length, Math.round(calls / 4))),
    {
      name: "parse, corpus",
      unit: "packet",
      ours: () => timed(() => parts.parse(packetsAt, packetCount, AGAVE2_PACKET_BYTES, contextAt)),
      theirs: baselines && (() => baselines.run(`parse ${count}`)),
      same: true,
    },
    {
      name: "parse and fee, corpus",
      unit: "packet",
      ours: () => timed(() => parts.parseAndFee(packetsAt, packetCount, AGAVE2_PACKET_BYTES, contextAt)),
      theirs:
        baselines &&
        (async () => {
          const parse = await baselines.run(`parse ${count}`);
          const fee = await baselines.run(`fee ${count}`);
          return { ...fee, nanos: parse.nanos + fee.nanos };
        }),
      same: true,
    },
  ];
}
