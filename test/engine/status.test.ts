// The status page: readers get what was published, whole, also while the loop goes on writing.

import { expect, test } from "bun:test";
import { formatOf, lawOf, readStatus, StatusPage } from "../../src/engine/status.ts";
import { HISTOGRAM_WORDS, HISTOGRAMS } from "../../src/engine/turn-times.ts";
import { Arena } from "../../src/shape/arena.ts";
import { CHANNELS } from "../../src/shape/channels.ts";
import { STATUS_BYTES } from "../../src/shape/layout.ts";
import { CHANNEL_STATISTICS, STAT, STATISTICS } from "../../src/shape/statistics.ts";

const AT = 65_536;

test("readers see the last publication, not what is counted since", () => {
  const arena = Arena.reserve(AT + STATUS_BYTES);
  const page = new StatusPage(arena, AT);
  page.words[STAT.totalPackets] = 7;
  page.words[page.channelWord(2) + 1] = 5;
  page.publish();
  page.words[STAT.totalPackets] = 8;
  const seen = readStatus(arena.buffer, AT)!;
  expect(seen.counters.totalPackets).toBe(7);
  expect(seen.channels.re1_to_qos!.received).toBe(5);
  page.publish();
  expect(readStatus(arena.buffer, AT)!.counters.totalPackets).toBe(8);
});

test("a page of another format, or one that stays half written, is no page", () => {
  const arena = Arena.reserve(AT + STATUS_BYTES);
  expect(readStatus(arena.buffer, AT)).toBeNull();
  new StatusPage(arena, AT);
  expect(readStatus(arena.buffer, AT)).not.toBeNull();
  arena.i32[AT >>> 2] += 1;
  expect(readStatus(arena.buffer, AT)).toBeNull();
});

test("a reader on another thread never sees a mixture of two publications", async () => {
  const arena = Arena.reserve(AT + STATUS_BYTES);
  const page = new StatusPage(arena, AT);
  const worker = new Worker(new URL("./status-writer.ts", import.meta.url));
  worker.postMessage({ memory: arena.memory, at: AT });
  await new Promise((resolve) => worker.addEventListener("message", resolve, { once: true }));
  const seen = new Set<number>();
  for (let look = 0; look < 2_000; look++) {
    const snapshot = readStatus(arena.buffer, AT);
    if (snapshot === null) continue;
    const values = new Set(STATISTICS.map((row) => snapshot.counters[row.name]));
    expect(values.size).toBe(1);
    seen.add(snapshot.counters.totalPackets);
  }
  worker.terminate();
  expect(seen.size).toBeGreaterThan(1);
  expect(page.words.length).toBeGreaterThan(0);
});

test("the law counts every end once, and what is queued", () => {
  const counters = Object.fromEntries(STATISTICS.map((row, i) => [row.name, 2 ** i]));
  const law = lawOf(counters as never);
  const ends = STATISTICS.map((row, i) => (row.kind === "end" || row.name === "queued" ? 2 ** i : 0));
  expect(law.accounted).toBe(ends.reduce((a: number, b) => a + b, 0));
  expect(law.total).toBe(1);
});

test("the format follows from the names and their order: a row put in anywhere is another format", () => {
  const arena = Arena.reserve(AT + STATUS_BYTES);
  new StatusPage(arena, AT);
  const names = STATISTICS.map(({ name }) => name as string);
  const here = [names, CHANNELS.map(({ name }) => name as string), CHANNEL_STATISTICS, HISTOGRAMS];
  const sizes = [[HISTOGRAM_WORDS, 64, 8, 4_096, 4_096 + 16_384]];
  const format = arena.i32[(AT + 8) >>> 2];
  expect(formatOf([...here, ...sizes])).toBe(format);
  for (let at = 0; at <= names.length; at++) {
    expect(formatOf([names.toSpliced(at, 0, "fresh"), ...here.slice(1), ...sizes])).not.toBe(format);
  }
  expect(formatOf([names.toReversed(), ...here.slice(1), ...sizes])).not.toBe(format);
  arena.i32[(AT + 8) >>> 2] = formatOf([["other"]]);
  expect(readStatus(arena.buffer, AT)).toBeNull();
});

test("the law counts and words stay exact up to 2^53, beyond which a counter stands still", () => {
  const arena = Arena.reserve(AT + STATUS_BYTES);
  const page = new StatusPage(arena, AT);
  page.words[STAT.totalPackets] = 2 ** 53 - 2;
  page.words[STAT.bankingTransmissions] = 2 ** 53 - 2;
  for (let i = 0; i < 4; i++) {
    page.words[STAT.totalPackets]++;
    page.words[STAT.bankingTransmissions]++;
  }
  page.publish();
  const { counters } = readStatus(arena.buffer, AT)!;
  expect(counters.totalPackets).toBe(2 ** 53);
  const { total, accounted } = lawOf(counters);
  expect(total).toBe(accounted);
});

test("the version word of publications wraps, and readers go on", () => {
  const arena = Arena.reserve(AT + STATUS_BYTES);
  const page = new StatusPage(arena, AT);
  // After 2^31 publications, 124 days of one each 5 ms; before and after 2^32, 248 days.
  for (const version of [2 ** 31 - 2, 2 ** 32 - 2]) {
    arena.i32[AT >>> 2] = version | 0;
    for (let i = 0; i < 4; i++) {
      page.words[STAT.turns] = version + i;
      page.publish();
      expect(readStatus(arena.buffer, AT)!.counters.turns).toBe(version + i);
    }
  }
});
