import { expect, test } from "bun:test";
import { addressOf } from "../../ffi/shared-memory.ts";
import { Failure } from "../../src/failure.ts";
import { HUGE_PAGE_BYTES } from "../../src/shape/layout.ts";
import { reserveMemory } from "../../src/sidecar/memory.ts";
import { settingsFor } from "./parts.ts";

test("the channels' regions can take files on huge pages, and lie within the arena", () => {
  const { arena, layout } = reserveMemory(settingsFor());
  const base = addressOf(arena.memory);
  for (const { at, bytes } of layout.channels) {
    expect((base + at) % HUGE_PAGE_BYTES).toBe(0);
    expect(at + bytes).toBeLessThanOrEqual(arena.buffer.byteLength);
  }
  expect(layout.bytes).toBeLessThanOrEqual(arena.buffer.byteLength);
});

test("the largest tables that flags allow fit; larger ones are refused with what to do", () => {
  const most = settingsFor("--max-ips", "1000000", "--max-signers", "1000000");
  expect(reserveMemory(most).layout.ips.limit).toBe(1_000_000);
  const refused = () => reserveMemory({ ...most, maxSigners: 100_000_000 });
  expect(refused).toThrow(Failure);
  expect(refused).toThrow("lower --max-ips, --max-signers");
});
