// Rows of senders and their scores, as readers on other threads give them: what checkpoint, statistics and database go by.

export abstract class ScoreRows {
  /** Rows of the last copy. */
  abstract size: number;

  /** Copies the rows. @returns false if no consistent copy could be had */
  abstract read(): boolean;

  abstract score(row: number): number;

  /** A key's bytes: a payer's 32, or an address's 8 (the IPv4 octets and four zeros, or half an IPv6 address). */
  abstract key(row: number): Uint8Array;

  /** What a row's score was made of, where the model keeps such. */
  evidence(_row: number): Readonly<Record<string, number>> | undefined {
    return undefined;
  }

  abstract isIpv6(row: number): boolean;

  /** @returns the rows of the `count` highest scores, falling; of equal ones the first row first */
  best(count: number): number[] {
    return this.#ranked((a, b) => this.score(b) - this.score(a) || a - b, count);
  }

  /** @returns the rows of the `count` lowest scores, rising; of equal ones the first row first */
  worst(count: number): number[] {
    return this.#ranked((a, b) => this.score(a) - this.score(b) || a - b, count);
  }

  /** One pass with the best so far beside it: a table of a million senders is not sorted for ten of them. */
  #ranked(order: (a: number, b: number) => number, count: number): number[] {
    const ranked: number[] = [];
    for (let row = 0; row < this.size; row++) {
      if (ranked.length >= count && (count === 0 || order(row, ranked[count - 1]) > 0)) continue;
      let place = ranked.length;
      while (place > 0 && order(row, ranked[place - 1]) < 0) place -= 1;
      ranked.splice(place, 0, row);
      if (ranked.length > count) ranked.pop();
    }
    return ranked;
  }
}
