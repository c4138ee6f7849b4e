// A run's history as one number: every event folded in, in order. Two runs with the same hash had the same history.

import { mix32 } from "./random.ts";

export class History {
  #low = 0x243f6a88;
  #high = 0x85a308d3;

  add(kind: number, ms: number, value: number): void {
    this.#low = mix32(this.#low ^ value) + Math.imul(kind + 1, 0x9e3779b1);
    this.#high = mix32(this.#high ^ Math.imul(ms | 0, 0x85ebca6b)) ^ this.#low;
  }

  /** 16 hex digits. */
  get hash(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
    return hex(this.#high) + hex(this.#low);
  }
}

export const DELIVERED = 1;
export const FAILED = 2;
export const OUTCOME = 3;
export const CONFIRMED = 4;
export const RESTARTED = 5;
export const COUNTER = 6;
