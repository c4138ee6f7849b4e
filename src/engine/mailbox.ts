// The mailbox: the only way from the main thread into the loop, which looks at its bell once a turn. Words in the arena,
// written by one side at a time: a channel's state itself says which side may write it.

import type { Arena } from "../shape/arena.ts";
import { CHANNELS } from "../shape/channels.ts";
import { MAILBOX_BYTES } from "../shape/layout.ts";

/** A channel's state. The main thread moves ABSENT -> OFFERED and ATTACHED -> LEAVING, the loop the other two. */
export const CHANNEL_ABSENT = 0;
/** Mapped and checked: the loop may attach. */
export const CHANNEL_OFFERED = 1;
/** The loop reads or writes it. */
export const CHANNEL_ATTACHED = 2;
/** The main thread wants it back (re-created, or gone): the loop lets go of it. */
export const CHANNEL_LEAVING = 3;
export const CHANNEL_STATES = ["absent", "offered", "attached", "leaving"] as const;

const BELL = 0;
const STOP = 1;
const PAUSED = 2;
/** Where an idle loop sleeps (`--idle backoff`). */
const SLEEP = 3;
/** Two words each: which table the loop is to use, and which one it uses. */
const STAKES = 4;
const LISTS = 6;
/** Said by the loop: its code is warm. */
const WARM = 8;
const STATES = 16;
const TARGET_PPS_AT = 256;

if ((STATES + CHANNELS.length) * 4 > TARGET_PPS_AT || TARGET_PPS_AT + 8 > MAILBOX_BYTES)
  throw new Error("the mailbox is too small");

/** One of two tables of the same thing. */
export type TableNumber = 1 | 2;

/** Two tables of which the loop uses one, while the main thread builds the other. */
export class Handover {
  constructor(
    private readonly i32: Int32Array,
    /** Of the first of two words. */
    private readonly word: number,
    private readonly ring: () => void,
  ) {}

  /** The table that the loop is to use: 1 or 2, 0 for none. */
  get offered(): number {
    return Atomics.load(this.i32, this.word);
  }

  /** Whether the loop uses what it was offered last: the other table may be written to. */
  get isTaken(): boolean {
    return Atomics.load(this.i32, this.word + 1) === this.offered;
  }

  /** The table that the loop does not use. */
  get spare(): TableNumber {
    return Atomics.load(this.i32, this.word + 1) === 1 ? 2 : 1;
  }

  /** Said by the main thread, once the table is built. The other one must not be written to before `isTaken`. */
  offer(table: TableNumber): void {
    Atomics.store(this.i32, this.word, table);
    this.ring();
  }

  /** Said by the loop. */
  took(table: number): void {
    Atomics.store(this.i32, this.word + 1, table);
  }
}

export class Mailbox {
  /** The senders' stakes. */
  readonly stakes: Handover;
  /** The operator's lists of senders. */
  readonly lists: Handover;
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #at: number;
  readonly #target: number;

  constructor(arena: Arena, at: number) {
    this.#i32 = arena.i32;
    this.#f64 = arena.f64;
    this.#at = at >>> 2;
    this.#target = (at + TARGET_PPS_AT) >>> 3;
    const ring = (): void => this.ring();
    this.stakes = new Handover(arena.i32, this.#at + STAKES, ring);
    this.lists = new Handover(arena.i32, this.#at + LISTS, ring);
  }

  /** Changes whenever something in the mailbox did. */
  get bell(): number {
    return Atomics.load(this.#i32, this.#at + BELL);
  }

  ring(): void {
    Atomics.add(this.#i32, this.#at + BELL, 1);
    Atomics.notify(this.#i32, this.#at + SLEEP);
  }

  get stopping(): boolean {
    return Atomics.load(this.#i32, this.#at + STOP) !== 0;
  }

  /** Asks the loop to end after its turn. */
  stop(): void {
    Atomics.store(this.#i32, this.#at + STOP, 1);
    this.ring();
  }

  get paused(): boolean {
    return Atomics.load(this.#i32, this.#at + PAUSED) !== 0;
  }

  /** While paused, nothing is transmitted; packets are taken, scored and queued as ever. */
  setPaused(paused: boolean): void {
    Atomics.store(this.#i32, this.#at + PAUSED, paused ? 1 : 0);
    this.ring();
  }

  channelState(id: number): number {
    return Atomics.load(this.#i32, this.#at + STATES + id);
  }

  setChannelState(id: number, state: number): void {
    Atomics.store(this.#i32, this.#at + STATES + id, state);
    this.ring();
  }

  get targetPps(): number {
    return this.#f64[this.#target];
  }

  setTargetPps(targetPps: number): void {
    this.#f64[this.#target] = targetPps;
    this.ring();
  }

  /** Whether the loop has warmed its code: what disturbs it may begin. */
  get warm(): boolean {
    return Atomics.load(this.#i32, this.#at + WARM) !== 0;
  }

  /** Said by the loop. */
  becameWarm(): void {
    Atomics.store(this.#i32, this.#at + WARM, 1);
  }

  /** Puts the calling thread to sleep until the bell rings, for at most `ms`. Not for the main thread. */
  sleep(ms: number): void {
    Atomics.wait(this.#i32, this.#at + SLEEP, 0, ms);
  }
}
