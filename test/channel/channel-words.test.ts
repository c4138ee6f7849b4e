import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AtomicWords, type ChannelWords } from "../../src/channel/channel-words.ts";
import { loadKernel } from "../../src/kernel/kernel.ts";
import { Arena } from "../../src/shape/arena.ts";
import type { TailJob } from "./channel-words-worker.ts";

const AT = 1_024;
const arena = Arena.reserve(65_536);
const kernel = loadKernel(arena);
/** The kernel's atomic instructions, which other processors than x86-64 take. */
const atomicKernel = loadKernel(arena, false);
const WAYS: Record<string, ChannelWords> = {
  "the kernel's": kernel,
  "the kernel's, atomic": atomicKernel,
  "JavaScript's": new AtomicWords(arena),
};

/** Tails at which a half of the word runs over, and any others. */
const tail = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
);

describe("tails", () => {
  for (const [name, tails] of Object.entries(WAYS)) {
    test(`${name}: what is stored is the 64-bit word, little-endian, and nothing beside it`, () => {
      fc.assert(
        fc.property(tail, (value) => {
          arena.u8.fill(0xa5, AT - 16, AT + 24);
          tails.storeTail(AT, value);
          expect(arena.view.getBigUint64(AT, true)).toBe(BigInt(value));
          for (const side of [AT - 8, AT + 8]) expect(arena.u64[side / 8]).toBe(0xa5a5_a5a5_a5a5_a5a5n);
        }),
      );
    });

    test(`${name}: what is loaded is what stands there`, () => {
      fc.assert(
        fc.property(tail, (value) => {
          arena.u64[AT / 8] = BigInt(value);
          expect(tails.loadTail(AT)).toBe(value);
        }),
      );
    });
  }

  test("a tail that another thread moves over the low word's end is never seen half, never seen going back", async () => {
    const first = 2 ** 32 - 50_000;
    const last = 2 ** 32 + 50_000;
    for (const [writer, reader] of [
      ["the kernel's", "JavaScript's"],
      ["JavaScript's", "the kernel's"],
      ["the kernel's", "the kernel's"],
    ] as const) {
      arena.u64[AT / 8] = BigInt(first);
      const worker = new Worker(new URL("./channel-words-worker.ts", import.meta.url).href);
      const ended = new Promise<void>((resolve, reject) => {
        worker.onmessage = () => resolve();
        worker.onerror = reject;
      });
      const job: TailJob = { memory: arena.memory, at: AT, first, last, byKernel: writer === "the kernel's" };
      worker.postMessage(job);
      const tails = WAYS[reader];
      let before = first;
      let seen = 0;
      while (before < last) {
        const now = tails.loadTail(AT);
        if (now < before || now > last) throw new Error(`${reader} saw ${now} after ${before}`);
        if (now > before) seen += 1;
        else await Bun.sleep(0);
        before = now;
      }
      await ended;
      worker.terminate();
      expect(seen).toBeGreaterThan(0);
    }
  }, 60_000);
});
