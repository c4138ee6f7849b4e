import { describe, expect, test } from "bun:test";
import { loadKernel } from "../../src/kernel/kernel.ts";
import { Arena } from "../../src/shape/arena.ts";
import { smallCapacities } from "../../src/shape/channels.ts";
import { HASH_AT, HASH_MIX_AT, SIGNATURE_KEY_AT, SIGNATURE_MIX_AT } from "../../src/shape/digest-layout.ts";
import { arenaLayout } from "../../src/shape/layout.ts";
import { SEEN_CONFIRMED, SEEN_NEVER, SEEN_WAITING } from "../../src/shape/store-layout.ts";
import { PartialMetas } from "../../src/stores/partial-metas.ts";
import { RecentFilter } from "../../src/stores/recent-filter.ts";
import { randomOf } from "../tools/random.ts";

const CAPACITY = 16;

function makeStores() {
  const layout = arenaLayout({
    packetLayout: "agave2",
    maxIps: 4,
    maxSigners: 4,
    partialMetas: CAPACITY,
    recentSignatures: CAPACITY,
    queueCapacity: 4,
    channelCapacities: smallCapacities(4),
  });
  const arena = Arena.reserve(layout.bytes);
  const kernel = loadKernel(arena);
  const metas = new PartialMetas(arena, layout.partialMetas, kernel);
  const recent = new RecentFilter(arena, layout.recent, kernel);
  const at = layout.digestsAt;
  /** A digest of a packet hash and a signature, both small numbers. */
  const write = (hash: number, signature: number): number => {
    const put = (offset: number, value: number): void => arena.i32.set([value, ~value], (at + offset) >>> 2);
    put(HASH_AT, hash);
    put(HASH_MIX_AT, Math.imul(hash + 1, 0x9e3779b1));
    put(SIGNATURE_KEY_AT, signature);
    put(SIGNATURE_MIX_AT, Math.imul(signature + 1, 0x85ebca6b));
    return at;
  };
  return { metas, recent, at, write, recognise: () => kernel.recognise(recent.at, metas.at, at) };
}

describe("recognise", () => {
  test("a confirmed signature comes before a waiting hash, and neither is a stranger", () => {
    const { metas, recent, at, write, recognise } = makeStores();
    write(1, 2);
    expect(recognise()).toBe(SEEN_NEVER);
    metas.insert(at);
    expect(recognise()).toBe(SEEN_WAITING);
    recent.put(at + SIGNATURE_KEY_AT, at + SIGNATURE_MIX_AT);
    expect(recognise()).toBe(SEEN_CONFIRMED);
    write(1, 3);
    expect(recognise()).toBe(SEEN_WAITING);
    write(4, 3);
    expect(recognise()).toBe(SEEN_NEVER);
  });

  test("as two Maps do it: looking at what waits makes it the newest, looking at what is confirmed changes nothing", () => {
    const { metas, recent, at, write, recognise } = makeStores();
    const waiting = new Set<number>();
    const confirmed = new Set<number>();
    const random = randomOf(9);
    const keep = (set: Set<number>, key: number): void => {
      set.delete(key);
      set.add(key);
      if (set.size > CAPACITY) set.delete(set.keys().next().value!);
    };
    for (let step = 0; step < 20_000; step++) {
      const hash = random() % (CAPACITY + 9);
      const signature = random() % (3 * CAPACITY);
      write(hash, signature);
      const expected = confirmed.has(signature) ? SEEN_CONFIRMED : waiting.has(hash) ? SEEN_WAITING : SEEN_NEVER;
      expect(recognise()).toBe(expected);
      if (expected === SEEN_WAITING) keep(waiting, hash);
      if (expected === SEEN_NEVER && random() % 2 === 0) {
        metas.insert(at);
        keep(waiting, hash);
      }
      if (random() % 16 === 0) {
        recent.put(at + SIGNATURE_KEY_AT, at + SIGNATURE_MIX_AT);
        keep(confirmed, signature);
      }
    }
    expect([metas.size, recent.size]).toEqual([waiting.size, confirmed.size]);
  });
});
