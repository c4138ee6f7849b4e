// Looking at a channel without taking part: through a descriptor that may only read, never through a mapping. So nobody is
// disturbed, not even by a heartbeat, and a file that is cut short meanwhile is a short read and no SIGBUS.

import { SystemError } from "../../ffi/libc.ts";
import { closeFile, lockHolder, openExisting, readAt, statPath } from "../../ffi/shared-memory.ts";
import {
  burstOf,
  CAPACITY_AT,
  CONSUMER_HEARTBEAT_AT,
  HEAD_AT,
  HEADER_BYTES,
  MAGIC_AT,
  METADATA_AT,
  PRODUCER_HEARTBEAT_AT,
  TAIL_AT,
  TAIL_MAX,
} from "../shape/channel-header.ts";
import type { ChannelShape } from "./place.ts";

/** A header as it stood at one moment; counters of a hostile file can be any u64. */
export interface HeaderSnapshot {
  readonly tail: bigint;
  readonly head: bigint;
  readonly producerHeartbeat: bigint;
  readonly consumerHeartbeat: bigint;
  readonly capacity: bigint;
  readonly magic: bigint;
  /** The first word of the user metadata: the seed, in `sch_to_qos`. */
  readonly metadataWord: bigint;
}

/** Reads exactly `into.length` bytes. @throws SystemError `EIO` where the file ends before */
function readWhole(fd: number, path: string, into: Uint8Array, position: number): void {
  let done = 0;
  while (done < into.length) {
    const read = readAt(fd, path, into.subarray(done), position + done);
    if (read === 0) throw new SystemError("read", path, "EIO", `the file ends at byte ${position + done}`);
    done += read;
  }
}

export function readHeader(fd: number, path: string): HeaderSnapshot {
  const bytes = new DataView(new ArrayBuffer(HEADER_BYTES));
  readWhole(fd, path, new Uint8Array(bytes.buffer), 0);
  const word = (at: number): bigint => bytes.getBigUint64(at, true);
  return {
    tail: word(TAIL_AT),
    head: word(HEAD_AT),
    producerHeartbeat: word(PRODUCER_HEARTBEAT_AT),
    consumerHeartbeat: word(CONSUMER_HEARTBEAT_AT),
    capacity: word(CAPACITY_AT),
    magic: word(MAGIC_AT),
    metadataWord: word(METADATA_AT),
  };
}

/** Elements read at once: a bound on the buffer, not on the answer. */
const CHUNK_ELEMENTS = 256;
const ATTEMPTS_MAX = 16;

/** A reader of a channel's elements that leaves no trace. */
export class Peek {
  /** Stream index of the next element. */
  head: number;
  /** Elements that were overwritten before they could be read. */
  lapped = 0;

  readonly #reach: number;
  readonly #bufferElements: number;
  readonly #buffer: Uint8Array;
  #tail: number;
  readonly #tailBytes = new DataView(new ArrayBuffer(8));

