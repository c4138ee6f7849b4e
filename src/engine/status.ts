// The status page: what can be seen of the loop. The loop counts in its live words with plain stores and publishes a copy
// every few milliseconds under a version word (a seqlock), so that readers on other threads and in other processes get a
// consistent picture and can never disturb it: between two publications the copy stands still.

import type { Arena } from "../shape/arena.ts";
import { CHANNELS } from "../shape/channels.ts";
import { BOARD_AT } from "../shape/layout.ts";
import { CHANNEL_STATISTICS, type ChannelStatisticName, STATISTICS, type StatisticName } from "../shape/statistics.ts";
import { HISTOGRAM_WORDS, HISTOGRAMS } from "./turn-times.ts";

const VERSION_AT = 0; // u32: odd while a publication is under way
const FORMAT_AT = 8; // u32: STATUS_FORMAT
const LIVE_AT = 4_096;
const PUBLISHED_AT = LIVE_AT + 16_384;

const STATISTIC_WORDS = 64;
const CHANNEL_WORDS = 8;
const CHANNELS_FROM = STATISTIC_WORDS;
const HISTOGRAMS_FROM = CHANNELS_FROM + CHANNELS.length * CHANNEL_WORDS;
const WORDS = HISTOGRAMS_FROM + HISTOGRAMS.length * HISTOGRAM_WORDS;

/**
 * What the words mean, as a number: it changes with any name, and with their order, so that a reader of another build takes
 * no gauge for another. FNV-1a of the names and sizes.
 * @param names in the order of their words
 */
export function formatOf(names: readonly (readonly (string | number)[])[]): number {
  let hash = 0x811c9dc5;
  for (const letter of JSON.stringify(names)) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  return hash | 1; // never 0: that is a page without a loop
}

const STATUS_FORMAT = formatOf([
  STATISTICS.map(({ name }) => name),
  CHANNELS.map(({ name }) => name),
  CHANNEL_STATISTICS,
  HISTOGRAMS,
  [HISTOGRAM_WORDS, STATISTIC_WORDS, CHANNEL_WORDS, LIVE_AT, PUBLISHED_AT],
]);

if (STATISTICS.length > STATISTIC_WORDS || CHANNEL_STATISTICS.length > CHANNEL_WORDS)
  throw new Error("the status page has too few words");
if (LIVE_AT + WORDS * 8 > PUBLISHED_AT || PUBLISHED_AT + WORDS * 8 > BOARD_AT)
  throw new Error("the status page is too small for its words");

/** A consistent picture of the loop at one moment between two packets. */
export interface Snapshot {
  readonly counters: Readonly<Record<StatisticName, number>>;
  readonly channels: Readonly<Record<string, Readonly<Record<ChannelStatisticName, number>>>>;
  /** Bucket counts by histogram name; see turn-times.ts. */
  readonly histograms: Readonly<Record<string, readonly number[]>>;
}

/** The loop's side: live words, and their publication. */
export class StatusPage {
  /** One f64 a statistic, by STAT; then the channels' and the histograms'. */
  readonly words: Float64Array;
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;
  readonly #version: number;
  readonly #live: number;
  readonly #published: number;

  constructor(arena: Arena, at: number) {
    this.words = new Float64Array(arena.buffer, at + LIVE_AT, WORDS);
    this.#i32 = arena.i32;
    this.#u8 = arena.u8;
    this.#version = (at + VERSION_AT) >>> 2;
    this.#live = at + LIVE_AT;
    this.#published = at + PUBLISHED_AT;
    arena.i32[(at + FORMAT_AT) >>> 2] = STATUS_FORMAT;
  }

  /** First word of a channel's statistics. */
  channelWord(id: number): number {
    return CHANNELS_FROM + id * CHANNEL_WORDS;
  }

  /** First word of a histogram. */
  histogramWord(index: number): number {
    return HISTOGRAMS_FROM + index * HISTOGRAM_WORDS;
  }

  /** Copies the live words to where readers look. Only between packets. */
  publish(): void {
    Atomics.add(this.#i32, this.#version, 1);
    this.#u8.copyWithin(this.#published, this.#live, this.#live + WORDS * 8);
    Atomics.add(this.#i32, this.#version, 1);
  }
}

/**
 * Reads the published words of a status page, from any thread or process that maps it.
 * @param buffer the arena's buffer, or the mapped page's
 * @param at offset of the page in it
 * @returns null if the page is of another format, or was being written at each of many looks
 */
export function readStatus(buffer: ArrayBufferLike, at: number): Snapshot | null {
  const i32 = new Int32Array(buffer, at, 4);
  if (i32[FORMAT_AT >>> 2] !== STATUS_FORMAT) return null;
  const published = new Float64Array(buffer, at + PUBLISHED_AT, WORDS);
  const copy = new Float64Array(WORDS);
  for (let look = 0; look < 10_000; look++) {
    const before = Atomics.load(i32, VERSION_AT >>> 2);
    if ((before & 1) !== 0) continue;
    copy.set(published);
    if (Atomics.load(i32, VERSION_AT >>> 2) === before) return snapshotOf(copy);
  }
  return null;
}

function snapshotOf(words: Float64Array): Snapshot {
  const named = <Name extends string>(names: readonly Name[], from: number) =>
    Object.fromEntries(names.map((name, i) => [name, words[from + i]])) as Record<Name, number>;
  return {
    counters: named(
      STATISTICS.map((row) => row.name),
      0,
    ),
    channels: Object.fromEntries(
      CHANNELS.map((spec, id) => [spec.name, named(CHANNEL_STATISTICS, CHANNELS_FROM + id * CHANNEL_WORDS)]),
    ),
    histograms: Object.fromEntries(
      HISTOGRAMS.map((name, i) => {
        const from = HISTOGRAMS_FROM + i * HISTOGRAM_WORDS;
        return [name, [...words.subarray(from, from + HISTOGRAM_WORDS)]];
      }),
    ),
  };
}

/** The version word of a page: odd while a publication is under way. */
export function statusVersion(page: Uint8Array): number {
  return new DataView(page.buffer, page.byteOffset).getUint32(VERSION_AT, true);
}

/** The law's two sides; equal whenever the loop is between packets (statistics.ts). */
export function lawOf(counters: Readonly<Record<StatisticName, number>>): { total: number; accounted: number } {
  const ends = STATISTICS.filter((row) => row.kind === "end");
  return {
    total: counters.totalPackets,
    accounted: ends.reduce((sum, row) => sum + counters[row.name], counters.queued),
  };
}
