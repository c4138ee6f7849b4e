// Slots for queued packets: each holds a digest and the packet behind it. A slot is claimed, filled, and released when its
// packet has ended. What a slot holds stays readable after its release, until it is claimed again.

import type { QueueRegion } from "../shape/layout.ts";

export class SlotPool {
  /** Arena offset of slot 0. */
  readonly base: number;
  readonly slotBytes: number;

  readonly #free: Uint32Array;
  #count: number;

  constructor(buffer: ArrayBufferLike, { slotsAt, slotBytes, slotCount, freeAt }: QueueRegion) {
    this.base = slotsAt;
    this.slotBytes = slotBytes;
    this.#free = new Uint32Array(buffer, freeAt, slotCount);
    for (let i = 0; i < slotCount; i++) this.#free[i] = slotCount - 1 - i;
    this.#count = slotCount;
  }

  /** Free slots. */
  get free(): number {
    return this.#count;
  }

  /** @returns a slot that is the caller's until it is released. There is always one: there are twice as many as packets. */
  claim(): number {
    this.#count -= 1;
    return this.#free[this.#count];
  }

  release(slot: number): void {
    this.#free[this.#count++] = slot;
  }

  /** @returns arena offset of a slot: the digest, then the packet */
  at(slot: number): number {
    return this.base + slot * this.slotBytes;
  }
}