  /**
   * @param fd an initialised channel of this shape (files.ts, `openToRead`)
   * @param backlog how many of the newest elements to begin with
   */
  constructor(
    readonly fd: number,
    readonly path: string,
    readonly shape: ChannelShape,
    backlog: number,
  ) {
    this.#reach = shape.capacity - burstOf(shape.capacity);
    this.#bufferElements = Math.min(CHUNK_ELEMENTS, shape.capacity);
    this.#buffer = new Uint8Array(shape.elementBytes * this.#bufferElements);
    this.#tail = this.#loadTail();
    this.head = Math.max(0, this.#tail - Math.min(backlog, this.#reach));
  }

  #loadTail(): number {
    readWhole(this.fd, this.path, new Uint8Array(this.#tailBytes.buffer), TAIL_AT);
    const tail = Number(this.#tailBytes.getBigUint64(0, true));
    if (tail <= TAIL_MAX) return tail;
    throw new SystemError("read", this.path, "EBADMSG", `its tail is ${tail}, which no producer reaches`);
  }

  /**
   * Reads the next elements that are whole and hands each to `use`; its bytes are only good during the call.
   * @param most elements to hand on at most
   * @returns how many there were; 0 if nothing is new, or the producer is quicker than this reader
   */
  read(use: (index: number, element: Uint8Array) => void, most: number): number {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const first = this.#position();
      const slot = first % this.shape.capacity;
      const count = Math.min(this.#tail - first, this.shape.capacity - slot, this.#bufferElements, most);
      if (count === 0) return 0;
      const { elementBytes } = this.shape;
      readWhole(this.fd, this.path, this.#buffer.subarray(0, count * elementBytes), HEADER_BYTES + slot * elementBytes);
      const whole = this.#position(); // what the producer may have been writing meanwhile is not shown
      if (whole < first || whole >= first + count) continue;
      for (let index = whole; index < first + count; index++) {
        const at = (index - first) * elementBytes;
        use(index, this.#buffer.subarray(at, at + elementBytes));
      }
      this.head = first + count;
      return this.head - whole;
    }
    return 0;
  }

  /** Loads the tail and moves the head into reach. */
  #position(): number {
    this.#tail = this.#loadTail();
    if (this.#tail < this.head) this.head = this.#tail; // the producer began again
    this.#skipTo(this.#tail - this.#reach);
    return this.head;
  }

  #skipTo(index: number): void {
    if (index <= this.head) return;
    this.lapped += index - this.head;
    this.head = index;
  }
}

/** A process that uses a channel now. */
export interface Life {
  readonly path: string;
  /** What moved: `tail`, `producer heartbeat`, `consumer heartbeat`; or `lock`. */
  readonly signs: readonly string[];
  /** The process that holds the file's lock. */
  readonly pid: number | undefined;
}

/**
 * Watches channels for a while.
 * @param paths files that are there and are regular ones
 * @param watchMs how long
 * @returns those that somebody uses: a counter moved, or the file is locked (a stopped process beats nothing)
 * @throws SystemError for a file that may not be read: then nobody can tell
 */
export async function findLife(paths: readonly string[], watchMs: number): Promise<Life[]> {
  const before = paths.map(countersOf);
  await Bun.sleep(watchMs);
  return paths.flatMap((path, index) => {
    const after = countersOf(path);
    const first = before[index];
    const facts = statPath(path);
    const pid = facts === undefined ? undefined : lockHolder(facts);
    const signs = pid === undefined ? [] : ["lock"];
    for (const name of ["tail", "producer heartbeat", "consumer heartbeat"] as const) {
      if (first !== undefined && after !== undefined && first[name] !== after[name]) signs.push(name);
    }
    return signs.length > 0 ? [{ path, signs, pid }] : [];
  });
}

/** Who uses a channel, in a few words: `producer and consumer, locked by process 4711`. */
export function describeUse({ signs, pid }: Life): string {
  const producer = signs.includes("tail") || signs.includes("producer heartbeat") ? ["producer"] : [];
  const consumer = signs.includes("consumer heartbeat") ? ["consumer"] : [];
  const sides = [...producer, ...consumer].join(" and ");
  const lock = pid === undefined ? "" : `locked by process ${pid}`;
  return [sides, lock].filter((part) => part !== "").join(", ");
}

function countersOf(path: string) {
  if (statPath(path)?.kind !== "file") return undefined; // gone meanwhile
  const fd = openExisting(path, "read");
  try {
    const header = readHeader(fd, path);
    return {
      tail: header.tail,
      "producer heartbeat": header.producerHeartbeat,
      "consumer heartbeat": header.consumerHeartbeat,
      magic: header.magic,
    };
  } catch (error) {
    if (error instanceof SystemError && error.code === "EIO") return undefined; // too short for a channel
    throw error;
  } finally {
    closeFile(fd);
  }
}
