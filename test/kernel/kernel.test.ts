// The kernel's other calls, and what loading it leaves alone.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { buildKernel, dataSegments } from "../../src/kernel/build.ts";
import { PROGRAMS, writeKernelContext } from "../../src/kernel/context.ts";
import { loadKernel } from "../../src/kernel/kernel.ts";
import wasmPath from "../../src/kernel/kernel.wasm" with { type: "file" };
import { Arena } from "../../src/shape/arena.ts";
import * as C from "../../src/shape/context-layout.ts";
import * as E from "../../src/shape/entry-layout.ts";
import { KERNEL_CONTEXT_BYTES } from "../../src/shape/layout.ts";
import { CONTEXT_AT, corpus, DIGEST_AT, FREE_AT, KernelRig, SETTINGS } from "./rig.ts";

const rig = new KernelRig();

describe("outcomes and confirmed signatures", () => {
  test("get the mixes of the packets that they belong to", () => {
    for (const payload of corpus().slice(0, 40)) {
      const found = rig.digest({ payload });
      rig.arena.view.setBigUint64(FREE_AT, found.hash, true);
      rig.arena.view.setBigUint64(FREE_AT + 8, 123_456n, true);
      rig.kernel.digestOutcomes(FREE_AT, 1, DIGEST_AT, CONTEXT_AT);
      expect(rig.u64(DIGEST_AT + E.OUTCOME_HASH_AT)).toBe(found.hash);
      expect(rig.u64(DIGEST_AT + E.OUTCOME_MIX_AT)).toBe(found.hashMix);
      expect(rig.arena.f64[(DIGEST_AT + E.OUTCOME_NANOS_AT) / 8]).toBe(123_456);

      rig.arena.u8.set(payload.subarray(1, 65), FREE_AT);
      rig.kernel.digestSignatures(FREE_AT, 1, DIGEST_AT, CONTEXT_AT);
      expect(rig.u64(DIGEST_AT + E.CONFIRMED_KEY_AT)).toBe(found.signatureKey);
      expect(rig.u64(DIGEST_AT + E.CONFIRMED_MIX_AT)).toBe(found.signatureMix);
    }
  });

  test("are read by the dozen as one by one, and any u64 of nanoseconds is taken", () => {
    const count = 12;
    for (let i = 0; i < count; i++) {
      rig.arena.view.setBigUint64(FREE_AT + 16 * i, BigInt(i) * 0x123456789abcdefn, true);
      rig.arena.view.setBigUint64(FREE_AT + 16 * i + 8, (1n << BigInt(5 * i)) - 1n, true);
    }
    rig.arena.view.setBigUint64(FREE_AT + 8, (1n << 64n) - 1n, true);
    rig.kernel.digestOutcomes(FREE_AT, count, DIGEST_AT, CONTEXT_AT);
    for (let i = 0; i < count; i++) {
      const entry = DIGEST_AT + i * E.OUTCOME_ENTRY_BYTES;
      expect(rig.u64(entry + E.OUTCOME_HASH_AT)).toBe(rig.u64(FREE_AT + 16 * i));
      expect(rig.arena.f64[(entry + E.OUTCOME_NANOS_AT) / 8]).toBe(Number(rig.u64(FREE_AT + 16 * i + 8)));
    }
    const signatures = corpus().slice(0, count);
    signatures.forEach((bytes, i) => {
      rig.arena.u8.set(bytes.subarray(1, 65), FREE_AT + 64 * i);
    });
    rig.kernel.digestSignatures(FREE_AT, count, DIGEST_AT, CONTEXT_AT);
    const together = rig.bytes(DIGEST_AT, count * E.CONFIRMED_ENTRY_BYTES);
    for (let i = 0; i < count; i++) {
      rig.kernel.digestSignatures(FREE_AT + 64 * i, 1, DIGEST_AT, CONTEXT_AT);
      const from = i * E.CONFIRMED_ENTRY_BYTES;
      expect(together.slice(from, from + E.CONFIRMED_ENTRY_BYTES)).toEqual(rig.bytes(DIGEST_AT, 16));
    }
  });
});

describe("the module", () => {
  test("has no data segment, so loading it writes nothing into the arena", () => {
    expect(dataSegments(readFileSync(wasmPath))).toBe(0);
    const arena = Arena.reserve(1 << 20);
    arena.u8.fill(0xab);
    loadKernel(arena);
    loadKernel(arena);
    expect(arena.u8.every((byte) => byte === 0xab)).toBe(true);
  });

  test("data segments are found where there are some", () => {
    // A module with a memory and the data "hi" at 0.
    const bytes = "0061736d01000000" + "0503010001" + "0b0801" + "0041000b026869";
    expect(dataSegments(Uint8Array.fromHex(bytes))).toBe(1);
    expect(WebAssembly.validate(Uint8Array.fromHex(bytes))).toBe(true);
  });

  test("is compiled from the sources as they are", async () => {
    expect(await buildKernel()).toBe(false);
  });

  test("copies any multiple of 16 bytes, and nothing around them", () => {
    const rig = new KernelRig();
    const { u8 } = rig.arena;
    const toAt = FREE_AT + 8_192;
    for (const bytes of [0, 16, 48, 64, 80, 192, 1_264, 1_296]) {
      for (let i = 0; i < 2_048; i++) u8[FREE_AT + i] = 7 * i + bytes;
      u8.fill(0xee, toAt - 64, toAt + 2_048);
      rig.kernel.copy(toAt, FREE_AT, bytes);
      expect(u8.slice(toAt, toAt + bytes)).toEqual(u8.slice(FREE_AT, FREE_AT + bytes));
      expect(new Set([...u8.slice(toAt - 64, toAt), ...u8.slice(toAt + bytes, toAt + 2_048)])).toEqual(new Set([0xee]));
    }
  });

  test("gives the same in a thread of its own, over the same arena", async () => {
    const worker = new Worker(new URL("hash-worker.ts", import.meta.url));
    const done = new Promise((resolve, reject) => {
      worker.onmessage = resolve;
      worker.onerror = reject;
    });
    const job = { memory: rig.arena.memory, at: FREE_AT, length: 1_000, secretAt: CONTEXT_AT, outAt: DIGEST_AT + 8 };
    worker.postMessage(job);
    await done;
    worker.terminate();
    rig.kernel.hash(FREE_AT, 1_000, CONTEXT_AT, DIGEST_AT);
    expect(rig.u64(DIGEST_AT + 8)).toBe(rig.u64(DIGEST_AT));
  }, 30_000);
});

