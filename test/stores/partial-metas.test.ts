import { describe, expect, test } from "bun:test";
import { DIGEST_BYTES, DIGEST_SCRATCH_AT, HASH_AT, HASH_MIX_AT, META_BYTES } from "../../src/shape/digest-layout.ts";
import { PartialMetas } from "../../src/stores/partial-metas.ts";
import { randomOf } from "../tools/random.ts";
import { makeStore } from "./store.ts";

function makeMetas(capacity: number) {
  const store = makeStore(capacity, META_BYTES);
  const { arena, kernel, scratchAt } = store;
  const metas = new PartialMetas(arena, store.region, kernel);
  /** A digest whose every byte follows from its number. @returns its bytes */
  const digest = (number: number): Uint8Array => {
    const random = randomOf(number);
    for (let i = 0; i < DIGEST_BYTES; i++) arena.u8[scratchAt + i] = random();
    return arena.u8.slice(scratchAt, scratchAt + DIGEST_BYTES);
  };
  const read = (at: number): Uint8Array => arena.u8.slice(at, at + META_BYTES);
  return { ...store, metas, digest, read };
}

/** A meta's bytes but the scratch. */
function known(bytes: Uint8Array): number[] {
  return [...bytes.subarray(0, DIGEST_SCRATCH_AT), ...bytes.subarray(DIGEST_SCRATCH_AT + 16, META_BYTES)];
}

describe("partial metas", () => {
  test("keep every byte of a digest's first 128 but its scratch", () => {
    const { metas, digest, read, scratchAt } = makeMetas(8);
    const bytes = digest(1);
    expect(metas.find(scratchAt)).toBe(0);
    const at = metas.insert(scratchAt);
    expect(at).not.toBe(0);
    expect(known(read(at))).toEqual(known(bytes));
    expect(metas.find(scratchAt)).toBe(at);
    expect(metas.size).toBe(1);
  });

  test("NaN payloads of a digest's doubles survive", () => {
    const { metas, digest, read, arena, scratchAt } = makeMetas(8);
    digest(2);
    for (let i = 0; i < META_BYTES; i += 8) arena.u64[(scratchAt + i) / 8] = 0x7ff0_0000_0000_0001n + BigInt(i);
    const bytes = arena.u8.slice(scratchAt, scratchAt + META_BYTES);
    expect(known(read(metas.insert(scratchAt)))).toEqual(known(bytes));
  });

  test("the scheduler's hash and its mix find what a digest put in; a removed one is gone and still readable", () => {
    const { metas, digest, read, arena, scratchAt } = makeMetas(8);
    const bytes = digest(3);
    const at = metas.insert(scratchAt);
    const outcomeAt = scratchAt + 512;
    arena.u8.copyWithin(outcomeAt, scratchAt + HASH_AT, scratchAt + HASH_AT + 8);
    arena.u8.copyWithin(outcomeAt + 8, scratchAt + HASH_MIX_AT, scratchAt + HASH_MIX_AT + 8);
    digest(4);
    metas.lru.touch(outcomeAt + 8, 16, 1);
    expect(metas.findByHash(outcomeAt, outcomeAt + 8)).toBe(at);
    arena.u8[outcomeAt] ^= 1;
    expect(metas.findByHash(outcomeAt, outcomeAt + 8)).toBe(0);
    arena.u8[outcomeAt] ^= 1;
    metas.remove(at);
    expect(metas.findByHash(outcomeAt, outcomeAt + 8)).toBe(0);
    expect(metas.size).toBe(0);
    expect(known(read(at))).toEqual(known(bytes));
  });

  test("a full store gives up the least recently used one, and a refresh saves it", () => {
    const { metas, digest, scratchAt } = makeMetas(4);
    const insert = (number: number): void => {
      digest(number);
      metas.lru.touchVictims(2);
      metas.lru.touch(scratchAt + HASH_MIX_AT, DIGEST_BYTES, 1);
      metas.insert(scratchAt);
    };
    const find = (number: number): number => {
      digest(number);
      return metas.find(scratchAt);
    };
    for (let number = 0; number < 4; number++) insert(number);
    metas.refresh(find(0));
    insert(4);
    expect(find(1)).toBe(0);
    for (const number of [0, 2, 3, 4]) expect(find(number)).not.toBe(0);
    expect([metas.size, metas.evicted]).toEqual([4, 1]);
  });

  test("10,000 digests through 64 places: the newest 64 are there, whole", () => {
    const { metas, digest, read, scratchAt } = makeMetas(64);
    for (let number = 0; number < 10_000; number++) {
      digest(number);
      if (number % 16 === 0) metas.lru.touchVictims(16);
      metas.insert(scratchAt);
    }
    for (let number = 9_900; number < 10_000; number++) {
      const bytes = digest(number);
      const at = metas.find(scratchAt);
      if (number < 10_000 - 64) expect(at).toBe(0);
      else expect(known(read(at))).toEqual(known(bytes));
    }
  });

  test("refuses nodes of another size", () => {
    const { arena, region, kernel } = makeStore(8, 64);
    expect(() => new PartialMetas(arena, region, kernel)).toThrow("128");
  });
});
