// What the main thread makes of the loop's numbers once a second: whether the loop goes on, how old each heartbeat is, when the
// model last learned, which senders are best and worst. The board in the status page, the metrics, the health checks and the
// watchdog all ask here.

import type { WriterNumbers } from "../database/writer-status.ts";
import { CHANNEL_ATTACHED } from "../engine/mailbox.ts";
import type { Snapshot } from "../engine/status.ts";
import type { Board, ModelUpdate } from "../observe/board.ts";
import { writeBoard } from "../observe/board.ts";
import { standingsOf } from "../observe/standings.ts";
import type { Senders } from "../observe/statistics-lines.ts";
import { CONSUMER_HEARTBEAT_AT, PRODUCER_HEARTBEAT_AT, TAIL_AT } from "../shape/channel-header.ts";
import { CHANNELS, OUTPUT_CHANNEL, PACKET_CHANNELS } from "../shape/channels.ts";
import type { Runtime } from "./runtime.ts";

/** A loop that has not turned for longer is not healthy. */
export const STALL_MAX_MS = 5_000;
const UPDATES_MAX = 12;
/** Copying two tables of a million senders takes a tenth of a second: at most a fiftieth of the time goes into it. */
const STANDINGS_INTERVAL_MS = 2_000;
const STANDINGS_SHARE = 50;

export class Watch {
  /** Newest first. */
  updates: readonly ModelUpdate[] = [];
  senders: Senders = { ips: { known: 0, top: [], bottom: [] }, payers: { known: 0, top: [], bottom: [] } };

  #ended: string | null = null;
  #turns = -1;
  #turnedMs: number;
  #standingsDueMs = 0;
  #learned = { updates: 0, outcomes: 0, included: 0 };
  readonly #beats = CHANNELS.map(() => ({ value: -1n, atMs: Number.NaN }));

  constructor(
    private readonly runtime: Runtime,
    private readonly database: () => WriterNumbers | null,
  ) {
    this.#turnedMs = runtime.now();
  }

  /** Takes a look. Once a second or so. */
  look(now: Snapshot | null): void {
    if (now === null) return;
    const nowMs = this.runtime.now();
    if (now.counters.turns !== this.#turns) {
      this.#turns = now.counters.turns;
      this.#turnedMs = nowMs;
    } else {
      // A sleep of the loop (--idle backoff) ends by the wall clock, inside of the runtime: one that is set back meanwhile
      // would make a millisecond an hour.
      this.runtime.mailbox.ring();
    }
    this.#noteUpdates(now);
    this.#noteBeats(now, nowMs);
    if (nowMs >= this.#standingsDueMs) {
      this.senders = standingsOf(this.runtime.readers);
      const tookMs = this.runtime.now() - nowMs;
      this.#standingsDueMs = nowMs + Math.max(STANDINGS_INTERVAL_MS, tookMs * STANDINGS_SHARE);
    }
    this.#write();
  }

  /** Leaves the reason of an end that was not meant, for the sidecar that begins next. */
  end(reason: string): void {
    this.#ended = reason;
    this.#write();
  }

  #write(): void {
    const { buffer } = this.runtime.arena;
    const { statusAt } = this.runtime.layout;
    const board = this.board();
    if (writeBoard(buffer, statusAt, JSON.stringify(board))) return;
    // Names and numbers of twenty senders fit many times over; whatever made it too long, the rest is still worth showing.
    const none = { known: 0, top: [], bottom: [] };
    writeBoard(buffer, statusAt, JSON.stringify({ ...board, senders: { ips: none, payers: none }, updates: [] }));
  }

  /** Milliseconds since the loop was last seen to have turned. */
  get loopAgeMs(): number {
    return this.runtime.now() - this.#turnedMs;
  }

  /** Turns seen: it rises while the loop goes on. */
  get turns(): number {
    return this.#turns;
  }

  /** Why the sidecar does not do its work, or undefined if it does. */
  unready(now: Snapshot | null): string | undefined {
    if (now === null || this.#turns <= 0) return "the loop has not begun";
    if (this.loopAgeMs > STALL_MAX_MS) return `the loop has not turned for ${Math.round(this.loopAgeMs)} ms`;
    const attached = (id: number): boolean => now.channels[CHANNELS[id].name].state === CHANNEL_ATTACHED;
    if (!PACKET_CHANNELS.some(attached)) return "no packet channel is attached";
    if (!attached(OUTPUT_CHANNEL)) return `${CHANNELS[OUTPUT_CHANNEL].name} is not attached`;
    if (this.runtime.mailbox.paused) return "it is paused";
    return undefined;
  }

  /** By channel: since when the validator's side stands still; null if it never moved, or the channel is not attached. */
  heartbeatAges(): Record<string, number | null> {
    const nowMs = this.runtime.now();
    return Object.fromEntries(
      CHANNELS.map(({ name }, id) => {
        const { atMs } = this.#beats[id];
        return [name, Number.isNaN(atMs) ? null : Math.round(nowMs - atMs)];
      }),
    );
  }

  board(): Board {
    const { settings, version, startedAt, mailbox, log } = this.runtime;
    return {
      version,
      pid: process.pid,
      startedMs: startedAt.getTime(),
      writtenMs: Date.now(),
      prefix: settings.prefix,
      model: settings.model,
      packetLayout: settings.packetLayout,
      targetPps: mailbox.targetPps,
      paused: mailbox.paused,
      heartbeatAgeMs: this.heartbeatAges(),
      loopAgeMs: Math.round(this.loopAgeMs),
      updates: this.updates,
      senders: this.senders,
      database: this.database(),
      faults: log.faults.counts,
      detached: log.faults.detached,
      ended: this.#ended,
    };
  }

  #noteUpdates({ counters }: Snapshot): void {
    const { modelUpdates: updates, completed: outcomes, included } = counters;
    const before = this.#learned;
    if (updates <= before.updates) return;
    const update = {
      atMs: Date.now(),
      updates: updates - before.updates,
      outcomes: outcomes - before.outcomes,
      included: included - before.included,
    };
    this.#learned = { updates, outcomes, included };
    this.updates = [update, ...this.updates].slice(0, UPDATES_MAX);
  }

  /** The other side's counters: a producer beats or publishes; the output's consumer beats. */
  #noteBeats(now: Snapshot, nowMs: number): void {
    const { u64 } = this.runtime.arena;
    CHANNELS.forEach(({ name }, id) => {
      const beat = this.#beats[id];
      if (now.channels[name].state !== CHANNEL_ATTACHED) {
        beat.atMs = Number.NaN;
        beat.value = -1n;
        return;
      }
      const { at } = this.runtime.layout.channels[id];
      const word = (offset: number): bigint => u64[(at + offset) / 8];
      const value =
        id === OUTPUT_CHANNEL ? word(CONSUMER_HEARTBEAT_AT) : word(PRODUCER_HEARTBEAT_AT) + word(TAIL_AT) * 2n;
      if (beat.value !== -1n && value !== beat.value) beat.atMs = nowMs;
      beat.value = value;
    });
  }
}
