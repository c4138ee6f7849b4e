// What waits for the database: batches in memory up to a bound, behind that the oldest in the spill file, behind that
// nowhere: dropped and counted. The oldest are sent first.

import { type Batch, batchBytes } from "./batch.ts";
import type { Spill } from "./spill.ts";

export class Backlog {
  /** Records that are lost: they found no place, or the database refuses them. */
  dropped = 0;
  /** Those of them that found no place. */
  overflowed = 0;
  /** Records that went to the spill file. */
  spilled = 0;
  /** Records that were sent from it. */
  replayed = 0;

  readonly #waiting: Batch[] = [];
  #bytes = 0;
  #records = 0;

  /** @param spill undefined: what memory does not hold is dropped */
  constructor(
    private readonly spill: Spill | undefined,
    private readonly memoryBytes: number,
  ) {}

  /** Records that wait, here and in the file. */
  get records(): number {
    return this.#records + (this.spill?.records ?? 0);
  }

  get spillBytes(): number {
    return this.spill?.bytes ?? 0;
  }

  push(batch: Batch): void {
    this.#waiting.push(batch);
    this.#bytes += batchBytes(batch);
    this.#records += batch.count;
    while (this.#bytes > this.memoryBytes && this.#waiting.length > 1) this.#spillOldest();
  }

  /** The oldest batch; it stays until `sent` or `lost`. */
  next(): Batch | undefined {
    return this.spill?.peek() ?? this.#waiting[0];
  }

  /** The batch that `next` gave is in the database. */
  sent(batch: Batch): void {
    if (this.#leave(batch)) this.replayed += batch.count;
  }

  /** The batch that `next` gave can never be. */
  lost(batch: Batch): void {
    this.#leave(batch);
    this.dropped += batch.count;
  }

  /** Puts everything into the spill file: at the end of a run whose database is away. */
  spillAll(): void {
    while (this.#waiting.length > 0) this.#spillOldest();
  }

  #spillOldest(): void {
    const oldest = this.#take();
    if (oldest === undefined) return;
    if (this.spill?.append(oldest) === true) this.spilled += oldest.count;
    else {
      this.dropped += oldest.count;
      this.overflowed += oldest.count;
    }
  }

  /** @returns whether it came from the file */
  #leave(batch: Batch): boolean {
    if (this.#waiting[0] === batch) {
      this.#take();
      return false;
    }
    // Not in memory: it was read from the file, or was spilled while it was under way. Then it is sent again from there,
    // which changes nothing.
    const first = this.spill?.peek();
    if (first === undefined || !sameBatch(first, batch)) return false;
    this.spill?.drop(first);
    return true;
  }

  #take(): Batch | undefined {
    const oldest = this.#waiting.shift();
    if (oldest === undefined) return undefined;
    this.#bytes -= batchBytes(oldest);
    this.#records -= oldest.count;
    return oldest;
  }
}

function sameBatch(a: Batch, b: Batch): boolean {
  return (
    a.kind === b.kind && a.session === b.session && a.count === b.count && Buffer.compare(a.payload, b.payload) === 0
  );
}
