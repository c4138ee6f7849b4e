// The mailbox: the only way from the main thread into the loop, which looks at its bell once a turn. Words in the arena,
// written by one side at a time: who may write a channel's state follows from the state itself.

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
/** Which of the two stake tables the loop is to use (1 or 2; 0: none), and which one it uses. */
const STAKES_OFFERED = 4;
const STAKES_IN_USE = 5;
/** The same for the operator's lists. */
const LISTS_OFFERED = 6;
const LISTS_IN_USE = 7;
/** Said by the loop: its code is warm. */
const WARM = 8;
const STATES = 16;
const TARGET_PPS_AT = 256;

if ((STATES + CHANNELS.length) * 4 > TARGET_PPS_AT || TARGET_PPS_AT + 8 > MAILBOX_BYTES)
  throw new Error("the mailbox is too small");

export class Mailbox {
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #at: number;
  readonly #target: number;

  constructor(arena: Arena, at: number) {
    this.#i32 = arena.i32;
    this.#f64 = arena.f64;
    this.#at = at >>> 2;
    this.#target = (at + TARGET_PPS_AT) >>> 3;
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

  /** Number of the stake table that the loop is to use: 1 or 2, 0 for none. */
  get stakesOffered(): number {
    return Atomics.load(this.#i32, this.#at + STAKES_OFFERED);
  }

  /** Offers a stake table. The other one must not be written to until `stakesInUse` says that it was taken. */
  offerStakes(table: number): void {
    Atomics.store(this.#i32, this.#at + STAKES_OFFERED, table);
    this.ring();
  }

  /** Number of the stake table that the loop uses. */
  get stakesInUse(): number {
    return Atomics.load(this.#i32, this.#at + STAKES_IN_USE);
  }

  /** Said by the loop. */
  tookStakes(table: number): void {
    Atomics.store(this.#i32, this.#at + STAKES_IN_USE, table);
  }

  /** Number of the table of lists that the loop is to use: 1 or 2, 0 for none. */
  get listsOffered(): number {
    return Atomics.load(this.#i32, this.#at + LISTS_OFFERED);
  }

  /** Offers a table of lists. The other one must not be written to until `listsInUse` says that it was taken. */
  offerLists(table: number): void {
    Atomics.store(this.#i32, this.#at + LISTS_OFFERED, table);
    this.ring();
  }

  /** Number of the table of lists that the loop uses. */
  get listsInUse(): number {
    return Atomics.load(this.#i32, this.#at + LISTS_IN_USE);
  }

  /** Said by the loop. */
  tookLists(table: number): void {
    Atomics.store(this.#i32, this.#at + LISTS_IN_USE, table);
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
