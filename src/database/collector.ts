// What the writer gathers: records from the loop's rings, the model's scores after an update, the statistics of each
// interval; cut into batches. Reads the arena only: the loop does not know that it is there.

import { base58 } from "@scure/base";
import type { Consumer } from "../channel/consumer.ts";
import { readStatus, type Snapshot } from "../engine/status.ts";
import { openReaders } from "../rank/models.ts";
import type { ScoreRows } from "../rank/score-rows.ts";
import { drainRing, readRing } from "../records/ring.ts";
import type { Arena } from "../shape/arena.ts";
import { HASH_AT } from "../shape/digest-layout.ts";
import { END_FAILED_SIGNATURE } from "../shape/ends.ts";
import type { ArenaLayout } from "../shape/layout.ts";
import { RECORD_BYTES, RECORD_END_AT, RECORD_SEQUENCE_AT } from "../shape/record-layout.ts";
import { formatAddress } from "../wire/address-text.ts";
import type { Batch, BatchKind } from "./batch.ts";
import type { AnyRow } from "./rows.ts";
import { WallClock } from "./wall-clock.ts";

/** Records of a batch: a few milliseconds of SQLite's time. */
const BATCH_RECORDS = 4_096;
/** A batch that does not fill is closed after this. */
const BATCH_AGE_MS = 250;
const DRAIN_RECORDS = 4_096;
/** A score table's rows in one batch. */
const SCORE_ROWS = 8_192;
const TWO_32 = 2 ** 32;
/** An odd number with its bits well spread (2^32 over the golden ratio). */
const SPREAD = 0x9e3779b1;

export interface CollectorSettings {
  readonly session: string;
  readonly host: string;
  /** Shares that are saved, 0 to 1. */
  readonly transactionsShare: number;
  readonly fatesShare: number;
  readonly scoresIntervalMs: number;
  readonly statisticsIntervalMs: number;
}

/** Records of one ring on their way into batches. */
class Gathering {
  readonly bytes = new Uint8Array(BATCH_RECORDS * RECORD_BYTES);
  count = 0;
  sinceMs = 0;

  constructor(
    readonly kind: "transactions" | "fates",
    readonly ring: Consumer,
    readonly share: number,
  ) {}
}

export class Collector {
  /** Records kept, and left out by sampling. */
  taken = 0;
  sampledOut = 0;