describe("the context", () => {
  test("is all in its place: parts do not overlap and fit", () => {
    const parts: [number, number][] = [
      [C.XXH3_SECRET_AT, 192],
      [C.REFERENCE_FEES_AT, 1],
      [C.PRE_SIMD_0170_AT, 1],
      [C.DROP_IPV6_AT, 1],
      [C.PROGRAM_MULTIPLIER_AT, 8],
      [C.IDENTITIES_AT, 4],
      [C.IDENTITIES_COUNT_AT, 4],
      [C.KEYS_AT, C.KEYS_BYTES],
      [C.PROGRAMS_AT, C.PROGRAM_SLOT_BYTES << C.PROGRAM_SLOT_BITS],
      [C.HASH_SCRATCH_AT, C.HASH_SCRATCH_BYTES],
      [C.TOUCH_SINK_AT, 4],
      [C.KEY_FINGERPRINTS_AT, C.KEY_FINGERPRINTS_BYTES],
      [C.KEY_SLOTS_AT, C.KEY_SLOTS_BYTES],
      [C.INSTRUCTION_NOTES_AT, C.INSTRUCTION_NOTES_BYTES],
      [C.PAYLOAD_KEYS_AT, C.PAYLOAD_KEYS_BYTES],
    ];
    let end = 0;
    for (const [at, bytes] of parts) {
      expect(at).toBeGreaterThanOrEqual(end);
      end = at + bytes;
    }
    expect(end).toBeLessThanOrEqual(KERNEL_CONTEXT_BYTES);
    expect(C.INSTRUCTION_NOTES_BYTES).toBeGreaterThanOrEqual(Math.ceil(4_096 / 3) * C.INSTRUCTION_NOTE_BYTES);
    const keys = [C.IPV4_KEYS_AT, C.IPV6_KEYS_AT, C.HASH_KEYS_AT, C.SIGNATURE_KEYS_AT];
    keys.push(C.PAYER_KEYS_AT, C.PAYLOAD_FOLD_KEYS_AT, C.IDENTITY_KEYS_AT, C.NONCE_KEYS_AT, C.NONCE_KEYS_AT + 6 * 8);
    expect(keys.map((at, i) => at - (keys[i - 1] ?? C.KEYS_AT))).toEqual([0, 16, 16, 16, 16, 48, 48, 48, 48]);
    expect(keys.at(-1)).toBeLessThanOrEqual(C.KEYS_AT + C.KEYS_BYTES);
  });

  test("has every program once", () => {
    const arena = Arena.reserve(65_536);
    writeKernelContext(arena, 0, SETTINGS);
    const slots = Array.from({ length: 1 << C.PROGRAM_SLOT_BITS }, (_, i) => C.PROGRAMS_AT + i * C.PROGRAM_SLOT_BYTES);
    const used = slots.filter((at) => arena.view.getUint32(at + C.PROGRAM_TRAITS_AT, true) !== 0);
    expect(used.length).toBe(PROGRAMS.length);
  });

  test("leaves no trace of what stood there, and depends on each byte of the secret", () => {
    const arena = Arena.reserve(65_536);
    writeKernelContext(arena, 0, SETTINGS);
    const clean = arena.u8.slice(0, KERNEL_CONTEXT_BYTES);
    arena.u8.fill(0xee);
    writeKernelContext(arena, 0, SETTINGS);
    expect(arena.u8.slice(0, KERNEL_CONTEXT_BYTES)).toEqual(clean);
    expect(arena.u8[KERNEL_CONTEXT_BYTES]).toBe(0xee);
    for (let i = 0; i < SETTINGS.secret.length; i++) {
      writeKernelContext(arena, 0, { ...SETTINGS, secret: SETTINGS.secret.with(i, 255) });
      expect(arena.u8.slice(C.KEYS_AT, C.KEYS_AT + 8)).not.toEqual(clean.slice(C.KEYS_AT, C.KEYS_AT + 8));
    }
  });

  test("refuses a short secret", () => {
    const arena = Arena.reserve(65_536);
    expect(() => writeKernelContext(arena, 0, { ...SETTINGS, secret: new Uint8Array(31) })).toThrow("31 bytes");
  });
});
