// Reads a whole stream in groups, as the loop does, and counts what it saw. Also a program of its own, for a test that
// stops and continues it:
//
//   bun stream-reader.ts NAME ELEMENT_BYTES CAPACITY UNTIL      prints `joined`, then the counts as JSON

import type { Consumer } from "../../src/channel/consumer.ts";
import type { Arena } from "../../src/shape/arena.ts";
import { readElement } from "./elements.ts";

const GROUP = 16;

export interface Seen {
  received: number;
  lapped: number;
  torn: number;
  /** Elements that passed the lap check and were not whole, or not the ones of their place. */
  wrong: number;
  /** Places where the stream went on behind a gap. */
  gaps: number;
  /** Elements missing in those gaps. */
  missing: number;
  head: number;
}

export class StreamReader {
  wrong = 0;
  gaps = 0;
  missing = 0;
  readonly #indexes = new Float64Array(GROUP);
  #next: number;

  constructor(
    readonly arena: Arena,
    readonly consumer: Consumer,
  ) {
    this.#next = consumer.head;
  }

  /** Reads at most one group. @returns elements that were there, torn ones among them */
  readGroup(): number {
    const consumer = this.consumer;
    const count = consumer.readable(GROUP);
    for (let i = 0; i < count; i++) {
      this.#indexes[i] = readElement(this.arena.i32, consumer.addressOf(i), consumer.elementBytes);
    }
    const torn = Math.min(consumer.overrun(), count);
    consumer.drop(torn);
    for (let i = torn; i < count; i++) {
      const index = consumer.head + i - torn;
      if (this.#indexes[i] !== index) this.wrong += 1;
      if (index > this.#next) {
        this.gaps += 1;
        this.missing += index - this.#next;
      }
      if (index < this.#next) this.wrong += 1;
      this.#next = index + 1;
    }
    consumer.take(count - torn);
    return count;
  }

  /** Reads until the element before `until` was passed, or `limitMs` are over. */
  readUntil(until: number, limitMs: number): void {
    const start = performance.now();
    for (let turn = 0; this.consumer.head < until; turn++) {
      if (this.readGroup() === 0 && turn % 1024 === 0 && performance.now() - start > limitMs) return;
      if (turn % 64 === 0) this.consumer.beat();
    }
  }

  seen(): Seen {
    const { received, lapped, torn, head } = this.consumer;
    // what was skipped at the very end shows in no later element
    return {
      received,
      lapped,
      torn,
      wrong: this.wrong,
      gaps: this.gaps,
      missing: this.missing + head - this.#next,
      head,
    };
  }
}

if (import.meta.main) {
  const { Place } = await import("./que-peer.ts");
  const [name, elementBytes, capacity, until] = process.argv.slice(2);
  const place = new Place({ elementBytes: Number(elementBytes), capacity: Number(capacity) }, name);
  const reader = new StreamReader(place.arena, place.consume());
  await Bun.write(Bun.stdout, "joined\n");
  reader.readUntil(Number(until), 30_000);
  await Bun.write(Bun.stdout, `${JSON.stringify(reader.seen())}\n`);
}