  readonly #gatherings: Gathering[] = [];
  readonly #scratch = new Uint8Array(DRAIN_RECORDS * RECORD_BYTES);
  readonly #clock = new WallClock();
  readonly #ips: ScoreRows;
  readonly #payers: ScoreRows;
  #modelUpdates = 0;
  #scoresAtMs = Number.NEGATIVE_INFINITY;
  #statisticsAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly arena: Arena,
    private readonly layout: ArenaLayout,
    private readonly settings: CollectorSettings,
    private readonly push: (batch: Batch) => void,
  ) {
    const { outcomes, fates } = layout;
    if (outcomes !== undefined) {
      this.#gatherings.push(new Gathering("transactions", readRing(arena, outcomes), settings.transactionsShare));
    }
    if (fates !== undefined && settings.fatesShare > 0) {
      this.#gatherings.push(new Gathering("fates", readRing(arena, fates), settings.fatesShare));
    }
    const { ips, payers } = openReaders(arena, layout);
    this.#ips = ips;
    this.#payers = payers;
  }

  /** Records that were taken and whose batch is still open. */
  get open(): number {
    return this.#gatherings.reduce((sum, { count }) => sum + count, 0);
  }

  /** Records that a ring's loop overwrote before they were taken. */
  lapped(kind: "transactions" | "fates"): number {
    return this.#gatherings.find((one) => one.kind === kind)?.ring.lapped ?? 0;
  }

  /**
   * Takes what is there.
   * @param wallMs milliseconds since 1970
   * @param nowMs of a clock that never goes back
   * @returns records taken or left out
   */
  collect(wallMs: number, nowMs: number): number {
    const status = readStatus(this.arena.buffer, this.layout.statusAt);
    // A loop that has not turned yet has no clock and no records.
    if (status === null || status.counters.turns === 0) return 0;
    this.#clock.read(status.counters.clockMs, wallMs, nowMs);
    let done = 0;
    for (const gathering of this.#gatherings) done += this.#drain(gathering, nowMs);
    this.#takeStatistics(status, wallMs, nowMs);
    this.#takeScores(status, wallMs, nowMs);
    return done;
  }

  /** Closes what is open, at the end. */
  finish(wallMs: number, nowMs: number): void {
    this.#statisticsAtMs = Number.NEGATIVE_INFINITY;
    this.#scoresAtMs = Number.NEGATIVE_INFINITY;
    while (this.collect(wallMs, nowMs) > 0) {
      // until both rings are empty: the loop has ended
    }
    for (const gathering of this.#gatherings) this.#close(gathering);
  }

  #drain(gathering: Gathering, nowMs: number): number {
    let done = 0;
    // No more than a ring's length in one go: the other one waits.
    while (done < gathering.ring.capacity) {
      const got = drainRing(this.arena, gathering.ring, DRAIN_RECORDS, this.#scratch, (records, count) => {
        if (gathering.share >= 1) this.#keep(gathering, records, 0, count, nowMs);
        else this.#keepSample(gathering, records, count, nowMs);
      });
      if (got === 0) break;
      done += got;
    }
    if (gathering.count > 0 && nowMs - gathering.sinceMs >= BATCH_AGE_MS) this.#close(gathering);
    return done;
  }

  /** Keeps `count` records from the `from`-th on. */
  #keep(gathering: Gathering, records: Uint8Array, from: number, count: number, nowMs: number): void {
    this.taken += count;
    for (let done = 0; done < count; ) {
      if (gathering.count === 0) gathering.sinceMs = nowMs;
      const some = Math.min(count - done, BATCH_RECORDS - gathering.count);
      const first = (from + done) * RECORD_BYTES;
      gathering.bytes.set(records.subarray(first, first + some * RECORD_BYTES), gathering.count * RECORD_BYTES);
      gathering.count += some;
      done += some;
      if (gathering.count === BATCH_RECORDS) this.#close(gathering);
    }
  }

  /** Most are left out: these cost a look at two words each, and nothing is allocated for them. */
  #keepSample(gathering: Gathering, records: Uint8Array, count: number, nowMs: number): void {
    const words = new DataView(records.buffer, records.byteOffset, count * RECORD_BYTES);
    for (let i = 0; i < count; i++) {
      if (this.#isSampled(gathering.share, words, i * RECORD_BYTES)) this.#keep(gathering, records, i, 1, nowMs);
      else this.sampledOut += 1;
    }
  }

  /**
   * By packet hash, which is keyed: all of a transaction's fates are in the sample, or none. What has no hash goes by its
   * sequence. Failed signatures among the fates are few and say much: by the outcomes' share.
   */
  #isSampled(ringShare: number, words: DataView, at: number): boolean {
    const failed = words.getUint8(at + RECORD_END_AT) === END_FAILED_SIGNATURE;
    const share = failed ? Math.max(ringShare, this.settings.transactionsShare) : ringShare;
    const low = words.getUint32(at + HASH_AT, true);
    if ((low | words.getUint32(at + HASH_AT + 4, true)) !== 0) return low < share * TWO_32;
    return Math.imul(words.getFloat64(at + RECORD_SEQUENCE_AT, true) | 0, SPREAD) >>> 0 < share * TWO_32;
  }

  #close(gathering: Gathering): void {
    if (gathering.count === 0) return;
    const payload = gathering.bytes.slice(0, gathering.count * RECORD_BYTES);
    this.#send(gathering.kind, gathering.count, payload);
    gathering.count = 0;
  }

  #takeStatistics(status: Snapshot, wallMs: number, nowMs: number): void {
    if (nowMs - this.#statisticsAtMs < this.settings.statisticsIntervalMs) return;
    this.#statisticsAtMs = nowMs;
    const { session, host } = this.settings;
    const atUs = Math.round(wallMs * 1_000);
    const values: (readonly [string, number])[] = Object.entries(status.counters);
    for (const [channel, numbers] of Object.entries(status.channels)) {
      for (const [name, value] of Object.entries(numbers)) values.push([`${channel}.${name}`, value]);
    }
    // The score to beat is -Infinity while the queue has room, and not every engine stores that.
    const finite = values.filter(([, value]) => Number.isFinite(value));
    this.sendRows(
      "statistics",
      finite.map(([name, value]) => ({ session, host, atUs, name, value })),
    );
  }

  #takeScores(status: Snapshot, wallMs: number, nowMs: number): void {
    const { modelUpdates } = status.counters;
    if (modelUpdates === this.#modelUpdates || nowMs - this.#scoresAtMs < this.settings.scoresIntervalMs) return;
    if (!this.#ips.read() || !this.#payers.read()) return; // moving all the time: at the next look
    this.#scoresAtMs = nowMs;
    this.#modelUpdates = modelUpdates;
    const { session, host } = this.settings;
    const updatedUs = Math.round(wallMs * 1_000);
    const rowsOf = (kind: string, reader: ScoreRows, nameOf: (row: number) => string) =>
      Array.from({ length: reader.size }, (_, row) => row)
        .filter((row) => Number.isFinite(reader.score(row)))
        .map((row) => ({
          session,
          host,
          updatedUs,
          kind,
          sender: nameOf(row),
          modelUpdate: modelUpdates,
          score: reader.score(row),
        }));
    const rows = [
      ...rowsOf("ip", this.#ips, (row) => formatAddress(this.#ips.key(row), this.#ips.isIpv6(row))),
      ...rowsOf("payer", this.#payers, (row) => base58.encode(this.#payers.key(row))),
    ];
    for (let from = 0; from < rows.length; from += SCORE_ROWS) {
      this.sendRows("scores", rows.slice(from, from + SCORE_ROWS));
    }
  }

  /** Sends rows as they are. */
  sendRows(kind: Exclude<BatchKind, "transactions" | "fates">, rows: readonly AnyRow[]): void {
    if (rows.length > 0) this.#send(kind, rows.length, Buffer.from(JSON.stringify(rows)));
  }

  #send(kind: BatchKind, count: number, payload: Uint8Array): void {
    const { session, host } = this.settings;
    this.push({ kind, session, host, wallOffsetMs: this.#clock.offsetMs, count, payload });
  }
}
